// `ftpscope replay client`: says a recorded session to a real server, and tells what is different.
#pragma once

#include <string>
#include <vector>

#include "analyzer/expectation.h"
#include "proxy/client_replay.h"
#include "proxy/io/client_data.h"
#include "proxy/io/comparison_output.h"
#include "proxy/io/payload_files.h"
#include "proxy/io/socket_address.h"
#include "proxy/io/worker.h"

namespace ftpscope {

struct ReplayClientOptions {
  static constexpr Duration kConnectTimeout = std::chrono::seconds(10);

  std::string recording;  // a folder (captures/README.md), a log or a capture
  std::string session;    // the end of its name; empty: the first
  HostPort server;
  ClientLogin login;
  std::string password_file;  // empty: none
  std::vector<Substitution> substitutions;
  ClientReplayOptions replay;
  ClientDataTimeouts data;
  Duration connect_timeout = kConnectTimeout;
  PortRange data_ports;
  bool allow_remote = false;
  bool allow_write = false;

  ComparisonOptions comparison;
  std::vector<Expectation> expectations;
  ComparisonOutput output;
  std::string log;     // empty: none; "-" is standard output
  std::string record;  // a folder; empty: nothing is recorded
  RecordLimits record_limits;
  bool quiet = false;
};

// The exit code. Prints what differs, and errors as one sentence.
int run_replay_client(const ReplayClientOptions& options);

}  // namespace ftpscope
