#include "analyzer/dialogue.h"

#include <algorithm>
#include <array>
#include <utility>

#include "analyzer/foreign_protocol.h"
#include "analyzer/line_rules.h"
#include "analyzer/telnet.h"

namespace ftpscope {

Dialogue::Dialogue(const DialogueLimits& limits, Recorder& recorder, SessionState& state,
                   Gate& gate)
    : limits_(limits),
      recorder_(recorder),
      state_(state),
      gate_(gate),
      splitters_{LineSplitter(limits.line_max), LineSplitter(limits.line_max)} {}

void Dialogue::connected(Timestamp now) {
  recorder_.at(now);
  PendingCommand greeting;
  greeting.verb = &kGreeting;
  greeting.sent = now;
  pending_.insert(pending_.begin(), std::move(greeting));
}

void Dialogue::disconnected() {
  splitter(Side::server) = LineSplitter(limits_.line_max);
  assembler_ = ReplyAssembler();
  waits(Side::server) = eof(Side::server) = server_gone_ = false;
  std::erase_if(pending_, [](const PendingCommand& command) { return command.verb == &kGreeting; });
  sent_bytes_ = sent_lines_ = 0;
  part_due_.reset();
  held_code_.reset();
  last_verb_ = nullptr;
  in_doubt_ = text_in_greeting_ = state_.greeted = false;
}

void Dialogue::received(Side from, std::string_view bytes, bool urgent, Timestamp now) {
  if (stopped_) return;
  recorder_.at(now);
  splitter(from).feed(bytes, urgent);
  pump();
  if (limits_.watching) give_up_barrier();
  splitter(from).hold();
}

void Dialogue::closed(Side side, Timestamp now) {
  recorder_.at(now);
  eof(side) = true;
  pump();
}

void Dialogue::resume(Side side, Timestamp now) {
  recorder_.at(now);
  waits(side) = false;
  go_on();
}

void Dialogue::resume_both(Timestamp now) {
  recorder_.at(now);
  waits_ = {};
  go_on();
}

void Dialogue::go_on() {
  if (!waits(Side::server) && held_code_) conclude_head(*std::exchange(held_code_, std::nullopt));
  deliver_own_answers();
  pump();
  for (auto& splitter : splitters_) splitter.hold();
}

void Dialogue::tick(Timestamp now) {
  recorder_.at(now);
  if (part_due_ && now >= *part_due_) send_parts();
  if (noops_ && noops_->due && now >= *noops_->due) give_up_noops(now);
}

std::optional<Timestamp> Dialogue::deadline() const {
  const auto noops_due = noops_ ? noops_->due : std::nullopt;
  if (!part_due_ || !noops_due) return part_due_ ? part_due_ : noops_due;
  return std::min(*part_due_, *noops_due);
}

bool Dialogue::readable(Side side) const {
  if (stopped_ || waits_[static_cast<std::size_t>(side)]) return false;
  if (side == Side::server || state_.opaque) return true;
  if (client_waits_for_noops()) return false;
  if (pending_.empty()) return true;
  // In doubt the barrier may have had its reply, and the client would wait for ever.
  const bool barred = pending_.back().barrier && !in_doubt_;
  return !barred && pending_.size() < limits_.in_flight_max;
}

bool Dialogue::wants(Side side) const {
  const bool in_vain = side == Side::client && waits_in_vain();
  return (readable(side) || in_vain) && !eof_[static_cast<std::size_t>(side)];
}

// The client's next command waits for a reply that can no longer come.
bool Dialogue::waits_in_vain() const {
  return server_gone_ && !stopped_ && !waits_[static_cast<std::size_t>(Side::client)] &&
         !readable(Side::client);
}

// A line of the client that waited for a reply is handled as soon as that reply is, before the
// server's next line: so it makes no difference whether the two replies came in one segment.
void Dialogue::pump() {
  while (pump_side(Side::client) || pump_side(Side::server)) {
  }
}

bool Dialogue::pump_side(Side side) {
  if (!readable(side)) {
    finish_waiting_side(side);
    return false;
  }
  if (state_.opaque) {
    take_opaque(side);
  } else if (side == Side::client && !state_.logged_in && starts_like_tls(splitter(side).rest())) {
    violate(Violation::not_ftp, FindingId::not_ftp, "a TLS ClientHello");
    return false;
  } else if (side == Side::server && end_overtaken_greeting()) {
    return true;
  } else if (const auto line = splitter(side).next()) {
    side == Side::client ? take_command(*line) : take_reply_line(*line);
    return true;
  }
  if (!eof(side)) return false;
  finish_side(side);
  return !eof(side);  // what waited for this side need not wait any more
}

// That a client has gone need not wait for the reply that its next command would wait for.
void Dialogue::finish_waiting_side(Side side) {
  if (side == Side::server || stopped_ || waits(side)) return;
  if (waits_in_vain()) splitter(side).take_rest();
  if (eof(side) && splitter(side).rest().empty()) finish_side(side);
}

// Once: nothing is read after the end of a stream.
void Dialogue::finish_side(Side side) {
  if (const auto rest = splitter(side).finish()) {
    recorder_.finding(FindingId::line_no_ending, std::nullopt, name_of(side));
    side == Side::client ? take_command(*rest) : take_reply_line(*rest);
    if (!readable(side)) return;
  }
  if (side == Side::server && assembler_.open()) {
    assembler_.close_here();
    end_reply();
    if (!readable(side)) return;  // its address, or the data before it, comes first
  }
  eof(side) = false;
  waits(side) = true;
  if (side == Side::server) {
    server_gone_ = true;
    noops_.reset();
  }
  gate_.on_closed(side);
}

void Dialogue::take_command(const Line& line) {
  if (line.overlong) {
    violate(Violation::line_too_long, FindingId::line_too_long, "the client's");
    return;
  }
  if (take_tail(Side::client, line)) return;
  std::string scratch;
  const auto command = parse_command(line, scratch);
  if (!state_.logged_in && is_foreign(command)) return;
  if (std::exchange(out_of_step_, false)) pending_.clear();
  if (assembler_.ends_like_final()) {
    // The client goes on, so to it the reply has ended: at the line that reads like an end.
    assembler_.close_here();
    end_reply();
  }
  const auto id = ++last_id_;
  record_command(command, id);
  inspect_command(command, id);
  if (!count_unknown(command)) return;
  const auto fate = gate_.on_command(command, id);
  if (stopped_) return;
  push_pending(command, id, fate);
  waits(Side::client) = fate.wait;
  deliver_own_answers();
}

bool Dialogue::is_foreign(const Command& command) {
  const auto protocol = foreign_protocol(command);
  if (!protocol) return false;
  if (*protocol == kProxyProtocol) {
    if (limits_.watching) return false;  // between a balancer and its server it belongs there
    violate(Violation::proxy_header, FindingId::proxy_header_unasked, {});
    return true;
  }
  violate(Violation::not_ftp, FindingId::not_ftp, *protocol);
  return true;
}

// False: it was one too many.
bool Dialogue::count_unknown(const Command& command) {
  const bool unknown = !command.verb || command.meaning() == Meaning::empty;
  if (state_.logged_in || !unknown) return true;
  if (++unknown_before_login_ < limits_.unknown_before_login_max) return true;
  violate(Violation::too_many_unknown, FindingId::too_many_unknown, {});
  return false;
}

void Dialogue::record_command(const Command& command, CommandId id) {
  record::Command entry;
  entry.id = id;
  entry.known = command.verb != nullptr;
  entry.verb = command.name;
  entry.urgent = command.line.urgent.has_value();
  if (command.has_argument) entry.argument = command.argument;
  if (!command.canonical()) entry.line = command.line.raw;
  const bool hide_verb = hides_verb(command, state_.logged_in);
  if (!limits_.log_secrets && (hide_verb || hides_argument(command, state_.logged_in))) {
    // What was taken out as Telnet is in the line still.
    entry.redacted = command.has_argument || hide_verb || has_telnet(command.line.raw);
    if (hide_verb) entry.verb = kHidden;
    if (command.has_argument) entry.argument = kHidden;
    if (entry.redacted) entry.line.reset();
    secret_.remember(command.argument);
    if (hide_verb) secret_.remember(command.name);
  }
  recorder_.emit(entry);
}

void Dialogue::inspect_command(const Command& command, CommandId id) {
  inspect_line(Side::client, command.line.text(), command.line.ending, id);
  if (hides_address_command(command) || is_unended_address_command(command)) {
    recorder_.finding(FindingId::command_hides_another, id, {});
  } else if (command.dangling_telnet) {
    recorder_.finding(FindingId::command_ambiguous, id, {});
  }
  if (!command.verb) {
    recorder_.finding(FindingId::command_unknown, id, {});
    return;
  }
  const bool missing = command.verb->argument == Argument::required && command.argument.empty();
  const bool surplus = command.verb->argument == Argument::none && !command.argument.empty();
  if (missing || surplus) {
    recorder_.finding(FindingId::command_argument, id, missing ? "missing" : "not allowed");
  }
  const bool during_transfer = !pending_.empty() && pending_.front().preliminary_seen;
  if (limits_.watching && recorder_.replies() == 0) return;  // the capture may lack them
  if (!pending_.empty() && !during_transfer && !out_of_step_) {
    recorder_.finding(FindingId::command_pipelined, id, {});
  }
}

void Dialogue::push_pending(const Command& command, CommandId id, const CommandFate& fate) {
  const bool empty_again = command.meaning() == Meaning::empty && !pending_.empty() &&
                           pending_.back().meaning() == Meaning::empty;
  if (empty_again) {  // a server that ignores empty lines must not fill the queue with them
    ++pending_.back().repeats;
    return;
  }
  if (limits_.watching && pending_.size() >= DialogueLimits::kWatchedInFlightMax) pending_.clear();
  PendingCommand entry;
  entry.id = id;
  entry.verb = fate.sent_as ? fate.sent_as : command.verb;
  if (!command.verb) {
    const bool hidden = hides_verb(command, state_.logged_in) && !limits_.log_secrets;
    entry.unknown_name = std::make_unique<std::string>(hidden ? kHidden : command.name);
  }
  entry.sent = recorder_.now();
  entry.barrier = fate.barrier || command.meaning() == Meaning::authenticate;
  if (command.meaning() == Meaning::transfer_mode && !command.argument.empty()) {
    entry.mode = static_cast<char>(command.argument[0] & ~0x20);  // upper case
  }
  entry.epsv_all = is_epsv_all(command);
  if (fate.answer) entry.own_answer = std::make_unique<std::string>(*fate.answer);
  pending_.push_back(std::move(entry));
}

void Dialogue::answer(CommandId id, std::string reply) {
  const auto command = std::ranges::find(pending_, id, &PendingCommand::id);
  if (command == pending_.end()) return;
  command->own_answer = std::make_unique<std::string>(std::move(reply));
}

void Dialogue::sent_as(CommandId id, const Verb& verb) {
  auto command = std::ranges::find(pending_, id, &PendingCommand::id);
  if (command == pending_.end()) {
    PendingCommand again;
    again.id = id;
    again.sent = recorder_.now();
    again.barrier = true;
    command = pending_.insert(pending_.begin(), std::move(again));
  }
  command->verb = &verb;
}

// An answer of our own must not overtake the server's reply to an older command: a pipelining
// client would take it for that one's. Behind the end of the server's replies the client hears no
// more.
void Dialogue::deliver_own_answers() {
  while (!stopped_ && !server_gone_ && !pending_.empty() && pending_.front().own_answer) {
    const auto command = std::move(pending_.front());
    pending_.erase(pending_.begin());
    ReplyAssembler own;
    LineSplitter lines;  // whatever others may say in a line
    lines.feed(*command.own_answer);
    while (const auto line = lines.next()) own.add(*line, true);
    const auto& reply = own.reply();
    recorder_.emit(record::Reply{.to = command.id,
                                 .verb = command.name(),
                                 .code = reply.code,
                                 .lines = reply.lines,
                                 .endings = reply.endings,
                                 .latency = recorder_.now() - command.sent,
                                 .by_proxy = true});
    if (command.epsv_all && reply.code && *reply.code / 100 == 2) state_.epsv_all = true;
    gate_.on_own_answer(*command.own_answer);
  }
}

void Dialogue::violate(Violation violation, FindingId finding, std::string_view detail) {
  recorder_.finding(finding, std::nullopt, detail);
  stop();
  gate_.on_violation(violation, detail);
}

void Dialogue::go_opaque(std::optional<CommandId> id) {
  recorder_.emit(record::Opaque{id});
  recorder_.finding(FindingId::tls_opaque, id, {});
  opaque_since_ = id;
  state_.opaque = true;
  pending_.clear();
  noops_.reset();
}

// What follows AUTH and its 234 must be TLS, whichever segment it came in (threats.md S23).
void Dialogue::take_opaque(Side side) {
  const auto bytes = splitter(side).take_rest();
  if (bytes.empty()) return;
  if (!std::exchange(opaque_seen_[static_cast<std::size_t>(side)], true) && !is_tls_record(bytes)) {
    recorder_.finding(FindingId::tls_plaintext_behind_auth, opaque_since_, name_of(side));
  }
  gate_.on_opaque_bytes(side, bytes);
}

}  // namespace ftpscope
