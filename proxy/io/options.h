// The command line. Every limit and timeout has its name, default and unit here and nowhere else.
#pragma once

#include <expected>
#include <string>
#include <variant>

#include "proxy/io/acceptor.h"
#include "proxy/io/analyze_command.h"
#include "proxy/io/diff_command.h"
#include "proxy/io/explain_command.h"
#include "proxy/io/replay_client.h"
#include "proxy/io/replay_server.h"
#include "proxy/io/report_command.h"
#include "proxy/io/socket_address.h"
#include "proxy/io/worker.h"

namespace ftpscope {

struct ProxyOptions {
  HostPort listen;
  HostPort server;
  std::string log;     // empty: none
  std::string record;  // a folder; empty: nothing is recorded
  RecordLimits record_limits;
  bool quiet = false;
  std::string advertise = "auto";
  std::string advertise_server = "auto";
  AcceptLimits accept;
  Duration grace = std::chrono::seconds(30);
  WorkerOptions worker;
};

// What the command line asks for, or the exit code after help, version or an error have been
// printed.
using Request = std::variant<ProxyOptions, ReplayServerOptions, ReplayClientOptions, AnalyzeOptions,
                             ExplainOptions, ReportOptions, DiffOptions, int>;

Request parse_command_line(int argc, char** argv);

inline constexpr int kExitUsage = 2;  // a bad option, a taken port, an unreadable file

}  // namespace ftpscope
