// Replies that come late or not at all, and what stands in those of a known form: FEAT, 257, SIZE,
// MDTM, MLST. Knows which commands wait, and no text.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "analyzer/record.h"
#include "analyzer/verbs.h"

namespace ftpscope {

class ReplyRules {
 public:
  static constexpr Duration kSlow = std::chrono::seconds(10);
  // A client that leaves sooner has not waited for the reply.
  static constexpr Duration kPatience = std::chrono::seconds(1);
  static constexpr std::size_t kWaitingMax = 64;  // commands; of more, the newest are not known

  void on(const record::Command& command, Timestamp now, FindingSink& findings);
  void on(const record::ReplyPart& part, Timestamp now, FindingSink& findings);
  void on(const record::Reply& reply, Timestamp now, FindingSink& findings);
  void on(const record::Finding& finding, Timestamp now, FindingSink& findings);
  void on(const record::Opaque& opaque, Timestamp now, FindingSink& findings);
  void on(const record::Gap& gap, Timestamp now, FindingSink& findings);
  void on(const record::End& end, Timestamp now, FindingSink& findings);

 private:
  struct Waiting {
    const Verb* verb = nullptr;
    Timestamp sent;
    CommandId id = 0;
    bool answered = false;  // by a 1yz
  };

  void take_answered(const record::Reply& reply);
  void check_latency(const record::Reply& reply, const Verb* verb, Timestamp now,
                     FindingSink& findings) const;
  void note_utf8(const record::Command& command);
  void settle_utf8(const record::Reply& reply);
  void check_utf8(std::string_view text, Side from, std::optional<CommandId> to,
                  FindingSink& findings);

  std::vector<Waiting> waiting_;       // the oldest first
  std::optional<Timestamp> heard_at_;  // the server's last words
  bool goodbye_ = false;               // 221 or 421: no reply is due any more
  bool utf8_ = false;
  bool utf8_violated_ = false;
  bool utf8_asked_on_ = false;  // what utf8_asked_ asks for
  std::optional<CommandId> utf8_asked_;
};

}  // namespace ftpscope
