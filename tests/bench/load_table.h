// The readings of all rounds as one Markdown table.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ftpscope::bench {

using Readings =
    std::map<std::string, double>;  // of one round; the keys are those of the table's rows
using Rounds = std::vector<Readings>;

// One column for each name. The first is the server itself: the others are put next to it, round by
// round.
void print_table(const std::vector<std::string>& names, const std::vector<Rounds>& all);

}  // namespace ftpscope::bench
