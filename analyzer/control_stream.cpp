// ControlStream: the bytes of one direction, in order.
#include <algorithm>
#include <cassert>
#include <iterator>

#include "analyzer/tcp_stream.h"

namespace ftpscope {

namespace {

std::int64_t signed_size(std::uint64_t size) { return static_cast<std::int64_t>(size); }

}  // namespace

void SequenceSpace::begin_at(std::uint32_t seq) {
  known_ = true;
  first_ = seq;
}

std::int64_t SequenceSpace::offset_of(std::uint32_t seq, std::int64_t near) const {
  const auto near_seq = first_ + static_cast<std::uint32_t>(near);
  return near + static_cast<std::int32_t>(seq - near_seq);
}

void ControlStream::add(const TcpSegment& segment, Timestamp time) {
  if (segment.rst()) return reset(segment);
  if (ended_) return;
  const auto seq = segment.syn() ? segment.seq + 1 : segment.seq;
  if (!space_.known()) space_.begin_at(seq);
  const auto at = space_.offset_of(seq, next_);
  if (segment.syn() && started_ && at != begin_) return;  // of another connection
  if (segment.syn()) start_at(at);
  note_urgent(at, segment);
  if (started_) {
    if (!keep_alive(at, segment)) take(at, segment);
  } else {
    hold(at, segment, time);
  }
  advance();
  give_up_acked_holes();
  limit();
}

// A RST far from where the stream is does not end it (RFC 5961 3.2), and a forged one that is near
// may be ignored by its receiver: so the stream stays open for more.
void ControlStream::reset(const TcpSegment& segment) {
  if (rst_) return;
  if (space_.known()) {
    const auto at = space_.offset_of(segment.seq, next_);
    const auto far = std::max(next_ - at, at - std::max(next_, highest_));
    if (far > signed_size(kWindowMax)) return;
  }
  rst_ = true;
  give_up_pieces();
  sink_->rst();
}

void ControlStream::start_at(std::int64_t offset) {
  if (started_) return;
  started_ = true;
  begin_ = next_ = offset;
  highest_ = std::max(highest_, offset);
  while (!pieces_.empty() && pieces_.begin()->first < next_) {
    waiting_ -= pieces_.begin()->second.bytes.size();
    pieces_.erase(pieces_.begin());
  }
}

// No SYN was seen. What comes first sets the beginning, for the moment.
void ControlStream::hold(std::int64_t at, const TcpSegment& segment, Timestamp time) {
  if (segment.length == 0 && !segment.fin()) {
    if (held_segments_ == 0) hint_ = at;
    return;
  }
  // A keep-alive probe may carry one byte that was sent before (RFC 1122 4.2.3.6), mostly a NUL.
  if (segment.length == 1 && segment.payload == std::string_view("\0", 1)) return;
  if (held_segments_ == 0) {
    next_ = at;
    held_since_ = time;
  }
  if (next_ - at > signed_size(kWindowMax)) return;
  next_ = std::min(next_, at);
  ++held_segments_;
  take(at, segment);
  const bool expected = hint_ && (at == *hint_ || at == *hint_ + 1);
  const bool waited = time - held_since_ >= kStartWait || held_segments_ >= kStartSegments;
  if (expected || waited) start_at(next_);
}

// RFC 1122 4.2.3.6. A byte sent in front of all that is expected does not have to be the right one.
bool ControlStream::keep_alive(std::int64_t at, const TcpSegment& segment) const {
  return segment.length == 1 && at + 1 == highest_ && !segment.syn() && !segment.fin();
}

// RFC 6093: the pointer names the byte behind the urgent one, whatever RFC 1122 says.
void ControlStream::note_urgent(std::int64_t at, const TcpSegment& segment) {
  if (!segment.urg() || segment.urgent == 0) return;
  const auto offset = at + segment.urgent - 1;
  if ((started_ && offset < next_) || urgent_.size() == kUrgentMax) return;
  const auto place = std::ranges::lower_bound(urgent_, offset);
  if (place == urgent_.end() || *place != offset) urgent_.insert(place, offset);
}

void ControlStream::take(std::int64_t at, const TcpSegment& segment) {
  auto end = at + signed_size(segment.length);
  if (segment.fin() && !fin_at_ && end >= next_) end_at(end);
  if (fin_at_) end = std::min(end, *fin_at_);
  if (end <= at) return;
  auto bytes = segment.payload.substr(0, static_cast<std::size_t>(end - at));
  highest_ = std::max(highest_, end);
  if (at < next_) {
    const auto before = static_cast<std::size_t>(std::min(end, next_) - at);
    compare_history(at, bytes.substr(0, before));
    bytes.remove_prefix(std::min(before, bytes.size()));
    at += signed_size(before);
  }
  const auto cut = at + signed_size(bytes.size());  // where the capture cut the segment short
  put(at, cut, bytes);
  put(cut, end, {});
}

void ControlStream::end_at(std::int64_t offset) {
  fin_at_ = offset;
  while (!pieces_.empty()) {  // bytes behind a FIN are none
    auto last = std::prev(pieces_.end());
    const auto keep = static_cast<std::uint64_t>(std::max<std::int64_t>(0, offset - last->first));
    if (last->second.length <= keep) break;
    waiting_ -= last->second.bytes.size();
    if (keep == 0) {
      pieces_.erase(last);
      continue;
    }
    last->second.length = keep;
    last->second.bytes.resize(std::min<std::size_t>(keep, last->second.bytes.size()));
    waiting_ += last->second.bytes.size();
  }
}

// Adds what lies between `at` and `end` and is not there yet. `bytes` empty: it was not captured.
void ControlStream::put(std::int64_t at, std::int64_t end, std::string_view bytes) {
  auto next = pieces_.upper_bound(at);
  if (next != pieces_.begin()) {
    const auto before = std::prev(next);
    if (before->first + signed_size(before->second.length) > at) next = before;
  }
  while (at < end) {
    const auto hole_end = next == pieces_.end() ? end : std::min(end, next->first);
    const auto hole = static_cast<std::size_t>(std::max<std::int64_t>(0, hole_end - at));
    if (hole > 0) put_new(at, hole, bytes.substr(0, hole));
    bytes.remove_prefix(std::min(hole, bytes.size()));
    at += signed_size(hole);
    if (at >= end) return;
    const auto known = std::string_view(next->second.bytes);
    const auto skipped = static_cast<std::size_t>(at - next->first);
    const auto same = static_cast<std::size_t>(
        std::min(end, next->first + signed_size(next->second.length)) - at);
    if (!known.empty()) compare(known.substr(skipped, same), bytes.substr(0, same));
    bytes.remove_prefix(std::min(same, bytes.size()));
    at += signed_size(same);
    ++next;
  }
}

void ControlStream::put_new(std::int64_t at, std::uint64_t length, std::string_view bytes) {
  if (started_ && at == next_) {
    if (bytes.empty()) return lose(length);
    return deliver(bytes);
  }
  waiting_ += bytes.size();
  const auto behind = pieces_.lower_bound(at);
  if (behind != pieces_.begin()) {  // small pieces in a row are one: a node costs more than a byte
    auto& [before_at, before] = *std::prev(behind);
    const bool adjacent = before_at + signed_size(before.length) == at;
    if (adjacent && before.bytes.empty() == bytes.empty()) {
      before.length += length;
      before.bytes += bytes;
      return;
    }
  }
  pieces_.emplace_hint(behind, at, Piece{length, std::string(bytes)});
}

void ControlStream::compare_history(std::int64_t at, std::string_view bytes) {
  const auto history_at = next_ - signed_size(history_.size());
  if (at < history_at) {
    const auto before = static_cast<std::size_t>(history_at - at);
    bytes.remove_prefix(std::min(before, bytes.size()));
    at = history_at;
  }
  if (bytes.empty()) return;
  const auto known = std::string_view(history_).substr(static_cast<std::size_t>(at - history_at));
  compare(known.substr(0, bytes.size()), bytes);
}

void ControlStream::compare(std::string_view kept, std::string_view other) {
  const auto size = std::min(kept.size(), other.size());
  kept = kept.substr(0, size);
  other = other.substr(0, size);
  if (kept == other) return;
  const auto first =
      static_cast<std::size_t>(std::ranges::mismatch(kept, other).in1 - kept.begin());
  auto last = size - 1;
  while (kept[last] == other[last]) --last;
  sink_->overlap(kept.substr(first, last - first + 1), other.substr(first, last - first + 1));
}

void ControlStream::deliver(std::string_view bytes) {
  while (!bytes.empty()) {
    bool urgent = false;
    auto size = bytes.size();
    for (const auto offset : urgent_) {
      if (offset == next_) urgent = true;
      if (offset <= next_) continue;
      size = static_cast<std::size_t>(std::min(signed_size(size), offset - next_));
      break;
    }
    const auto part = bytes.substr(0, size);
    bytes.remove_prefix(size);
    history_ += part;
    if (history_.size() > 2 * kHistoryMax) history_.erase(0, history_.size() - kHistoryMax);
    delivered_ += size;
    move_to(next_ + signed_size(size));
    sink_->bytes(part, urgent);
  }
}

void ControlStream::lose(std::uint64_t bytes) {
  history_.clear();
  missing_ += bytes;
  move_to(next_ + signed_size(bytes));
  sink_->gap(bytes);
}

void ControlStream::move_to(std::int64_t offset) {
  next_ = offset;
  std::erase_if(urgent_, [&](std::int64_t urgent) { return urgent < next_; });
}

// Gives out what has its turn.
void ControlStream::advance() {
  if (!started_) return;
  while (!pieces_.empty() && pieces_.begin()->first == next_) {
    const auto piece = std::move(pieces_.extract(pieces_.begin()).mapped());
    waiting_ -= piece.bytes.size();
    if (piece.bytes.empty()) {
      lose(piece.length);
    } else {
      deliver(piece.bytes);
    }
  }
  assert(pieces_.empty() || pieces_.begin()->first > next_);
  if (ended_ || !fin_at_ || next_ < *fin_at_) return;
  ended_ = true;
  sink_->fin();
}

void ControlStream::give_up_hole() {
  start_at(next_);
  advance();
  if (pieces_.empty()) return;
  lose(static_cast<std::uint64_t>(pieces_.begin()->first - next_));
  advance();
}

void ControlStream::give_up_pieces() {
  while (!pieces_.empty()) give_up_hole();
}

// Holes in front of bytes that the capture has, which the other side has got.
void ControlStream::give_up_acked_holes() {
  while (acked_ && !pieces_.empty() && pieces_.begin()->first <= *acked_) give_up_hole();
}

void ControlStream::limit() {
  while (waiting_ > kWindowMax || pieces_.size() > kSegmentsMax) give_up_hole();
}

void ControlStream::ack(const TcpSegment& other) {
  if (!other.has_ack() || other.rst() || ended_) return;
  if (!space_.known()) space_.begin_at(other.ack);
  auto offset = space_.offset_of(other.ack, next_);
  if (!started_) {
    if (held_segments_ == 0) hint_ = offset;
    if (held_segments_ == 0 || offset <= next_) return;
    start_at(next_);
    advance();
  }
  if (fin_at_) offset = std::min(offset, *fin_at_);
  if (offset <= next_ || offset - next_ > SequenceSpace::kAheadMax) return;
  acked_ = std::max(acked_.value_or(offset), offset);
  give_up_acked_holes();
  if (other.length > 0 || other.fin()) give_up_acked();
}

// Nothing is left in front of what was acknowledged. One byte of it may as well be a FIN that the
// capture does not have.
void ControlStream::give_up_acked() {
  if (!acked_ || *acked_ <= next_) return;
  if (*acked_ == next_ + 1 && !fin_at_) return;
  lose(static_cast<std::uint64_t>(*acked_ - next_));
  advance();
}

void ControlStream::finish() {
  if (ended_) return;
  give_up_pieces();
  if (fin_at_) acked_ = fin_at_;
  if (started_) give_up_acked();
  advance();
  ended_ = true;
}

}  // namespace ftpscope
