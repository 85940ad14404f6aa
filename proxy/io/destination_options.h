// --allow-server and --deny-server.
#pragma once

#include <CLI/CLI.hpp>

#include "proxy/destination_policy.h"

namespace ftpscope {

// `policy` has to outlive the parsing.
void add_destinations(CLI::App& app, DestinationPolicy& policy, const std::string& group);

}  // namespace ftpscope
