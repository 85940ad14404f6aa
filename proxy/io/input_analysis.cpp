#include "proxy/io/input_analysis.h"

#include <utility>

#include "proxy/io/certificate_names.h"

namespace ftpscope {

InputAnalysis::InputAnalysis(const FlowLimits& limits, RecordSink& sink, DataTaker* taker,
                             CaptureAnalysis::Filter filter, LogReading reading)
    : sink_(sink),
      reading_(reading),
      log_(sink),
      capture_(limits, sink, taker, std::move(filter), certificate_names) {}

std::size_t InputAnalysis::take(std::string_view available, bool complete) {
  if (kind_ == Kind::unknown) kind_ = kind_of(available, complete);
  switch (kind_) {
    case Kind::unknown: return 0;
    case Kind::log: return take_log(available, complete);
    case Kind::capture: return capture_.read(available, complete);
    case Kind::neither: return available.size();
  }
  return 0;
}

void InputAnalysis::finish() {
  if (kind_ == Kind::log) log_.finish();
  if (kind_ == Kind::capture) capture_.finish();
}

std::string InputAnalysis::problem() const {
  if (kind_ == Kind::unknown) return "is empty";
  if (kind_ == Kind::neither) {
    return "is neither a capture (pcap, pcapng) nor a session log (JSON Lines)";
  }
  const auto bad = log_reader_.bad_lines();
  if (bad == 0) return {};
  const std::string count = bad == 1
                                ? "a line that is no record, "
                                : std::to_string(bad) + " lines that are no records, the first is ";
  return "has " + count + "line " + log_reader_.first_problem();
}

InputAnalysis::Kind InputAnalysis::kind_of(std::string_view first, bool complete) {
  constexpr std::size_t kEnough = 12;
  if (first.starts_with('{')) return Kind::log;
  if (first.size() < kEnough && !complete) return Kind::unknown;
  if (first.empty()) return Kind::unknown;
  return CaptureReader::looks_like_capture(first) ? Kind::capture : Kind::neither;
}

std::size_t InputAnalysis::take_log(std::string_view available, bool complete) {
  const auto whole = complete ? available.size() : available.rfind('\n') + 1;
  log_reader_.read(available.substr(0, whole), [this](const Record& record) {
    reading_ == LogReading::anew ? log_.add(record) : sink_.record(record);
  });
  return whole;
}

}  // namespace ftpscope
