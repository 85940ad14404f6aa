#include "analyzer/capture_analysis.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace ftpscope {

CaptureAnalysis::CaptureAnalysis(const FlowLimits& limits, RecordSink& sink, DataTaker* taker,
                                 Filter filter, CertificateNames names_of)
    : recorder_(std::string(kSession), sink),
      filter_(std::move(filter)),
      tracker_(limits, sink, taker, names_of) {}

std::size_t CaptureAnalysis::read(std::string_view available, bool complete) {
  std::size_t consumed = 0;
  while (true) {
    const auto step = reader_.next(available.substr(consumed), complete);
    consumed += step.consumed;
    totals_.bytes += step.consumed;
    switch (step.kind) {
      case CaptureReader::Step::Kind::packet: take(step.packet); break;
      case CaptureReader::Step::Kind::damage: tell_damage(step); break;
      case CaptureReader::Step::Kind::more:
      case CaptureReader::Step::Kind::end: return consumed;
    }
  }
}

void CaptureAnalysis::tell_damage(const CaptureReader::Step& step) {
  if (++damages_ > kDamageTold) return;
  recorder_.at(totals_.last.value_or(Timestamp{}));
  recorder_.emit(record::Damage{step.packet.number + 1, step.packet.offset, step.what});
  recorder_.finding(FindingId::capture_damaged, std::nullopt,
                    "byte " + std::to_string(step.packet.offset) + ": " + step.what);
}

void CaptureAnalysis::take(const CapturedPacket& packet) {
  ++totals_.packets;
  if (!totals_.first) totals_.first = packet.time;
  totals_.last = std::max(totals_.last.value_or(packet.time), packet.time);
  if (filter_ && !filter_(packet)) {
    ++totals_.skipped;
    return;
  }
  if (const auto decoded = decode(packet)) {
    take(*decoded, packet.time);
  } else {
    ++totals_.skipped;
  }
}

void CaptureAnalysis::take(const Packet& packet, Timestamp time) {
  if (const auto* fragment = std::get_if<Fragment>(&packet)) {
    const auto whole = fragments_.add(*fragment, time);
    if (!whole) return;
    const auto decoded = decode(*whole);
    if (decoded && !std::holds_alternative<Fragment>(*decoded)) take(*decoded, time);
  } else if (const auto* segment = std::get_if<TcpSegment>(&packet)) {
    tracker_.add(*segment, time);
  } else if (const auto* unreachable = std::get_if<Unreachable>(&packet)) {
    tracker_.add(*unreachable, time);
  }
}

void CaptureAnalysis::finish() {
  const auto end = totals_.last.value_or(Timestamp{});
  tracker_.finish(end);
  recorder_.at(end);
  if (tracker_.forgotten() > 0) {
    recorder_.finding(FindingId::capture_limit, std::nullopt,
                      std::to_string(tracker_.forgotten()) + " connections were forgotten");
  }
  totals_.flows = tracker_.flows();
  totals_.sessions = tracker_.sessions();
  recorder_.emit(totals_);
}

}  // namespace ftpscope
