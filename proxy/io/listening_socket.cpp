#include "proxy/io/listening_socket.h"

#include <sys/socket.h>
#include <uv.h>

#include <cerrno>

#include "proxy/io/socket_address.h"
#include "proxy/io/transparent_socket.h"

namespace ftpscope {

std::expected<Descriptor, std::string> bind_socket(const Endpoint& address, ProxyMode::Kind kind,
                                                   bool shared) {
  const bool v6 = address.ip.v6;
  Descriptor bound(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (bound.get() < 0) return std::unexpected(cannot_listen(address, errno));
  const int on = 1;
  const int off = 0;
  setsockopt(bound.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared) setsockopt(bound.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (v6) setsockopt(bound.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (uses_tproxy(kind) && make_transparent(bound.get(), v6) != 0) {
    return std::unexpected("--mode " + std::string(name_of(kind)) +
                           " needs root, or CAP_NET_RAW: the kernel "
                           "refuses sockets at other machines' addresses");
  }
  const auto place = to_socket_address(address);
  if (bind(bound.get(), place.get(), place.size) != 0) {
    return std::unexpected(cannot_listen(address, errno));
  }
  return bound;
}

std::string cannot_listen(const Endpoint& address, int error) {
  const auto hint = error == EADDRINUSE ? "; stop what listens there or choose another port"
                    : error == EACCES   ? "; ports below 1024 need root"
                                        : "";
  return "cannot listen on " + to_text(address) + ": " +
         uv_strerror(uv_translate_sys_error(error)) + hint;
}

}  // namespace ftpscope
