// Options of `ftpscope diff` and `ftpscope replay client`: how sessions are compared, and how that
// is told. What they fill has to outlive the reading of the command line.
#pragma once

#include <CLI/App.hpp>

#include "analyzer/transaction_comparison.h"
#include "proxy/io/comparison_output.h"

namespace ftpscope {

void add_comparison(CLI::App& app, ComparisonOptions& options);
void add_comparison_output(CLI::App& app, ComparisonOutput& output);

}  // namespace ftpscope
