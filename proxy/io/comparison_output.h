// How `ftpscope diff` and `ftpscope replay client` tell what differs.
#pragma once

#include <optional>
#include <string>

#include "analyzer/comparison_text.h"

namespace ftpscope {

struct ComparisonOutput {
  ComparisonTextOptions text;
  bool json = false;
  std::string junit;  // a file, "-" is standard output; empty: none
  std::string html;   // the same
};

// The error, if something cannot be written, is a sentence.
std::optional<std::string> write_comparison(const Comparison& comparison,
                                            const ComparisonOutput& output);

}  // namespace ftpscope
