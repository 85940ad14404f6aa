// Patterns of known attacks (threats.md S07, S29): guessing, terminal escapes, forged replies.
#pragma once

#include "analyzer/record.h"

namespace ftpscope {

class AttackRules {
 public:
  static constexpr int kRefusedLoginsMax = 5;

  void on(const record::Command& command, Timestamp now, FindingSink& findings);
  void on(const record::Reply& reply, Timestamp now, FindingSink& findings);

 private:
  void check_controls(std::string_view text, Side from, std::optional<CommandId> to,
                      FindingSink& findings);

  int refused_ = 0;
  bool controls_told_ = false;
  bool forged_told_ = false;
};

}  // namespace ftpscope
