// The proxy's own NOOPs in the Dialogue: which reply is theirs.
//
// Servers answer a NOOP in mid-transfer at once, or behind the transfer's final reply, or never.
// What keeps the step, whichever it is: a transfer that has begun ends in x2z or x5z, and NOOP gets
// x0z (RFC 959 4.2); and what the client says next waits until the NOOPs are answered or given up,
// so that its reply cannot be taken for theirs.
#include "analyzer/dialogue.h"

namespace ftpscope {

namespace {

constexpr std::string_view kNoop = "NOOP\r\n";

// x0z: syntax, and what fits no other group.
bool is_of_syntax(int code) { return code / 10 % 10 == 0; }

bool runs(const PendingCommand& command) {
  return is_transfer(command.meaning()) && command.preliminary_seen;
}

}  // namespace

bool Dialogue::may_say_noop() const {
  const bool can = !stopped_ && !server_gone_ && !state_.opaque;
  if (!can || waits_[static_cast<std::size_t>(Side::server)] || assembler_.open()) return false;
  if (pending_.size() != 1 || !runs(pending_.front())) return false;
  return !noops_ || (!noops_->given_up && noops_->waiting.size() < DialogueLimits::kOwnInFlightMax);
}

std::string_view Dialogue::say_noop(Timestamp now) {
  recorder_.at(now);
  std::string scratch;
  const auto command = parse_command(Line{kNoop, Ending::crlf}, scratch);
  PendingCommand noop;
  noop.id = ++last_id_;
  noop.verb = command.verb;
  noop.sent = now;
  recorder_.emit(record::Command{.id = noop.id,
                                 .verb = command.name,
                                 .argument = std::nullopt,
                                 .line = std::nullopt,
                                 .by_proxy = true});
  if (!noops_) noops_ = std::make_unique<OwnNoops>();
  noops_->waiting.push_back(std::move(noop));
  return kNoop;
}

// What the client says while NOOPs wait: ABOR, STAT and QUIT are meant for this moment, and their
// replies are none that NOOP gets. All else has time.
bool Dialogue::client_waits_for_noops() const {
  if (!noops_wait() || noops_->given_up || !limits_.noops_hold) return false;
  const auto rest = splitter(Side::client).rest();
  const auto end = rest.find('\n');
  if (end == rest.npos) return false;
  const auto raw = rest.substr(0, end + 1);
  std::string scratch;
  const auto command =
      parse_command(Line{raw, raw.ends_with("\r\n") ? Ending::crlf : Ending::lf}, scratch);
  return command.meaning() != Meaning::abort && command.meaning() != Meaning::quit &&
         command.name != "STAT";
}

// 421 is for the client, whoever made the server say it.
bool Dialogue::answers_noop(int code) const {
  constexpr int kServiceClosing = 421;
  if (!noops_wait() || code < 200 || code == kServiceClosing) return false;
  if (pending_.empty()) return !noops_->given_up || is_of_syntax(code);
  if (!is_of_syntax(code)) return false;
  const auto& head = pending_.front();
  return runs(head) || !noops_->given_up || !head.verb || !head.verb->allows(code);
}

void Dialogue::end_noop(const Reply& reply) {
  auto& waiting = noops_->waiting;
  const auto noop = std::move(waiting.front());
  waiting.erase(waiting.begin());
  if (waiting.empty()) noops_->due.reset();
  record::Reply entry{.to = noop.id,
                      .verb = noop.name(),
                      .code = reply.code,
                      .lines = reply.lines,
                      .endings = reply.endings,
                      .latency = recorder_.now() - noop.sent,
                      .for_proxy = true};
  record_masked(entry);
}

void Dialogue::give_up_noops(Timestamp now) {
  recorder_.at(now);
  if (noops_) noops_->due.reset();
  if (!noops_wait() || noops_->given_up || stopped_) return;
  noops_->given_up = true;
  recorder_.finding(FindingId::keepalive_unanswered, noops_->waiting.front().id,
                    std::to_string(noops_->waiting.size()));
  pump();
  splitter(Side::client).hold();
}

}  // namespace ftpscope
