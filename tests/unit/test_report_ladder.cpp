#include "analyzer/report_ladder.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "analyzer/text_table.h"

using namespace ftpscope;

namespace {

// Whatever a peer may call itself or say, in every field that has text of a peer's.
constexpr std::string_view kHostile =
    "\x1b[2J\x1b]0;title\x07\r\n\x9b"
    "31m\xc2\x9b\xe2\x80\xae\x7f\b\b\t evil";

std::string report(const LadderOptions& options, std::string_view hostile) {
  std::string out;
  LadderReport ladder(options, [&](std::string_view text) { out += text; });
  std::uint64_t seq = 0;
  const auto tell = [&](const record::Body& body) {
    ladder.record({Timestamp{}, "20261121T000000.000000Z-000001", seq++, body});
  };
  record::Session session{};
  session.client = {IpAddress::v4(192, 0, 2, 1), 40000};
  session.server = hostile;
  tell(session);
  record::Command command{};
  command.id = 1;
  command.verb = "USER";
  command.argument = hostile;
  tell(command);
  const std::string_view lines[] = {"331-a", hostile};
  record::Reply reply{};
  reply.to = 1;
  reply.verb = "USER";
  reply.code = 530;
  reply.lines = lines;
  tell(reply);
  tell(record::Finding{FindingId::reply_unsolicited, 1, hostile});
  record::Tls tls{};
  tls.version = hostile;
  tls.sni = hostile;
  tell(tls);
  tell(record::Overlap{Side::client, hostile, hostile});
  record::Data data{};
  data.verb = hostile;
  data.payload = hostile;
  tell(data);
  record::End end{};
  end.why = hostile;
  tell(end);
  ladder.finish();
  return out;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n') || byte == 0x7f;
  });
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("no escape of a peer's reaches the terminal, and colours only when they are asked for") {
  LadderOptions options;
  options.verbose = true;
  const auto plain = report(options, kHostile);
  CHECK_FALSE(has_control(plain));
  CHECK(plain.find("\xc2\x9b") == std::string::npos);      // C1 as UTF-8
  CHECK(plain.find("\xe2\x80\xae") == std::string::npos);  // right-to-left override
  CHECK(plain.find("evil") != std::string::npos);
  options.colour = true;
  auto coloured = report(options, kHostile);
  CHECK(coloured.find("\x1b[2J") == std::string::npos);
  CHECK(coloured.find("\x1b[36m") != std::string::npos);
  // Without the colours that are ours, it is the same text.
  for (auto at = coloured.find("\x1b["); at != std::string::npos; at = coloured.find("\x1b[")) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  CHECK(coloured == plain);
}

TEST_CASE("commands and replies keep to the width, whatever their length") {
  for (const std::size_t width : {60, 80, 200}) {
    LadderOptions options;
    options.width = width;
    const auto lines = lines_of(report(options, std::string(500, 'x')));
    std::size_t rails = 0;
    for (const auto& line : lines) {
      if (!line.starts_with("session ")) CHECK(columns_of(line) <= width);
      if (!line.ends_with("\u2502")) continue;  // both rails
      ++rails;
      CHECK(columns_of(line) == width);
    }
    CHECK(rails >= 3);  // what is too long goes on in the next line
  }
  LadderOptions narrow;
  narrow.width = 1;  // there is a least width
  CHECK(lines_of(report(narrow, "x")).size() > 3);
}

TEST_CASE("a table: columns as wide as their widest cell, up to a limit, in characters") {
  TextTable table({{"name"}, {"of no account", 1}, {"n"}});
  table.add({"a", "x", "1"});
  table.add({"\u00fcber", "x", "2"});
  table.add({std::string(100, 'x'), "x", "3"});
  for (const std::size_t width : {200, 60, 40}) {
    const auto lines = lines_of(table.text(width));
    REQUIRE(lines.size() == 5);
    CHECK(lines[0].starts_with("name "));
    CHECK((lines[0].find("of no account") != std::string::npos) == (width == 200));
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(columns_of(lines[i]) <= width);
      CHECK(columns_of(lines[i]) ==
            columns_of(lines[0]));  // the last column is as wide as its head
    }
  }
  CHECK(columns_of("\u00fc\u2502a") == 3);
  CHECK(first_columns("\u00fc\u2502a", 2) == "\u00fc\u2502");
  CHECK(first_columns("ab", 9) == "ab");
  CHECK(first_columns("ab", 0).empty());
  CHECK(cut_to("abc", 2) == "a\u2026");
  CHECK(cut_to("abc", 3) == "abc");
}

TEST_CASE("a text in lines: none is too long, no word is lost") {
  const std::string text = "one two three four five six seven eight nine ten";
  for (std::size_t width = 8; width < 60; ++width) {
    std::string all;
    for (const auto& line : in_lines(text, width)) {
      CHECK(columns_of(line) <= width);
      for (const char c : line) {
        if (c != ' ') all += c;
      }
    }
    CHECK(all == "onetwothreefourfivesixseveneightnineten");
  }
}
