#include "proxy/destination_policy.h"

#include <algorithm>
#include <cctype>

#include "analyzer/address_rules.h"

namespace ftpscope {

namespace {

constexpr std::uint16_t kFtpPort = 21;
constexpr std::uint16_t kImplicitTlsPort = 990;  // RFC 4217's predecessor
constexpr std::uint16_t kLastPort = 65535;

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  if (result.ends_with('.')) result.pop_back();  // the root's dot
  return result;
}

std::string_view why_unusual(Scope scope) {
  switch (scope) {
    case Scope::loopback: return "is a loopback address";
    case Scope::link: return "is a link-local address";
    case Scope::unspecified: return "is no address of a host";
    case Scope::multicast: return "is a multicast address";
    case Scope::global:
    case Scope::site: break;
  }
  return {};
}

bool is_usual_port(std::uint16_t port) {
  return port == kFtpPort || port == kImplicitTlsPort || port >= kFirstUnreservedPort;
}

// Where the ports begin, behind a colon that is not one of an IPv6 address.
std::size_t port_colon(std::string_view text) {
  if (text.starts_with('[')) {
    const auto close = text.find("]:");
    return close == text.npos ? text.npos : close + 1;
  }
  return std::ranges::count(text, ':') == 1 ? text.find(':') : text.npos;
}

bool read_ports(std::string_view text, DestinationRule& rule) {
  if (text == "*") {
    rule.first_port = 1;
    rule.last_port = kLastPort;
    return true;
  }
  const auto dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == text.npos ? first : parse_port(text.substr(dash + 1));
  if (!first || !last || *first == 0 || *last < *first) return false;
  rule.first_port = *first;
  rule.last_port = *last;
  return true;
}

}  // namespace

bool DestinationRule::matches(const HostPort& asked, const Endpoint& address) const {
  if (first_port != 0 && (address.port < first_port || address.port > last_port)) return false;
  if (network) return network->contains(address.ip);
  if (name.empty()) return true;
  const auto host = lower(asked.host);
  return below ? host.ends_with("." + name) : host == name;
}

std::expected<DestinationRule, std::string> parse_destination_rule(std::string_view text) {
  DestinationRule rule;
  rule.text = text;
  const auto colon = port_colon(text);
  auto host = text.substr(0, colon);
  const bool ports = colon == text.npos || read_ports(text.substr(colon + 1), rule);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  rule.network = parse_network(host);
  rule.below = !rule.network && host.starts_with("*.");
  if (!rule.network && host != "*") rule.name = lower(rule.below ? host.substr(2) : host);
  const bool known = rule.network || host == "*" ||
                     (!rule.name.empty() && rule.name.find_first_of("*/[]:@, ") == rule.name.npos);
  if (ports && known) return rule;
  return std::unexpected("'" + rule.text +
                         "' needs a network or a name, and ports if any, as in 10.0.0.0/8, "
                         "ftp.example.org:2121, *.example.org:1024-65535 or [2001:db8::]/32");
}

std::string refusal(const DestinationPolicy& policy, const HostPort& asked, const Endpoint& address,
                    bool ourselves) {
  const auto matching = [&](const std::vector<DestinationRule>& rules, const auto& also) {
    return std::ranges::find_if(
        rules, [&](const auto& rule) { return rule.matches(asked, address) && also(rule); });
  };
  const auto any = [](const DestinationRule&) { return true; };
  const auto where = to_text(address) + " ";
  if (ourselves) return where + "is this proxy itself";
  if (const auto rule = matching(policy.deny, any); rule != policy.deny.end()) {
    return where + "is forbidden by --deny-server " + rule->text;
  }
  if (!policy.allow.empty() && matching(policy.allow, any) == policy.allow.end()) {
    return where + "is allowed by no --allow-server";
  }
  const auto names_network = [](const DestinationRule& rule) { return rule.network.has_value(); };
  const auto names_ports = [](const DestinationRule& rule) { return rule.first_port != 0; };
  const auto unusual = why_unusual(scope_of(address.ip));
  if (!unusual.empty() && matching(policy.allow, names_network) == policy.allow.end()) {
    return where + std::string(unusual) + ": --allow-server with its network would allow it";
  }
  if (!is_usual_port(address.port) && matching(policy.allow, names_ports) == policy.allow.end()) {
    return where +
           "has a port below 1024 that is not 21 or 990: --allow-server with the port would "
           "allow it";
  }
  return {};
}

}  // namespace ftpscope
