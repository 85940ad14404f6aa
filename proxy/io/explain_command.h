// `ftpscope explain`: what a finding means and what to do about it.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ftpscope {

struct ExplainOptions {
  std::vector<std::string> findings;  // names or parts of them; none: all
  bool json = false;
  bool markdown = false;
};

// Its part of the command line.
CLI::App* add_explain(CLI::App& app, ExplainOptions& options);

// Prints and returns the exit code.
int run_explain(const ExplainOptions& options);

}  // namespace ftpscope
