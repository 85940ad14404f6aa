#include "analyzer/captured_session.h"

#include <algorithm>
#include <limits>
#include <ranges>
#include <utility>

#include "analyzer/address_rules.h"
#include "analyzer/excerpt.h"
#include "analyzer/passive_address.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

std::optional<AddressForm> form_of_reply(const record::Reply& reply) {
  if (!reply.code) return std::nullopt;
  const auto* verb = reply.to ? find_verb(reply.verb) : nullptr;
  if (reply.to && (!verb || verb->meaning != Meaning::passive)) return std::nullopt;
  return form_of_code(*reply.code);
}

Setup setup_of(AddressForm form) {
  switch (form) {
    case AddressForm::port: return Setup::port;
    case AddressForm::eprt: return Setup::eprt;
    case AddressForm::lprt: return Setup::lprt;
    case AddressForm::reply_227: return Setup::pasv;
    case AddressForm::reply_229: return Setup::epsv;
    case AddressForm::reply_228: return Setup::lpsv;
  }
  return Setup::unknown;
}

bool is_active(Setup setup) {
  return setup == Setup::port || setup == Setup::eprt || setup == Setup::lprt;
}

DialogueLimits watching(DialogueLimits limits) {
  constexpr auto kNone = std::numeric_limits<std::size_t>::max();
  limits.watching = true;
  limits.in_flight_max = kNone;
  limits.unknown_before_login_max = kNone;
  return limits;
}

}  // namespace

CapturedSession::CapturedSession(std::string name, const Ends& ends, const DialogueLimits& limits,
                                 RecordSink& sink, DataTaker* taker)
    : ends_(ends),
      sink_(sink),
      taker_(taker),
      observer_(watching(limits), std::move(name), static_cast<RecordSink&>(*this)) {
  observer_.between(ends.client.ip, ends.server.ip);
  observer_.on_opaque([this](Side from, std::string_view bytes) { tls_.take(from, bytes); });
}

void CapturedSession::seen(Timestamp now) {
  last_seen_ = std::max(last_seen_, now);
  recorder().at(last_seen_);
}

void CapturedSession::begin(Timestamp now, Beginning beginning) {
  started_ = now;
  seen(now);
  recorder().emit(record::Session{ends_.client, std::nullopt, to_text(ends_.server), {}, {}});
  if (beginning == Beginning::encrypted) {
    recorder().emit(record::Connected{ends_.server, ends_.client});
    observer_.join_encrypted(this->now());
  } else if (beginning == Beginning::seen) {
    recorder().emit(record::Connected{ends_.server, ends_.client});
    observer_.connected(this->now());
  } else {
    recorder().finding(FindingId::capture_mid_stream, std::nullopt);
    observer_.join(this->now());
  }
}

void CapturedSession::segment(const TcpSegment& segment, Side from, Timestamp now) {
  order_.add(segment, from, now,
             [this](const TcpSegment& next, Side side, Timestamp time) { take(next, side, time); });
}

void CapturedSession::take(const TcpSegment& segment, Side from, Timestamp now) {
  seen(now);
  close_what_nobody_used();
  stream(other(from)).ack(segment);
  stream(from).add(segment, now);
  const bool takes_any_now = takes_any() && !std::exchange(took_any_, takes_any());
  if (expecting_ && (takes_any_now || !announced_.empty())) expecting_();
}

void CapturedSession::Reader::bytes(std::string_view bytes, bool urgent) {
  session_.observer_.received(side_, bytes, urgent, session_.now());
  session_.close_what_is_due();
}

void CapturedSession::Reader::gap(std::uint64_t bytes) {
  session_.observer_.lost(side_, bytes, session_.now());
  session_.gapped_ = true;
  if (session_.middlebox_) session_.middlebox_->give_up();
  if (session_.opaque()) session_.tls_.lost(side_);
  session_.close_what_is_due();
}

void CapturedSession::Reader::overlap(std::string_view kept, std::string_view other) {
  auto& recorder = session_.recorder();
  recorder.emit(record::Overlap{side_, kept, other});
  recorder.finding(FindingId::capture_overlap, std::nullopt, name_of(side_));
}

void CapturedSession::Reader::fin() {
  if (!session_.closed_first_) session_.closed_first_ = side_;
  session_.closed_[static_cast<std::size_t>(side_)] = true;
  session_.observer_.closed(side_, session_.now());
  if (std::ranges::any_of(session_.channels_, [](const auto& c) { return c->moving(); })) {
    session_.recorder().finding(FindingId::quit_with_transfer, std::nullopt, name_of(side_));
  }
  session_.tls_.ended(side_);
  session_.close_what_is_due();
}

void CapturedSession::Reader::rst() {
  const bool orderly = session_.closed_[0] && session_.closed_[1];
  if (orderly || session_.reset_) return;  // seen in the field behind both FINs
  // A client that has said QUIT, or that has closed, may answer the server's last words by RST.
  const bool late = session_.closed_first_ == side_;
  if (!session_.closed_first_) session_.closed_first_ = side_;
  session_.reset_ = true;
  if (!late) session_.recorder().finding(FindingId::control_reset, std::nullopt, name_of(side_));
}

