#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "analyzer/explain_text.h"

using namespace ftpscope;

namespace {

std::vector<std::string> names_of(const FindingRows& rows) {
  std::vector<std::string> names;
  for (const auto* row : rows) names.emplace_back(row->name);
  return names;
}

std::string page_of(const FindingRow& row, const PageStyle& style) {
  std::string page;
  append_page(page, row, style);
  return page;
}

std::size_t widest_line(const std::string& text) {
  std::istringstream stream(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(stream, line);) widest = std::max(widest, line.size());
  return widest;
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  for (auto at = text.find("  "); at != text.npos; at = text.find("  ")) text.erase(at, 1);
  return text;
}

}  // namespace

TEST_CASE("a finding is found by its name, its beginning or a part of it") {
  using Names = std::vector<std::string>;
  CHECK(names_of(find_rows("FTP-REPLY-MISSING")) == Names{"FTP-REPLY-MISSING"});
  CHECK(names_of(find_rows("reply-missing")) == Names{"FTP-REPLY-MISSING"});
  CHECK(names_of(find_rows("fTp-RePlY-mIs")) == Names{"FTP-REPLY-MISSING"});
  CHECK(names_of(find_rows("421")) == Names{"FTP-421"});
  CHECK(names_of(find_rows("guess")) == Names{"FTP-PASSWORD-GUESSING"});
  CHECK(names_of(find_rows("timeout-")) ==
        Names{"FTP-TIMEOUT-GREETING", "FTP-TIMEOUT-LOGIN", "FTP-TIMEOUT-LINE", "FTP-TIMEOUT-IDLE"});
  const auto passive = find_rows("227");
  CHECK(passive.size() > 5);
  for (const auto* row : passive) CHECK(row->name.contains("227"));
  CHECK(find_rows("").empty());
  CHECK(find_rows("nothing-like-it").empty());
  for (const auto& row : all_findings()) CHECK(names_of(find_rows(row.name)).size() == 1);
  CHECK(every_row().size() == all_findings().size());
}

TEST_CASE("a mistyped name") {
  CHECK(similar_names("FTP-REPLY-MISING").at(0) == "FTP-REPLY-MISSING");
  CHECK(similar_names("retrys").at(0) == "FTP-RETRIES");
  CHECK(similar_names("xyzzy-plugh").empty());
  CHECK(similar_names("").empty());
  CHECK(similar_names(std::string(100000, 'x')).empty());
}

TEST_CASE("every finding has a page that fits") {
  for (const auto& row : all_findings()) {
    INFO(row.name);
    const auto page = page_of(row, {});
    CHECK(page.starts_with(row.name));
    CHECK(widest_line(page) <= 80);
    CHECK(widest_line(page_of(row, {.width = 120, .colour = false})) <= PageStyle::kWidest);
    CHECK(widest_line(page_of(row, {.width = 50, .colour = false})) <= 50);
    CHECK(page.find('\x1b') == page.npos);
    CHECK(page_of(row, {.width = 80, .colour = true}).find("\x1b[1m") == 0);
    const auto words = one_line(page);
    for (const auto part : {row.title, row.seen, row.remedy, row.source}) {
      CHECK(words.find(part) != words.npos);
    }
    CHECK_FALSE(family_of(row.id).empty());
  }
  CHECK(family_of(FindingId::mlsd_syntax) == "replies");
  CHECK(family_of(FindingId::order_setup_unused) == "commands");
  CHECK(family_of(FindingId::capture_limit) == "captures");
}

TEST_CASE("the list has every finding once, and fits") {
  std::string list;
  append_list(list, every_row(), {});
  CHECK(widest_line(list) <= 80);
  for (const auto& row : all_findings()) {
    const auto name = "\n  " + std::string(row.name) + " ";
    const auto at = list.find(name);
    REQUIRE_MESSAGE(at != list.npos, row.name);
    CHECK(list.find(name, at + 1) == list.npos);
  }
}

TEST_CASE("a row as JSON") {
  for (const auto& row : all_findings()) {
    std::string line;
    append_json_line(line, row);
    CHECK(line.find('\n') == line.size() - 1);
    const auto json = nlohmann::json::parse(line);
    CHECK(json == nlohmann::json{{"finding", row.name},
                                 {"severity", name_of(row.severity)},
                                 {"blame", name_of(row.blame)},
                                 {"source", row.source},
                                 {"title", row.title},
                                 {"seen", row.seen},
                                 {"remedy", row.remedy}});
  }
}

TEST_CASE("breaking lines") {
  const auto lines = [](std::string_view text, std::size_t width) {
    std::string joined;
    for (const auto line : wrapped(text, width)) joined += std::string(line) + "/";
    return joined;
  };
  CHECK(lines("", 10) == "/");
  CHECK(lines("one two", 10) == "one two/");
  CHECK(lines("one two", 7) == "one two/");
  CHECK(lines("one two", 6) == "one/two/");
  CHECK(lines("one two three", 3) == "one/two/three/");
  CHECK(lines("much-too-long a", 4) == "much-too-long/a/");
}
