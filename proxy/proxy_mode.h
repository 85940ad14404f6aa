// How clients come to a server through the proxy: what `--mode` says. Plain data; which server a
// session gets is decided elsewhere (proxy/io/server_locator.h).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/host_port.h"

namespace ftpscope {

struct ProxyMode {
  enum class Kind : std::uint8_t {
    reverse,      // always the same server, or one of several
    forward,      // the login names the server
    transparent,  // where the client wanted to go before the connection was redirected to us
    tproxy,       // the same, and each side sees the other's addresses, not ours
    tproxy_nat,   // the same towards the client; the server sees us
  };
  static constexpr std::uint16_t kFtpPort = 21;
  static constexpr std::size_t kServersMax = 64;  // of one mode

  Kind kind = Kind::reverse;
  std::vector<HostPort> servers;   // of reverse: one at least
  std::optional<HostPort> listen;  // none: where --listen says

  bool operator==(const ProxyMode&) const = default;
};

std::string_view name_of(ProxyMode::Kind kind);

// Whether it listens for connections to other machines, with the kernel's TPROXY.
bool uses_tproxy(ProxyMode::Kind kind);
bool is_transparent(ProxyMode::Kind kind);

// KIND[:ARGUMENT][@[ADDRESS]:PORT]: "reverse:ftp.example.org,[2001:db8::1]:2121@:21",
// "forward@:2121", "transparent:tproxy". The error is a sentence.
std::expected<ProxyMode, std::string> parse_proxy_mode(std::string_view text);

// "ftp.example.org:21", "a:21,b:21"
std::string to_text(const std::vector<HostPort>& servers);

// What the first line on stdout says of a session's server: these, or the kind of mode.
std::string server_text(const ProxyMode& mode);

}  // namespace ftpscope
