// CapturedSession: its data channels, from what announces them to their records.
#include <algorithm>
#include <ranges>
#include <utility>

#include "analyzer/captured_session.h"
#include "analyzer/excerpt.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

bool is_active(Setup setup) {
  return setup == Setup::port || setup == Setup::eprt || setup == Setup::lprt;
}

}  // namespace

CapturedChannel* CapturedSession::find(std::optional<CommandId> transfer) {
  const auto found = std::ranges::find_if(
      channels_, [&](const auto& channel) { return channel->transfer == transfer; });
  return found == channels_.end() ? nullptr : found->get();
}

// Kept by the caller: what is done with it may close it.
std::shared_ptr<CapturedChannel> CapturedSession::find_channel(ChannelId id) const {
  const auto found =
      std::ranges::find_if(channels_, [id](const auto& channel) { return channel->id == id; });
  return found == channels_.end() ? nullptr : *found;
}

// The channel that the next transfer will use: the newest that serves none yet.
CapturedChannel* CapturedSession::waiting_channel() {
  if (channels_.empty() || channels_.back()->transfer) return nullptr;
  return channels_.back().get();
}

std::shared_ptr<CapturedChannel> CapturedSession::add_channel(Setup setup,
                                                              std::optional<CommandId> command) {
  auto channel = channels_.emplace_back(std::make_shared<CapturedChannel>());
  channel->id = ++last_channel_;
  channel->setup = setup;
  channel->command = command;
  channel->exposed = now();
  if (channels_.size() > kChannelsMax) {
    recorder().finding(FindingId::capture_limit, command, "data channels of one session");
    auto& oldest = *channels_.front();
    close_later(oldest, oldest.leg ? oldest.how_so_far() : ChannelEnd::replaced);
  }
  return channel;
}

void CapturedSession::announce(Setup setup, std::optional<CommandId> command,
                               const Endpoint& stated) {
  // A newer PASV or PORT makes an unused one useless (RFC 959 4.1.2).
  if (auto* unused = waiting_channel(); unused && (!unused->leg || unused->over())) {
    close_later(*unused, unused->leg ? unused->how_so_far() : ChannelEnd::replaced);
  }
  const auto channel = add_channel(setup, command);
  channel->stated = stated;
  channel->listener = is_active(setup) ? ends_.client.ip : ends_.server.ip;
  channel->caller = is_active(setup) ? ends_.server.ip : ends_.client.ip;
  announced_.push_back(stated.port);
}

void CapturedSession::begin_transfer(CommandId id, const Verb& verb) {
  auto* channel = waiting_channel();
  if (!channel) return;
  channel->transfer = id;
  channel->verb = verb.name;
  channel->direction = verb.meaning == Meaning::download ? Direction::download : Direction::upload;
  const bool readable = !opaque() && observer_.state().mode == 'S';
  if (verb.name == "MLSD" && readable) channel->listing = std::make_unique<MlsdListing>();
  if (channel->over()) close_later(*channel, channel->how_so_far());
}

void CapturedSession::settle_transfer(CapturedChannel& channel, int code) {
  constexpr int kCannotOpen = 425;
  if (code < 400) {
    channel.completed = now();
    channel.size_when_completed = channel.size();
    if (!channel.leg) close_later(channel, ChannelEnd::never_connected);
  } else if (!channel.connected && (code == kCannotOpen || channel.leg)) {
    close_later(channel, channel.how_so_far());
  } else if (!channel.leg) {
    channel.transfer.reset();  // RETR of a missing file: the next one may use the same channel
    channel.direction.reset();
  }
}

// The dialogue has gone on: what is missing of an earlier transfer's packets will not come.
void CapturedSession::expect_no_more(std::optional<CommandId> besides) {
  for (const auto& channel : channels_) {
    if (channel->completed && channel->transfer != besides) {
      due_.push_back({channel->id, std::nullopt});
    }
  }
}

