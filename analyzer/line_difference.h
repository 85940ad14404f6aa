// The lines that two texts do not have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/transaction_comparison.h"

namespace ftpscope {

using Lines = std::vector<std::string>;

// As one text; of more than ComparisonOptions::kLinesTold the rest is counted.
std::string joined(const Lines& lines);

// Lines are shown as they are in `a` and `b`, and compared by what stands at the same place of the
// keys.
std::optional<Difference> lines_that_differ(Aspect aspect, const Lines& a, const Lines& b,
                                            const Lines& keys_a, const Lines& keys_b);

}  // namespace ftpscope
