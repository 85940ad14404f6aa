#include "proxy/client_replay.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "analyzer/address_rules.h"
#include "analyzer/passive_address.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

bool is_success(std::optional<int> code) { return code && *code >= 200 && *code < 400; }
bool is_refusal(std::optional<int> code) { return code && *code >= 400; }

bool changes_folder(std::string_view verb) {
  return verb == "CWD" || verb == "XCWD" || verb == "CDUP" || verb == "XCUP";
}

// No server is to be protected from its own client.
DialogueLimits unguarded(DialogueLimits limits) {
  limits.unknown_before_login_max = std::numeric_limits<std::size_t>::max();
  return limits;
}

std::string_view last_line(std::string_view raw) {
  if (raw.ends_with('\n')) raw.remove_suffix(1);
  if (raw.ends_with('\r')) raw.remove_suffix(1);
  return raw.substr(raw.rfind('\n') + 1);  // npos + 1 is 0
}

}  // namespace

ClientReplay::ClientReplay(const ClientScript& script, const ClientReplayOptions& options,
                           std::string session, RecordSink& sink, play::Effects& effects)
    : script_(script),
      options_(options),
      effects_(effects),
      recorder_(std::move(session), sink),
      limits_(unguarded(options.limits)),
      dialogue_(limits_, recorder_, state_, *this),
      results_(script.steps.size()) {}

void ClientReplay::handle(const play::Event& event, Timestamp now) {
  now_ = now;
  if (finished()) return;
  recorder_.at(now);
  std::visit([this](const auto& e) { on(e); }, event);
  do {
    hear_all();
    advance();
  } while (!heard_.empty());
}

// --- what the dialogue understood ---

CommandFate ClientReplay::on_command(const Command&, CommandId id) {
  last_id_ = id;
  return {};
}

bool ClientReplay::on_reply(const Reply& reply, const PendingCommand* answered, std::string_view) {
  open_code_ = 0;
  like_final_due_.reset();
  if (!answered) return false;
  Heard heard{answered->id, reply.code, reply.preliminary(), {}};
  if (const auto form = form_asked_for(answered->name()); form && is_success(reply.code)) {
    const auto address = find_passive_address(*form, reply.lines, state_.server_ip);
    if (address.found) heard.port = address.found->endpoint.port;
  }
  heard_.push_back(heard);
  return false;
}

// A client that does not compare codes takes such a line for the end and goes on. So do we, when
// nothing more comes.
void ClientReplay::on_reply_part(std::string_view raw) {
  like_final_due_.reset();
  if (open_code_ == 0) {
    const auto first = reply_start(raw.substr(0, raw.find_first_of("\r\n")));
    if (first) open_code_ = first->code;
  }
  const auto last = reply_start(last_line(raw));
  if (!last || dialogue_.pending().empty() || !reads_like_final(*last, open_code_)) return;
  like_final_ = {dialogue_.pending().front().id, last->code, false, {}};
  like_final_due_ = now_ + kLikeFinalPatience;
}

void ClientReplay::on_violation(Violation violation, std::string_view detail) {
  switch (violation) {
    case Violation::line_too_long:
    case Violation::reply_too_long:
      break_off("the server's reply is longer than --max-reply allows");
      return;
    case Violation::not_ftp: break_off("this is not FTP but " + std::string(detail)); return;
    case Violation::too_many_unknown:      // see unguarded()
    case Violation::proxy_header: return;  // of clients
  }
}

void ClientReplay::hear_all() {
  const auto heard = std::exchange(heard_, {});
  for (const auto& reply : heard) hear(reply);
}

void ClientReplay::hear(const Heard& heard) {
  last_progress_ = now_;
  if (heard.to == 0) {
    hear_greeting(heard);
    return;
  }
  const auto found = std::ranges::find(in_flight_, heard.to, &InFlight::id);
  if (found == in_flight_.end()) return;  // it has been taken for answered before
  if (heard.preliminary) {
    found->preliminary = true;
    if (transfer_ && transfer_->id == heard.to) hear_preliminary();
    return;
  }
  const auto command = *found;
  // Older ones will not be answered any more: the dialogue has given them up (ABOR).
  in_flight_.erase(in_flight_.begin(), found + 1);
  hear_final(command, heard);
}

void ClientReplay::hear_greeting(const Heard& heard) {
  if (phase_ != Phase::greeting || heard.preliminary) return;
  if (is_success(heard.code)) {
    phase_ = Phase::talking;
  } else if (heard.code) {
    break_off("the server's greeting is " + std::to_string(*heard.code));
  }
}

