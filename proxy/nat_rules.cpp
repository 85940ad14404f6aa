#include "proxy/nat_rules.h"

#include <algorithm>
#include <string_view>

namespace ftpscope {

namespace {

using Kind = ProxyMode::Kind;

struct Family {
  std::string_view name;   // as rules name an address: "ip saddr"
  std::string_view match;  // in front of a rule for this family only
  std::string_view sessions;
  std::string_view address_type;
  std::string_view everything;  // as a network
  std::string_view option;      // of ip(8)
  bool v6 = false;
};
constexpr Family kFamilies[] = {
    {"ip", "meta nfproto ipv4 ", "sessions4", "ipv4_addr", "0.0.0.0/0", "-4", false},
    {"ip6", "meta nfproto ipv6 ", "sessions6", "ipv6_addr", "::/0", "-6", true},
};

bool has_family(const NatEntrance& entrance, const Family& family) {
  return !entrance.address || entrance.address->v6 == family.v6;
}

bool redirects(Kind kind) { return kind == Kind::transparent; }

using OfKind = bool (*)(Kind);

bool has(const NatRules& rules, OfKind of_kind) {
  return std::ranges::any_of(rules.entrances, of_kind, &NatEntrance::kind);
}

bool has(const NatRules& rules, OfKind of_kind, const Family& family) {
  return std::ranges::any_of(rules.entrances, [&](const NatEntrance& entrance) {
    return of_kind(entrance.kind) && has_family(entrance, family);
  });
}

std::string quoted_interface(const NatRules& rules) {
  return rules.interface.empty() ? "" : "iifname \"" + rules.interface + "\" ";
}

std::string data_ports(const NatRules& rules) {
  return std::to_string(rules.data_low) + "-" + std::to_string(rules.data_high);
}

std::string line(const std::string& text) { return "    " + text + "\n"; }

// "ip saddr . ip daddr": the client and the server that it means.
std::string pair_of(const Family& family) {
  return std::string(family.name) + " saddr . " + std::string(family.name) + " daddr";
}

// "redirect to :2121", "dnat ip to 10.0.0.5:2121".
std::string control_target(const NatEntrance& entrance, const Family& family) {
  if (!entrance.address) return "redirect to :" + std::to_string(entrance.port);
  return "dnat " + std::string(family.name) + " to " +
         to_text(Endpoint{*entrance.address, entrance.port});
}

std::string data_target(const NatEntrance& entrance, const Family& family) {
  if (!entrance.address) return "redirect";
  return "dnat " + std::string(family.name) + " to " + to_text(*entrance.address);
}

// The ports keep their numbers: they are what the proxy tells in 227 and 229.
std::string addressed_rules(const NatRules& rules, const NatEntrance& entrance,
                            const Family& family) {
  const auto match =
      quoted_interface(rules) + std::string(family.match) + "fib daddr type local tcp dport ";
  return line(match + std::to_string(rules.ftp_port) + " " + control_target(entrance, family)) +
         line(match + data_ports(rules) + " " + data_target(entrance, family));
}

std::string redirect_rules(const NatRules& rules, const NatEntrance& entrance,
                           const Family& family) {
  const auto pair = pair_of(family);
  const auto set = "@" + std::string(family.sessions);
  const auto match = quoted_interface(rules) + "fib daddr type != local tcp dport ";
  const auto update = " update " + set + " { " + pair + " } ";
  return line(match + std::to_string(rules.ftp_port) + update + control_target(entrance, family)) +
         line(match + data_ports(rules) + " " + pair + " " + set + update +
              data_target(entrance, family));
}

std::string session_set(const Family& family) {
  const std::string type(family.address_type);
  return "  set " + std::string(family.sessions) + " {\n" + line("type " + type + " . " + type) +
         line("flags dynamic, timeout") + line("timeout " + std::string(NatRules::kSessionKept)) +
         line("size " + std::to_string(NatRules::kSessionsMax)) + "  }\n";
}

std::string session_sets(const NatRules& rules) {
  std::string text;
  for (const auto& family : kFamilies) {
    if (has(rules, redirects, family)) text += session_set(family);
  }
  if (text.empty()) return text;
  return "  # Who speaks FTP with whom: only between these are data ports redirected.\n" + text;
}

std::string nat_chain(const NatRules& rules) {
  std::string text;
  for (const auto& entrance : rules.entrances) {
    for (const auto& family : kFamilies) {
      if (!has_family(entrance, family)) continue;
      if (!is_transparent(entrance.kind)) text += addressed_rules(rules, entrance, family);
      if (redirects(entrance.kind)) text += redirect_rules(rules, entrance, family);
    }
  }
  if (text.empty()) return text;
  return "  chain nat {\n" + line("type nat hook prerouting priority dstnat; policy accept;") +
         text + "  }\n";
}

std::string mark_and_accept(const NatRules& rules) {
  return "meta mark set " + std::to_string(rules.mark) + " accept";
}

std::string tproxy_rule(const NatRules& rules, const NatEntrance& entrance, const Family& family) {
  const auto port = std::to_string(entrance.port);
  const auto to =
      entrance.address ? to_text(Endpoint{*entrance.address, entrance.port}) : ":" + port;
  return line(quoted_interface(rules) + std::string(family.match) +
              "fib daddr type != local tcp dport " + std::to_string(rules.ftp_port) + " tproxy " +
              std::string(family.name) + " to " + to + " " + mark_and_accept(rules));
}

// Sockets that the proxy has at other machines' addresses come first: they are more exact than the
// port. Its listener is one of them, but at every address ("wildcard"), and stands for no machine.
// That is asked for last and on its own: for a connection that is being set up, the kernel does not
// know, and a rule that asks does not match.
std::string tproxy_chain(const NatRules& rules) {
  if (!has(rules, uses_tproxy)) return {};
  auto text = "  chain ours {\n" + line("socket wildcard 1 return") + line(mark_and_accept(rules)) +
              "  }\n  chain divert {\n" +
              line("type filter hook prerouting priority mangle; policy accept;") +
              line("meta l4proto tcp socket transparent 1 jump ours");
  for (const auto& entrance : rules.entrances) {
    if (!uses_tproxy(entrance.kind)) continue;
    for (const auto& family : kFamilies) {
      if (has_family(entrance, family)) text += tproxy_rule(rules, entrance, family);
    }
  }
  return text + "  }\n";
}

std::string commented(const std::string& script) {
  std::string text;
  for (std::size_t at = 0; at < script.size();) {
    const auto end = script.find('\n', at);
    text += "#   " + script.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text;
}

// One command a family that has TPROXY.
template <class Command>
std::string for_each_family(const NatRules& rules, const Command& command) {
  std::string text;
  for (const auto& family : kFamilies) {
    if (has(rules, uses_tproxy, family)) text += command(family);
  }
  return text;
}

std::string undo_script(const NatRules& rules) {
  const auto number = std::to_string(rules.mark);
  return "nft delete table " + std::string(NatRules::kTable) + "\n" +
         for_each_family(rules, [&number](const Family& family) {
           const auto ip = "ip " + std::string(family.option);
           return ip + " rule del fwmark " + number + " lookup " + number + "\n" + ip +
                  " route flush table " + number + "\n";
         });
}

std::string heading(const NatRules& rules) {
  auto text = std::string("# Brings FTP to ftpscope. Load it with: nft -f -   Loading it again ") +
              "replaces it.\n# The way back:\n" + commented(undo_script(rules));
  if (has(rules, uses_tproxy)) {
    text +=
        "# TPROXY needs these routes as well (ftpscope nat rules --routes prints them for sh):\n" +
        commented(routing_script(rules));
  }
  return text;
}

}  // namespace

bool needs_data_ports(ProxyMode::Kind kind) { return !uses_tproxy(kind); }

std::string nft_ruleset(const NatRules& rules) {
  const auto table = "table " + std::string(NatRules::kTable);
  // Declared before it is deleted, or deleting it would fail the first time.
  return heading(rules) + table + "\ndelete " + table + "\n" + table + " {\n" +
         session_sets(rules) + nat_chain(rules) + tproxy_chain(rules) + "}\n";
}

std::string routing_script(const NatRules& rules) {
  const auto number = std::to_string(rules.mark);
  return for_each_family(rules, [&number](const Family& family) {
    const auto ip = "ip " + std::string(family.option);
    return ip + " rule add fwmark " + number + " lookup " + number + "\n" + ip +
           " route add local " + std::string(family.everything) + " dev lo table " + number + "\n";
  });
}

}  // namespace ftpscope