bool CapturedSession::over() const {
  const bool closed = reset_ || (closed_[0] && closed_[1]);
  return closed &&
         std::ranges::none_of(channels_, [](const auto& c) { return c->leg && !c->over(); });
}

void CapturedSession::finish(Timestamp now) {
  order_.finish(
      [this](const TcpSegment& segment, Side from, Timestamp time) { take(segment, from, time); });
  if (expecting_) expecting_();
  if (std::exchange(finished_, true)) return;
  seen(now);
  from_client_.finish();
  from_server_.finish();
  for (const auto side : {Side::server, Side::client}) {
    if (!closed_[static_cast<std::size_t>(side)]) observer_.closed(side, this->now());
  }
  close_what_is_due();
  while (!channels_.empty()) {
    const auto kept = channels_.front();
    auto& channel = *kept;
    flush(channel);
    if (channel.closed) continue;
    const bool missed = channel.leg || last_seen_ - channel.exposed > kPatience;
    close(channel, missed ? channel.how_so_far() : ChannelEnd::session_ended);
  }
  if (tls_.seen()) recorder().emit(tls_.facts(std::nullopt));
  const auto client_bytes = from_client_.delivered() + from_client_.missing();
  const auto server_bytes = from_server_.delivered() + from_server_.missing();
  if ((client_bytes == 0) != (server_bytes == 0)) {
    recorder().finding(FindingId::capture_one_way, std::nullopt,
                       client_bytes == 0 ? "nothing of the client's" : "nothing of the server's");
  }
  recorder().emit(end());
}

record::End CapturedSession::end() {
  const auto& recorder = observer_.recorder();
  record::End end;
  end.captured = true;
  end.by = closed_first_;
  end.how = reset_ ? SessionEnd::rst : closed_first_ ? SessionEnd::fin : SessionEnd::open;
  end.commands = recorder.commands();
  end.replies = recorder.replies();
  end.channels = last_channel_;
  end.findings = recorder.findings();
  end.bytes_from_client = from_client_.delivered() + from_client_.missing();
  end.bytes_from_server = from_server_.delivered() + from_server_.missing();
  end.data_to_client = data_to_client_;
  end.data_to_server = data_to_server_;
  end.duration = last_seen_ - started_;
  return end;
}

// What the dialogue says about data channels is read from its records.
void CapturedSession::record(const Record& record) {
  sink_.record(record);
  std::visit([this](const auto& body) { on(body); }, record.body);
}

void CapturedSession::is_twin_of(CapturedSession& first) {
  const auto& recorder = first.observer_.recorder();
  middlebox_ = first.middlebox_ = std::make_shared<MiddleboxWatch>(
      std::array<std::size_t, 2>{recorder.commands(), recorder.replies()});
  place_ = MiddleboxWatch::Place::second;
}

void CapturedSession::compare(Side from, std::string_view line) {
  if (!middlebox_) return;
  if (auto difference = middlebox_->line(place_, from, line)) rewritten_ = std::move(difference);
}

void CapturedSession::on(const record::Command& command) {
  compare(
      Side::client,
      std::string(command.verb).append(" ").append(command.argument.value_or(std::string_view())));
  const auto* verb = find_verb(command.verb);
  if (!verb) return;
  if (verb->meaning == Meaning::quit) expect_no_more({});
  if (verb->meaning == Meaning::port) {
    const auto form = form_of_verb(verb->name);
    const auto found = find_address(form, command.argument.value_or(""), ends_.client.ip);
    if (found) announce(setup_of(form), command.id, found->endpoint);
  } else if (is_transfer(verb->meaning)) {
    begin_transfer(command.id, *verb);
  }
}

void CapturedSession::on(const record::Reply& reply) {
  compare(Side::server, reply.lines.empty() ? std::string_view() : reply.lines.back());
  if (!reply.code || reply.preliminary) return;
  expect_no_more(reply.to);
  if (!reply.to && !observer_.out_of_step()) return;  // nobody asked (threats.md S20)
  if (const auto form = form_of_reply(reply)) {
    const auto stated = find_passive_address(*form, reply.lines, ends_.server.ip).found;
    if (stated) announce(setup_of(*form), reply.to, stated->endpoint);
  } else if (!reply.to) {
    return;
  } else if (auto* channel = find(*reply.to)) {
    settle_transfer(*channel, *reply.code);
  } else if (*reply.code >= 400) {
    auto* waiting = waiting_channel();
    if (waiting && waiting->command == reply.to) close_later(*waiting, ChannelEnd::replaced);
  }
}

CapturedChannel* CapturedSession::find(std::optional<CommandId> transfer) {
  const auto found = std::ranges::find_if(
      channels_, [&](const auto& channel) { return channel->transfer == transfer; });
  return found == channels_.end() ? nullptr : found->get();
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
    const auto found = std::ranges::find_if(
        channels_, [&](const auto& channel) { return channel->id == due.channel; });
    if (found == channels_.end()) continue;
    const auto channel = *found;
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
  if (opaque()) channel->tls = std::make_unique<CapturedTls>();
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
      taker_->take({observer_.recorder().session(), channel.id, from}, piece.offset, piece.bytes);
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
  TakenData taken;
  if (taker_ && channel.connected) taken = taker_->finish(recorder().session(), channel.id);
  data.payload = taken.payload;
  data.sha256 = taken.sha256;
  data.type = taken.type;
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
