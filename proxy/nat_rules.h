// The nftables ruleset that brings clients to ftpscope, as text for `nft -f -`, and the routes that
// TPROXY needs besides, as text for sh. From options to text and nothing more: knows no kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/endpoint.h"
#include "proxy/proxy_mode.h"

namespace ftpscope {

// Where ftpscope listens, and for whom. With `reverse` and `forward` clients connect to the machine
// that has the rules, and it passes them on; with the others to servers behind it.
struct NatEntrance {
  ProxyMode::Kind kind = ProxyMode::Kind::reverse;
  std::optional<IpAddress> address;  // none: every one of this machine, IPv4 and IPv6
  std::uint16_t port = 0;
};

struct NatRules {
  static constexpr std::size_t kInterfaceMax = 15;  // bytes of its name, IFNAMSIZ
  static constexpr std::string_view kTable = "inet ftpscope_nat";
  static constexpr std::uint32_t kMark = 2121;
  static constexpr std::uint32_t kSessionsMax = 65536;  // pairs of client and server
  // How long a client's data ports stay redirected after its newest connection.
  static constexpr std::string_view kSessionKept = "1d";

  std::vector<NatEntrance> entrances;
  std::string interface;  // where the clients are; empty: everywhere
  std::uint16_t ftp_port = ProxyMode::kFtpPort;
  std::uint16_t data_low = 0;  // of --data-ports; 0: none
  std::uint16_t data_high = 0;
  std::uint32_t mark = kMark;  // of packets, and the number of the routing table
};

// Whether passive data connections reach the proxy by a rule of their own, so that the rules must
// know --data-ports. With TPROXY they do not: its sockets are recognized.
[[nodiscard]] bool needs_data_ports(ProxyMode::Kind kind);

// In a table of its own; loading it again replaces it. The way back is in a comment.
[[nodiscard]] std::string nft_ruleset(const NatRules& rules);

// What TPROXY needs besides: marked packets are for this machine, whatever their address. Empty:
// nothing.
[[nodiscard]] std::string routing_script(const NatRules& rules);

}  // namespace ftpscope
