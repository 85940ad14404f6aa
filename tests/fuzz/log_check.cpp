#include "tests/fuzz/log_check.h"

#include "tests/fuzz/check.h"

namespace ftpscope::fuzz {

namespace {

// The UTF-8 spellings of C1 controls, line separators and bidi marks.
bool is_unsafe(std::string_view at) {
  const auto byte = [at](std::size_t i) {
    return i < at.size() ? static_cast<unsigned char>(at[i]) : 0U;
  };
  if (byte(0) < 0x20 || byte(0) == 0x7f) return true;
  if (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) <= 0x9f) return true;
  if (byte(0) == 0xd8 && byte(1) == 0x9c) return true;  // U+061C
  if (byte(0) != 0xe2) return false;
  if (byte(1) == 0x80 && (byte(2) == 0x8e || byte(2) == 0x8f)) return true;  // U+200E, U+200F
  if (byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae) return true;    // U+2028 to U+202E
  return byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9;              // U+2066 to U+2069
}

}  // namespace

void check_log_line(std::string_view line) {
  check(line.ends_with('\n'), "a record is a line", line);
  line.remove_suffix(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (is_unsafe(line.substr(i, 3))) check(false, "no control character in the log", line);
  }
  check(line.starts_with('{') && nlohmann::json::accept(line), "a record is a JSON object", line);
}

std::string bytes_of(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  check(value.is_object() && value.size() == 1 && value.contains("base64"), "text or base64");
  const auto coded = value["base64"].get<std::string>();
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  check(coded.size() % 4 == 0, "base64 comes in fours", coded);
  std::string bytes;
  unsigned group = 0;
  unsigned bits = 0;
  for (const char c : coded) {
    if (c == '=') break;
    const auto digit = kAlphabet.find(c);
    check(digit != kAlphabet.npos, "a digit of base64", coded);
    group = group << 6U | static_cast<unsigned>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 0xffU);
  }
  return bytes;
}

}  // namespace ftpscope::fuzz
