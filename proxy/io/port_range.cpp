#include "proxy/io/port_range.h"

#include <sys/socket.h>

#include <cerrno>
#include <functional>

#include "proxy/io/socket_address.h"
#include "proxy/io/transparent_socket.h"

namespace ftpscope {

namespace {

// Tries one after the other, until one is not in use. `take`: 0, or why not.
int take_first_free(const ListenAt& where, const std::function<int(const Endpoint&)>& take) {
  const auto [low, high] = where.ports;
  const int ports = low == 0 ? 1 : high - low + 1;
  for (int i = 0; i < ports; ++i) {
    const int port = low == 0 ? 0 : low + (where.first - low + i) % ports;
    const int status = take({where.address, static_cast<std::uint16_t>(port)});
    if (status != UV_EADDRINUSE) return status;
  }
  return UV_EADDRINUSE;
}

}  // namespace

PortRange share_of(const PortRange& range, std::size_t worker, std::size_t workers) {
  if (range.low == 0) return range;
  const auto count = std::size_t{range.high} - range.low + 1;
  const auto port = [&](std::size_t part) {
    return static_cast<std::uint16_t>(range.low + count * part / workers);
  };
  return {port(worker), static_cast<std::uint16_t>(port(worker + 1) - 1)};
}

std::expected<UvPtr<uv_tcp_t>, int> listen_at(uv_loop_t* loop, void* owner, const ListenAt& where,
                                              uv_connection_cb on_connection) {
  constexpr int kBacklog = 16;  // strangers may stand in front of the peer
  UvPtr<uv_tcp_t> listener;
  const int status = take_first_free(where, [&](const Endpoint& local) {
    listener = make_tcp_socket(loop, owner, local.ip.v6);
    int result = where.foreign ? make_transparent(descriptor(listener), local.ip.v6) : 0;
    if (result == 0) result = uv_tcp_bind(listener.get(), to_socket_address(local).get(), 0);
    return result != 0 ? result : uv_listen(stream(listener), kBacklog, on_connection);
  });
  if (status != 0) return std::unexpected(status);
  return listener;
}

std::expected<std::unique_ptr<Descriptor>, int> hold_port(const ListenAt& where) {
  const int family = where.address.v6 ? AF_INET6 : AF_INET;
  auto held =
      std::make_unique<Descriptor>(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (held->get() < 0) return std::unexpected(uv_translate_sys_error(errno));
  const int status = take_first_free(where, [&](const Endpoint& local) {
    const auto address = to_socket_address(local);
    return bind(held->get(), address.get(), address.size) == 0 ? 0 : uv_translate_sys_error(errno);
  });
  if (status != 0) return std::unexpected(status);
  return held;
}

}  // namespace ftpscope
