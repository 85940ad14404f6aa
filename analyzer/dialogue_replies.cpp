// The server's half of the Dialogue: lines to replies, replies to commands.
#include <algorithm>
#include <utility>

#include "analyzer/dialogue.h"
#include "analyzer/line_rules.h"
#include "analyzer/passive_address.h"

namespace ftpscope {

namespace {

bool is_preliminary(std::string_view line) {
  const auto start = reply_start(line);
  return start && start->code >= 100 && start->code < 200 && start->mark == ' ';
}

}  // namespace

void Dialogue::take_reply_line(const Line& line) {
  if (line.overlong) {
    violate(Violation::line_too_long, FindingId::line_too_long, "the server's");
    return;
  }
  if (!assembler_.open() && take_tail(Side::server, line)) return;
  if (overtaken_greeting(line.text())) {  // the last one, which has no end
    assembler_.close_here();
    end_reply();
    if (stopped_ || waits(Side::server)) return;
  }
  const bool expected = !pending_.empty() || noops_wait();
  switch (assembler_.add(line, expected)) {
    case ReplyAssembler::Step::complete: end_reply(); return;
    case ReplyAssembler::Step::like_final: send_parts(); break;
    case ReplyAssembler::Step::more:
      if (sent_bytes_ > 0) {
        send_parts();
      } else if (!part_due_) {
        part_due_ = recorder_.now() + DialogueLimits::kPartDelay;
      }
      break;
  }
  if (assembler_.size() > limits_.reply_max || assembler_.line_count() > limits_.reply_lines_max) {
    violate(Violation::reply_too_long, FindingId::reply_too_long, {});
  }
}

// Seen in the field: a greeting of `220-` lines that never ends. The client has sent USER all the
// same, and here comes USER's reply: with another code, which RFC 959 4.2 would have us read as
// more greeting.
bool Dialogue::overtaken_greeting(std::string_view line) const {
  if (!assembler_.open() || pending_.size() < 2 || pending_.front().verb != &kGreeting)
    return false;
  const auto first = reply_start(line);
  return first && first->code != assembler_.open_code() &&
         (first->mark == ' ' || first->mark == '-') && !pending_.front().verb->allows(first->code);
}

// Before the line behind it is taken: the gate may let that one wait.
bool Dialogue::end_overtaken_greeting() {
  const auto rest = splitter(Side::server).rest();
  const bool whole = overtaken_greeting(rest) && rest.substr(0, limits_.line_max).contains('\n');
  if (!whole) return false;
  assembler_.close_here();
  end_reply();
  return true;
}

// Sends on what has come of a reply that has not ended. The client may know better where it ends.
void Dialogue::send_parts() {
  part_due_.reset();
  const auto* head = pending_.empty() ? nullptr : &pending_.front();
  if (!assembler_.open() || answers_noop(assembler_.open_code())) return;
  if (!gate_.may_send_in_parts(head)) return;
  record::ReplyPart part;
  if (head) part.to = head->id;
  part.code = assembler_.open_code();
  part.lines = assembler_.open_lines(sent_lines_);
  part.endings = assembler_.open_endings(sent_lines_);
  const auto raw = assembler_.open_raw(sent_bytes_);
  const auto masked = masked_lines(part.lines);
  if (masked) part.lines = masked->views;
  recorder_.emit(part);
  sent_lines_ = assembler_.line_count();
  sent_bytes_ = assembler_.size();
  gate_.on_reply_part(raw);
}

void Dialogue::end_reply() {
  const auto& reply = assembler_.reply();
  const auto raw = reply.raw.substr(sent_bytes_);
  const bool begun = sent_bytes_ > 0;  // then it is the client's, whatever closes it
  part_due_.reset();
  sent_bytes_ = 0;
  sent_lines_ = 0;
  if (!begun && reply.code && answers_noop(*reply.code)) {
    end_noop(reply);
    return;
  }
  const auto* answered = pair(reply);
  record_reply(reply, answered);
  inspect_reply(reply, answered);
  const bool wait = gate_.on_reply(reply, answered, raw);
  if (stopped_ || !answered) return;
  if (reply.preliminary()) {
    pending_.front().preliminary_seen = true;
  } else if (wait) {
    waits(Side::server) = true;
    held_code_ = reply.code;
  } else {
    conclude_head(*reply.code);
  }
}

void Dialogue::conclude_head(int code) {
  if (auto& head = pending_.front(); head.repeats > 0) {  // the next empty line is the next id
    --head.repeats;
    ++head.id;
    return;
  }
  const auto command = std::move(pending_.front());
  pending_.erase(pending_.begin());
  in_doubt_ = in_doubt_ && !pending_.empty();
  if (noops_wait() && !noops_->given_up) {
    noops_->due = recorder_.now() + DialogueLimits::kOwnPatience;
  }
  conclude(command, code);
  if (const auto* again = std::exchange(again_, nullptr)) sent_as(command.id, *again);
  deliver_own_answers();
}

const PendingCommand* Dialogue::pair(const Reply& reply) {
  if (!reply.code) {
    const bool greets = !pending_.empty() && pending_.front().verb == &kGreeting;
    const bool told = std::exchange(text_in_greeting_, greets);
    recorder_.finding(greets && !told ? FindingId::greeting_not_ftp : FindingId::reply_without_code,
                      std::nullopt, {});
    return nullptr;
  }
  while (pending_.size() > 1 && pending_.front().may_stay_unanswered() &&
         !pending_.front().verb->allows(*reply.code)) {
    if (pending_.front().meaning() == Meaning::abort) {
      recorder_.finding(FindingId::reply_missing, pending_.front().id, pending_.front().name());
    }
    pending_.erase(pending_.begin());
  }
  // The last reply once more, and it is none that the next command may get: the server said it
  // twice. Unless it is a code that this server gives to whatever it likes.
  const bool habit = settle_doubt(*reply.code) || (last_verb_ && !last_verb_->allows(last_code_));
  const bool again = last_verb_ && last_code_ == *reply.code && !habit;
  // 227, 228 and 229 can be nobody else's: PASV had another reply, and this is its own.
  const bool late = last_verb_ && last_verb_->meaning == Meaning::passive &&
                    !last_verb_->allows(last_code_) && form_of_code(*reply.code);
  const bool fits_head =
      !pending_.empty() && (!pending_.front().verb || pending_.front().verb->allows(*reply.code));
  if (!pending_.empty() && (fits_head || !(again || late || out_of_step_)))
    return &pending_.front();
  if (out_of_step_) return nullptr;  // it may answer a command that is not known
  const bool second = last_verb_ && *reply.code != 421;
  in_doubt_ = second && !pending_.empty();
  recorder_.finding(second ? FindingId::reply_second_final : FindingId::reply_unsolicited,
                    std::nullopt, second ? last_verb_->name : std::string_view{});
  return nullptr;
}

// A reply was taken for a second final one. If it was the head's after all, with a code that the
// head may not get, then the next reply is not for the head: the next command may get it, the head
// may not. Or neither may, and it is the same code once more: had the server said one thing three
// times, the client would have gone on for no reason.
bool Dialogue::settle_doubt(int code) {
  const auto fits = [code](const PendingCommand& c) { return !c.verb || c.verb->allows(code); };
  if (!in_doubt_ || pending_.size() < 2 || fits(pending_[0])) return false;
  if (!fits(pending_[1]) && code != last_code_) return false;
  pending_.erase(pending_.begin());
  in_doubt_ = false;
  return true;
}

void Dialogue::record_reply(const Reply& reply, const PendingCommand* answered) {
  record::Reply entry;
  if (answered) {
    entry.to = answered->id;
    entry.verb = answered->name();
    entry.latency = recorder_.now() - answered->sent;
  }
  entry.code = reply.code;
  entry.preliminary = reply.preliminary();
  entry.lines = reply.lines;
  entry.endings = reply.endings;
  record_masked(entry);
}

void Dialogue::record_masked(record::Reply& entry) {
  const auto masked = masked_lines(entry.lines);
  if (masked) {
    entry.lines = masked->views;
    entry.redacted = true;
  }
  recorder_.emit(entry);
}

// The lines with the secret masked; nothing when it is not in them, which is nearly always.
std::optional<Dialogue::MaskedLines> Dialogue::masked_lines(
    std::span<const std::string_view> lines) const {
  const bool hidden =
      std::ranges::any_of(lines, [this](std::string_view text) { return secret_.hides(text); });
  if (!hidden || limits_.log_secrets) return std::nullopt;
  MaskedLines masked;
  for (const auto text : lines) masked.texts.push_back(secret_.masked(text));
  masked.views.assign(masked.texts.begin(), masked.texts.end());
  return masked;
}

void Dialogue::inspect_reply(const Reply& reply, const PendingCommand* answered) {
  using enum FindingId;
  const auto to = answered ? std::optional(answered->id) : std::nullopt;
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    inspect_line(Side::server, reply.lines[i], reply.endings[i], to);
  }
  if (!reply.code) return;
  const int code = *reply.code;
  if (code < 100 || code > 699) recorder_.finding(reply_code_range, to, {});
  if (reply.no_space) recorder_.finding(reply_no_space, to, {});
  if (reply.bare_code_end) recorder_.finding(reply_bare_code_end, to, {});
  if (reply.other_code_end) recorder_.finding(reply_other_code_end, to, {});
  if (reply.unfinished) recorder_.finding(reply_unfinished, to, {});
  if (reply.line_like_final && !reply.other_code_end && !reply.no_space) {
    recorder_.finding(reply_line_like_final, to, {});
  }
  if (!answered || !answered->verb) return;
  if (!answered->verb->allows(code)) recorder_.finding(reply_illegal_code, to, answered->name());
  const bool completed = code >= 200 && code < 300 && is_transfer(answered->meaning());
  // "553-", "150 " and "226 " are one reply to us, and to the client three.
  const bool inside = reply.other_code_end && std::ranges::any_of(reply.lines, is_preliminary);
  if (completed && !answered->preliminary_seen && !inside) {
    recorder_.finding(reply_no_preliminary, to, answered->name());
  }
}

