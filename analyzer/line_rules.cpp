#include "analyzer/line_rules.h"

#include <utf8.h>

#include <algorithm>

#include "analyzer/byte_scan.h"
#include "analyzer/telnet.h"

namespace ftpscope {

bool is_plain_ascii(std::string_view text) {
  return all_bytes(text, [](char c) { return c > 0 && c != '\r'; });
}

bool is_printable_ascii(std::string_view text) {
  return all_bytes(text, [](char c) { return c >= 0x20 && c != 0x7f; });
}

bool is_utf8(std::string_view text) { return utf8::is_valid(text.begin(), text.end()); }

bool has_telnet_commands(std::string_view text) {
  if (!has_telnet(text)) return false;
  const auto stripped = strip_telnet(text);
  return stripped.commands || stripped.dangling;
}

bool is_epsv_all(const Command& command) {
  if (command.name != "EPSV" || command.argument.size() != 3) return false;
  return std::ranges::equal(command.argument, std::string_view("ALL"),
                            [](char a, char b) { return (a & ~0x20) == b; });
}

}  // namespace ftpscope
