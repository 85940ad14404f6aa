// Sessions to compare, from whatever has them: a recording (a folder), a log, a capture; and the
// payloads that they moved, as far as somebody kept them.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "analyzer/flow_tracker.h"
#include "analyzer/transaction_comparison.h"
#include "proxy/io/input_analysis.h"

namespace ftpscope {

class SessionSource {
 public:
  // Of a capture, this much of what the data connections carried is looked at: it is saved in a
  // temporary folder meanwhile.
  static constexpr std::uint64_t kCapturedPayloads = std::uint64_t{4} << 30U;

  // All of the input is read. "-" is standard input. The error is a sentence.
  static std::expected<SessionSource, std::string> open(const std::string& path,
                                                        const FlowLimits& limits,
                                                        LogReading log = LogReading::anew);

  std::vector<SessionTransactions> sessions;
  // What is wrong with it, and no reason to stop: sentences.
  std::vector<std::string> complaints;

  [[nodiscard]] PayloadReader payloads() const;
  // Where they are.
  [[nodiscard]] const std::string& folder() const;
  // Why the payload of a transfer is not what was transferred, as a sentence; empty: it is, or it
  // was not kept.
  [[nodiscard]] std::string what_is_wrong_with(const TransactionData& data) const;

 private:
  class Folder;
  class Reading;

  void look_at_payloads();
  void look_at(TransactionData& data);

  std::string name_;
  std::map<std::string, std::string> damaged_;  // what is wrong with a payload, by its name
  std::shared_ptr<const Folder> folder_;
};

}  // namespace ftpscope
