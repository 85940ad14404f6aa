// A capture, from the bytes of its file to records: CaptureReader, decode(), IpFragments and
// FlowTracker in a row, and what is to be said of the capture itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "analyzer/capture_reader.h"
#include "analyzer/flow_tracker.h"
#include "analyzer/ip_fragments.h"

namespace ftpscope {

class CaptureAnalysis {
 public:
  static constexpr std::uint64_t kDamageTold = 100;  // places; all are counted

  // The session that records of the capture itself have.
  static constexpr std::string_view kSession = "capture";

  using Filter = std::function<bool(const CapturedPacket&)>;

  // `taker` may be null; so may `filter`, which says whether a packet is to be looked at.
  CaptureAnalysis(const FlowLimits& limits, RecordSink& sink, DataTaker* taker, Filter filter,
                  CertificateNames names_of = nullptr);

  // The next bytes of the file that have not been consumed yet; returns how many now have been.
  // `complete`: nothing comes behind them.
  std::size_t read(std::string_view available, bool complete);
  // Ends all sessions and tells the totals.
  void finish();

  [[nodiscard]] bool damaged() const { return damages_ > 0; }
  [[nodiscard]] std::uint64_t packets() const { return totals_.packets; }

 private:
  void take(const CapturedPacket& packet);
  void take(const Packet& packet, Timestamp time);
  void tell_damage(const CaptureReader::Step& step);

  Recorder recorder_;
  Filter filter_;
  CaptureReader reader_;
  IpFragments fragments_;
  FlowTracker tracker_;
  record::Capture totals_;
  std::uint64_t damages_ = 0;
};

}  // namespace ftpscope
