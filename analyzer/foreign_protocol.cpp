#include "analyzer/foreign_protocol.h"

#include <algorithm>
#include <array>

namespace ftpscope {

namespace {

constexpr auto kHttpMethods = std::to_array<std::string_view>(
    {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PRI"});

bool is_printable(char c) { return c > 0x20 && c < 0x7f; }

// The first line of version 1; and the third "line" of version 2's signature (proxy_header.h).
bool is_of_proxy_header(const Command& command) {
  const auto text = command.line.text();
  return text.starts_with("PROXY TCP4 ") || text.starts_with("PROXY TCP6 ") ||
         text.starts_with("PROXY UNKNOWN") || text == std::string_view("\0", 1);
}

}  // namespace

std::optional<std::string_view> foreign_protocol(const Command& command) {
  if (command.verb) return std::nullopt;
  const auto name = command.name;
  if (is_of_proxy_header(command)) return kProxyProtocol;
  if (std::ranges::find(kHttpMethods, name) != kHttpMethods.end()) return "HTTP";
  if (name == "EHLO" || name == "HELO") return "SMTP";
  if (name.starts_with("SSH-")) return "SSH";
  if (!std::ranges::all_of(name, is_printable)) return "binary data";
  return std::nullopt;
}

}  // namespace ftpscope
