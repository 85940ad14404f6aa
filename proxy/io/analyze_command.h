// `ftpscope analyze`: a capture or a session log in, the dialogue and its findings out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/expectation.h"
#include "analyzer/flow_tracker.h"
#include "analyzer/report_ladder.h"
#include "proxy/io/extraction.h"

namespace ftpscope {

struct AnalyzeOptions {
  std::string input;  // "-" is standard input
  bool json = false;
  std::string extract;  // a folder; empty: nothing is saved
  ExtractionLimits extraction;
  std::string record;  // a folder; empty: no recording is made
  RecordLimits record_limits;
  std::string filter;  // pcap-filter(7); empty: all packets
  std::optional<Severity> fail_on;
  std::vector<Expectation> expectations;
  LadderOptions ladder;
  FlowLimits limits;
};

// The exit code: 0, 1 when the input could not be analysed to its end, 2 wrong usage, 3 when there
// is a finding that --fail-on names, or an expectation is not met.
int run_analyze(const AnalyzeOptions& options);

}  // namespace ftpscope
