#include "proxy/io/socket_address.h"

#include <algorithm>

namespace ftpscope {

SocketAddress to_socket_address(const Endpoint& endpoint) {
  SocketAddress result;
  if (endpoint.ip.v6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    std::copy_n(endpoint.ip.bytes.begin(), 16, v6->sin6_addr.s6_addr);
    result.size = sizeof *v6;
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    std::copy_n(endpoint.ip.bytes.begin(), 4, reinterpret_cast<std::uint8_t*>(&v4->sin_addr));
    result.size = sizeof *v4;
  }
  return result;
}

Endpoint to_endpoint(const sockaddr* address) {
  Endpoint endpoint;
  if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(v6->sin6_addr.s6_addr, 16, bytes.begin());
    endpoint.ip = IpAddress::from_v6_bytes(bytes);
    endpoint.port = ntohs(v6->sin6_port);
  } else if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&v4->sin_addr);
    endpoint.ip = IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
    endpoint.port = ntohs(v4->sin_port);
  }
  return endpoint;
}

namespace {

using NameOf = int (*)(int, sockaddr*, socklen_t*);

// The zero endpoint when the connection is gone already.
Endpoint endpoint_of(int fd, NameOf name_of_socket) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (name_of_socket(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
    return {};
  }
  return to_endpoint(address.get());
}

}  // namespace

Endpoint local_endpoint(int fd) { return endpoint_of(fd, getsockname); }
Endpoint peer_endpoint(int fd) { return endpoint_of(fd, getpeername); }

}  // namespace ftpscope
