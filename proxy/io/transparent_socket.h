// What Linux has for proxies that nobody sees: where a redirected connection wanted to go, and
// sockets that stand at another machine's address.
#pragma once

#include <uv.h>

#include <expected>

#include "analyzer/endpoint.h"
#include "proxy/io/uv_ptr.h"

namespace ftpscope {

// Where the client of an accepted connection connected to, before nftables redirected it (conntrack
// knows; `ip` and `ip6` tables alike). `v6`: what the client is; of an IPv6 socket, too, an IPv4
// client is asked for as IPv4, which is what conntrack saw. The error is an errno: ENOENT when
// conntrack does not know the connection.
std::expected<Endpoint, int> original_destination(int fd, bool v6);

// Before bind(): the socket may have any address (IP_TRANSPARENT, ip(7)). Needs CAP_NET_RAW or
// CAP_NET_ADMIN. 0, or a status of libuv's.
[[nodiscard]] int make_transparent(int fd, bool v6);

struct SourceAddress {
  IpAddress ip;
  bool foreign = false;    // another machine's
  std::uint16_t port = 0;  // 0: the kernel chooses it at the connecting
};

// A socket that will connect from this address. What goes wrong is told by the connecting; but a
// port that must not be used is not there (local_endpoint). Many sockets may share one.
UvPtr<uv_tcp_t> make_tcp_from(uv_loop_t* loop, void* owner, const SourceAddress& source);

// Whether packets to this address end at this machine.
bool is_own_address(const IpAddress& ip);

}  // namespace ftpscope
