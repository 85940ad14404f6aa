// The Dialogue of a capture, where bytes can be missing and nobody can be made to wait.
#include <utility>

#include "analyzer/dialogue.h"
#include "analyzer/foreign_protocol.h"

namespace ftpscope {

void Dialogue::join(Timestamp now) {
  recorder_.at(now);
  state_.greeted = true;
  state_.logged_in = true;  // or the arguments of the whole rest would be hidden
  out_of_step_ = true;
  tail_ = {true, true};
}

void Dialogue::join_encrypted(Timestamp now) {
  recorder_.at(now);
  go_opaque(std::nullopt);
}

void Dialogue::lost(Side from, std::uint64_t bytes, Timestamp now) {
  if (stopped_) return;
  recorder_.at(now);
  recorder_.mute(true);  // nobody is to blame for what the capture has cut
  if (!state_.opaque) {
    if (const auto rest = splitter(from).finish()) {
      from == Side::client ? take_command(*rest) : take_reply_line(*rest);
    }
    if (from == Side::server && assembler_.open()) {
      assembler_.close_here();
      end_reply();
    }
  }
  recorder_.mute(false);
  recorder_.emit(record::Gap{from, bytes});
  recorder_.finding(FindingId::capture_gap, std::nullopt, name_of(from));
  constexpr std::uint64_t kShortestReply = 6;  // "ddd " and the end of a line
  constexpr std::uint64_t kShortestCommand = 5;
  const bool may_hide_a_message =
      bytes >= (from == Side::server ? kShortestReply : kShortestCommand);
  out_of_step_ = out_of_step_ || may_hide_a_message;
  tail_[static_cast<std::size_t>(from)] = true;
}

// Whether the first line behind a gap is the tail of one whose beginning is missing. It is recorded
// and means nothing.
bool Dialogue::take_tail(Side side, const Line& line) {
  if (!std::exchange(tail_[static_cast<std::size_t>(side)], false)) return false;
  const auto text = line.text();
  if (side == Side::server) {
    const auto start = reply_start(text);
    if (start && (start->mark == ' ' || start->mark == '-' || start->mark == '\0')) return false;
    recorder_.emit(record::Reply{.to = std::nullopt,
                                 .verb = {},
                                 .code = std::nullopt,
                                 .lines = std::span(&text, 1),
                                 .endings = std::span(&line.ending, 1),
                                 .latency = std::nullopt});
    return true;
  }
  std::string scratch;
  const auto command = parse_command(line, scratch);
  if (command.verb) return false;
  record::Command entry;
  entry.id = ++last_id_;
  entry.known = false;
  entry.redacted = !limits_.log_secrets;  // it may be the end of a password
  entry.verb = entry.redacted ? kHidden : text;
  if (!entry.redacted) entry.line = line.raw;
  recorder_.emit(entry);
  return true;
}

// A capture may lack the reply that a barrier waits for; what was said behind it must not pile up.
void Dialogue::give_up_barrier() {
  const auto waiting = splitter(Side::client).rest();
  if (readable(Side::client) || pending_.empty() || waiting.size() <= limits_.line_max) return;
  if (starts_like_tls(waiting)) {
    go_opaque(pending_.back().id);
  } else {
    pending_.back().barrier = false;
  }
  pump();
}

}  // namespace ftpscope
