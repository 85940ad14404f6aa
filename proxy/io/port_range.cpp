#include "proxy/io/port_range.h"

#include "proxy/io/socket_address.h"
#include "proxy/io/transparent_socket.h"

namespace ftpscope {

std::expected<UvPtr<uv_tcp_t>, int> listen_at(uv_loop_t* loop, void* owner, const ListenAt& where,
                                              uv_connection_cb on_connection) {
  constexpr int kBacklog = 16;  // strangers may stand in front of the peer
  const auto [low, high] = where.ports;
  const int ports = low == 0 ? 1 : high - low + 1;
  for (int i = 0; i < ports; ++i) {
    const int port = low == 0 ? 0 : low + (where.first - low + i) % ports;
    const Endpoint local{where.address, static_cast<std::uint16_t>(port)};
    auto listener = make_tcp_socket(loop, owner, local.ip.v6);
    int status = where.foreign ? make_transparent(descriptor(listener), local.ip.v6) : 0;
    if (status == 0) status = uv_tcp_bind(listener.get(), to_socket_address(local).get(), 0);
    if (status == 0) status = uv_listen(stream(listener), kBacklog, on_connection);
    if (status == 0) return listener;
    if (status != UV_EADDRINUSE) return std::unexpected(status);
  }
  return std::unexpected(static_cast<int>(UV_EADDRINUSE));
}

}  // namespace ftpscope