// Not at once: this is called while the Observer tells a record, and the next must stand behind it.
void CapturedSession::close_later(CapturedChannel& channel, ChannelEnd how) {
  due_.push_back({channel.id, how});
}

void CapturedSession::close_what_is_due() {
  if (const auto rewritten = std::exchange(rewritten_, std::nullopt)) {
    recorder().finding(FindingId::middlebox_rewrote, std::nullopt,
                       rewritten->before + " became " + rewritten->after);
  }
  for (const auto& due : std::exchange(due_, {})) {
    const auto channel = find_channel(due.channel);
    if (!channel) continue;
    flush(*channel);
    if (due.how && !channel->closed) close(*channel, *due.how);
  }
}

void CapturedSession::close_what_nobody_used() {
  for (std::size_t i = 0; i < channels_.size();) {
    const auto channel = channels_[i];
    const bool late = channel->ended && now() - *channel->ended > kCommandLate;
    if (late) close(*channel, channel->how_so_far());
    i += late ? 0 : 1;
  }
}

// The announcements cannot be read, or one may be missing.
bool CapturedSession::takes_any() const {
  return observer_.state().opaque || observer_.out_of_step() || gapped_;
}

Side CapturedSession::side_of(const Endpoint& endpoint) const {
  return endpoint.ip == ends_.server.ip && endpoint.ip != ends_.client.ip ? Side::server
                                                                          : Side::client;
}

std::shared_ptr<CapturedChannel> CapturedSession::adopt(const Endpoint& caller,
                                                        const Endpoint& listener, Fit fit,
                                                        Timestamp now) {
  if (finished_) return nullptr;
  const auto announced = [&](const CapturedChannel& channel) {
    return channel.setup != Setup::unknown && channel.stated.port == listener.port &&
           now - channel.exposed <= kAnnouncedFor;
  };
  for (const auto& channel : std::views::reverse(channels_)) {
    if (!announced(*channel)) continue;
    const bool by_text = listener.ip == channel->stated.ip;
    const bool by_peer = listener.ip == channel->listener;
    const bool caller_known = caller.ip == channel->caller;
    if (!caller_known && !by_text && !by_peer) continue;
    const bool as_announced = caller_known && (by_text || by_peer);
    if (!as_announced && fit == Fit::exact) continue;
    if (!as_announced) {
      recorder().finding(FindingId::data_other_host, channel->command,
                         to_text(caller) + " to " + to_text(listener));
    }
    seen(now);
    return connect(channel, caller, listener);
  }
  if (fit == Fit::exact) return nullptr;
  const bool between_them = (caller.ip == ends_.client.ip && listener.ip == ends_.server.ip) ||
                            (caller.ip == ends_.server.ip && listener.ip == ends_.client.ip);
  // Its announcement may be among the segments that wait for a missing one.
  const bool too_early = order_.waits() && now > last_seen_;
  if (!takes_any() || !between_them || too_early) return nullptr;
  seen(now);
  return connect(add_channel(Setup::unknown, std::nullopt), caller, listener);
}

std::shared_ptr<CapturedChannel> CapturedSession::connect(std::shared_ptr<CapturedChannel> channel,
                                                          const Endpoint& caller,
                                                          const Endpoint& listener) {
  if (channel->leg) {
    recorder().finding(FindingId::data_several, channel->command, to_text(caller));
    channel = add_channel(channel->setup, channel->command);
  }
  channel->leg = Leg{caller, listener};
  if (opaque()) channel->tls = std::make_unique<CapturedTls>(names_of_);
  return channel;
}

bool CapturedSession::data_segment(CapturedChannel& channel, const TcpSegment& segment,
                                   Timestamp now) {
  if (channel.closed) return false;
  seen(now);
  const bool from_caller = segment.from == channel.leg->from;
  const auto caller = is_active(channel.setup)          ? Side::server
                      : channel.setup == Setup::unknown ? side_of(channel.leg->from)
                                                        : Side::client;
  channel.order.add(segment, from_caller ? caller : other(caller), now,
                    [&](const TcpSegment& next, Side from, Timestamp time) {
                      take_data(channel, next, from, time);
                    });
  return !channel.closed;
}

