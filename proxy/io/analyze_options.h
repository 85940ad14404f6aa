// The options of `ftpscope analyze`.
#pragma once

#include <CLI/CLI.hpp>

#include "proxy/io/analyze_command.h"

namespace ftpscope {

// The subcommand; `options` is filled when the command line is parsed and has to outlive that.
CLI::App* add_analyze(CLI::App& app, AnalyzeOptions& options);

}  // namespace ftpscope
