#include <doctest/doctest.h>

#include "analyzer/line_rules.h"
#include "analyzer/message.h"
#include "analyzer/telnet.h"
#include "tests/unit/three_ways.h"

using namespace ftpscope;
using namespace std::string_view_literals;

namespace {

struct Case {
  std::string_view bytes;
  std::string_view text;
  bool commands = false;
  bool dangling = false;
};

// RFC 854: IAC is 0xFF; 240..250 are commands, 251..254 take an option.
const std::vector<Case> kCases = {
    {"NOOP", "NOOP"},
    {"a\xff\xff"
     "b",
     "a\xff"
     "b"},
    {"\xff\xff", "\xff"},
    {"\xff\xf4\xff\xf2"
     "ABOR",
     "ABOR", true},
    {"P\xff\xfd\x01"
     "ORT",
     "PORT", true},
    {"P\xff\xfb\x01\xff\xfc\x02\xff\xfe\x03"
     "WD",
     "PWD", true},
    {"\xff\xf1", "", true},
    {"\xff\xff\xff\xf1\xff\xff", "\xff\xff", true},
    {"NOOP\xff", "NOOP", false, true},
    {"NOOP\xff\xfd", "NOOP", true, true},
    {"NOOP\xff\xfd\xff"
     "x",
     "NOOPx", true},  // the option 255
    {"NOOP\xff\xfa\x01"
     "abc",
     "NOOP", true, true},
};

Command parse(std::string_view raw, std::string& scratch) {
  return parse_command(Line{raw, Ending::crlf}, scratch);
}

}  // namespace

TEST_CASE("Telnet is taken out as a receiver would") {
  for (const auto& [bytes, text, commands, dangling] : kCases) {
    INFO(std::string(bytes));
    const auto result = strip_telnet(bytes);
    CHECK(result.text == text);
    CHECK(result.commands == commands);
    CHECK(result.dangling == dangling);
  }
}

TEST_CASE("a command is read as the most lenient server reads it") {
  std::string scratch;
  for (const auto line :
       {"PORT a\r\n"sv, "port a\r\n"sv, "PoRt\ta\r\n"sv, "  PORT a\r\n"sv, "\t PORT\va\r\n"sv,
        "P\xff\xfd\x01ORT a\r\n"sv, "PORT\fa\r\n"sv, "\xff\xf1PORT a\r\n"sv}) {
    const auto command = parse(line, scratch);
    INFO(std::string(line));
    CHECK(command.name == "PORT");
    CHECK(command.argument == "a");
    CHECK(command.meaning() == Meaning::port);
  }
}

TEST_CASE("what the argument is") {
  std::string scratch;
  CHECK_FALSE(parse("NOOP\r\n", scratch).has_argument);
  CHECK(parse("NOOP \r\n", scratch).has_argument);
  CHECK(parse("RETR  a b \r\n", scratch).argument == " a b ");
  CHECK(parse("RETR a\tb\r\n", scratch).argument == "a\tb");
  CHECK(parse("\r\n", scratch).meaning() == Meaning::empty);
  CHECK(parse("  \r\n", scratch).meaning() == Meaning::empty);
  CHECK(parse("XYZZY a\r\n", scratch).verb == nullptr);
  CHECK(parse("XYZZY a\r\n", scratch).name == "XYZZY");
}

TEST_CASE("canonical: verb and argument give the line back, or the line differs") {
  std::string scratch;
  for (const auto line : {"RETR a b\r\n"sv, "NOOP\r\n"sv, "NOOP \r\n"sv, "RETR  a\r\n"sv,
                          "retr a\r\n"sv, "RETR\ta\r\n"sv, " RETR a\r\n"sv, "RETR a\xff\xff\r\n"sv,
                          "R\xff\xf1"
                          "ETR a\r\n"sv,
                          "xyzzy a\r\n"sv, "\r\n"sv}) {
    const auto command = parse(line, scratch);
    INFO(std::string(line));
    std::string plain(command.name);
    if (command.has_argument) plain += " " + std::string(command.argument);
    CHECK(command.canonical() == (plain + "\r\n" == line));
    // What strict sends is read as the same command.
    const auto again = canonical_line(command);
    std::string second_scratch;
    const auto second = parse_command(Line{again, Ending::crlf}, second_scratch);
    CHECK(second.name == command.name);
    CHECK(second.argument == command.argument);
    CHECK(second.has_argument == command.has_argument);
  }
}

TEST_CASE("address commands that hide in a line") {
  std::string scratch;
  for (const auto line :
       {"NOOP\rPORT 1,2,3,4,5,6\r\n"sv, "NOOP\0PORT 1,2,3,4,5,6\r\n"sv, "CWD a\r\0 port 1\r\n"sv,
        "CWD a\r\tEPRT |1|\r\n"sv, "NOOP\r\rLPRT 4\r\n"sv, "X\rP\xff\xf1ORT 1\r\n"sv}) {
    INFO(std::string(line));
    CHECK(hides_address_command(parse(line, scratch)));
  }
  for (const auto line : {"NOOP\r\n"sv, "PORT 1,2,3,4,5,6\r\n"sv, "RETR PORT 1\r\n"sv,
                          "NOOP\rPORTAL 1\r\n"sv, "NOOP\rPASV\r\n"sv, "CWD a\rb\r\n"sv}) {
    INFO(std::string(line));
    CHECK_FALSE(hides_address_command(parse(line, scratch)));
  }
}

TEST_CASE("small questions about a line") {
  CHECK(is_plain_ascii("USER anna"));
  CHECK_FALSE(is_plain_ascii("a\rb"));
  CHECK_FALSE(is_plain_ascii("a\0b"sv));
  CHECK_FALSE(is_plain_ascii("\xc3\xa4"));
  CHECK(is_utf8("资料"));
  CHECK_FALSE(is_utf8("\xd7\xca"));
  CHECK_FALSE(is_utf8("\xc0\xaf"));      // overlong
  CHECK_FALSE(is_utf8("\xed\xa0\x80"));  // a surrogate
  CHECK(has_telnet_commands("\xff\xf1"));
  CHECK_FALSE(
      has_telnet_commands("a\xff\xff"
                          "b"));
  std::string scratch;
  CHECK(is_epsv_all(parse("EPSV ALL\r\n", scratch)));
  CHECK(is_epsv_all(parse("epsv all\r\n", scratch)));
  CHECK_FALSE(is_epsv_all(parse("EPSV ALLE\r\n", scratch)));
  CHECK_FALSE(is_epsv_all(parse("EPSV 1\r\n", scratch)));
}
