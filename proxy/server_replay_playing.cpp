// Playing an exchange of the script: its replies when they are due, and between them the data.
#include <algorithm>
#include <utility>

#include "analyzer/report_text.h"
#include "proxy/server_replay.h"

namespace ftpscope {

namespace {

// For the text of a reply: one line, of bounded length, whatever the client or the recording said.
std::string quoted(std::string_view verb, std::string_view argument) {
  constexpr std::size_t kShown = 100;
  std::string text(verb.substr(0, kShown));
  if (!argument.empty()) text.append(" ").append(argument.substr(0, kShown));
  return "\"" + printable(text) + "\"";
}

// RFC 959 5.4 lets a server leave these without a reply of their own.
bool needs_reply(const Exchange& exchange) { return exchange.verb != "ABOR"; }

}  // namespace

void ServerReplay::play(const Exchange& exchange, std::uint64_t skip) {
  if (exchange.payload && data_ == Data::none) {
    reply("425 Say PASV, EPSV, PORT or EPRT first.");
    return;
  }
  if (&exchange != &script_.greeting) cursor_.use(exchange);
  playing_ = &exchange;
  phase_ = Phase::saying;
  replies_said_ = 0;
  skip_ = skip;
  recorded_base_ = exchange.asked;
  played_base_ = now_;
  const auto& replies = exchange.replies;
  auto end = replies.size();
  if (exchange.payload && !exchange.final_before_data) {
    const auto last = std::ranges::find_if(replies, &ScriptReply::final);
    end = static_cast<std::size_t>(last - replies.begin());
  }
  say_until(end);
  proceed();
}

// Plans what is said: the replies up to that one of the exchange.
void ServerReplay::say_until(std::size_t end) {
  const auto& replies = playing_->replies;
  for (; replies_said_ < end; ++replies_said_) {
    const auto& next = replies[replies_said_];
    const bool first = replies_said_ == 0;
    const auto before =
        first ? next.pieces.front().at : replies[replies_said_ - 1].pieces.back().at;
    if (!next.asked && next.pieces.front().at - before > kPartOfReply) {
      if (options_.speed > 0) add_pieces(unasked_, next);
    } else {
      add_pieces(deeds_, next);
      last_said_ = next.pieces.back().at;
    }
  }
  joined_ = false;
}

void ServerReplay::add_pieces(std::deque<Deed>& deeds, const ScriptReply& reply) {
  std::size_t begin = 0;
  for (const auto& piece : reply.pieces) {
    const auto bytes = std::string_view(reply.raw).substr(begin, piece.end - begin);
    begin = piece.end;
    if (std::exchange(joined_, false) && !deeds.empty()) {
      deeds.back().bytes += bytes;
    } else {
      const auto earliest = deeds.empty() ? now_ : deeds.back().due;
      deeds.push_back({std::max(earliest, due(piece.at)), std::string(bytes)});
    }
  }
  joined_ = reply.joined;
  // RFC 959 4.2: "closing control connection"
  if (reply.code == 421 && !deeds.empty()) deeds.back().closing = Exchange::Closing::fin;
}

// When what happened then is due now.
Timestamp ServerReplay::due(Timestamp recorded) const {
  if (options_.speed <= 0 || recorded <= recorded_base_) return played_base_;
  const auto pause = static_cast<double>((recorded - recorded_base_).count()) / options_.speed;
  const auto longest = static_cast<double>(kPauseMax.count());
  return played_base_ + Duration(static_cast<Duration::rep>(std::min(pause, longest)));
}

void ServerReplay::do_one(const Deed& deed) {
  if (!deed.bytes.empty()) effects_.send(deed.bytes);
  if (deed.closing != Exchange::Closing::none) finish(deed.closing == Exchange::Closing::rst);
}

// Says what is due, and goes on when all of it is said.
void ServerReplay::proceed() {
  while (!deeds_.empty() && deeds_.front().due <= now_ && !finished_) {
    const auto deed = std::move(deeds_.front());
    deeds_.pop_front();
    do_one(deed);
  }
  if (finished_ || !deeds_.empty()) return;
  last_activity_ = now_;
  const bool data_next = playing_->payload && data_ != Data::none && data_ != Data::opening;
  data_next ? begin_data() : end_exchange();
}

void ServerReplay::begin_data() {
  phase_ = Phase::moving;
  const auto& payload = *playing_->payload;
  if (data_ == Data::active) effects_.connect_active(active_port_);
  const replay::Transfer transfer{played_to_, playing_->verb, setup_,
                                  exposed_,   skip_,          options_.speed};
  if (payload.direction == Direction::download) {
    effects_.send_payload(payload, transfer);
  } else {
    effects_.receive_payload(payload, transfer);
  }
  pump();  // what the client said meanwhile may be ABOR
}

void ServerReplay::on(const replay::DataEnded& event) {
  if (phase_ != Phase::moving) return;
  const auto& exchange = *playing_;
  if (!event.difference.empty()) {
    effects_.tell(FindingId::replay_upload_differs, played_to_,
                  quoted(exchange.verb, exchange.argument) + ": " + event.difference);
  }
  if (exchange.final_before_data) {  // as recorded
    effects_.tell(FindingId::reply_before_data_end, played_to_, exchange.verb);
  }
  data_ = Data::none;
  phase_ = Phase::saying;
  recorded_base_ = exchange.payload->over.value_or(exchange.asked);
  played_base_ = now_;
  say_until(exchange.replies.size());
  proceed();
}

void ServerReplay::on(const replay::DataFailed& event) {
  if (phase_ != Phase::moving) return;
  if (!playing_->final_before_data) {
    reply(event.connected ? "426 The data connection broke."
                          : "425 No data connection came about.");
  }
  data_ = Data::none;
  playing_ = nullptr;
  phase_ = Phase::idle;
  last_activity_ = now_;
  pump();
}

// All of it was said. What was said to us meanwhile is its turn now.
void ServerReplay::end_exchange() {
  const auto& exchange = *std::exchange(playing_, nullptr);
  phase_ = Phase::idle;
  // The recorded session ended here: a client would wait for ever.
  const bool cut_off = !exchange.finished() && needs_reply(exchange);
  if (cut_off || exchange.verb == "QUIT") {
    finish(exchange.closing == Exchange::Closing::rst);
  } else if (exchange.closing != Exchange::Closing::none) {
    close_as_recorded(exchange);
  }
  pump();
}

void ServerReplay::close_as_recorded(const Exchange& exchange) {
  const bool at_once = exchange.closed - last_said_ <= kPartOfReply;
  if (at_once) {
    finish(exchange.closing == Exchange::Closing::rst);
  } else if (options_.speed > 0) {
    unasked_.push_back({std::max(now_, due(exchange.closed)), {}, exchange.closing});
  }
}

void ServerReplay::reply(std::string_view line) {
  if (finished_) return;
  effects_.send(std::string(line) + (line.ends_with('\n') ? "" : "\r\n"));
  if (line.starts_with("421")) finish();
}

void ServerReplay::finish(bool reset) {
  if (std::exchange(finished_, true)) return;
  effects_.finish(reset);
}

std::string ServerReplay::what_is_next(const Command& command) const {
  const auto text = quoted(command.name, command.argument);
  const auto* next = cursor_.expected();
  if (!next) return text + ", which is at its end.";
  return text + "; it goes on with " + quoted(next->verb, next->argument) + ".";
}

}  // namespace ftpscope
