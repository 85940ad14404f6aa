// The readings of all rounds as one Markdown table.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace ftpscope::bench {

using Readings = std::map<std::string, double>;  // of one test in one round, by figure

struct Column {
  std::string name;
  std::vector<std::map<std::string, Readings>> rounds;  // by test
  std::set<std::string> failed;                         // tests
};

// The first column is the server itself: the others are put next to it, round by round.
void print_table(const std::vector<Column>& columns);

}  // namespace ftpscope::bench
