#include "analyzer/mlsx_entry.h"

#include <algorithm>

namespace ftpscope {

namespace {

// RFC 3659 2.1: RCHAR. Neither blanks nor `;` nor `=`, `<`, `>`, `*`, `[`, `]`, `|`, `~`, braces.
bool is_rchar(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool digit = c >= '0' && c <= '9';
  constexpr std::string_view kMarks = ",.:!@#$%^&()-_+?/\\'\"";
  return letter || digit || kMarks.find(c) != kMarks.npos;
}

bool is_schar(char c) { return is_rchar(c) || c == '='; }

bool is_fact(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == text.npos) return false;
  return std::ranges::all_of(text.substr(0, equals), is_rchar) &&
         std::ranges::all_of(text.substr(equals + 1), is_schar);
}

}  // namespace

bool is_mlsx_entry(std::string_view line) {
  while (!line.empty() && line.front() != ' ') {
    const auto semicolon = line.find(';');
    if (semicolon == line.npos || !is_fact(line.substr(0, semicolon))) return false;
    line.remove_prefix(semicolon + 1);
  }
  constexpr std::string_view kNoName("\r\n\0", 3);
  return line.size() > 1 && line.find_first_of(kNoName) == line.npos;
}

}  // namespace ftpscope
