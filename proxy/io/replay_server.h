// `ftpscope replay server`: plays a recording to whoever connects, each client from its start.
#pragma once

#include <string>

#include "proxy/io/port_range.h"
#include "proxy/io/recording_folder.h"
#include "proxy/io/socket_address.h"
#include "proxy/server_replay.h"

namespace ftpscope {

struct ReplayServerOptions {
  std::string recording;  // a folder (captures/README.md), or a log by itself
  HostPort listen;
  ReplayOptions replay;
  std::string session;   // the end of the name of the one to play; empty: the first
  PortRange data_ports;  // tried from the lowest on
  std::uint64_t log_limit = Recording::kLogMax;
  bool unchecked = false;  // do not compare the payloads with their hashes first
  std::string log;         // empty: none; "-" is standard output
  bool quiet = false;
};

// The exit code. Prints where it listens, and errors as one sentence.
int run_replay_server(const ReplayServerOptions& options);

}  // namespace ftpscope
