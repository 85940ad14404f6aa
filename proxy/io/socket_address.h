// Between Endpoint and the kernel's socket addresses.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "analyzer/endpoint.h"
#include "analyzer/host_port.h"

namespace ftpscope {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress to_socket_address(const Endpoint& endpoint);
Endpoint to_endpoint(const sockaddr* address);
Endpoint local_endpoint(int fd);
Endpoint peer_endpoint(int fd);

}  // namespace ftpscope
