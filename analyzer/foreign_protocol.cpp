#include "analyzer/foreign_protocol.h"

#include <algorithm>
#include <array>

namespace ftpscope {

namespace {

constexpr auto kHttpMethods = std::to_array<std::string_view>(
    {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PRI"});

bool is_printable(char c) { return c > 0x20 && c < 0x7f; }

}  // namespace

std::optional<std::string_view> foreign_protocol(const Command& command) {
  if (command.verb) return std::nullopt;
  const auto name = command.name;
  if (std::ranges::find(kHttpMethods, name) != kHttpMethods.end()) return "HTTP";
  if (name == "EHLO" || name == "HELO") return "SMTP";
  if (name.starts_with("SSH-")) return "SSH";
  if (!std::ranges::all_of(name, is_printable)) return "binary data";
  return std::nullopt;
}

}  // namespace ftpscope
