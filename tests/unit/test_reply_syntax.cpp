#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/mlsx_entry.h"
#include "analyzer/reply_syntax.h"

using namespace ftpscope;

namespace {

struct Line {
  std::string_view text;
  std::string_view problem;  // empty: none
};

void check(std::span<const Line> table, std::string_view (*problem)(std::string_view)) {
  for (const auto& [text, expected] : table) CHECK_MESSAGE(problem(text) == expected, text);
}

}  // namespace

TEST_CASE("257: the quotes around a directory") {
  constexpr std::string_view kNone = "no quotes";
  constexpr std::string_view kOpen = "the quotes are not closed";
  constexpr std::string_view kSingle = "a quote in the name is not doubled";
  constexpr auto kTable = std::to_array<Line>({
      {R"(257 "/")", ""},
      {R"(257 "")", ""},
      {R"(257 "/usr/dm" directory created)", ""},
      {R"(257 "/usr/a""b" created)", ""},
      {R"(257 """" is a quote)", ""},
      {R"(257 "/a" is the "current" directory)", ""},
      {"257 /usr/dm directory created", kNone},
      {R"(257 Directory "/usr/dm" created)", kNone},
      {"257 ", kNone},
      {"257", kNone},
      {R"(257"/")", kNone},
      {R"(257 "/usr)", kOpen},
      {R"(257 "/usr"")", kOpen},
      {R"(257 ")", kOpen},
      {R"(257 """)", kOpen},
      {R"(257 "/a"b" created)", kSingle},
      {R"(257 "/a".)", kSingle},
  });
  check(kTable, quoted_path_problem);
}

TEST_CASE("213 to SIZE is a number") {
  constexpr std::string_view kBad = "not a number";
  constexpr auto kTable = std::to_array<Line>({
      {"213 0", ""},
      {"213 18446744073709551616", ""},
      {"213 -1", kBad},
      {"213 1,234", kBad},
      {"213 1234 ", kBad},
      {"213 1234 bytes", kBad},
      {"213 0x10", kBad},
      {"213  5", kBad},
      {"213 ", kBad},
      {"213", kBad},
  });
  check(kTable, size_problem);
}

TEST_CASE("RFC 3659 2.3: a time value") {
  constexpr auto kGood = std::to_array<std::string_view>({"20261121094339", "20261121094339.1",
                                                          "20261121094339.123456", "20240229000000",
                                                          "20161231235960", "00010101000000"});
  constexpr auto kBad = std::to_array<std::string_view>(
      {"", "2026112109433", "202611210943390", "191000704123000", "20261121094339.",
       "20261121094339Z", "20261121094339 ", "20261321094339", "20261121244339", "20261121096039",
       "20261121094361", "20230229000000", "20260431000000", "20260400000000", "2026 121094339",
       "+2026112109433"});
  for (const auto text : kGood) CHECK_MESSAGE(is_time_value(text), text);
  for (const auto text : kBad) CHECK_FALSE_MESSAGE(is_time_value(text), text);
  CHECK(modification_time_problem("213 20261121094339").empty());
  CHECK_FALSE(modification_time_problem("213 yesterday").empty());
  CHECK_FALSE(modification_time_problem("213").empty());
}

TEST_CASE("RFC 2389 3.2: a feature line") {
  const auto odd = [](std::vector<std::string_view> inner) -> std::string {
    std::vector<std::string_view> lines{"211-Extensions:"};
    lines.insert(lines.end(), inner.begin(), inner.end());
    lines.emplace_back("211 End");
    const auto* found = odd_feature(lines);
    return found ? "[" + std::string(*found) + "]" : "";
  };
  CHECK(odd({}) == "");
  CHECK(odd({" MDTM", " MLST Type*;Size*;", " AUTH TLS;SSL", " x"}) == "");
  CHECK(odd({" MDTM", "SIZE"}) == "[SIZE]");
  CHECK(odd({"    MDTM"}) == "[    MDTM]");
  CHECK(odd({"211-MDTM"}) == "[211-MDTM]");
  CHECK(odd({"\tMDTM"}) == "[\tMDTM]");
  CHECK(odd({" "}) == "[ ]");
  CHECK(odd({""}) == "[]");
  const auto one = std::to_array<std::string_view>({"211 No features"});
  CHECK(odd_feature(one) == nullptr);
}

TEST_CASE("RFC 3659 7.2: an entry of MLSx") {
  constexpr auto kGood = std::to_array<std::string_view>(
      {"Type=file;Size=1024990;Perm=r; /tmp/cap60.pl198.tar.gz",
       "Type=OS.unix=slink:/foobar;Perm=;Unique=keVO1+4G4; foobar",
       "modify=20261121094339;UNIX.mode=0644; a b;c=d", "type=cdir; .", " /name only", "  ",
       "Type=file;  name with a blank in front", "Type=file; M\xc3\xbcll", "Type=; a"});
  constexpr auto kBad = std::to_array<std::string_view>(
      {"", " ", "name", "Type=file;Size=5 name", "Type=file;Size=5;name", "Type=file", "Type=file;",
       "Type=file; ", "=file; a", "file; a", "Type=file;; a", "Ty pe=file; a", "Type=a b; a",
       "Type=file; a\r", "-rw-r--r-- 1 root root 5 Nov 21 09:43 a", "Type={}; a"});
  for (const auto text : kGood) CHECK_MESSAGE(is_mlsx_entry(text), text);
  for (const auto text : kBad) CHECK_FALSE_MESSAGE(is_mlsx_entry(text), text);
}

TEST_CASE("RFC 3659 7.2: the reply to MLST") {
  const auto problem = [](std::vector<std::string_view> lines) {
    return std::string(listed_entry_problem(lines));
  };
  CHECK(problem({"250-Begin", " Type=file; a", "250 End"}) == "");
  CHECK(problem({"250-Begin", "  a", " Type=file; b", "250 End"}) == "");
  CHECK(problem({"250 Type=file; a"}) == "no entry");
  CHECK(problem({"250-Begin", "250 End"}) == "no entry");
  CHECK(problem({"250-Begin", "Type=file; a", "250 End"}) == "Type=file; a");
  CHECK(problem({"250-Begin", "250- Type=file; a", "250 End"}) == "250- Type=file; a");
}
