#include "analyzer/reply_syntax.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "analyzer/mlsx_entry.h"

namespace ftpscope {

namespace {

constexpr std::size_t kCodeAndSpace = 4;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

std::string_view behind_code(std::string_view line) {
  return line.substr(std::min(line.size(), kCodeAndSpace));
}

int number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

std::span<const std::string_view> between(std::span<const std::string_view> lines) {
  return lines.size() > 2 ? lines.subspan(1, lines.size() - 2) : lines.first(0);
}

}  // namespace

std::string_view quoted_path_problem(std::string_view line) {
  const auto text = behind_code(line);
  if (!text.starts_with('"')) return "no quotes";
  std::size_t at = 1;
  for (;; at += 2) {
    at = text.find('"', at);
    if (at == text.npos) return "the quotes are not closed";
    const bool doubled = at + 1 < text.size() && text[at + 1] == '"';
    if (!doubled) break;
  }
  const bool closed = at + 1 == text.size() || text[at + 1] == ' ';
  return closed ? std::string_view{} : "a quote in the name is not doubled";
}

std::string_view size_problem(std::string_view line) {
  return is_number(behind_code(line)) ? std::string_view{} : "not a number";
}

bool is_time_value(std::string_view text) {
  constexpr std::size_t kDigits = 14;
  if (text.size() < kDigits || !is_number(text.substr(0, kDigits))) return false;
  const auto fraction = text.substr(kDigits);
  if (!fraction.empty() && !(fraction.starts_with('.') && is_number(fraction.substr(1)))) {
    return false;
  }
  const auto year = std::chrono::year(number(text.substr(0, 4)));
  const auto date = year / number(text.substr(4, 2)) / number(text.substr(6, 2));
  // 60: a leap second.
  return date.ok() && number(text.substr(8, 2)) < 24 && number(text.substr(10, 2)) < 60 &&
         number(text.substr(12, 2)) <= 60;
}

std::string_view modification_time_problem(std::string_view line) {
  return is_time_value(behind_code(line)) ? std::string_view{} : "not a time";
}

const std::string_view* odd_feature(std::span<const std::string_view> lines) {
  const auto odd = [](std::string_view line) {
    return line.size() < 2 || line[0] != ' ' || line[1] <= ' ' || line[1] > '~';
  };
  const auto inner = between(lines);
  const auto found = std::ranges::find_if(inner, odd);
  return found == inner.end() ? nullptr : &*found;
}

std::string_view listed_entry_problem(std::span<const std::string_view> lines) {
  const auto inner = between(lines);
  if (inner.empty()) return "no entry";
  const auto odd = [](std::string_view line) {
    return !line.starts_with(' ') || !is_mlsx_entry(line.substr(1));
  };
  const auto found = std::ranges::find_if(inner, odd);
  return found == inner.end() ? std::string_view{} : *found;
}

}  // namespace ftpscope
