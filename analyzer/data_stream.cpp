// DataStream: what one direction carried, counted.
#include <algorithm>

#include "analyzer/tcp_stream.h"

namespace ftpscope {

std::int64_t DataStream::highest() const {
  return std::max(acked_, ranges_.empty() ? 0 : ranges_.back().end);
}

std::span<const DataStream::Piece> DataStream::add(const TcpSegment& segment, Timestamp time) {
  pieces_.clear();
  if (segment.rst()) {  // its payload, if any, is a text for people (RFC 1122 4.2.2.12)
    rst_ = true;
    return pieces_;
  }
  const auto seq = segment.syn() ? segment.seq + 1 : segment.seq;
  if (!space_.known()) space_.begin_at(seq);
  const auto at = space_.offset_of(seq, highest());
  auto end = at + static_cast<std::int64_t>(segment.length);
  if (segment.fin() && !fin_at_ && end >= 0 && (ranges_.empty() || end >= ranges_.back().end)) {
    fin_at_ = end;
  }
  if (fin_at_) end = std::min(end, *fin_at_);
  if (end <= std::max<std::int64_t>(at, 0)) return pieces_;
  if (add_range(at, end, segment.payload)) {
    if (!first_byte_) first_byte_ = time;
    last_byte_ = time;
  }
  return pieces_;
}

// Notes the new parts of [at, end) and returns whether there are any.
bool DataStream::add_range(std::int64_t at, std::int64_t end, std::string_view payload) {
  auto begin = std::max<std::int64_t>(at, 0);
  const auto first = std::ranges::lower_bound(ranges_, begin, {}, &Range::end);
  auto last = first;  // behind the ranges that touch this one
  Range all{begin, end};
  bool any = false;
  const auto note = [&](std::int64_t from, std::int64_t to) {
    if (from >= to) return;
    any = true;
    const auto skipped = static_cast<std::size_t>(from - at);
    if (skipped >= payload.size()) return;  // the capture has cut it off
    const auto bytes = payload.substr(skipped, static_cast<std::size_t>(to - from));
    captured_ += bytes.size();
    pieces_.push_back({static_cast<std::uint64_t>(from), bytes});
  };
  for (; last != ranges_.end() && last->begin <= end; ++last) {
    note(begin, std::min(end, last->begin));
    begin = std::max(begin, last->end);
    all = {std::min(all.begin, last->begin), std::max(all.end, last->end)};
  }
  note(begin, end);
  if (first == last) {
    ranges_.insert(first, all);
  } else {
    *first = all;
    ranges_.erase(first + 1, last);
  }
  if (ranges_.size() > kRangesMax) {  // a hole less: should its bytes still come, they are not new
    ranges_[1].begin = ranges_[0].begin;
    ranges_.erase(ranges_.begin());
  }
  return any;
}

void DataStream::ack(const TcpSegment& other) {
  if (!other.has_ack() || other.rst()) return;
  if (!space_.known()) space_.begin_at(other.ack);
  const auto offset = space_.offset_of(other.ack, highest());
  if (offset - highest() <= SequenceSpace::kAheadMax) acked_ = std::max(acked_, offset);
}

std::uint64_t DataStream::size() const {
  if (fin_at_) return static_cast<std::uint64_t>(*fin_at_);
  const auto seen = ranges_.empty() ? 0 : ranges_.back().end;
  const bool perhaps_fin = acked_ == seen + 1;  // of a FIN that the capture does not have
  return static_cast<std::uint64_t>(perhaps_fin ? seen : std::max(seen, acked_));
}

}  // namespace ftpscope
