// The ports of --data-ports, and what clients are told of them.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>

#include "analyzer/endpoint.h"
#include "proxy/io/descriptor.h"
#include "proxy/io/uv_ptr.h"

namespace ftpscope {

struct PortRange {
  std::uint16_t low = 0;  // 0: the kernel chooses
  std::uint16_t high = 0;
};

// The part of a range that one of `workers` has for itself; none remains none.
PortRange share_of(const PortRange& range, std::size_t worker, std::size_t workers);

// --port-map: something in front of us (a container, a load balancer) passes other ports one to one
// to those that we listen on.
struct PortMap {
  PortRange listened;  // none: what we listen on is what is told
  std::uint16_t told_low = 0;

  [[nodiscard]] std::uint16_t told(std::uint16_t port) const {
    const bool mapped = listened.low != 0 && port >= listened.low && port <= listened.high;
    return mapped ? static_cast<std::uint16_t>(port - listened.low + told_low) : port;
  }
};

struct ListenAt {
  IpAddress address;
  PortRange ports = {};
  int first = 0;         // the port to try first, in the range
  bool foreign = false;  // another machine's address (transparent_socket.h)
};

// Listens at the first free port of the range; 0 in the range: at any. `owner` is the handle's
// data. The error is libuv's; UV_EADDRINUSE: none is free.
std::expected<UvPtr<uv_tcp_t>, int> listen_at(uv_loop_t* loop, void* owner, const ListenAt& where,
                                              uv_connection_cb on_connection);

// The same, but only takes the port: whoever connects to it is refused, and nobody else gets it.
std::expected<std::unique_ptr<Descriptor>, int> hold_port(const ListenAt& where);

}  // namespace ftpscope
