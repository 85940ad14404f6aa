#include "analyzer/text_scan.h"

#include <algorithm>
#include <array>
#include <span>

namespace ftpscope {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hexadecimal(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::size_t letters_length(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_letter) - text.begin());
}

// `shape`: 0 is a digit, - is a hyphen or a slash, anything else itself.
bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() < shape.size()) return false;
  const auto fits = [](char c, char s) {
    if (s == '0') return is_digit(c);
    if (s == '-') return c == '-' || c == '/';
    return c == s;
  };
  return std::ranges::equal(text.substr(0, shape.size()), shape, fits) &&
         (text.size() == shape.size() || !is_digit(text[shape.size()]));
}

// The word at the beginning, if it is one of these or its first three letters.
std::size_t name_length(std::string_view text, std::span<const std::string_view> names) {
  constexpr std::size_t kShort = 3;
  const auto word = text.substr(0, letters_length(text));
  const bool known = std::ranges::any_of(
      names, [&](std::string_view name) { return word == name || word == name.substr(0, kShort); });
  return known ? word.size() : 0;
}

// Several numbers of one to three digits with `mark` between.
std::size_t groups_length(std::string_view text, std::size_t count, char mark) {
  constexpr std::size_t kDigitsMax = 3;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && (at >= text.size() || text[at] != mark)) return 0;
    if (i > 0) ++at;
    const auto digits = digits_length(text.substr(at));
    if (digits == 0 || digits > kDigitsMax) return 0;
    at += digits;
  }
  return at;
}

}  // namespace

std::size_t digits_length(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
}

std::size_t number_length(std::string_view text) {
  auto length = digits_length(text);
  while (length > 0 && length + 1 < text.size() && (text[length] == '.' || text[length] == ',') &&
         is_digit(text[length + 1])) {
    length += 1 + digits_length(text.substr(length + 1));
  }
  return length;
}

std::size_t time_length(std::string_view text) {
  const auto hours = digits_length(text);
  if (hours == 0 || hours > 2 || !has_shape(text.substr(hours), ":00")) return 0;
  auto length = hours + 3;
  if (has_shape(text.substr(length), ":00")) {
    length += 3;
    if (text.size() > length && text[length] == '.') {
      const auto fraction = digits_length(text.substr(length + 1));
      if (fraction > 0) length += 1 + fraction;
    }
  }
  const auto half = text.substr(length, 2);
  return half == "AM" || half == "PM" || half == "am" || half == "pm" ? length + 2 : length;
}

std::size_t date_length(std::string_view text) {
  constexpr std::array<std::string_view, 4> kShapes = {"0000-00-00", "00-00-0000", "00-00-00",
                                                       "00000000000000"};
  for (const auto shape : kShapes) {
    if (!has_shape(text, shape)) continue;
    const auto rest = text.substr(shape.size());
    const bool whole = shape.find('-') == shape.npos;
    const auto fraction = whole && rest.starts_with('.') ? digits_length(rest.substr(1)) : 0;
    return shape.size() + (fraction > 0 ? 1 + fraction : 0);
  }
  return 0;
}

std::size_t month_length(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  return name_length(text, kMonths);
}

std::size_t weekday_length(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kDays = {
      "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
  return name_length(text, kDays);
}

std::size_t ip_length(std::string_view text) {
  const auto of_ip = [](char c) { return is_hexadecimal(c) || c == ':' || c == '.'; };
  const auto end = std::ranges::find_if_not(text, of_ip);
  auto word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  while (word.ends_with('.')) word.remove_suffix(1);
  constexpr std::ptrdiff_t kColons = 7;
  const bool six =
      word.size() > 2 && (word.find("::") != word.npos || std::ranges::count(word, ':') == kColons);
  return six ? word.size() : groups_length(text, 4, '.');
}

std::size_t ftp_address_length(std::string_view text) {
  constexpr std::size_t kGroups = 6;
  if (const auto length = groups_length(text, kGroups, ','); length > 0) return length;
  if (!text.starts_with('|')) return 0;
  std::size_t at = 0;
  for (int bar = 0; bar < 3; ++bar) {
    const auto next = text.find('|', at + 1);
    constexpr std::size_t kPartMax = 46;  // the longest IPv6 address and a scope
    if (next == text.npos || next - at > kPartMax) return 0;
    const auto part = text.substr(at + 1, next - at - 1);
    const bool last = bar == 2;
    if (last ? part.empty() || digits_length(part) != part.size()
             : ip_length(part) != part.size() && digits_length(part) != part.size()) {
      return 0;
    }
    at = next;
  }
  return at + 1;
}

}  // namespace ftpscope
