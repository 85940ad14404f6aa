#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "tests/unit/three_ways.h"

using namespace ftpscope;
using namespace ftpscope::unit;
using namespace std::string_view_literals;

namespace {

struct Case {
  std::string_view bytes;
  std::vector<OwnedLine> lines;
};

const std::vector<Case> kCases = {
    {"", {}},
    {"NOOP\r\n", {{"NOOP\r\n", Ending::crlf}}},
    {"NOOP\n", {{"NOOP\n", Ending::lf}}},
    {"\r\n", {{"\r\n", Ending::crlf}}},
    {"\n", {{"\n", Ending::lf}}},
    {"\n\n", {{"\n", Ending::lf}, {"\n", Ending::lf}}},
    {"a\r\nb\nc", {{"a\r\n", Ending::crlf}, {"b\n", Ending::lf}, {"c", Ending::none}}},
    {"a\rb\r\n", {{"a\rb\r\n", Ending::crlf}}},
    {"a\r\r\n", {{"a\r\r\n", Ending::crlf}}},
    {"a\r", {{"a\r", Ending::none}}},
    {"\n\r", {{"\n", Ending::lf}, {"\r", Ending::none}}},
    {"a\0b\r\n"sv, {{std::string("a\0b\r\n"sv), Ending::crlf}}},
    {"\xff\xf4\xff\xf2"
     "ABOR\r\n",
     {{"\xff\xf4\xff\xf2"
       "ABOR\r\n",
       Ending::crlf}}},
    {"12345678\r\n", {{"12345678\r\n", Ending::crlf}}},  // exactly line_max of 10
};

constexpr std::size_t kShort = 10;

}  // namespace

TEST_CASE("lines, at once and one by one") {
  for (const auto& [bytes, lines] : kCases) {
    INFO(std::string(bytes));
    CHECK(at_once(bytes, kShort) == lines);
    CHECK(one_by_one(bytes, kShort) == lines);
  }
}

TEST_CASE("lines, with more behind them") {
  for (const auto& [bytes, lines] : kCases) {
    INFO(std::string(bytes));
    if (!lines.empty() && lines.back().ending == Ending::none) continue;
    auto expected = lines;
    expected.push_back({"MORE\r\n", Ending::crlf});
    CHECK(at_once(std::string(bytes) + "MORE\r\n", kShort) == expected);
    CHECK(split({bytes, "MORE\r\n"}, kShort) == expected);
    expected.back() = {"MORE", Ending::none};
    CHECK(split({bytes, "MORE"}, kShort) == expected);
  }
}

TEST_CASE("an overlong line comes in pieces, and no byte is lost") {
  for (std::size_t length = 0; length < 4 * kShort; ++length) {
    const auto bytes = std::string(length, 'a') + "\r\nNOOP\r\n";
    for (const auto& lines : {at_once(bytes, kShort), one_by_one(bytes, kShort)}) {
      std::string joined;
      for (const auto& line : lines) joined += line.raw;
      CHECK(joined == bytes);
      CHECK(lines.front().overlong == (length + 2 > kShort));
      CHECK(lines.back().raw == "NOOP\r\n");
    }
  }
}

TEST_CASE("text() is the line without its ending") {
  CHECK(Line{"a\r\n", Ending::crlf}.text() == "a");
  CHECK(Line{"a\r\n", Ending::lf}.text() == "a\r");
  CHECK(Line{"a", Ending::none}.text() == "a");
}

TEST_CASE("urgent data is told at its line and its byte, once") {
  LineSplitter splitter;
  splitter.feed("NOOP\r\n\xff\xf4\xff");
  CHECK_FALSE(splitter.next()->urgent);
  CHECK_FALSE(splitter.next());
  splitter.hold();
  splitter.feed(
      "\xf2"
      "ABOR\r\nPWD\r\n",
      true);
  const auto line = splitter.next();
  REQUIRE(line);
  CHECK(line->raw ==
        "\xff\xf4\xff\xf2"
        "ABOR\r\n");
  CHECK(line->urgent == std::optional<std::size_t>(3));
  CHECK_FALSE(splitter.next()->urgent);
}

TEST_CASE("urgent data behind lines that have not been read yet") {
  LineSplitter splitter;
  splitter.feed("NOOP\r\nPWD\r\n");
  splitter.hold();
  splitter.feed("ABOR\r\n", true);
  CHECK_FALSE(splitter.next()->urgent);
  splitter.hold();
  CHECK_FALSE(splitter.next()->urgent);
  CHECK(splitter.next()->urgent == std::optional<std::size_t>(0));
}

TEST_CASE("take_rest gives what no line has taken") {
  LineSplitter splitter;
  splitter.feed("AUTH TLS\r\n\x16\x03");
  CHECK(splitter.next()->raw == "AUTH TLS\r\n");
  splitter.hold();
  CHECK(splitter.rest() == "\x16\x03");
  CHECK(splitter.take_rest() == "\x16\x03");
  CHECK(splitter.rest().empty());
  CHECK_FALSE(splitter.finish());
}
