// Which server a client asks for, when it is the client that says so (--mode forward): the ways of
// naming one that gateways have taught clients. Pure; every byte string is either a server or a
// sentence that says why not. Nothing is looked up here.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/host_port.h"
#include "analyzer/message.h"

namespace ftpscope {

struct NamedServer {
  static constexpr std::uint16_t kFtpPort = 21;
  static constexpr std::size_t kHostMax = 253;  // RFC 1035 2.3.4, without the root's dot

  HostPort server;
  std::optional<std::string> user;  // what USER says to the server; none: the client says it next
  std::string proxy_user = {};      // of "proxyuser@host,user": nobody asks for it

  bool operator==(const NamedServer&) const = default;
};

// The argument of USER: "user@host", "user@host:port", "user@[2001:db8::1]:port" (the last '@'
// counts, so user may have some in it), and "proxyuser@host:port,user". The error is a reply's
// text.
std::expected<NamedServer, std::string> parse_login_name(std::string_view argument);

// The argument of SITE, OPEN or HOST (RFC 7151 3.1): "host", "host:port", "host port", "[v6]:port".
std::expected<NamedServer, std::string> parse_server_name(std::string_view argument);

// What a command says of a server: none when it is not one of these four.
std::optional<std::expected<NamedServer, std::string>> named_by(const Command& command);

}  // namespace ftpscope
