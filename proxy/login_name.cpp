#include "proxy/login_name.h"

#include <algorithm>
#include <cctype>

#include "analyzer/endpoint.h"

namespace ftpscope {

namespace {

using Result = std::expected<NamedServer, std::string>;

constexpr std::string_view kHowTo = "USER name@server[:port]";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Letters, digits, '-' and '.', and the '_' that names in use have.
bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
}

std::unexpected<std::string> wrong(std::string_view what) {
  return std::unexpected(std::string(what) + ": " + std::string(kHowTo) + ".");
}

std::expected<HostPort, std::string> server_from(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const auto host_end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && host_end == text.npos) return wrong("The ']' of the IPv6 address is missing");
  HostPort server{std::string(text.substr(bracketed ? 1 : 0, host_end - (bracketed ? 1 : 0))),
                  NamedServer::kFtpPort};
  const auto ip = parse_ip(server.host);
  if (bracketed && (!ip || server.host.find(':') == server.host.npos)) {
    return wrong("There is no IPv6 address between '[' and ']'");
  }
  const bool known = ip || std::ranges::all_of(server.host, is_name_character);
  if (server.host.empty() || server.host.size() > NamedServer::kHostMax || !known) {
    return wrong("That is no name of a server");
  }
  auto rest = host_end == text.npos ? std::string_view{} : text.substr(host_end);
  if (bracketed) rest.remove_prefix(1);
  if (rest.empty()) return server;
  const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port || *port == 0) return wrong("That is no port");
  server.port = *port;
  return server;
}

}  // namespace

Result parse_login_name(std::string_view argument) {
  const auto at = argument.rfind('@');
  if (at == argument.npos) return wrong("Say which server as well");
  auto where = argument.substr(at + 1);
  auto user = argument.substr(0, at);
  std::string_view proxy_user;
  if (const auto comma = where.find(','); comma != where.npos) {  // no name of a server has one
    proxy_user = user;
    user = where.substr(comma + 1);
    where = where.substr(0, comma);
  }
  if (user.empty()) return wrong("The name of the user is missing");
  if (std::ranges::any_of(argument, is_control)) return wrong("That is no name of a user");
  auto server = server_from(where);
  if (!server) return std::unexpected(std::move(server.error()));
  return NamedServer{std::move(*server), std::string(user), std::string(proxy_user)};
}

Result parse_server_name(std::string_view argument) {
  std::string text(argument);
  const bool address = parse_ip(text).has_value();
  if (const auto blank = text.find(' '); blank != text.npos) {
    text[blank] = ':';  // "OPEN host port", as it is typed
  } else if (address && text.find(':') != text.npos) {
    text = "[" + text + "]";
  }
  auto server = server_from(text);
  if (!server) return std::unexpected(std::move(server.error()));
  return NamedServer{std::move(*server), std::nullopt};
}

std::optional<Result> named_by(const Command& command) {
  if (command.meaning() == Meaning::user) return parse_login_name(command.argument);
  const bool names =
      command.meaning() == Meaning::site || command.name == "HOST" || command.name == "OPEN";
  if (!names) return std::nullopt;
  return parse_server_name(command.argument);
}

}  // namespace ftpscope
