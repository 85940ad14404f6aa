#include "analyzer/json_text.h"

#include <utf8.h>

#include <algorithm>
#include <array>

#include "analyzer/byte_scan.h"
#include "analyzer/record_json.h"

namespace ftpscope {

namespace {

bool is_plain(char c) { return c >= 0x20 && c != 0x7f && c != '"' && c != '\\'; }

bool must_escape(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) return true;
  if (c == 0x2028 || c == 0x2029) return true;
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

void append_escape(std::string& out, char32_t c) {
  if (c == '\r' || c == '\n' || c == '\t') {
    out += c == '\r' ? "\\r" : c == '\n' ? "\\n" : "\\t";
    return;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(c >> shift) & 0xf];
}

void append_plain_string(std::string& out, std::string_view text) {
  const auto before = out.size();
  out.resize_and_overwrite(before + text.size() + 2, [&](char* all, std::size_t) {
    auto* at = all + before;
    *at++ = '"';
    at += text.copy(at, text.size());
    *at++ = '"';
    return static_cast<std::size_t>(at - all);  // g++ 12 may tell a size that is larger
  });
}

}  // namespace

bool is_word(std::string_view text) { return all_bytes(text, is_plain); }

void append_json_string(std::string& out, std::string_view text) {
  if (is_word(text)) return append_plain_string(out, text);
  out += '"';
  for (auto at = text.begin(); at != text.end();) {
    auto begin = at;
    at = std::find_if_not(at, text.end(), is_plain);
    out.append(begin, at);
    if (at == text.end()) break;
    begin = at;
    const char32_t c = utf8::unchecked::next(at);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (must_escape(c)) {
      append_escape(out, c);
    } else {
      out.append(begin, at);
    }
  }
  out += '"';
}

void append_json_bytes(std::string& out, std::string_view bytes) {
  if (is_word(bytes)) {
    append_plain_string(out, bytes);
  } else if (utf8::is_valid(bytes.begin(), bytes.end())) {
    append_json_string(out, bytes);
  } else {
    out += "{\"base64\":";
    append_plain_string(out, base64(bytes));
    out += '}';
  }
}

std::string base64(std::string_view bytes) {  // RFC 4648 4
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto left = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= left ? kAlphabet[group >> (18 - 6 * k) & 0x3f] : '=';
    }
  }
  return out;
}

}  // namespace ftpscope
