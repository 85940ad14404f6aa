#include "proxy/proxy_mode.h"

namespace ftpscope {

namespace {

constexpr std::string_view kForms =
    "needs reverse:HOST[:PORT], forward, transparent, transparent:tproxy or "
    "transparent:tproxy-nat, and where it listens, "
    "as in forward@:2121";

std::expected<std::vector<HostPort>, std::string> parse_servers(std::string_view text) {
  std::vector<HostPort> servers;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    more = comma != text.npos;
    auto server = parse_host_port(text.substr(0, comma), ProxyMode::kFtpPort);
    if (!server) return std::unexpected(server.error());
    if (server->host.empty() || server->port == 0) {
      return std::unexpected("'" + std::string(text) + "' has a server without a host or a port");
    }
    servers.push_back(std::move(*server));
    if (more) text.remove_prefix(comma + 1);
  }
  if (servers.size() <= ProxyMode::kServersMax) return servers;
  return std::unexpected("has more than " + std::to_string(ProxyMode::kServersMax) + " servers");
}

std::optional<ProxyMode::Kind> kind_from(std::string_view kind, std::string_view argument,
                                         bool has_argument) {
  using enum ProxyMode::Kind;
  if (kind == "reverse" && !argument.empty()) return reverse;
  if (kind == "forward" && !has_argument) return forward;
  if (kind == "transparent" && !has_argument) return transparent;
  if (kind == "transparent" && argument == "tproxy") return tproxy;
  if (kind == "transparent" && argument == "tproxy-nat") return tproxy_nat;
  return std::nullopt;
}

}  // namespace

std::string_view name_of(ProxyMode::Kind kind) {
  switch (kind) {
    case ProxyMode::Kind::reverse: return "reverse";
    case ProxyMode::Kind::forward: return "forward";
    case ProxyMode::Kind::transparent: return "transparent";
    case ProxyMode::Kind::tproxy: return "transparent:tproxy";
    case ProxyMode::Kind::tproxy_nat: return "transparent:tproxy-nat";
  }
  return {};
}

bool uses_tproxy(ProxyMode::Kind kind) {
  return kind == ProxyMode::Kind::tproxy || kind == ProxyMode::Kind::tproxy_nat;
}

bool is_transparent(ProxyMode::Kind kind) {
  return kind == ProxyMode::Kind::transparent || uses_tproxy(kind);
}

std::expected<ProxyMode, std::string> parse_proxy_mode(std::string_view text) {
  const auto at = text.rfind('@');
  const auto what = text.substr(0, at);
  const auto colon = what.find(':');
  const bool has_argument = colon != what.npos;
  const auto argument = has_argument ? what.substr(colon + 1) : std::string_view{};
  const auto kind = kind_from(what.substr(0, colon), argument, has_argument);
  if (!kind) return std::unexpected("'" + std::string(text) + "' " + std::string(kForms));
  ProxyMode mode{*kind, {}, {}};
  if (kind == ProxyMode::Kind::reverse) {
    auto servers = parse_servers(argument);
    if (!servers) return std::unexpected(servers.error());
    mode.servers = std::move(*servers);
  }
  if (at == text.npos) return mode;
  auto listen = parse_host_port(text.substr(at + 1), 0);
  if (!listen) return std::unexpected(listen.error());
  mode.listen = std::move(*listen);
  return mode;
}

std::string to_text(const std::vector<HostPort>& servers) {
  std::string text;
  for (const auto& server : servers) text += (text.empty() ? "" : ",") + to_text(server);
  return text;
}

std::string server_text(const ProxyMode& mode) {
  return mode.servers.empty() ? std::string(name_of(mode.kind)) : to_text(mode.servers);
}

}  // namespace ftpscope
