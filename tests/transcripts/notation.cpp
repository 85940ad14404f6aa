#include "tests/transcripts/notation.h"

#include <utf8.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace ftpscope::transcripts {

namespace {

constexpr std::size_t kShortestRun = 48;  // shorter ones are easier to read in full

std::string escaped_byte(unsigned char c) {
  switch (c) {
    case '\r': return "\\r";
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '\0': return "\\0";
    case '\\': return "\\\\";
    default: break;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  return {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
}

bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '\\'; }

// Letters of any script. What moves a cursor or turns text around is written as bytes.
bool is_visible(char32_t c) {
  const bool moves = c == 0x61c || (c >= 0x2000 && c <= 0x206f) || c == 0x3000 || c == 0xfeff;
  return c > 0xa0 && !moves;
}

// The length of the visible UTF-8 character that `text` starts with, or 0.
std::size_t visible_length(std::string_view text) {
  auto at = text.begin();
  try {
    const auto c = utf8::next(at, text.end());
    return is_visible(static_cast<char32_t>(c)) ? static_cast<std::size_t>(at - text.begin()) : 0;
  } catch (const utf8::exception&) {
    return 0;
  }
}

std::size_t run_length(std::string_view text) {
  return std::min(text.find_first_not_of(text[0]), text.size());
}

int hex_digit(char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto at = kHex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
  return at == kHex.npos ? -1 : static_cast<int>(at);
}

[[noreturn]] void complain(std::string_view text) {
  throw std::runtime_error("cannot read the escape at \"" + std::string(text.substr(0, 20)) + "\"");
}

// \(40000*a) or \(1000*\xff): `text` starts behind the parenthesis. Returns what it took.
std::size_t read_run(std::string_view text, std::string& out) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const auto star = static_cast<std::size_t>(end - text.data());
  const auto close = text.find(')', star);
  if (error != std::errc{} || close == text.npos || text[star] != '*') complain(text);
  const auto piece = unescaped(text.substr(star + 1, close - star - 1));
  for (std::size_t i = 0; i < count; ++i) out += piece;
  return close + 1;
}

}  // namespace

std::string escaped(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto rest = bytes.substr(i);
    const auto c = static_cast<unsigned char>(rest[0]);
    const auto shown = is_plain(c) ? std::string(1, rest[0]) : escaped_byte(c);
    if (const auto run = run_length(rest); run >= kShortestRun) {
      text += "\\(" + std::to_string(run) + "*" + shown + ")";
      i += run;
    } else if (const auto visible = c < 0x80 ? 0 : visible_length(rest); visible > 0) {
      text += rest.substr(0, visible);
      i += visible;
    } else {
      text += shown;
      ++i;
    }
  }
  if (text.ends_with(' ')) text.replace(text.size() - 1, 1, "\\x20");
  return text;
}

std::string unescaped(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    const auto rest = text.substr(i + 1);
    if (rest.empty()) complain(text.substr(i));
    constexpr std::string_view kNames = "rnt0\\";
    constexpr std::string_view kBytes("\r\n\t\0\\", 5);
    if (const auto name = kNames.find(rest[0]); name != kNames.npos) {
      bytes += kBytes[name];
      ++i;
    } else if (rest[0] == 'x' && rest.size() > 2 && hex_digit(rest[1]) >= 0 &&
               hex_digit(rest[2]) >= 0) {
      bytes += static_cast<char>(hex_digit(rest[1]) * 16 + hex_digit(rest[2]));
      i += 3;
    } else if (rest[0] == '(') {
      i += 1 + read_run(rest.substr(1), bytes);
    } else {
      complain(rest);
    }
  }
  return bytes;
}

std::optional<std::chrono::microseconds> parse_duration(std::string_view text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit == "us") return std::chrono::microseconds(number);
  if (unit == "ms") return std::chrono::milliseconds(number);
  if (unit == "s") return std::chrono::seconds(number);
  if (unit == "m") return std::chrono::minutes(number);
  if (unit == "h") return std::chrono::hours(number);
  return std::nullopt;
}

std::string to_text(std::chrono::microseconds duration) {
  const auto us = duration.count();
  if (us % 1'000'000 == 0) return std::to_string(us / 1'000'000) + "s";
  if (us % 1'000 == 0) return std::to_string(us / 1'000) + "ms";
  return std::to_string(us) + "us";
}

}  // namespace ftpscope::transcripts
