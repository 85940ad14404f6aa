// What a replayed session was like, beside the recording. Pure.
#pragma once

#include <string>
#include <vector>

#include "analyzer/transaction_comparison.h"
#include "proxy/client_replay.h"

namespace ftpscope {

struct ClientReplayResult {
  // A row for each command that was to be sent, in the order of the recording. Points into the
  // script and into what was played.
  SessionComparison comparison;
  // Commands that are not played by intention ("AUTH TLS: a recording is played without TLS"). They
  // are no difference.
  std::vector<std::string> left_out;
  std::size_t played = 0;
};

// `played` are the records of the session that `machine` had.
ClientReplayResult compare_replay(const ClientScript& script, const ClientReplay& machine,
                                  const SessionTransactions& played,
                                  const ComparisonOptions& options);

}  // namespace ftpscope
