// Between Endpoint and the kernel's socket addresses.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <expected>
#include <string>
#include <string_view>

#include "analyzer/endpoint.h"

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

// "host:port", "[v6]:port", "host" (then `default_port`), ":port" (then the host is empty).
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
std::expected<HostPort, std::string> parse_host_port(std::string_view text,
                                                     std::uint16_t default_port);
std::string to_text(const HostPort& address);

}  // namespace ftpscope
