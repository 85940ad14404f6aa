// --allow-server and --deny-server.
#pragma once

#include "proxy/destination_policy.h"

namespace CLI {
class App;
}

namespace ftpscope {

// `policy` has to outlive the parsing.
void add_destinations(CLI::App& app, DestinationPolicy& policy, const std::string& group);

}  // namespace ftpscope
