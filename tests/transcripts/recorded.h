// The recording that a replay's transcript begins with, written as it happened: `R> USER bob`,
// `R< 331 ...`, `R+ 2s`, ... (README.md). An Observer makes of it what the proxy would have
// recorded.
#pragma once

#include <string>
#include <vector>

#include "analyzer/observer.h"
#include "analyzer/recording_timing.h"
#include "analyzer/transaction.h"

namespace ftpscope::transcripts {

using Words = std::vector<std::string>;
Words words_of(const std::string& text);

class Recorded final : private RecordSink {
 public:
  Recorded();

  // One line of it, `R` in front. Throws std::runtime_error when it is none.
  void add(const std::string& line);

  SessionTransactions take() { return collector_.take().at(0); }
  [[nodiscard]] const std::string& log() const { return log_; }
  [[nodiscard]] const std::string& timing() const { return timing_; }

 private:
  void record(const Record& record) override;
  void read(Side from, const std::string& bytes);
  void data(const Words& words);
  void end(bool reset);

  Timestamp now_;
  ChannelId channels_ = 0;
  TransactionCollector collector_;
  std::string log_;
  std::string timing_;
  std::array<StreamPlace, 2> places_;
  Observer observer_{DialogueLimits{}, "recorded", static_cast<RecordSink&>(*this)};
};

}  // namespace ftpscope::transcripts
