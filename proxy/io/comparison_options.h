// Options of `ftpscope diff` and `ftpscope replay client`: how sessions are compared, and how that
// is told. What they fill has to outlive the reading of the command line.
#pragma once

#include <string>
#include <vector>

#include "analyzer/substitution.h"
#include "analyzer/transaction_comparison.h"
#include "proxy/io/comparison_output.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ftpscope {

void add_comparison(CLI::App& app, ComparisonOptions& options);
// --substitute, in the sessions that are held against others.
CLI::Option* add_substitutions(CLI::App& app, std::vector<Substitution>& substitutions,
                               const std::string& description);
void add_comparison_output(CLI::App& app, ComparisonOutput& output);

}  // namespace ftpscope
