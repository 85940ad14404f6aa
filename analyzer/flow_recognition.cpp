// FlowTracker: which connections are control connections.
#include <algorithm>
#include <utility>

#include "analyzer/flow_tracker.h"

namespace ftpscope {

namespace {

using Piece = std::pair<std::uint32_t, std::string_view>;

// In the order of the stream; of two with the same number, the one that came first.
void add_in_order(std::vector<Piece>& pieces, const Piece& piece) {
  const auto before = [](const Piece& a, const Piece& b) {
    return static_cast<std::int32_t>(a.first - b.first) < 0;  // sequence numbers wrap
  };
  pieces.insert(std::ranges::upper_bound(pieces, piece, before), piece);
}

// Of one direction, from segments that may overlap or be repeated, up to the first hole: enough to
// recognise it. `next`: the first byte's number, where the SYN is known.
std::string joined(const std::vector<Piece>& pieces, std::optional<std::uint32_t> next) {
  std::string text;
  for (const auto& [seq, bytes] : pieces) {
    const auto at = next.value_or(seq);
    const auto known = static_cast<std::int32_t>(at - seq);
    if (known < 0) break;  // a hole
    const auto skip = std::min(static_cast<std::size_t>(known), bytes.size());
    text.append(bytes.substr(skip));
    next = at + static_cast<std::uint32_t>(bytes.size() - skip);
  }
  return text;
}

std::optional<std::uint32_t> first_byte(std::optional<std::uint32_t> syn) {
  return syn ? std::optional(*syn + 1) : std::nullopt;
}

}  // namespace

void FlowTracker::add_unknown(Flow& flow, const Key& key, const TcpSegment& segment,
                              Timestamp now) {
  if (flow.recent || segment.length > 0) keep(flow, segment, now);
  if (!flow.early) return;
  // Before both SYNs are here, other packets may be missing, too.
  const bool stands = flow.ends[0].syn && flow.ends[1].syn;
  if (stands ? segment.length > 0 || segment.syn()
             : flow.early->size() >= SegmentOrder::kStartHeld) {
    recognise(flow, key);
  }
}

void FlowTracker::recognise(Flow& flow, const Key& key) {
  const auto has_data = [](const EarlySegment& early) { return early.segment.length > 0; };
  if (std::ranges::none_of(*flow.early, has_data)) return;
  bool high_is_client = flow.high_called;
  switch (judge(flow, key, high_is_client)) {
    case Likeness::yes: open_session(flow, key, high_is_client); return;
    case Likeness::no:
      flow.role = Flow::Role::ignored;
      if (!flow.recent) take_early(flow);
      return;
    case Likeness::undecided: return;
  }
}

Likeness FlowTracker::judge(const Flow& flow, const Key& key, bool& high_is_client) const {
  const bool started = flow.ends[0].syn || flow.ends[1].syn;
  const bool ftp_port = is_ftp_port(key.low.port) || is_ftp_port(key.high.port);
  if (ftp_port) {
    const auto listener = flow.high_called ? key.low.port : key.high.port;
    if (!started || !is_ftp_port(listener)) high_is_client = is_ftp_port(key.low.port);
    return Likeness::yes;
  }
  std::array<std::vector<Piece>, 2> pieces;
  std::size_t size = 0;
  for (const auto& early : *flow.early) {
    if (early.bytes.empty()) continue;
    add_in_order(pieces[early.segment.from == key.high ? 1 : 0], {early.segment.seq, early.bytes});
    size += early.bytes.size();
  }
  const std::array<std::string, 2> text = {joined(pieces[0], first_byte(flow.ends[0].syn)),
                                           joined(pieces[1], first_byte(flow.ends[1].syn))};
  if (!started) {  // the client is who does not reply; it may be all that was seen so far
    high_is_client = sends_replies(text[0]) || (text[0].empty() && !sends_replies(text[1]));
  }
  const auto client = static_cast<std::size_t>(high_is_client);
  const auto likeness =
      ftp_likeness({.from_client = text[client],
                    .from_server = text[1 - client],
                    .from_the_start = started,
                    .one_direction = !flow.ends[1 - client].seen || !flow.ends[client].seen});
  const bool enough =
      size >= FlowLimits::kEarlyMax || flow.early->size() >= FlowLimits::kEarlySegmentsMax;
  return likeness == Likeness::undecided && enough ? Likeness::no : likeness;
}

// Connections of which too few packets came to be sure that no SYN was late. What is on no FTP port
// and has not been recognised by now is not: a few bytes prove nothing.
void FlowTracker::recognise_rest() {
  std::vector<std::pair<Timestamp, Key>> left;
  for (auto* flows : {&young_, &old_}) {
    for (const auto& [key, flow] : *flows) {
      if (flow.role == Flow::Role::unknown && flow.early) left.emplace_back(flow.first, key);
    }
  }
  std::ranges::sort(left);
  for (const auto& [time, key] : left) {
    auto* const flow = find(key);
    if (flow->role == Flow::Role::unknown) recognise(*flow, key);
  }
}

}  // namespace ftpscope
