// `ftpscope replay server`: plays a recording to whoever connects, each client from its start.
#pragma once

#include <string>

#include "proxy/io/socket_address.h"

namespace ftpscope {

struct ReplayServerOptions {
  std::string recording;  // a folder (captures/README.md), or a log by itself
  HostPort listen;
  std::string log;  // empty: none; "-" is standard output
  bool quiet = false;
};

// The exit code. Prints where it listens, and errors as one sentence.
int run_replay_server(const ReplayServerOptions& options);

}  // namespace ftpscope