void CapturedSession::flush(CapturedChannel& channel) {
  channel.order.finish([&](const TcpSegment& next, Side from, Timestamp time) {
    take_data(channel, next, from, time);
  });
}

void CapturedSession::take_data(CapturedChannel& channel, const TcpSegment& segment, Side from,
                                Timestamp now) {
  if (channel.closed) return;
  const bool stood = channel.connected.has_value();
  const auto pieces = channel.add(segment, from, now);
  if (!stood && channel.connected) {
    recorder().emit(record::ChannelOpened{channel.id, channel.command, channel.setup, *channel.leg,
                                          *channel.leg});
  }
  if (channel.tls) channel.tls->add(segment, from, now);
  for (const auto& piece : pieces) {
    if (channel.listing && from == Side::server) channel.listing->take(piece.offset, piece.bytes);
    if (taker_) {
      const auto since = now - channel.connected.value_or(now);
      taker_->take({recorder().session(), channel.id, from}, piece.offset, piece.bytes, since);
    }
  }
  // Its command may come late, if one will come that can be read.
  const bool waits = !channel.transfer && channel.connected && channel.setup != Setup::unknown;
  if (channel.over() && !waits) close(channel, channel.how_so_far());
}

void CapturedSession::data_unreachable(CapturedChannel& channel, const IpAddress& reporter,
                                       Timestamp now) {
  flush(channel);
  if (channel.closed || channel.connected) return;  // a late word about a SYN that was sent again
  seen(now);
  recorder().finding(FindingId::data_unreachable, channel.command,
                     to_text(channel.leg->to) + ", says " + to_text(reporter));
  close(channel, ChannelEnd::refused);
}

void CapturedSession::abandon(CapturedChannel& channel, Timestamp now) {
  seen(now);
  flush(channel);
  if (!channel.closed) close(channel, channel.how_so_far());
}

void CapturedSession::close(CapturedChannel& channel, ChannelEnd how) {
  auto data = channel.data(now(), how);
  TakenBothWays taken;
  if (taker_ && channel.connected) taken = taker_->finish(recorder().session(), channel.id);
  describe(taken, data);
  data_to_client_ += data.bytes_to_client;
  data_to_server_ += data.bytes_to_server;
  if (channel.tls) {
    if (const auto tls = channel.tls->finish(channel.id)) recorder().emit(*tls);
  }
  recorder().emit(data);
  tell_of(channel);
  channel.closed = true;
  std::erase_if(channels_, [&](const auto& c) { return c.get() == &channel; });
}

// What only packets show. The rest follows from the record.
void CapturedSession::tell_of(const CapturedChannel& channel) {
  const auto about = channel.transfer ? channel.transfer : channel.command;
  if (channel.refused) {
    recorder().finding(FindingId::data_refused, about, to_text(channel.leg->to));
  }
  if (channel.completed && !channel.leg) {
    recorder().finding(FindingId::capture_data_missing, about, "the whole connection");
  } else if (channel.stream(Side::client).missing() + channel.stream(Side::server).missing() > 0) {
    recorder().finding(FindingId::capture_data_missing, about);
  }
  if (channel.listing && channel.listing->odd()) {
    recorder().finding(FindingId::mlsd_syntax, about, excerpt(*channel.listing->odd()));
  }
  const auto last =
      channel.stream(channel.direction == Direction::upload ? Side::client : Side::server)
          .last_byte();
  if (channel.completed && last && channel.size() > channel.size_when_completed &&
      *last > *channel.completed + CapturedChannel::kOvertaken) {
    recorder().finding(FindingId::reply_before_data_end, about,
                       human_duration(*last - *channel.completed) + " before");
  }
}

}  // namespace ftpscope
