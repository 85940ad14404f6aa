// What two transfers moved: files by size and hash, listings by what they say about files.
#pragma once

#include <optional>

#include "analyzer/transaction_comparison.h"

namespace ftpscope {

std::optional<Difference> data_difference(const Transaction& a, const Transaction& b,
                                          const ComparisonOptions& options);

}  // namespace ftpscope
