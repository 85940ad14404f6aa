#include "proxy/io/kernel_channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "analyzer/packet.h"
#include "proxy/io/kernel_path.h"
#include "proxy/io/live_session.h"
#include "proxy/io/socket_address.h"

namespace ftpscope {

namespace {

// Twice what a channel waits for its peer: it waits anew when the transfer is asked for. By then we
// have taken the expectation away ourselves.
std::chrono::seconds lifetime_of(Duration wait) {
  constexpr auto kNever = std::chrono::hours(24);
  return wait == Duration::zero() ? kNever : 2 * std::chrono::ceil<std::chrono::seconds>(wait);
}

// Both peers believe in a connection that is none any more. A SYN from its other end is how they
// find out (RFC 9293 3.5.1, half-open connections): they answer it with where they are, this
// machine knows of no such connection, and its RST has the right number.
void tell_half_open(int socket, const Endpoint& peer) {
  const auto address = to_socket_address(peer);
  static_cast<void>(connect(socket, address.get(), address.size));
}

}  // namespace

KernelChannel::KernelChannel(KernelPath& path, LiveSession& session, const Exposure& exposure)
    : path_(path),
      worker_(session.worker()),
      session_(session),
      exposure_(exposure),
      expectation_{exposure.expected,
                   {session.local_address(exposure.facing), 0},
                   *exposure.target,
                   session.local_address(other(exposure.facing))} {}

KernelChannel::~KernelChannel() { give_back(); }

// Bound and not listening, the port is ours, and a connection to it is refused by the kernel unless
// the expectation leads it elsewhere.
std::expected<std::uint16_t, std::string_view> KernelChannel::open() {
  if (const auto why = path_.obstacle(expectation_); !why.empty()) return std::unexpected(why);
  if (!worker_.take_descriptors(WorkerOptions::kDescriptorsOfHold)) {
    return std::unexpected("no descriptor is free (--max-descriptors)");
  }
  const auto& ports = worker_.options().data_ports;
  auto port = hold_port({expectation_.here.ip, ports, path_.random_port(ports)});
  if (!port) {
    worker_.give_descriptors(WorkerOptions::kDescriptorsOfHold);
    return std::unexpected("no port is free (--data-ports)");
  }
  port_ = std::move(*port);
  expectation_.here.port = local_endpoint(port_->get()).port;
  path_.enlist(expectation_, *this);
  const auto wait = worker_.options().interceptor.timeouts.data_connect;
  expected_ = path_.expectations().add(expectation_, lifetime_of(wait));
  if (!expected_) return std::unexpected("nftables did not take the expectation");
  return expectation_.here.port;
}

void KernelChannel::give_back() {
  if (!port_) return;
  withdraw();
  path_.delist(expectation_, *this);
  port_.reset();
  worker_.give_descriptors(WorkerOptions::kDescriptorsOfHold);
}

void KernelChannel::withdraw() {
  if (std::exchange(expected_, false)) path_.expectations().remove(expectation_);
}

// --- segments ---

void KernelChannel::on_peer(const TcpSegment& segment) {
  if (segment.syn()) {
    on_syn(segment);
  } else if (peer_ == segment.from) {
    segment.rst() ? on_reset(exposure_.facing, segment) : on_end(exposure_.facing, segment);
  }
}

void KernelChannel::on_syn(const TcpSegment& segment) {
  if (segment.from.ip != expectation_.peer) {
    if (!peer_) session_.feed(event::StrangerRefused{id(), segment.from});
    return;
  }
  if (peer_ && peer_ != segment.from) {  // a second connection, before the expectation was gone
    path_.entries().forget({segment.from, expectation_.here});
    return;
  }
  if (!peer_) last_progress_ = worker_.now();
  peer_ = segment.from;
  stream(exposure_.facing).syn = segment.seq;
  // Once conntrack has the connection it is translated for good, and the expectation is used. The
  // copy of the SYN may be here before that.
  if (path_.entries().find(connection())) withdraw();
  session_.channel_waits();
}

// The answer to a SYN, SYN or RST, acknowledges its number.
bool KernelChannel::is_answered_by(const TcpSegment& segment) const {
  if (totals_.connected) return segment.to == from_us_;
  const auto& asked = streams_[static_cast<std::size_t>(exposure_.facing)].syn;
  return asked && segment.has_ack() && segment.ack == *asked + 1;
}

void KernelChannel::on_target(const TcpSegment& segment) {
  const auto side = target_side();
  if (segment.syn()) {
    on_connected(segment);
  } else if (!totals_.connected) {
    if (segment.rst()) close(ChannelEnd::connect_failed, std::nullopt, "connection refused");
  } else {
    segment.rst() ? on_reset(side, segment) : on_end(side, segment);
  }
}

void KernelChannel::on_connected(const TcpSegment& segment) {
  if (totals_.connected) return;  // sent again
  withdraw();
  from_us_ = segment.to;
  stream(target_side()).syn = segment.seq;
  totals_.connected = last_progress_ = looked_ = worker_.now();
  const Leg to_target{from_us_, expectation_.target};
  const bool passive = exposure_.facing == Side::client;
  totals_.client = passive ? connection() : to_target;
  totals_.server = passive ? to_target : connection();
  session_.feed(event::ChannelOpened{id(), *totals_.client, *totals_.server});
}

void KernelChannel::on_end(Side side, const TcpSegment& segment) {
  auto& ending = stream(side);
  if (!totals_.connected || ending.finished) return;  // a FIN that is sent again
  ending.finished = true;
  ending.end = segment.seq + segment.length;
  last_progress_ = worker_.now();
  if (!totals_.closed_first) totals_.closed_first = side;
  const bool both = stream(other(side)).finished;
  session_.feed(event::ChannelDrained{id(), side});
  if (both) close(ChannelEnd::fin, totals_.closed_first);
}

// It also tells what its sender has received.
void KernelChannel::on_reset(Side side, const TcpSegment& segment) {
  if (!totals_.connected) {
    close(ChannelEnd::connect_failed, std::nullopt, "reset while connecting");
    return;
  }
  if (!stream(side).end) stream(side).end = segment.seq;
  auto& received = stream(other(side)).end;
  if (!received && segment.has_ack()) received = segment.ack;
  close(ChannelEnd::rst, totals_.closed_first ? totals_.closed_first : std::optional(side));
}

// --- the end ---

void KernelChannel::cut() {
  if (!peer_) return;
  path_.entries().forget(connection());
  if (!totals_.connected) return;  // they ask again, and are refused
  tell_half_open(port_->get(), *peer_);
  const auto from = hold_port({from_us_.ip, {from_us_.port, from_us_.port}, from_us_.port});
  if (from) tell_half_open((*from)->get(), expectation_.target);
}

std::uint64_t KernelChannel::bytes_of(Side side, const PacketTotals& totals) const {
  const auto& stream = streams_[static_cast<std::size_t>(side)];
  const auto about = estimated_payload(totals, expectation_.here.ip.v6);
  return stream.syn && stream.end ? exact_payload(*stream.syn, *stream.end, about) : about;
}

void KernelChannel::count_bytes() {
  if (!totals_.connected) return;
  if (const auto entry = path_.entries().find(connection())) seen_ = entry->totals;
  const auto [peer, target] = seen_;
  const bool passive = exposure_.facing == Side::client;
  totals_.bytes_to_server = bytes_of(Side::client, passive ? peer : target);
  totals_.bytes_to_client = bytes_of(Side::server, passive ? target : peer);
}

void KernelChannel::close(ChannelEnd how, std::optional<Side> first, std::string_view why) {
  if (closed_) return;
  closed_ = true;
  count_bytes();
  if (how != ChannelEnd::fin && how != ChannelEnd::rst) cut();
  give_back();
  totals_.closed_first = first;
  totals_.how = how;
  session_.feed(event::ChannelClosed{id(), totals_, why});
}

// --- time ---

std::optional<Timestamp> KernelChannel::due() const {
  if (closed_ || !peer_) return std::nullopt;  // the machine knows how long to wait for the peer
  if (totals_.connected) {
    const auto stall = worker_.options().stall_timeout;
    return looked_ + (stall == Duration::zero() ? kLookPeriod : std::min(stall, kLookPeriod));
  }
  const auto timeout = worker_.options().connect_timeout;
  return timeout == Duration::zero() ? std::nullopt : std::optional(last_progress_ + timeout);
}

void KernelChannel::on_due(Timestamp now) {
  const auto when = due();
  if (!when || now < *when) return;
  if (totals_.connected) {
    look(now);
  } else {
    close(ChannelEnd::connect_failed, std::nullopt, "no answer in time");
  }
}

// Whether bytes move; and whether it is over, and we were not told.
void KernelChannel::look(Timestamp now) {
  looked_ = now;
  const auto entry = path_.entries().find(connection());
  if (!entry) {
    close(ChannelEnd::rst, std::nullopt);
    return;
  }
  const auto moved = [&](std::size_t i) { return entry->totals[i].bytes != seen_[i].bytes; };
  if (moved(0) || moved(1)) last_progress_ = now;
  seen_ = entry->totals;
  const auto stall = worker_.options().stall_timeout;
  if (entry->state != ConntrackEntries::State::open) {
    const bool reset = entry->state == ConntrackEntries::State::reset;
    close(reset ? ChannelEnd::rst : ChannelEnd::fin, totals_.closed_first);
  } else if (stall != Duration::zero() && now >= last_progress_ + stall) {
    close(ChannelEnd::timeout, std::nullopt);
  }
}

}  // namespace ftpscope
