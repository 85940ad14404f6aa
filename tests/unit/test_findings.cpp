#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "analyzer/findings.h"

using namespace ftpscope;

TEST_CASE("the catalogue of findings is in order") {
  std::set<std::string_view> names;
  const auto rows = all_findings();
  CHECK(rows.size() == static_cast<std::size_t>(FindingId::count_));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    INFO(row.name);
    CHECK(row.id == static_cast<FindingId>(i));
    CHECK(&row_of(row.id) == &row);
    CHECK(names.insert(row.name).second);
    CHECK(row.name.starts_with("FTP-"));
    const auto allowed = [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    };
    CHECK(std::ranges::all_of(row.name, allowed));
    CHECK_FALSE(row.source.empty());
    CHECK(row.title.size() > 10);
    CHECK_FALSE(row.title.ends_with('.'));
    CHECK_FALSE(name_of(row.severity).empty());
    CHECK_FALSE(name_of(row.blame).empty());
  }
}
