// A comparison for a person: the transactions of two sessions as one list, or in two columns, and
// below each what differs. Safe on a terminal: nothing from the wire can move the cursor.
#pragma once

#include <cstddef>
#include <string>

#include "analyzer/comparison.h"

namespace ftpscope {

struct ComparisonTextOptions {
  static constexpr std::size_t kContext = 2;  // transactions that are the same, around a difference
  static constexpr std::size_t kWidth = 100;  // columns, off a terminal

  bool side_by_side = false;
  bool all = false;  // also what is the same
  bool colour = false;
  std::size_t width = kWidth;  // of both columns
};

std::string comparison_text(const Comparison& comparison, const ComparisonTextOptions& options);

}  // namespace ftpscope
