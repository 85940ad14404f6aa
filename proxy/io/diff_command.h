// `ftpscope diff`: two recordings, logs or captures, and what differs between their sessions.
#pragma once

#include <string>
#include <vector>

#include "analyzer/expectation.h"
#include "analyzer/flow_tracker.h"
#include "analyzer/substitution.h"
#include "proxy/io/comparison_output.h"

namespace CLI {
class App;
}

namespace ftpscope {

struct DiffOptions {
  std::string a;  // a folder, a log, a capture; "-" is standard input
  std::string b;
  std::string session_a;  // the ends of sessions' names; empty: all, in their order
  std::string session_b;
  std::vector<Substitution> substitutions;  // in a
  ComparisonOptions comparison;
  std::vector<Expectation> expectations;  // of b
  ComparisonOutput output;
  FlowLimits limits;
};

CLI::App* add_diff(CLI::App& app, DiffOptions& options);

// The exit code: 0 same, 1 something differs, 2 an input cannot be read or a result not be written,
// 3 an expectation is not met.
int run_diff(const DiffOptions& options);

}  // namespace ftpscope
