// The command line. Every limit and timeout has its name, default and unit here and nowhere else.
#pragma once

#include <variant>

#include "proxy/io/analyze_command.h"
#include "proxy/io/diff_command.h"
#include "proxy/io/explain_command.h"
#include "proxy/io/explain_login_command.h"
#include "proxy/io/nat_rules_command.h"
#include "proxy/io/proxy_command.h"
#include "proxy/io/replay_client.h"
#include "proxy/io/replay_server.h"
#include "proxy/io/report_command.h"

namespace ftpscope {

// What the command line asks for, or the exit code after help, version or an error have been
// printed.
using Request = std::variant<ProxyOptions, ReplayServerOptions, ReplayClientOptions, AnalyzeOptions,
                             ExplainOptions, ExplainLoginOptions, ReportOptions, DiffOptions,
                             NatRulesArguments, int>;

Request parse_command_line(int argc, char** argv);

inline constexpr int kExitUsage = 2;  // a bad option, a taken port, an unreadable file

}  // namespace ftpscope
