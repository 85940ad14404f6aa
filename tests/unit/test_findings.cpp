#include <doctest/doctest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <string>

#include "analyzer/findings.h"

using namespace ftpscope;

TEST_CASE("the catalogue of findings is in order") {
  std::set<std::string_view> names;
  const auto rows = all_findings();
  CHECK(rows.size() == static_cast<std::size_t>(FindingId::count_));
  CHECK(rows.size() >= 110);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    INFO(row.name);
    CHECK(row.id == static_cast<FindingId>(i));
    CHECK(&row_of(row.id) == &row);
    CHECK(names.insert(row.name).second);
    CHECK(std::regex_match(std::string(row.name), std::regex("FTP(-[A-Z0-9]+)+")));
    CHECK(find_finding(row.name) == &row);
    CHECK_FALSE(row.source.empty());
    CHECK(row.title.size() > 10);
    CHECK_FALSE(row.title.ends_with('.'));
    CHECK_FALSE(name_of(row.severity).empty());
    CHECK_FALSE(name_of(row.blame).empty());
  }
}

// Whoever meets a finding must be able to look up why it is one, and needs a word on how it is seen
// and what to do: a row that is only begun does not pass.
TEST_CASE("a finding says where it is written, how it is seen and what to do") {
  constexpr std::size_t kTitleMax = 100;
  constexpr std::size_t kSentence = 40;
  const std::regex written("RFC [0-9]+|CVE-[0-9]+-[0-9]+|--[a-z-]+");
  const auto is_text = [](std::string_view text) {
    return text.size() >= kSentence && text.ends_with('.') && text.find("  ") == text.npos &&
           std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  };
  for (const auto& row : all_findings()) {
    INFO(row.name);
    const bool of_the_capture = row.name.starts_with("FTP-CAPTURE-") && row.source == "the capture";
    CHECK((of_the_capture || std::regex_search(std::string(row.source), written)));
    CHECK(row.title.size() <= kTitleMax);
    CHECK(is_text(row.seen));
    CHECK(is_text(row.remedy));
  }
}

TEST_CASE("a finding that a text points to exists") {
  const std::regex name("FTP(-[A-Z0-9]+)+");
  for (const auto& row : all_findings()) {
    const auto text = std::string(row.seen) + " " + std::string(row.remedy);
    for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at) {
      CHECK_MESSAGE(find_finding(at->str()), row.name, " points to ", at->str());
    }
  }
}

TEST_CASE("of a line the side that sent it is to blame, and of all else whom the row names") {
  const auto& line = row_of(FindingId::line_lf_only);
  CHECK(blame_of(line, "client") == Blame::client);
  CHECK(blame_of(line, "server") == Blame::server);
  CHECK(blame_of(row_of(FindingId::line_too_long), "the server's") == Blame::server);
  CHECK(blame_of(line, "") == Blame::network);
  CHECK(blame_of(row_of(FindingId::control_reset), "server") == Blame::network);
}
