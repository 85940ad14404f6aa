// The recorded captures, as packets that a test can change before they are analysed.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "analyzer/capture_analysis.h"
#include "analyzer/record_json.h"

namespace ftpscope::unit {

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::vector<std::filesystem::path> recorded_captures() {
  std::vector<std::filesystem::path> found;
  const auto folder = std::filesystem::path(FTPSCOPE_CAPTURES) / "pcap";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto kind = entry.path().extension();
    if (kind == ".pcap" || kind == ".pcapng") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

struct RecordedSegment {
  TcpSegment segment;  // its payload is in `bytes`
  std::string bytes;
  Timestamp time;
};
struct RecordedUnreachable {
  Unreachable unreachable;
  Timestamp time;
};
using Recorded = std::variant<RecordedSegment, RecordedUnreachable>;

inline void add_recorded(std::vector<Recorded>& all, const Packet& packet, Timestamp time) {
  if (const auto* segment = std::get_if<TcpSegment>(&packet)) {
    all.emplace_back(RecordedSegment{*segment, std::string(segment->payload), time});
  } else if (const auto* unreachable = std::get_if<Unreachable>(&packet)) {
    all.emplace_back(RecordedUnreachable{*unreachable, time});
  }
}

inline std::vector<Recorded> packets_of(std::string_view file) {
  std::vector<Recorded> all;
  CaptureReader reader;
  IpFragments fragments;
  while (true) {
    const auto step = reader.next(file, true);
    file.remove_prefix(step.consumed);
    if (step.kind == CaptureReader::Step::Kind::end) return all;
    if (step.kind != CaptureReader::Step::Kind::packet) continue;
    const auto packet = decode(step.packet);
    if (!packet) continue;
    if (const auto* fragment = std::get_if<Fragment>(&*packet)) {
      const auto whole = fragments.add(*fragment, step.packet.time);
      const auto decoded = whole ? decode(*whole) : std::unexpected(Ignored::cut);
      if (decoded) add_recorded(all, *decoded, step.packet.time);
    } else {
      add_recorded(all, *packet, step.packet.time);
    }
  }
}

// Records as lines of JSON.
class Lines final : public RecordSink {
 public:
  void record(const Record& record) override {
    std::string line;
    append_json(line, record);
    line.pop_back();
    all.push_back(std::move(line));
  }
  std::vector<std::string> all;
};

inline std::vector<std::string> records_of(const std::vector<Recorded>& packets) {
  Lines lines;
  FlowTracker tracker({}, lines, nullptr);
  Timestamp last{};
  for (const auto& packet : packets) {
    if (const auto* recorded = std::get_if<RecordedSegment>(&packet)) {
      auto segment = recorded->segment;
      segment.payload = recorded->bytes;
      last = std::max(last, recorded->time);
      tracker.add(segment, recorded->time);
    } else {
      const auto& [unreachable, time] = std::get<RecordedUnreachable>(packet);
      last = std::max(last, time);
      tracker.add(unreachable, time);
    }
  }
  tracker.finish(last);
  return lines.all;
}

inline std::vector<std::string> records_of_file(std::string_view file) {
  Lines lines;
  CaptureAnalysis analysis({}, lines, nullptr, {});
  CHECK(analysis.read(file, true) == file.size());
  analysis.finish();
  return lines.all;
}

}  // namespace ftpscope::unit
