// The control connection of one session, understood: bytes in, commands and replies out, each reply
// with its command. Emits the records and asks a Gate what is to become of every message.
//
// Pairing is a queue: 1yz keeps the head, anything else closes it (RFC 959 5.4). The few
// exceptions, and why they never lose step, are told in README.md ("Which command does a reply
// answer?").
//
// The wire is never wrong here: every byte string is some dialogue, what is odd becomes a finding.
// How the bytes were cut into segments makes no difference to what comes out.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/message.h"
#include "analyzer/recorder.h"
#include "analyzer/redaction.h"
#include "analyzer/reply_assembler.h"
#include "analyzer/session_state.h"

namespace ftpscope {

// Why a session cannot go on.
enum class Violation : std::uint8_t {
  line_too_long,
  reply_too_long,
  not_ftp,
  proxy_header,
  too_many_unknown,
};

struct DialogueLimits {
  static constexpr std::size_t kInFlightMax = 32;
  static constexpr std::size_t kUnknownBeforeLoginMax = 3;
  // A multi-line reply is sent on when it is whole, or after this time without its end.
  static constexpr Duration kPartDelay = std::chrono::milliseconds(200);
  static constexpr std::size_t kWatchedInFlightMax = 1024;  // of a capture with one direction
  // NOOPs of the proxy's own without a reply; and how long they may stay so behind the transfer.
  static constexpr std::size_t kOwnInFlightMax = 1024;
  static constexpr Duration kOwnPatience = std::chrono::seconds(5);

  std::size_t line_max = LineSplitter::kLineMax;
  std::size_t reply_max = ReplyAssembler::kReplyMax;
  std::size_t reply_lines_max = ReplyAssembler::kReplyLinesMax;
  std::size_t in_flight_max = kInFlightMax;
  std::size_t unknown_before_login_max = kUnknownBeforeLoginMax;
  bool log_secrets = false;
  // Nobody can be made to wait: a capture. What waits for too long is forgotten instead.
  bool watching = false;
  // What the client says waits for the replies to the proxy's NOOPs. Not when a log is read: its
  // order says how long it did.
  bool noops_hold = true;
};

// What the gate did with a command.
struct CommandFate {
  bool barrier = false;  // read no further command before this one's final reply
  bool wait = false;     // read no further command before resume(Side::client)
  std::optional<std::string> answer =
      std::nullopt;               // it was not passed on: this is the reply, lines with CRLF
  const Verb* sent_as = nullptr;  // another command went to the server in its place
};

class Gate {
 public:
  virtual CommandFate on_command(const Command& command, CommandId id) = 0;
  // `raw` is what of the reply has not been sent on yet; `answered` is null when nobody asked for
  // it. True: read no further reply before resume(Side::server).
  virtual bool on_reply(const Reply& reply, const PendingCommand* answered,
                        std::string_view raw) = 0;
  virtual void on_reply_part(std::string_view raw) = 0;
  virtual bool may_send_in_parts(const PendingCommand* answered) = 0;
  virtual void on_own_answer(std::string_view reply) = 0;
  virtual void on_opaque_bytes(Side from, std::string_view bytes) = 0;
  virtual void on_violation(Violation violation, std::string_view detail) = 0;
  // All that this side sent has been handled.
  virtual void on_closed(Side side) = 0;

 protected:
  ~Gate() = default;
};

class Dialogue {
 public:
  // All are to outlive this.
  Dialogue(const DialogueLimits& limits, Recorder& recorder, SessionState& state, Gate& gate);
  Dialogue(const DialogueLimits&&, Recorder&, SessionState&, Gate&) = delete;

  void connected(Timestamp now);  // to the server: the greeting is awaited from here on
  // The server that was to greet is gone, and what it said last is nobody's reply; another may be
  // connected().
  void disconnected();
  // Instead: the session has been going on for some time. Which login it has is not known.
  void join(Timestamp now);
  void join_encrypted(Timestamp now);  // implicit TLS
  // So many bytes of this side's are not known (a capture has gaps). What they held is not guessed:
  // the pairing begins anew with the next command.
  void lost(Side from, std::uint64_t bytes, Timestamp now);
  void received(Side from, std::string_view bytes, bool urgent, Timestamp now);
  void closed(Side side, Timestamp now);
  void resume(Side side, Timestamp now);
  // At once: what the client has said comes before the server's next line.
  void resume_both(Timestamp now);
  void tick(Timestamp now);
  void stop() {
    stopped_ = true;
    part_due_.reset();
    noops_.reset();
  }

  // The proxy's own NOOP, for a control connection that is idle while a transfer runs. It may be
  // said while nothing but that transfer waits for a reply (so never behind REST or RNFR), and as
  // long as the server answers. What is returned is to be sent; its reply goes to nobody.
  [[nodiscard]] bool may_say_noop() const;
  std::string_view say_noop(Timestamp now);
  // None of those waits for a reply any more: the server does not answer them.
  void give_up_noops(Timestamp now);

  // The gate's late word on a command that it made wait: it is not passed on, this is its reply.
  void answer(CommandId id, std::string reply);

