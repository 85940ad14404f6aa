// Reads what `analyze` and `diff` take: a capture or a session log, told apart by its first bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "analyzer/capture_analysis.h"
#include "analyzer/log_reader.h"
#include "analyzer/log_replay.h"

namespace ftpscope {

// What becomes of a log's records.
enum class LogReading : std::uint8_t {
  anew,        // understood anew from the bytes in them, by today's rules
  as_written,  // taken as they are: one command is one command, whatever is in it
};

class InputAnalysis {
 public:
  // `taker` and `filter` are for captures; both may be null.
  InputAnalysis(const FlowLimits& limits, RecordSink& sink, DataTaker* taker,
                CaptureAnalysis::Filter filter, LogReading reading = LogReading::anew);

  // As InputFile::Take has it.
  std::size_t take(std::string_view available, bool complete);
  void finish();

  // Why not all of it could be analysed, behind the name of the input; empty when it could.
  [[nodiscard]] std::string problem() const;
  [[nodiscard]] bool is_log() const { return kind_ == Kind::log; }
  [[nodiscard]] bool nothing_done() const {
    return kind_ == Kind::unknown || kind_ == Kind::neither;
  }

 private:
  enum class Kind : std::uint8_t { unknown, log, capture, neither };

  static Kind kind_of(std::string_view first, bool complete);
  std::size_t take_log(std::string_view available, bool complete);

  RecordSink& sink_;
  LogReading reading_;
  Kind kind_ = Kind::unknown;
  LogReader log_reader_;
  LogReplay log_;
  CaptureAnalysis capture_;
};

}  // namespace ftpscope
