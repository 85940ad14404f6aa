// The options of `ftpscope replay client`.
#pragma once

#include "proxy/io/replay_client.h"

namespace CLI {
class App;
}

namespace ftpscope {

// The subcommand; `options` is filled when the command line is parsed and has to outlive that.
CLI::App* add_replay_client(CLI::App& replay, ReplayClientOptions& options);

}  // namespace ftpscope
