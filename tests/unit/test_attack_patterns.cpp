#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "analyzer/attack_patterns.h"
#include "analyzer/excerpt.h"

using namespace ftpscope;

TEST_CASE("what a terminal would act on") {
  struct Row {
    std::string_view text;
    std::string_view what;
  };
  // NOLINTBEGIN(misc-misleading-bidirectional)
  constexpr auto kTable = std::to_array<Row>({
      {"", ""},
      {"plain", ""},
      {"a\tb\x07", ""},
      {"a\x08", "a control character"},
      {"\x7f", "a control character"},
      {"\x0c\x0e\x0f", ""},
      {"\x1b[2J", "ESC"},
      {"a\x1b", "ESC"},
      {"\x1b]0;title\x07", "ESC"},
      {"\x1b(0lines", "ESC"},
      {"\x1b$BF|K\\\x1b(B", ""},
      {"\x1b$BF|K\\\x1b(B\x1b[2J", "ESC"},
      {"\xc2\x9b"
       "2J",
       "a C1 control"},
      {"\xc2\x80", "a C1 control"},
      {"\xc2\xa0", ""},
      {"exe\xe2\x80\xae"
       "gpj.",
       "a bidi mark"},
      {"\xe2\x80\xaa", "a bidi mark"},
      {"\xe2\x81\xa6", "a bidi mark"},
      {"\xe2\x80\xaf", ""},
      {"\xe4\xba\x9b[", ""},  // a letter, one byte of which is 0x9b
      {"\x9b[2J", "CSI"},
      {"\x9b"
       "31m",
       "CSI"},
      {"\x9b?25l", "CSI"},
      {"M\x9bll", ""},
      {"\x9b", ""},
      {"\x9b"
       "31",
       ""},
      {"\xff\xf4\xff\xf2"
       "ABOR",
       ""},
      {"\xff\xfb\x1b"
       "a",
       ""},                        // IAC WILL 27
      {"\xff\xf4\x1b[2J", "ESC"},  // IAC IP, then ESC
  });
  // NOLINTEND(misc-misleading-bidirectional)
  for (const auto& [text, what] : kTable) CHECK_MESSAGE(terminal_control(text) == what, text);
}

TEST_CASE("a text that reads like a reply with an address") {
  constexpr auto kForged = std::to_array<std::string_view>(
      {"227 (10,0,0,1,0,139)", "227 Entering Passive Mode (10,0,0,1,0,139)",
       "aaaa227 (10,0,0,1,0,139)", "x 227 227 a 10,0,0,1,0,139", "229 x (|||139|)",
       "aaa229 Entering Extended Passive Mode (|||139|)", "228 x (4,4,10,0,0,1,2,0,139)",
       "227-(10,0,0,1,0,139)", "150 (10,0,0,1,0,139)", "200 (|||50000|)"});
  constexpr auto kHarmless = std::to_array<std::string_view>(
      {"", "227", "227 ", "22", "photos 227 (1,2,3).zip", "10,0,0,1,0,139", "|1|10.0.0.1|139|",
       "2227 (10,0,0,1,0,139)", "227x(10,0,0,1,0,139)", "2026 10,0,0,1,0,139", "150 files",
       "230 a|b|c"});
  for (const auto text : kForged) CHECK_MESSAGE(reads_like_address_reply(text), text);
  for (const auto text : kHarmless) CHECK_FALSE_MESSAGE(reads_like_address_reply(text), text);
}

TEST_CASE("a long text of false starts is read in linear time") {
  std::string text;
  for (int i = 0; i < 8000; ++i) text += "227 ";
  for (int i = 0; i < 100; ++i) CHECK_FALSE(reads_like_address_reply(text));
}

TEST_CASE("an excerpt is cut in front of a letter") {
  const std::string plain(200, 'a');
  CHECK(excerpt(plain) == plain.substr(0, kExcerptMax));
  CHECK(excerpt("short") == "short");
  const auto umlaut = std::string(kExcerptMax - 1, 'a') + "\xc3\xbc" + "b";
  CHECK(excerpt(umlaut) == umlaut.substr(0, kExcerptMax - 1));
  const auto fits = std::string(kExcerptMax - 2, 'a') + "\xc3\xbc" + "b";
  CHECK(excerpt(fits) == fits.substr(0, kExcerptMax));
}
