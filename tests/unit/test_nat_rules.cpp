#include <doctest/doctest.h>

#include "proxy/nat_rules.h"

namespace ftpscope {
namespace {

using Kind = ProxyMode::Kind;

NatRules rules_for(std::vector<NatEntrance> entrances) {
  NatRules rules;
  rules.entrances = std::move(entrances);
  rules.data_low = 40000;
  rules.data_high = 40999;
  return rules;
}

// Without the comments in front.
std::string ruleset(const NatRules& rules) {
  const auto text = nft_ruleset(rules);
  return text.substr(text.find("\ntable") + 1);
}

constexpr std::string_view kStart = R"(table inet ftpscope_nat
delete table inet ftpscope_nat
table inet ftpscope_nat {
)";

TEST_CASE("a port forward to another machine keeps the data ports' numbers") {
  const auto rules = rules_for({{Kind::reverse, parse_ip("10.0.0.5"), 2121}});
  CHECK(ruleset(rules) == std::string(kStart) + R"(  chain nat {
    type nat hook prerouting priority dstnat; policy accept;
    meta nfproto ipv4 fib daddr type local tcp dport 21 dnat ip to 10.0.0.5:2121
    meta nfproto ipv4 fib daddr type local tcp dport 40000-40999 dnat ip to 10.0.0.5
  }
}
)");
  CHECK(routing_script(rules).empty());
}

TEST_CASE("an address of IPv6 stands in brackets only before a port") {
  auto rules = rules_for({{Kind::forward, parse_ip("fd00::5"), 21}});
  rules.interface = "wan0";
  rules.ftp_port = 2100;
  CHECK(ruleset(rules) == std::string(kStart) + R"(  chain nat {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "wan0" meta nfproto ipv6 fib daddr type local tcp dport 2100 dnat ip6 to [fd00::5]:21
    iifname "wan0" meta nfproto ipv6 fib daddr type local tcp dport 40000-40999 dnat ip6 to fd00::5
  }
}
)");
}

TEST_CASE("redirected: data ports only between those who have a control connection") {
  auto rules = rules_for({{Kind::transparent, {}, 2121}});
  rules.interface = "lan0";
  CHECK(ruleset(rules) ==
        std::string(kStart) +
            R"(  # Who speaks FTP with whom: only between these are data ports redirected.
  set sessions4 {
    type ipv4_addr . ipv4_addr
    flags dynamic, timeout
    timeout 1d
    size 65536
  }
  set sessions6 {
    type ipv6_addr . ipv6_addr
    flags dynamic, timeout
    timeout 1d
    size 65536
  }
  chain nat {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "lan0" fib daddr type != local tcp dport 21 update @sessions4 { ip saddr . ip daddr } redirect to :2121
    iifname "lan0" fib daddr type != local tcp dport 40000-40999 ip saddr . ip daddr @sessions4 update @sessions4 { ip saddr . ip daddr } redirect
    iifname "lan0" fib daddr type != local tcp dport 21 update @sessions6 { ip6 saddr . ip6 daddr } redirect to :2121
    iifname "lan0" fib daddr type != local tcp dport 40000-40999 ip6 saddr . ip6 daddr @sessions6 update @sessions6 { ip6 saddr . ip6 daddr } redirect
  }
}
)");
}

TEST_CASE("TPROXY: the proxy's own sockets first, then port 21; no data ports") {
  NatRules rules;
  rules.entrances = {{Kind::tproxy, {}, 2121}};
  rules.mark = 7;
  CHECK(ruleset(rules) == std::string(kStart) + R"(  chain ours {
    socket wildcard 1 return
    meta mark set 7 accept
  }
  chain divert {
    type filter hook prerouting priority mangle; policy accept;
    meta l4proto tcp socket transparent 1 jump ours
    meta nfproto ipv4 fib daddr type != local tcp dport 21 tproxy ip to :2121 meta mark set 7 accept
    meta nfproto ipv6 fib daddr type != local tcp dport 21 tproxy ip6 to :2121 meta mark set 7 accept
  }
}
)");
  CHECK(routing_script(rules) == R"(ip -4 rule add fwmark 7 lookup 7
ip -4 route add local 0.0.0.0/0 dev lo table 7
ip -6 rule add fwmark 7 lookup 7
ip -6 route add local ::/0 dev lo table 7
)");
  CHECK(!needs_data_ports(Kind::tproxy));
}

TEST_CASE("several modes share the table, each with the families of its address") {
  const auto rules = rules_for(
      {{Kind::transparent, parse_ip("10.0.0.1"), 2121}, {Kind::tproxy, parse_ip("fd00::1"), 2122}});
  const auto text = ruleset(rules);
  CHECK(text.find("dnat ip to 10.0.0.1:2121") != std::string::npos);
  CHECK(text.find("tproxy ip6 to [fd00::1]:2122") != std::string::npos);
  CHECK(text.find("sessions6") == std::string::npos);
  CHECK(text.find("tproxy ip to") == std::string::npos);
  CHECK(routing_script(rules).find("-4") == std::string::npos);
}

TEST_CASE("the way back undoes what was told to do, and no more") {
  const auto redirect = nft_ruleset(rules_for({{Kind::transparent, {}, 2121}}));
  CHECK(redirect.find("#   nft delete table inet ftpscope_nat\n") != std::string::npos);
  CHECK(redirect.find("ip -4 rule") == std::string::npos);
  const auto tproxy = nft_ruleset(rules_for({{Kind::tproxy, parse_ip("10.0.0.1"), 2121}}));
  CHECK(tproxy.find("#   ip -4 rule del fwmark 2121 lookup 2121\n"
                    "#   ip -4 route flush table 2121\n") != std::string::npos);
  CHECK(tproxy.find("ip -6") == std::string::npos);
}

}  // namespace
}  // namespace ftpscope