void ClientReplay::hear_final(const InFlight& command, const Heard& heard) {
  const auto& step = script_.steps[command.step];
  if (step.sets_up_data) hear_setup(command, heard);
  if (transfer_ && transfer_->id == command.id) {
    transfer_->code = heard.code;
    transfer_->final_at = now_;
    end_transfer_if_over();
  }
  judge(command, heard.code);
}

// What a client must know before it goes on.
void ClientReplay::judge(const InFlight& command, std::optional<int> code) {
  const auto& step = script_.steps[command.step];
  const auto& recorded = expected(command.step);
  const bool worse = is_refusal(code) && is_success(recorded.code());
  if (step.meaning() == Meaning::user) user_code_ = code;
  if (step.meaning() == Meaning::restart) rest_refused_ = worse;
  if (step.meaning() == Meaning::user || step.meaning() == Meaning::password) {
    if (worse) break_off("the server refused the login (" + std::to_string(*code) + ")");
  }
  if (!changes_folder(recorded.verb)) return;
  if (worse) folder_unknown_ = true;
  const bool absolute = recorded.argument && recorded.argument->starts_with('/');
  if (absolute && is_success(code)) folder_unknown_ = false;
}

// --- what happens ---

void ClientReplay::on(const play::Connected& event) {
  begun_ = last_progress_ = now_;
  state_.client_ip = event.here.ip;
  state_.server_ip = event.server.ip;
  recorder_.emit(record::Session{event.here, std::nullopt, to_text(event.server), {}, {}});
  recorder_.emit(record::Connected{event.server, event.here});
  dialogue_.connected(now_);
  phase_ = Phase::greeting;
}

void ClientReplay::on(const play::Received& event) {
  totals_.bytes_from_server += event.bytes.size();
  dialogue_.received(Side::server, event.bytes, false, now_);
}

void ClientReplay::on(const play::Closed& event) {
  dialogue_.closed(Side::server, now_);
  hear_all();
  if (finished()) return;
  const bool early = phase_ != Phase::leaving && (next_ < script_.steps.size() || !idle());
  if (early && broken_off_.empty()) {
    broken_off_ =
        event.reset ? "the server reset the connection" : "the server closed the connection";
  }
  end(event.reset ? SessionEnd::rst : SessionEnd::fin,
      phase_ == Phase::leaving ? Side::client : Side::server);
}

void ClientReplay::on(const play::TimerFired&) {
  if (const auto part = dialogue_.deadline(); part && now_ >= *part) dialogue_.tick(now_);
  if (like_final_due_ && now_ >= *like_final_due_) {
    like_final_due_.reset();
    heard_.push_back(like_final_);
  }
  if (transfer_ && transfer_->final_at && is_refusal(transfer_->code) && !transfer_->data_over &&
      now_ >= *transfer_->final_at + kDrain) {
    effects_.close_data();
  }
  if (phase_ == Phase::leaving) {
    if (now_ >= leaving_since_ + kGoodbye) end(SessionEnd::fin, Side::client);
    return;
  }
  const auto due = reply_due();
  if (!due || now_ < *due || !heard_.empty()) return;
  break_off("the server did not answer within " + human_duration(options_.reply_timeout));
}

// --- what is to be sent next ---

std::optional<Timestamp> ClientReplay::deadline() const {
  if (finished()) return std::nullopt;
  std::optional<Timestamp> first;
  const auto consider = [&first](std::optional<Timestamp> due) {
    if (due && (!first || *due < *first)) first = due;
  };
  consider(dialogue_.deadline());
  consider(like_final_due_);
  if (phase_ == Phase::leaving) consider(leaving_since_ + kGoodbye);
  if (transfer_ && transfer_->final_at && is_refusal(transfer_->code) && !transfer_->data_over) {
    consider(*transfer_->final_at + kDrain);
  }
  consider(reply_due());
  return first;
}

// While data moves, the driver watches over it.
std::optional<Timestamp> ClientReplay::reply_due() const {
  const bool waits = phase_ == Phase::greeting ||
                     (phase_ == Phase::talking &&
                      std::ranges::any_of(in_flight_, [this](const auto& f) { return blocks(f); }));
  const bool data_moves = transfer_ && transfer_->preliminary && !transfer_->data_over;
  if (!waits || data_moves) return std::nullopt;
  return last_progress_ + options_.reply_timeout;
}

// Servers disagree on whether these get a reply of their own: when the recorded one gave none, none
// is waited for.
bool ClientReplay::blocks(const InFlight& command) const {
  const auto meaning = script_.steps[command.step].meaning();
  const bool may_stay_unanswered = meaning == Meaning::abort || meaning == Meaning::empty;
  return !may_stay_unanswered || expected(command.step).final_reply();
}

