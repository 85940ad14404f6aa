#include "analyzer/segment_order.h"

#include <algorithm>

namespace ftpscope {

namespace {

// Sequence numbers wrap (RFC 9293 3.4).
bool is_before(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }

std::uint32_t end_of(const TcpSegment& segment) {
  return segment.seq + segment.length + (segment.syn() ? 1U : 0U) + (segment.fin() ? 1U : 0U);
}

}  // namespace

bool SegmentOrder::in_order(const TcpSegment& segment, Side from) const {
  const auto& own = next_[static_cast<std::size_t>(from)];
  const auto& others = next_[static_cast<std::size_t>(other(from))];
  const bool ahead = own && is_before(*own, segment.seq);
  if (segment.rst()) return !ahead || segment.seq - *own > kResetAheadMax;
  if (!started() && !segment.syn()) return false;
  const bool acknowledges_the_unseen =
      segment.has_ack() && others && is_before(*others, segment.ack);
  const bool behind_a_hole = ahead && (segment.length > 0 || segment.fin());
  return !acknowledges_the_unseen && !behind_a_hole;
}

// Without SYN, each direction begins with the first of its bytes that is here.
void SegmentOrder::start() {
  if (started()) return;
  started_ = true;
  for (const auto side : {Side::client, Side::server}) {
    auto& first = next_[static_cast<std::size_t>(side)];
    const bool known = first.has_value();
    for (const auto& held : held_) {
      if (known || held.from != side || held.segment.rst()) continue;
      if (!first || is_before(held.segment.seq, *first)) first = held.segment.seq;
    }
  }
}

std::optional<std::size_t> SegmentOrder::first_in_order() const {
  const auto found = std::ranges::find_if(
      held_, [this](const Held& held) { return in_order(held.segment, held.from); });
  if (found == held_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - held_.begin());
}

void SegmentOrder::note(const TcpSegment& segment, Side from) {
  if (segment.rst()) return;
  auto& own = next_[static_cast<std::size_t>(from)];
  const auto end = end_of(segment);
  if (!own || is_before(*own, end)) own = end;
  // What was acknowledged and has not been seen is given up.
  auto& others = next_[static_cast<std::size_t>(other(from))];
  if (segment.has_ack() && others && is_before(*others, segment.ack)) others = segment.ack;
}

}  // namespace ftpscope
