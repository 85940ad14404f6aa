// A word of a session, as the promises speak of it.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

namespace ftpscope::fuzz {

inline bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

inline bool is_plain(std::string_view line) {
  return std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7f; });
}

inline std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

}  // namespace ftpscope::fuzz
