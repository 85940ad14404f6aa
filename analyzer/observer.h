// Watches a session and takes no part in it: the same records as the live proxy without rewriters.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "analyzer/dialogue.h"

namespace ftpscope {

class Observer final : private Gate {
 public:
  Observer(const DialogueLimits& limits, std::string session, RecordSink& sink)
      : limits_(limits),
        recorder_(std::move(session), sink),
        dialogue_(limits_, recorder_, state_, *this) {}

  void connected(Timestamp now) { dialogue_.connected(now); }
  // From a server that did not greet: another one may come.
  void disconnected() { dialogue_.disconnected(); }
  // Instead, when the beginning was not seen.
  void join(Timestamp now) { dialogue_.join(now); }
  // Instead, when there is TLS from the first byte on.
  void join_encrypted(Timestamp now) { dialogue_.join_encrypted(now); }
  // Commands or replies are missing.
  [[nodiscard]] bool out_of_step() const { return dialogue_.out_of_step(); }
  void lost(Side from, std::uint64_t bytes, Timestamp now) { dialogue_.lost(from, bytes, now); }
  void received(Side from, std::string_view bytes, bool urgent, Timestamp now) {
    dialogue_.received(from, bytes, urgent, now);
  }
  void closed(Side side, Timestamp now) { dialogue_.closed(side, now); }
  // What comes behind AUTH and its 234 goes there; it outlives this.
  void on_opaque(std::function<void(Side, std::string_view)> take) { opaque_ = std::move(take); }
  // The proxy answered this command itself, as its log tells.
  void answered(CommandId id, std::string reply, Timestamp now) {
    dialogue_.answer(id, std::move(reply));
    dialogue_.resume(Side::client, now);
  }
  // The proxy said a NOOP of its own, and gave up waiting for the replies to them, as its log
  // tells.
  void said_noop(Timestamp now) { dialogue_.say_noop(now); }
  void gave_up_noops(Timestamp now) { dialogue_.give_up_noops(now); }
  // The proxy asked the server with another command, as its log tells.
  void sent_as(CommandId id, const Verb& verb, Timestamp now) {
    recorder_.at(now);
    dialogue_.sent_as(id, verb);
  }
  // A reply stood open for DialogueLimits::kPartDelay at that time.
  void tick(Timestamp now) { dialogue_.tick(now); }

  [[nodiscard]] const SessionState& state() const { return state_; }
  void between(const IpAddress& client, const IpAddress& server) {
    state_.client_ip = client;
    state_.server_ip = server;
  }
  [[nodiscard]] Recorder& recorder() { return recorder_; }

 private:
  CommandFate on_command(const Command&, CommandId) override { return {}; }
  bool on_reply(const Reply&, const PendingCommand*, std::string_view) override { return false; }
  void on_reply_part(std::string_view) override {}
  bool may_send_in_parts(const PendingCommand*) override { return true; }
  void on_own_answer(std::string_view) override {}
  void on_opaque_bytes(Side from, std::string_view bytes) override {
    if (opaque_) opaque_(from, bytes);
  }
  void on_violation(Violation, std::string_view) override {}
  void on_closed(Side) override {}

  DialogueLimits limits_;
  Recorder recorder_;
  SessionState state_;
  Dialogue dialogue_;
  std::function<void(Side, std::string_view)> opaque_;
};

}  // namespace ftpscope