  // Another command went to the server in the place of this one, and the next reply is for that.
  // One that had its final reply waits for another: the server refused, and was asked once more.
  void sent_as(CommandId id, const Verb& verb);
  // The same, said while the gate handles that final reply: the head's.
  void ask_again(const Verb& verb) { again_ = &verb; }

  // The text as a log may have it: an echo of the last secret is masked.
  [[nodiscard]] std::string masked(std::string_view text) const {
    return !limits_.log_secrets && secret_.hides(text) ? secret_.masked(text) : std::string(text);
  }

  // The part of the dialogue that is waiting for more.
  [[nodiscard]] bool wants(Side side) const;
  // How many bytes of a line that has not ended are here.
  [[nodiscard]] std::size_t line_begun(Side side) const { return splitter(side).rest().size(); }
  [[nodiscard]] std::optional<Timestamp> deadline() const;
  // Commands or replies are missing, since join() or lost() and until the next command.
  [[nodiscard]] bool out_of_step() const { return out_of_step_; }
  [[nodiscard]] const std::vector<PendingCommand>& pending() const { return pending_; }

 private:
  const LineSplitter& splitter(Side side) const {
    return splitters_[static_cast<std::size_t>(side)];
  }
  LineSplitter& splitter(Side side) { return splitters_[static_cast<std::size_t>(side)]; }
  bool& waits(Side side) { return waits_[static_cast<std::size_t>(side)]; }
  bool& eof(Side side) { return eof_[static_cast<std::size_t>(side)]; }

  void go_on();
  void pump();
  bool pump_side(Side side);
  bool readable(Side side) const;
  void finish_side(Side side);
  void finish_waiting_side(Side side);
  bool waits_in_vain() const;

  bool take_tail(Side side, const Line& line);
  void give_up_barrier();
  void take_command(const Line& line);
  bool is_foreign(const Command& command);
  bool count_unknown(const Command& command);
  void record_command(const Command& command, CommandId id);
  void inspect_command(const Command& command, CommandId id);
  void push_pending(const Command& command, CommandId id, const CommandFate& fate);
  void deliver_own_answers();

  bool noops_wait() const { return noops_ && !noops_->waiting.empty(); }
  bool client_waits_for_noops() const;
  bool answers_noop(int code) const;
  void end_noop(const Reply& reply);

  void take_reply_line(const Line& line);
  void send_parts();
  void end_reply();
  void conclude_head(int code);
  bool overtaken_greeting(std::string_view line) const;
  bool end_overtaken_greeting();
  const PendingCommand* pair(const Reply& reply);
  bool settle_doubt(int code);
  void record_reply(const Reply& reply, const PendingCommand* answered);
  void record_masked(record::Reply& entry);
  void inspect_reply(const Reply& reply, const PendingCommand* answered);
  void inspect_line(Side from, std::string_view text, Ending ending, std::optional<CommandId> to);
  struct MaskedLines {
    std::vector<std::string> texts;
    std::vector<std::string_view> views;  // of these
  };
  std::optional<MaskedLines> masked_lines(std::span<const std::string_view> lines) const;
  void conclude(const PendingCommand& command, int code);
  void go_opaque(std::optional<CommandId> id);
  void take_opaque(Side side);
  void violate(Violation violation, FindingId finding, std::string_view detail);

  const DialogueLimits& limits_;
  Recorder& recorder_;
  SessionState& state_;
  Gate& gate_;
  std::array<LineSplitter, 2> splitters_;
  std::array<bool, 2> waits_{};
  std::array<bool, 2> eof_{};
  std::array<bool, 2> tail_{};  // the next line may have lost its beginning
  bool out_of_step_ = false;    // commands or replies are missing
  bool stopped_ = false;
  bool server_gone_ = false;
  bool text_in_greeting_ = false;
  std::optional<CommandId> opaque_since_;
  std::array<bool, 2> opaque_seen_{};
  ReplyAssembler assembler_;
  std::vector<PendingCommand> pending_;
  // The proxy's own NOOPs. Those that wait for their reply stand behind the transfer during which
  // they were said, and in front of every other command in pending_.
  struct OwnNoops {
    std::vector<PendingCommand> waiting;
    std::optional<Timestamp> due;  // since the transfer is over
    bool given_up = false;
  };
  std::unique_ptr<OwnNoops> noops_;  // from the first one on
  CommandId last_id_ = 0;
  std::size_t unknown_before_login_ = 0;
  SecretMask secret_;
  // The reply that is being sent in parts: how much of it has gone.
  std::size_t sent_bytes_ = 0;
  std::size_t sent_lines_ = 0;
  std::optional<Timestamp> part_due_;
  std::optional<int> held_code_;  // of the final reply that the gate makes wait
  const Verb* again_ = nullptr;   // what its command went to the server as, once more
  // The last final reply, to know a second one to the same command.
  const Verb* last_verb_ = nullptr;
  int last_code_ = 0;
  bool in_doubt_ = false;  // one such was seen, and perhaps it was none
};

}  // namespace ftpscope
