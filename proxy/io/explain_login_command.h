// `ftpscope explain-login`: what --mode forward would do with a login, without doing it.
#pragma once

#include <string>

#include "proxy/destination_policy.h"

namespace CLI {
class App;
}

namespace ftpscope {

struct ExplainLoginOptions {
  std::string login;  // what USER says, or a whole command
  DestinationPolicy destinations;
  bool json = false;
};

// Its part of the command line.
CLI::App* add_explain_login(CLI::App& app, ExplainLoginOptions& options);

// Looks the server up, prints, and returns the exit code.
int run_explain_login(const ExplainLoginOptions& options);

}  // namespace ftpscope
