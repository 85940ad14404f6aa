// What `ftpscope analyze` finds, on its way to standard output: records as JSON or as a picture,
// those that were asked for. And the line on a terminal that says how far the work is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "analyzer/findings.h"
#include "analyzer/report_ladder.h"

namespace ftpscope {

// One line on standard error, if that is a terminal and the work takes more than a second.
class Progress {
 public:
  // `total`: bytes of the input; 0: not known.
  explicit Progress(std::uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  void at(std::uint64_t done);
  // Something else is about to be shown.
  void clear();

 private:
  std::uint64_t total_;
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Standard output, in large pieces.
class Output {
 public:
  explicit Output(Progress& progress);

  void add(std::string_view text);
  // To append to.
  std::string& buffer();
  void write_out();
  // errno of the first write that failed, or 0.
  [[nodiscard]] int error() const { return error_; }

 private:
  static constexpr std::size_t kPiece = 65536;

  Progress& progress_;
  bool terminal_;
  std::string buffer_;
  int error_ = 0;
};

class Results final : public RecordSink {
 public:
  // `progress` outlives it.
  Results(bool json, const LadderOptions& ladder, Progress& progress);

  void record(const Record& record) override;
  void finish();
  // A session was asked for (--session), and there is none of that name.
  [[nodiscard]] bool none_wanted() const { return !options_.session.empty() && !any_; }
  // Of what was asked for.
  [[nodiscard]] Severity worst() const { return worst_; }
  [[nodiscard]] int error() const { return output_.error(); }

 private:
  bool json_;
  LadderOptions options_;
  Output output_;
  LadderReport ladder_;
  Severity worst_ = Severity::note;
  bool any_ = false;
};

}  // namespace ftpscope
