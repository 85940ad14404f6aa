// Which servers may be connected to when the client names them (--mode forward). It judges the
// address that a name has turned out to be, which is then the one connected to; nothing is looked
// up here. Without this a forward proxy is a way into every network that it stands in (threats.md
// S17).
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/host_port.h"
#include "analyzer/network.h"

namespace ftpscope {

// --allow-server and --deny-server: a network or a name, and ports.
struct DestinationRule {
  std::string text;                // as given
  std::optional<Network> network;  // else a name
  std::string name;                // lower case; "" is any
  bool below = false;              // "*.example.org": names below it, and not itself
  std::uint16_t first_port = 0;    // 0: none given
  std::uint16_t last_port = 0;

  [[nodiscard]] bool matches(const HostPort& asked, const Endpoint& address) const;
};

// NETWORK, NAME, *.NAME or *; behind it :PORT or :LOW-HIGH, an IPv6 network in brackets then. The
// error is a sentence.
std::expected<DestinationRule, std::string> parse_destination_rule(std::string_view text);

struct DestinationPolicy {
  std::vector<DestinationRule> allow;  // not empty: nothing else
  std::vector<DestinationRule> deny;   // before `allow`
};

// Why this address of the server asked for may not be connected to, for the log; empty: it may.
// Without rules: a port of 1024 or more, 21 or 990; not loopback, link-local, unspecified or
// multicast. Naming a network allows what these would forbid, naming ports allows these; a name
// alone allows neither, for whoever owns the name decides where it points to. `ourselves`: we
// listen there, which nothing allows.
std::string refusal(const DestinationPolicy& policy, const HostPort& asked, const Endpoint& address,
                    bool ourselves);

}  // namespace ftpscope
