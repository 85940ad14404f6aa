// `ftpscope proxy` and `ftpscope nat`: opens what needs root, then an event loop, or several.
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
  std::size_t workers = 1;  // processes with an event loop each
};

// The exit code. Prints where it listens, and errors as one sentence.
int run_proxy(ProxyOptions options);

}  // namespace ftpscope
