#include "analyzer/captured_channel.h"

#include <algorithm>

namespace ftpscope {

std::uint64_t CapturedChannel::size() const {
  if (direction) {
    return stream(*direction == Direction::download ? Side::server : Side::client).size();
  }
  return stream(Side::client).size() + stream(Side::server).size();
}

bool CapturedChannel::over() const {
  return refused || reset || turned_away ||
         (stream(Side::client).fin() && stream(Side::server).fin());
}

bool CapturedChannel::moving() const {
  const auto sender = direction == Direction::upload ? Side::client : Side::server;
  return connected && transfer && !stream(sender).fin();
}

ChannelEnd CapturedChannel::how_so_far() const {
  if (refused) return ChannelEnd::refused;
  if (reset) return ChannelEnd::rst;
  if (!connected) return ChannelEnd::never_connected;
  const bool half_closed = stream(Side::client).fin() || stream(Side::server).fin();
  return half_closed ? ChannelEnd::fin : ChannelEnd::open;
}

std::span<const DataStream::Piece> CapturedChannel::add(const TcpSegment& segment, Side from,
                                                        Timestamp now) {
  auto& own = stream(from);
  auto& others = stream(other(from));
  const auto last = std::max(own.last_byte(), others.last_byte());
  others.ack(segment);
  const auto pieces = own.add(segment, now);
  if (segment.syn()) {
    syns += segment.has_ack() ? 0 : 1;
    answers += segment.has_ack() ? 1 : 0;
    if (!first_syn) first_syn = now;
  }
  if (segment.rst()) {
    // Whoever has closed turns away by RST what still comes: nothing of its own is lost by that.
    (own.fin() ? turned_away : connected ? reset : refused) = true;
    if (!closed_first) closed_first = from;
  }
  const bool stands = segment.has_ack() && !segment.rst();
  if (!connected && stands) connected = now;
  if (segment.fin() && !closed_first) closed_first = from;
  if (last && own.last_byte() == now) {
    longest_silence = std::max(longest_silence.value_or(Duration::zero()), now - *last);
  }
  if (over() && !ended) ended = std::max(now, connected.value_or(now));
  return pieces;
}

record::Data CapturedChannel::data(Timestamp now, ChannelEnd how) const {
  const auto& up = stream(Side::client);
  const auto& down = stream(Side::server);
  record::Data data;
  data.id = id;
  data.to = transfer;
  data.verb = verb;
  data.setup = setup;
  data.direction = direction;
  data.client = leg;
  data.server = leg;
  data.bytes_to_client = down.size();
  data.bytes_to_server = up.size();
  data.missing = up.missing() + down.missing();
  data.exposed = connected ? std::min(exposed, *connected) : exposed;  // packets out of order
  data.connected = connected;
  const auto earlier = [](auto a, auto b) { return a && b ? std::min(*a, *b) : a ? a : b; };
  data.first_byte = earlier(up.first_byte(), down.first_byte());
  data.last_byte = std::max(up.last_byte(), down.last_byte());
  data.closed = ended.value_or(now);
  data.closed_first = closed_first;
  data.how = how;
  data.captured = true;
  if (longest_silence && *longest_silence >= kSilence) data.silence = longest_silence;
  return data;
}

}  // namespace ftpscope
