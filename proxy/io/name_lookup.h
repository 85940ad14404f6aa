// From a server's name to its addresses, without blocking the loop.
#pragma once

#include <uv.h>

#include <expected>
#include <functional>
#include <string_view>
#include <vector>

#include "proxy/io/socket_address.h"

namespace ftpscope {

// Addresses in the order in which they are to be tried (one at least), or why there are none (a
// text of libuv's, which lives for ever). Called once, at once or later.
using AddressesFound =
    std::function<void(const std::expected<std::vector<Endpoint>, std::string_view>&)>;

// One look-up: whoever checks the addresses found and connects to these is safe from a name that
// has others a moment later (threats.md, DNS rebinding).
void look_up(uv_loop_t* loop, const HostPort& server, AddressesFound found);

}  // namespace ftpscope
