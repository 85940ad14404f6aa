// `ftpscope proxy` and `ftpscope nat`: one event loop, a listening port for each mode, sessions
// until a signal ends it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/destination_policy.h"
#include "proxy/io/acceptor.h"
#include "proxy/io/address_sources.h"
#include "proxy/io/payload_files.h"
#include "proxy/io/worker.h"
#include "proxy/proxy_mode.h"
#include "proxy/server_pool.h"

namespace ftpscope {

struct ProxyOptions {
  std::optional<HostPort> listen;  // of the modes that do not say where
  std::vector<ProxyMode> modes;    // one at least
  std::string log;                 // empty: none
  std::string record;              // a folder; empty: nothing is recorded
  RecordLimits record_limits;
  bool quiet = false;
  Duration resolve_interval = AddressSources::kNameInterval;
  std::string user;  // to become once the ports are open; empty: stay who we are
  AcceptLimits accept;
  BalanceOptions balance;
  DestinationPolicy destinations;  // of forward
  Duration grace = std::chrono::seconds(30);
  WorkerOptions worker;
};

// The exit code. Prints where it listens, and errors as one sentence.
int run_proxy(ProxyOptions options);

}  // namespace ftpscope
