// The options of `ftpscope analyze`.
#pragma once

#include "proxy/io/analyze_command.h"

namespace CLI {
class App;
}

namespace ftpscope {

// The subcommand; `options` is filled when the command line is parsed and has to outlive that.
CLI::App* add_analyze(CLI::App& app, AnalyzeOptions& options);

}  // namespace ftpscope
