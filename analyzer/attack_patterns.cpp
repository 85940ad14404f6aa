#include "analyzer/attack_patterns.h"

#include <utf8.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "analyzer/address_codec.h"
#include "analyzer/line_rules.h"
#include "analyzer/telnet.h"

namespace ftpscope {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 1468 and its kin: `ESC $ B` is the beginning of Japanese text and no threat to a terminal.
bool changes_character_set(std::string_view behind_escape) {
  constexpr auto kKnown =
      std::to_array<std::string_view>({"$@", "$B", "$A", "$(C", "$(D", "(B", "(J", "(I"});
  return std::ranges::any_of(
      kKnown, [&](std::string_view known) { return behind_escape.starts_with(known); });
}

bool has_escape(std::string_view text) {
  for (auto at = text.find('\x1b'); at != text.npos; at = text.find('\x1b', at + 1)) {
    if (!changes_character_set(text.substr(at + 1))) return true;
  }
  return false;
}

// In Latin-1 and many others 0x9b is a letter or a part of one. With digits and a letter behind it,
// or with `[`, it is nothing but CSI (ECMA-48 8.3.16).
bool begins_control_sequence(std::string_view behind) {
  if (behind.starts_with('[')) return true;
  const auto end = behind.find_first_not_of("0123456789;?");
  return end != behind.npos && end > 0 && behind[end] >= '@' && behind[end] <= '~';
}

bool has_bare_csi(std::string_view text) {
  for (auto at = text.find('\x9b'); at != text.npos; at = text.find('\x9b', at + 1)) {
    if (begins_control_sequence(text.substr(at + 1))) return true;
  }
  return false;
}

std::string_view control_in_utf8(std::string_view text) {
  for (auto at = text.begin(); at != text.end();) {
    const auto c = static_cast<std::uint32_t>(utf8::unchecked::next(at));
    if (c >= 0x80 && c <= 0x9f) return "a C1 control";
    if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) return "a bidi mark";
  }
  return {};
}

// BS, DEL and the like. Others have findings of their own (CR, LF, NUL), are blanks (TAB, VT, FF),
// change the character set (SO, SI, ESC), or only make a noise (BEL).
bool has_other_control(std::string_view text) {
  constexpr std::string_view kOwn("\r\n\0\t\v\f\a\x0e\x0f\x1b", 10);
  return std::ranges::any_of(text, [&](char c) {
    const bool control = (c >= 0 && c < ' ') || c == '\x7f';
    return control && kOwn.find(c) == kOwn.npos;
  });
}

std::string_view control_in_text(std::string_view text) {
  if (has_escape(text)) return "ESC";
  if (has_other_control(text)) return "a control character";
  if (is_plain_ascii(text)) return {};
  if (is_utf8(text)) return control_in_utf8(text);
  return has_bare_csi(text) ? "CSI" : std::string_view{};
}

bool has_address(AddressForm form, std::string_view text) {
  return find_address(form, text, IpAddress::v4(192, 0, 2, 1)).has_value();
}

constexpr std::size_t kCode = 3;

bool is_separator(char c) { return c == ' ' || c == '-'; }

// Where a code stands in the text, with no digit before it; what is behind the code and the
// character that separates it. The first one is enough: what follows a later one follows it too.
std::string_view behind_first(std::string_view code, std::string_view text) {
  for (auto at = text.find(code); at != text.npos; at = text.find(code, at + 1)) {
    const bool alone = at == 0 || !is_digit(text[at - 1]);
    const auto rest = text.substr(at + kCode);
    if (alone && !rest.empty() && is_separator(rest[0])) return rest.substr(1);
  }
  return {};
}

bool begins_with_code_and_address(std::string_view text) {
  const bool code = text.size() > kCode && std::ranges::all_of(text.substr(0, kCode), is_digit) &&
                    is_separator(text[kCode]);
  if (!code) return false;
  const auto rest = text.substr(kCode + 1);
  return has_address(AddressForm::reply_227, rest) || has_address(AddressForm::reply_229, rest);
}

}  // namespace

std::string_view terminal_control(std::string_view text) {
  if (is_printable_ascii(text)) return {};
  const bool telnet = has_telnet(text);
  return telnet ? control_in_text(strip_telnet(text).text) : control_in_text(text);
}

bool reads_like_address_reply(std::string_view text) {
  struct Code {
    std::string_view digits;
    AddressForm form;
  };
  constexpr auto kCodes = std::to_array<Code>({{"227", AddressForm::reply_227},
                                               {"228", AddressForm::reply_228},
                                               {"229", AddressForm::reply_229}});
  const auto forged = [text](const Code& code) {
    const auto rest = behind_first(code.digits, text);
    return !rest.empty() && has_address(code.form, rest);
  };
  return std::ranges::any_of(kCodes, forged) || begins_with_code_and_address(text);
}

}  // namespace ftpscope
