// Commands that come in another order than RFC 959 5.4 draws: RNTO without RNFR, PASS without USER.
// Knows which command was the last one and what became of it, and no older ones. A session whose
// greeting was not seen may have begun earlier: nothing is told of what its first commands lack.
#pragma once

#include <optional>

#include "analyzer/record.h"
#include "analyzer/verbs.h"

namespace ftpscope {

class OrderRules {
 public:
  void on(const record::Command& command, Timestamp now, FindingSink& findings);
  void on(const record::ReplyPart& part, Timestamp now, FindingSink& findings);
  void on(const record::Reply& reply, Timestamp now, FindingSink& findings);
  void on(const record::Opaque& opaque, Timestamp now, FindingSink& findings);
  void on(const record::Gap& gap, Timestamp now, FindingSink& findings);
  void on(const record::End& end, Timestamp now, FindingSink& findings);

 private:
  enum class Outcome : std::uint8_t { waiting, accepted, refused };
  enum class Setup : std::uint8_t {
    none,
    fresh,    // accepted, and nothing has used it
    touched,  // a transfer that was refused may have used it up, or not
  };
  struct Latest {  // the newest command
    const Verb* verb = nullptr;
    CommandId id = 0;
    Outcome outcome = Outcome::waiting;
  };

  void check_before(const record::Command& command, const Verb* verb, FindingSink& findings);
  void check_password(CommandId id, FindingSink& findings) const;
  void check_rename(CommandId id, const Verb* verb, FindingSink& findings);
  void check_restart(const record::Command& command, const Verb* verb, FindingSink& findings);
  void greeted(const record::Reply& reply, FindingSink& findings);
  void answered(const record::Reply& reply, const Verb& verb, FindingSink& findings);
  void set_up(CommandId id, FindingSink& findings);
  void transfer_answered(const record::Reply& reply, FindingSink& findings);
  void close_open_ends(FindingSink& findings);
  void forget();

  bool is_greeted_ = false;
  bool greeting_begun_ = false;
  bool logged_in_ = false;
  bool keeps_open_ = false;  // MODE B or C, or protected: a data connection may serve several times
  bool no_setup_told_ = false;
  bool restart_asked_ = false;  // the newest command is REST, and not of 0
  Setup setup_ = Setup::none;
  CommandId setup_id_ = 0;
  CommandId transfer_ = 0;               // the newest that has had a reply
  std::optional<CommandId> too_early_;   // the first command, sent before the greeting
  std::optional<CommandId> rename_cut_;  // RNFR that waits for its reply; something else follows it
  std::optional<CommandId> restart_;     // accepted, and no transfer has come
  std::optional<Latest> latest_;
};

}  // namespace ftpscope
