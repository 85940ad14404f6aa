#include "proxy/server_replay.h"

#include <cassert>
#include <utility>

#include "analyzer/address_codec.h"
#include "analyzer/line_rules.h"

namespace ftpscope {

namespace {

AddressForm reply_form_of(std::string_view verb) {
  if (verb == "PASV") return AddressForm::reply_227;
  return verb == "EPSV" ? AddressForm::reply_229 : AddressForm::reply_228;
}

constexpr std::string_view kNoRoom = "425 PASV has room for an IPv4 address only, use EPSV.";

}  // namespace

ServerReplay::ServerReplay(const ReplayScript& script, const IpAddress& client,
                           replay::Effects& effects)
    : script_(script), effects_(effects), cursor_(script) {
  state_.client_ip = client;
}

void ServerReplay::handle(const replay::Event& event, Timestamp now) {
  now_ = now;
  if (!finished_) std::visit([this](const auto& e) { on(e); }, event);
}

std::optional<Timestamp> ServerReplay::deadline() const {
  if (finished_ || transfer_) return std::nullopt;  // the driver watches over the data connection
  return last_activity_ + kIdleMax;
}

void ServerReplay::on(const replay::Connected&) {
  last_activity_ = now_;
  for (const auto& greeting : script_.greeting) send(greeting);
}

void ServerReplay::on(const replay::TimerFired&) {
  if (!deadline() || now_ < *deadline()) return;
  reply("421 Idle for too long.");
}

void ServerReplay::on(const replay::Received& event) {
  last_activity_ = now_;
  lines_.feed(event.bytes);
  pump();
  lines_.hold();
}

// What had to wait for a data connection, or for its end, is heard now.
void ServerReplay::resume() {
  if (held_) {
    const auto raw = *std::exchange(held_, std::nullopt);
    take_line(Line{raw, raw.ends_with("\r\n") ? Ending::crlf : Ending::lf});
  }
  pump();
  lines_.hold();
}

void ServerReplay::pump() {
  while (wants()) {
    const auto line = lines_.next();
    if (!line) return;
    take_line(*line);
  }
}

void ServerReplay::take_line(const Line& line) {
  if (line.overlong) {
    reply("421 The line is too long.");
    return;
  }
  const auto command = parse_command(line, scratch_);
  if (!transfer_) {
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
  if (!transfer_->final_before_data) reply("426 The transfer was aborted.");
  transfer_ = nullptr;
  data_ = Data::none;
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
  data_ = can_carry(form, event.address.ip) ? Data::passive : Data::none;
  reply(data_ == Data::passive ? passive_reply(event.address) : std::string(kNoRoom));
  resume();
}

void ServerReplay::on(const replay::PassiveFailed&) {
  data_ = Data::none;
  reply("425 No port is free for a data connection.");
  resume();
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
  const auto found = find_address(form_of_verb(command.name), command.argument, state_.client_ip);
  assert(found);  // the guard lets no other pass
  effects_.close_data();
  active_port_ = found->endpoint.port;
  data_ = Data::active;
  reply("200 Data connections go to your port " + std::to_string(active_port_) + ".");
}

void ServerReplay::answer_from_script(const Command& command) {
  if (const auto* exchange = cursor_.find(command)) {
    play(*exchange);
    return;
  }
  const auto standard = standard_answer(command);
  reply(standard.empty() ? unmatched(command) : standard);
  if (command.meaning() == Meaning::quit) finish();
}

}  // namespace ftpscope
