#include <doctest/doctest.h>

#include "analyzer/reply_assembler.h"
#include "tests/unit/three_ways.h"

using namespace ftpscope;
using namespace ftpscope::unit;

namespace {

// A reply in short: "230 (3)" is code and lines; behind it what was odd.
std::string summary(const Reply& reply) {
  std::string text = reply.code ? std::to_string(*reply.code) : "none";
  text += " (" + std::to_string(reply.lines.size()) + ")";
  if (reply.unfinished) text += " unfinished";
  if (reply.other_code_end) text += " other-code-end";
  if (reply.bare_code_end) text += " bare-code-end";
  if (reply.no_space) text += " no-space";
  if (reply.line_like_final) text += " line-like-final";
  return text;
}

using Summaries = std::vector<std::string>;

std::string joined(const Summaries& summaries) {
  std::string text;
  for (const auto& one : summaries) text += one + "; ";
  return text;
}

Summaries replies_of(const std::vector<OwnedLine>& lines, bool expected = true) {
  ReplyAssembler assembler;
  Summaries summaries;
  std::string raw;
  std::string all;
  for (const auto& line : lines) {
    all += line.raw;
    if (assembler.add(line.line(), expected) != ReplyAssembler::Step::complete) continue;
    summaries.push_back(summary(assembler.reply()));
    raw += assembler.reply().raw;
    CHECK(assembler.reply().lines.size() == assembler.reply().endings.size());
  }
  if (assembler.open()) {
    assembler.close_here();
    summaries.push_back(summary(assembler.reply()));
    raw += assembler.reply().raw;
  }
  CHECK(raw == all);  // byte for byte
  return summaries;
}

struct Case {
  std::string_view bytes;
  Summaries replies;
};

const std::vector<Case> kCases = {
    {"220 ready\r\n", {"220 (1)"}},
    {"220\r\n", {"220 (1)"}},
    {"220 \r\n", {"220 (1)"}},
    {"220 ready\n", {"220 (1)"}},
    {"220 ready\r\r\n", {"220 (1)"}},
    {"220\r\r\n", {"220 (1)"}},
    {"220-a\r\n220 b\r\n", {"220 (2)"}},
    {"220-a\r\n220\r\n", {"220 (2) bare-code-end"}},
    {"220-a\r\n220\r\r\n", {"220 (2) bare-code-end"}},
    {"220-\r\n\r\n \r\n220 b\r\n", {"220 (4)"}},
    {"220-a\r\n220-b\r\n220 c\r\n", {"220 (3)"}},
    {"211-a\r\n MDTM\r\n    SIZE\r\n211 End\r\n", {"211 (4)"}},
    {"123-First line\r\nSecond line\r\n  234 A line beginning with numbers\r\n123 The last "
     "line\r\n",
     {"123 (4)"}},
    {"211-a\r\n 211 b\r\n211 c\r\n", {"211 (3)"}},
    {"211-a\r\n2110 b\r\n21\r\n211-\r\n211 c\r\n", {"211 (5)"}},
    {"211-a\r\n211x\r\n211 c\r\n", {"211 (3) line-like-final"}},
    {"211-a\r\n250x\r\n211 c\r\n", {"211 (3)"}},
    {"211-a\r\n250 b\r\n211 c\r\n", {"211 (3) line-like-final"}},
    {"211-a\r\n250-b\r\n250\r\n211 c\r\n", {"211 (4)"}},
    {"230-a\r\n226 b\r\n", {"226 (2) other-code-end line-like-final"}},
    {"230-a\r\nb\r\n", {"230 (2) unfinished"}},
    {"230-a", {"230 (1) unfinished"}},
    {"220 a\r\n331 b\r\n230-c\r\n230 d\r\n", {"220 (1)", "331 (1)", "230 (2)"}},
    {"220Hi\r\n", {"220 (1) no-space"}},
    {"2200 Hi\r\n", {"none (1)"}},
    {"hello\r\n", {"none (1)"}},
    {"\r\n", {"none (1)"}},
    {" 220 a\r\n", {"none (1)"}},
    {"099 a\r\n", {"99 (1)"}},
    {"999-a\r\n999 b\r\n", {"999 (2)"}},
    {"\xff\xfc\x01"
     "227 (1,2,3,4,5,6)\r\n",
     {"227 (1)"}},
    {"220-a\r\n\xff\xfb\x03"
     "220 b\r\n",
     {"220 (2)"}},
    {"220-a\r\n220\xff\xf1 b\r\n", {"220 (2)"}},
};

}  // namespace

TEST_CASE("replies, at once and one by one") {
  for (const auto& [bytes, replies] : kCases) {
    INFO(std::string(bytes));
    CHECK(joined(replies_of(at_once(bytes))) == joined(replies));
    CHECK(joined(replies_of(one_by_one(bytes))) == joined(replies));
  }
}

TEST_CASE("replies, with more behind them") {
  for (const auto& [bytes, replies] : kCases) {
    INFO(std::string(bytes));
    const bool open = replies.back().find("unfinished") != std::string::npos ||
                      replies.back().find("other-code-end") != std::string::npos;
    if (open) continue;
    auto expected = replies;
    expected.push_back("257 (2)");
    expected.push_back("200 (1)");
    CHECK(joined(replies_of(at_once(std::string(bytes) + "257-x\r\n257 y\r\n200 z\r\n"))) ==
          joined(expected));
  }
}

TEST_CASE("three digits and text are a reply only when one is awaited") {
  CHECK(replies_of(at_once("220Hi\r\n"), true) == Summaries{"220 (1) no-space"});
  CHECK(replies_of(at_once("220Hi\r\n"), false) == Summaries{"none (1)"});
}

TEST_CASE("an open reply shows what has come of it") {
  ReplyAssembler assembler;
  for (const auto& line : at_once("211-a\r\n b\r\n230 c\r\n")) assembler.add(line.line(), true);
  CHECK(assembler.open());
  CHECK(assembler.ends_like_final());
  CHECK(assembler.open_code() == 211);
  CHECK(assembler.line_count() == 3);
  CHECK(assembler.open_raw(7) == " b\r\n230 c\r\n");
  CHECK(assembler.open_lines(1)[1] == "230 c");
}
