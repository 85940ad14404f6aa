// The options of `ftpscope proxy` and `ftpscope nat`: the same ones with other defaults.
#pragma once

#include <string>

#include "proxy/io/proxy_command.h"

namespace CLI {
class App;
}

namespace ftpscope {

// What is on the command line. `options` is complete when that has been parsed.
struct ProxyArguments {
  ProxyOptions options;
  bool verbose = false;
  std::string colour = "auto";
};

// The subcommands; `arguments` has to outlive the parsing.
CLI::App* add_proxy(CLI::App& app, ProxyArguments& arguments);
CLI::App* add_nat(CLI::App& app, ProxyArguments& arguments);

// Which modes, and where they listen.
void add_modes(CLI::App& app, ProxyArguments& arguments);
// Throws CLI::ValidationError with what is missing.
void check_modes(const ProxyOptions& options);

}  // namespace ftpscope
