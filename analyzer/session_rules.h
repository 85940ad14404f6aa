// The life of a session: greeting, login, 421, and how it ended.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "analyzer/record.h"
#include "analyzer/verbs.h"

namespace ftpscope {

// USER, PASS or ACCT was refused: the answer was no, not "busy" (421) or "what?" (500 to 504).
bool is_refused_login(const record::Reply& reply);

class SessionRules {
 public:
  static constexpr Duration kSlow = std::chrono::seconds(5);  // for a greeting, or a login
  // The shortest time for which NATs and firewalls are seen to forget an idle connection
  // (RFC 5382 5 wants two hours and four minutes).
  static constexpr Duration kForgotten = std::chrono::seconds(60);
  static constexpr Duration kFinalReplyDue = std::chrono::seconds(2);  // from the data's end
  static constexpr int kRetries = 3;

  void on(const record::Session& session, Timestamp now, FindingSink& findings);
  void on(const record::Connected& connected, Timestamp now, FindingSink& findings);
  void on(const record::Command& command, Timestamp now, FindingSink& findings);
  void on(const record::ReplyPart& part, Timestamp now, FindingSink& findings);
  void on(const record::Reply& reply, Timestamp now, FindingSink& findings);
  void on(const record::Data& data, Timestamp now, FindingSink& findings);
  void on(const record::Opaque& opaque, Timestamp now, FindingSink& findings);
  void on(const record::Gap& gap, Timestamp now, FindingSink& findings);
  void on(const record::End& end, Timestamp now, FindingSink& findings);

 private:
  // A transfer that has its 1yz and not its final reply.
  struct Running {
    CommandId id = 0;
    Timestamp last_word;              // on the control connection
    std::optional<Timestamp> silent;  // since; when its data has ended
    std::optional<Timestamp> data_end;
  };

  void check_password(const record::Command& command, FindingSink& findings);
  void check_greeting(Duration latency, FindingSink& findings);
  void check_login(const record::Reply& reply, const Verb& verb, Timestamp now,
                   FindingSink& findings) const;
  void check_goodbye(const record::Reply& reply, FindingSink& findings);
  void count_failure(const record::Reply& reply, const Verb* verb, FindingSink& findings);
  void follow_transfer(const record::Reply& reply, const Verb* verb, Timestamp now);
  void check_dead_control(const record::End& end, Timestamp now, FindingSink& findings) const;
  void check_silent_end(const record::End& end, FindingSink& findings) const;

  bool greeted_ = false;  // the greeting has begun
  bool public_ = false;   // the session crosses a network that is not one's own
  bool anonymous_ = false;
  bool in_clear_told_ = false;
  bool goodbye_ = false;
  bool closing_told_ = false;
  bool blind_ = false;         // encrypted, or bytes are missing: replies may not have been seen
  bool latest_known_ = false;  // the latest command's argument is not hidden
  std::optional<Timestamp> heard_at_;  // the server's last words
  const Verb* latest_verb_ = nullptr;
  std::uint64_t latest_hash_ = 0;  // of its verb and argument
  std::uint64_t failed_hash_ = 0;
  int failures_ = 0;  // of that one, in a row
  CommandId latest_ = 0;
  CommandId answered_ = 0;  // finally
  std::unique_ptr<Running> running_;
};

}  // namespace ftpscope