bool ClientReplay::idle() const {
  return !transfer_ &&
         std::ranges::none_of(in_flight_, [this](const auto& f) { return blocks(f); });
}

void ClientReplay::advance() {
  while (phase_ == Phase::talking && data_ != Data::listening && heard_.empty()) {
    if (next_ == script_.steps.size()) {
      if (idle()) leave();
      return;
    }
    const auto& step = script_.steps[next_];
    if (!may_send(step)) return;
    if (auto why = why_not_now(step); !why.empty()) {
      results_[next_].needless = is_needless(step);
      results_[next_++].not_sent = std::move(why);
    } else {
      send_next();
    }
  }
}

bool ClientReplay::may_send(const ClientStep& step) const {
  if (idle()) return true;
  const auto& recorded = script_.expected.transactions[step.expected];
  if (!recorded.behind || in_flight_.empty()) return false;
  const auto head = expected(in_flight_.front().step).id;
  if (recorded.in_transfer) {
    const bool there = transfer_ && transfer_->preliminary && transfer_->reached;
    return there && head == *recorded.behind;
  }
  const bool needs_the_channel =
      step.sets_up_data || (step.verb && is_transfer(step.verb->meaning));
  return options_.pipelined && head >= *recorded.behind && !needs_the_channel &&
         in_flight_.size() + 1 < ClientReplayOptions::kPipelinedMax;
}

bool ClientReplay::is_needless(const ClientStep& step) const {
  return step.meaning() == Meaning::password && user_code_ == 230;
}

// A client that does not look at the replies does harm: it writes what it was not to write.
std::string ClientReplay::why_not_now(const ClientStep& step) const {
  if (!step.skipped.empty()) return step.skipped;
  const auto& recorded = script_.expected.transactions[step.expected];
  if (is_needless(step)) return "the server asked for no password";
  const bool relative = !recorded.argument || !recorded.argument->starts_with('/');
  if (step.writes && folder_unknown_ && relative) {
    return "the folder could not be changed, and it writes";
  }
  if (!step.verb || !is_transfer(step.verb->meaning)) return {};
  if (step.verb->meaning == Meaning::upload && rest_refused_) {
    return "REST was refused, and it would write over the whole file";
  }
  if (recorded.data && recorded.data->connected && data_ == Data::none) {
    return "no data connection was agreed on";
  }
  return {};
}

void ClientReplay::send_next() {
  const auto& step = script_.steps[next_];
  if (step.sets_up_data) {
    set_up(step);
  } else if (step.verb && is_transfer(step.verb->meaning)) {
    begin_transfer(step);
  } else {
    send_line(step.line, step.urgent);
    // What is on its way is read, or neither side gets anywhere.
    if (transfer_ && step.meaning() == Meaning::abort) effects_.resume_data();
  }
}

// The record first, then the bytes that it tells of.
void ClientReplay::send_line(std::string_view line, std::optional<std::size_t> urgent) {
  in_flight_.push_back({next_, last_id_ + 1, false});
  dialogue_.received(Side::client, line, urgent.has_value(), now_);
  if (phase_ != Phase::talking) {  // it was the last straw: on_violation()
    in_flight_.pop_back();
    return;
  }
  totals_.bytes_from_client += line.size();
  results_[next_].played = last_id_;
  last_progress_ = now_;
  ++next_;
  effects_.send(line, urgent);
}

// --- the end ---

void ClientReplay::break_off(std::string why) {
  if (broken_off_.empty()) broken_off_ = std::move(why);
  leave();
}

void ClientReplay::leave() {
  if (phase_ == Phase::leaving || finished()) return;
  phase_ = Phase::leaving;
  leaving_since_ = now_;
  if (data_open_ > 0) effects_.close_data();
  effects_.finish();
}

void ClientReplay::end(SessionEnd how, std::optional<Side> by) {
  if (finished()) return;
  if (data_open_ > 0 && !ending_) {
    phase_ = Phase::leaving;
    ending_ = Ending{how, by};
    effects_.close_data();
    return;  // its DataOver comes first
  }
  phase_ = Phase::finished;
  totals_.by = by;
  totals_.how = how;
  totals_.captured = true;  // there is no proxy
  totals_.why = broken_off_;
  totals_.commands = recorder_.commands();
  totals_.replies = recorder_.replies();
  totals_.channels = channels_;
  totals_.findings = recorder_.findings();
  totals_.duration = now_ - begun_;
  recorder_.emit(totals_);
  effects_.end();
}

}  // namespace ftpscope
