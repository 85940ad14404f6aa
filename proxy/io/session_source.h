// Sessions to compare, from whatever has them: a recording (a folder), a log, a capture; and the
// payloads that they moved, as far as somebody kept them.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "analyzer/flow_tracker.h"
#include "analyzer/transaction_comparison.h"

namespace ftpscope {

class SessionSource {
 public:
  // Of a capture, this much of what the data connections carried is looked at: it is saved in a
  // temporary folder meanwhile.
  static constexpr std::uint64_t kCapturedPayloads = std::uint64_t{4} << 30U;

  // All of the input is read. "-" is standard input. The error is a sentence.
  static std::expected<SessionSource, std::string> open(const std::string& path,
                                                        const FlowLimits& limits);

  std::vector<SessionTransactions> sessions;
  // What is wrong with it, and no reason to stop: sentences.
  std::vector<std::string> complaints;

  [[nodiscard]] PayloadReader payloads() const;

 private:
  class Folder;
  class Reading;

  void look_at_payloads();
  void look_at(TransactionData& data);

  std::string name_;
  std::shared_ptr<const Folder> folder_;
};

}  // namespace ftpscope
