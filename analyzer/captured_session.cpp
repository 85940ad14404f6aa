#include "analyzer/captured_session.h"

#include <algorithm>
#include <limits>
#include <ranges>
#include <utility>

#include "analyzer/address_rules.h"
#include "analyzer/excerpt.h"
#include "analyzer/passive_address.h"
#include "analyzer/report_text.h"
#include "analyzer/setup_form.h"

namespace ftpscope {

namespace {

std::optional<AddressForm> form_of_reply(const record::Reply& reply) {
  if (!reply.code) return std::nullopt;
  const auto* verb = reply.to ? find_verb(reply.verb) : nullptr;
  if (reply.to && (!verb || verb->meaning != Meaning::passive)) return std::nullopt;
  return form_of_code(*reply.code);
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
                                 RecordSink& sink, DataTaker* taker, CertificateNames names_of)
    : ends_(ends),
      sink_(sink),
      taker_(taker),
      observer_(watching(limits), std::move(name), static_cast<RecordSink&>(*this)),
      names_of_(names_of) {
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
  if (beginning != Beginning::seen) {
    client_reader_.lose_count();
    server_reader_.lose_count();
  }
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
  if (session_.taker_ && place_ && !session_.opaque()) {
    place_->pass(bytes);
    session_.taker_->control_read({session_.name(), session_.now(), side_, *place_});
  }
  session_.observer_.received(side_, bytes, urgent, session_.now());
  session_.close_what_is_due();
}

void CapturedSession::Reader::gap(std::uint64_t bytes) {
  lose_count();
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
  } else if (auto* channel = find(reply.to)) {
    settle_transfer(*channel, *reply.code);
  } else if (*reply.code >= 400) {
    auto* waiting = waiting_channel();
    if (waiting && waiting->command == reply.to) close_later(*waiting, ChannelEnd::replaced);
  }
}

}  // namespace ftpscope
