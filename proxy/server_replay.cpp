#include "proxy/server_replay.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "analyzer/address_codec.h"
#include "analyzer/address_rules.h"
#include "analyzer/line_rules.h"
#include "analyzer/setup_form.h"
#include "proxy/state_answers.h"

namespace ftpscope {

namespace {

AddressForm reply_form_of(std::string_view verb) {
  if (verb == "PASV") return AddressForm::reply_227;
  return verb == "EPSV" ? AddressForm::reply_229 : AddressForm::reply_228;
}

constexpr std::string_view kNoRoom = "425 PASV has room for an IPv4 address only, use EPSV.";

}  // namespace

ServerReplay::ServerReplay(const ReplayScript& script, const ReplayOptions& options,
                           const IpAddress& client, replay::Effects& effects)
    : script_(script),
      options_(options),
      effects_(effects),
      cursor_(script, options.match),
      place_(script.home) {
  state_.client_ip = client;
}

void ServerReplay::handle(const replay::Event& event, Timestamp now) {
  now_ = now;
  if (!finished_) std::visit([this](const auto& e) { on(e); }, event);
}

std::optional<Timestamp> ServerReplay::deadline() const {
  if (finished_) return std::nullopt;
  if (!deeds_.empty()) return deeds_.front().due;
  if (phase_ == Phase::moving) return std::nullopt;  // the driver watches over the data connection
  const auto idle = last_activity_ + kIdleMax;
  return unasked_.empty() ? idle : std::min(idle, unasked_.front().due);
}

void ServerReplay::on(const replay::Connected&) {
  last_activity_ = now_;
  play(script_.greeting, 0);
}

void ServerReplay::on(const replay::TimerFired&) {
  while (!unasked_.empty() && unasked_.front().due <= now_ && !finished_) {
    const auto deed = std::move(unasked_.front());
    unasked_.pop_front();
    do_one(deed);
  }
  if (finished_) return;
  if (phase_ == Phase::saying) {
    proceed();
  } else if (phase_ == Phase::idle && now_ >= last_activity_ + kIdleMax) {
    reply("421 Idle for too long.");
  }
}

void ServerReplay::on(const replay::Received& event) {
  last_activity_ = now_;
  lines_.feed(event.bytes);
  pump();
}

// Hears what has been said, as far as it may be heard now; what had to wait comes first. Playing an
// exchange may end in here again: then the loop goes on.
void ServerReplay::pump() {
  if (std::exchange(pumping_, true)) return;
  while (!finished_ && data_ != Data::opening && phase_ != Phase::saying) {
    if (held_) {
      if (phase_ == Phase::moving) break;
      const auto raw = *std::exchange(held_, std::nullopt);
      take_line(Line{raw, raw.ends_with("\r\n") ? Ending::crlf : Ending::lf});
      continue;
    }
    const auto line = lines_.next();
    if (!line) break;
    ++commands_;
    take_line(*line);
  }
  lines_.hold();
  pumping_ = false;
}

void ServerReplay::take_line(const Line& line) {
  if (line.overlong) {
    reply("421 The line is too long.");
    return;
  }
  const auto command = parse_command(line, scratch_);
  if (phase_ != Phase::moving) {
    played_to_ = commands_;
    unasked_.clear();  // the client was faster
    take_command(command);
  } else if (command.meaning() == Meaning::abort) {
    abort(command);
  } else {
    held_ = line.raw;
  }
}

void ServerReplay::take_command(const Command& command) {
  switch (command.meaning()) {
    case Meaning::passive: set_up_passive(command); return;
    case Meaning::port: set_up_active(command); return;
    // A recording ends where TLS begins, so none can be played under it.
    case Meaning::authenticate: reply("534 A recording is played without TLS."); return;
    case Meaning::empty: reply("500 An empty line."); return;
    case Meaning::plain:
    case Meaning::user:
    case Meaning::password:
    case Meaning::reinitialize:
    case Meaning::quit:
    case Meaning::download:
    case Meaning::upload:
    case Meaning::restart:
    case Meaning::abort:
    case Meaning::transfer_mode:
    case Meaning::features:
    case Meaning::site:
    case Meaning::security_data: answer_from_script(command); return;
  }
}

// RFC 959 4.1.3: the transfer is ended by 426, the ABOR by 226.
void ServerReplay::abort(const Command& command) {
  effects_.close_data();
  if (!playing_->final_before_data) reply("426 The transfer was aborted.");
  playing_ = nullptr;
  phase_ = Phase::idle;
  data_ = Data::none;
  played_to_ = commands_;
  answer_from_script(command);
}

void ServerReplay::set_up_passive(const Command& command) {
  const auto verdict = guard_.on_command(command, state_);
  if (const auto* refusal = std::get_if<Answer>(&verdict.action)) {
    effects_.send(refusal->reply);
  } else if (is_epsv_all(command)) {
    state_.epsv_all = true;
    reply("200 EPSV ALL is understood.");
  } else if (!command.argument.empty() && command.argument != (state_.client_ip.v6 ? "2" : "1")) {
    reply(state_.client_ip.v6 ? "522 Use protocol 2 (2)." : "522 Use protocol 1 (1).");
  } else if (command.name == "PASV" && state_.client_ip.v6) {
    reply(kNoRoom);
  } else {
    setup_verb_ = command.name;
    data_ = Data::opening;
    effects_.open_passive();
  }
}

void ServerReplay::on(const replay::PassiveOpened& event) {
  if (data_ != Data::opening) return;
  const auto form = reply_form_of(setup_verb_);
  agreed(can_carry(form, event.address.ip) ? Data::passive : Data::none, form);
  reply(data_ == Data::passive ? passive_reply(event.address) : std::string(kNoRoom));
  pump();
}

void ServerReplay::agreed(Data data, AddressForm form) {
  data_ = data;
  setup_ = setup_of(form);
  exposed_ = now_;
}

void ServerReplay::on(const replay::PassiveFailed&) {
  data_ = Data::none;
  reply("425 No port is free for a data connection.");
  pump();
}

// In the words of the recorded server, if it has said something with an address in it.
std::string ServerReplay::passive_reply(const Endpoint& address) const {
  const auto form = reply_form_of(setup_verb_);
  const auto filling = format_address(form, address);
  for (const auto& exchange : script_.exchanges) {
    if (exchange.verb != setup_verb_ || exchange.replies.size() != 1) continue;
    auto words = exchange.replies[0].raw;
    const auto hole = find_address(form, words, address.ip);
    const bool whole = hole && exchange.replies[0].code && *exchange.replies[0].code < 300;
    if (whole) return words.replace(hole->begin, hole->end - hole->begin, filling);
  }
  switch (form) {
    case AddressForm::reply_227: return "227 Entering Passive Mode " + filling + ".";
    case AddressForm::reply_228: return "228 Entering Long Passive Mode " + filling + ".";
    case AddressForm::reply_229:
    case AddressForm::port:
    case AddressForm::eprt:
    case AddressForm::lprt: break;
  }
  return "229 Entering Extended Passive Mode " + filling + ".";
}

void ServerReplay::set_up_active(const Command& command) {
  const auto verdict = guard_.on_command(command, state_);
  if (const auto* refusal = std::get_if<Answer>(&verdict.action)) {
    effects_.send(refusal->reply);
    return;
  }
  const auto form = form_of_verb(command.name);
  const auto found = find_address(form, command.argument, state_.client_ip);
  assert(found);  // the guard lets no other pass
  effects_.close_data();
  active_port_ = found->endpoint.port;
  agreed(Data::active, form);
  reply(active_reply(command.name));
}

// In the words of the recorded server, if it has said any.
std::string ServerReplay::active_reply(std::string_view verb) const {
  for (const auto& exchange : script_.exchanges) {
    const auto& replies = exchange.replies;
    const bool plain = exchange.verb == verb && replies.size() == 1 && replies[0].code == 200;
    if (plain) return replies[0].raw;
  }
  return "200 Data connections go to your port " + std::to_string(active_port_) + ".";
}

void ServerReplay::answer_from_script(const Command& command) {
  const auto [exchange, skip] = cursor_.find(command, place_);
  if (exchange) {
    const auto* final_reply = exchange->final_reply();
    place_.answered(command.name, command.argument,
                    final_reply ? std::string_view(final_reply->raw) : std::string_view{});
    play(*exchange, skip);
    return;
  }
  std::string made;
  if (options_.match == Match::state) made = state_answer(command, place_, script_);
  const bool goes = command.meaning() == Meaning::quit;
  if (made.empty() && (goes || options_.match != Match::strict)) made = standard_answer(command);
  made.empty() ? answer_unmatched(command) : answer(command, made);
  if (goes) finish();
}

void ServerReplay::answer(const Command& command, std::string_view line) {
  place_.answered(command.name, command.argument, line);
  reply(line);
}

void ServerReplay::answer_unmatched(const Command& command) {
  const auto text = what_is_next(command);
  effects_.tell(FindingId::replay_unmatched, played_to_, text);
  const auto* nearest =
      options_.unmatched == Unmatched::nearest ? cursor_.nearest(command) : nullptr;
  if (nearest) {
    play(*nearest, 0);
  } else {
    const bool close = options_.unmatched == Unmatched::close;
    answer(command, (close ? "421 Not in this recording: " : "500 Not in this recording: ") + text);
  }
}

}  // namespace ftpscope