void Dialogue::inspect_line(Side from, std::string_view text, Ending ending,
                            std::optional<CommandId> to) {
  using enum FindingId;
  if (ending == Ending::lf) recorder_.finding(line_lf_only, to, name_of(from));
  if (is_plain_ascii(text)) return;
  if (text.find('\r') != text.npos) recorder_.finding(line_bare_cr, to, name_of(from));
  if (text.find('\0') != text.npos) recorder_.finding(line_nul, to, name_of(from));
  if (has_telnet_commands(text)) {
    recorder_.finding(line_telnet, to, name_of(from));
  } else if (!is_utf8(text)) {
    recorder_.finding(line_not_utf8, to, name_of(from));
  }
}

// What a final reply changes in the session.
void Dialogue::conclude(const PendingCommand& command, int code) {
  last_verb_ = command.verb;
  last_code_ = code;
  const bool completed = code >= 200 && code < 300;
  switch (command.meaning()) {
    case Meaning::user:
      if (code == 331 || code == 332) state_.logged_in = false;
      if (completed && code != 220) state_.logged_in = true;
      break;
    case Meaning::password:
      if (completed) state_.logged_in = true;
      break;
    case Meaning::reinitialize:
      if (completed) {
        state_.logged_in = false;
        state_.epsv_all = false;
        state_.mode = 'S';
      }
      break;
    case Meaning::transfer_mode:
      if (completed && command.mode != '\0') state_.mode = command.mode;
      break;
    case Meaning::passive:
      if (completed && command.epsv_all) state_.epsv_all = true;
      break;
    case Meaning::authenticate:
      if (code == 234) go_opaque(command.id);
      break;
    case Meaning::plain:
      if (command.verb == &kGreeting) state_.greeted = true;
      break;
    case Meaning::quit:
    case Meaning::port:
    case Meaning::download:
    case Meaning::upload:
    case Meaning::restart:
    case Meaning::abort:
    case Meaning::features:
    case Meaning::site:
    case Meaning::security_data:
    case Meaning::empty: break;
  }
}

}  // namespace ftpscope
