#include "proxy/io/transparent_socket.h"

#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "proxy/io/socket_address.h"

namespace ftpscope {

namespace {

constexpr int kOriginalDestinationV6 = 80;  // IP6T_SO_ORIGINAL_DST; its header is not for C++

}  // namespace

std::expected<Endpoint, int> original_destination(int fd, bool v6) {
  SocketAddress found;
  found.size = sizeof found.storage;
  const int status =
      v6 ? getsockopt(fd, SOL_IPV6, kOriginalDestinationV6, &found.storage, &found.size)
         : getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, &found.storage, &found.size);
  if (status != 0) return std::unexpected(errno);
  return to_endpoint(found.get());
}

int make_transparent(int fd, bool v6) {
  const int on = 1;
  const int status = v6 ? setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof on)
                        : setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof on);
  return status == 0 ? 0 : uv_translate_sys_error(errno);
}

UvPtr<uv_tcp_t> make_tcp_from(uv_loop_t* loop, void* owner, const SourceAddress& source) {
  auto tcp = make_tcp_socket(loop, owner, source.ip.v6);
  const int on = 1;
  if (source.port == 0) {
    setsockopt(descriptor(tcp), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  }
  if (source.foreign) static_cast<void>(make_transparent(descriptor(tcp), source.ip.v6));
  uv_tcp_bind(tcp.get(), to_socket_address({source.ip, source.port}).get(), 0);
  return tcp;
}

bool is_own_address(const IpAddress& ip) {
  if (scope_of(ip) == Scope::loopback || scope_of(ip) == Scope::unspecified) return true;
  uv_interface_address_t* addresses = nullptr;
  int count = 0;
  if (uv_interface_addresses(&addresses, &count) != 0) return false;
  const bool own = std::ranges::any_of(
      std::span(addresses, static_cast<std::size_t>(count)), [&ip](const auto& interface) {
        return to_endpoint(reinterpret_cast<const sockaddr*>(&interface.address)).ip == ip;
      });
  uv_free_interface_addresses(addresses, count);
  return own;
}

}  // namespace ftpscope
