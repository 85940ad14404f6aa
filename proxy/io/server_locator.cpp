#include "proxy/io/server_locator.h"

#include <algorithm>

#include "proxy/io/transparent_socket.h"

namespace ftpscope {

bool is_ourselves(const Endpoint& address, const std::vector<Endpoint>& listening) {
  return std::ranges::any_of(listening, [&address](const Endpoint& place) {
    if (address.port != place.port) return false;
    const bool everywhere = scope_of(place.ip) == Scope::unspecified;
    // 0.0.0.0 leads to wherever this machine listens.
    const bool anywhere = scope_of(address.ip) == Scope::unspecified;
    return address.ip == place.ip || anywhere || (everywhere && is_own_address(address.ip));
  });
}

std::string NamedServers::screen(const HostPort& server, std::vector<Endpoint>& found) {
  std::string why;
  std::erase_if(found, [&](const Endpoint& address) {
    auto refused = refusal(policy_, server, address, is_ourselves(address, listening_));
    if (refused.empty()) return false;
    if (why.empty()) why = std::move(refused);
    return true;
  });
  return why;
}

}  // namespace ftpscope
