// --expect and --expect-file, which several subcommands have.
#pragma once

#include <vector>

#include "analyzer/expectation.h"

namespace CLI {
class App;
}

namespace ftpscope {

// `expectations` is filled when the command line is parsed and has to outlive that.
void add_expectations(CLI::App& app, std::vector<Expectation>& expectations);

// 3: there is an expectation that was not met, or a finding that --fail-on names.
inline constexpr int kExitNotAsExpected = 3;

}  // namespace ftpscope
