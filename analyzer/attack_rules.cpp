#include "analyzer/attack_rules.h"

#include <string>

#include "analyzer/attack_patterns.h"
#include "analyzer/excerpt.h"
#include "analyzer/session_rules.h"

namespace ftpscope {

void AttackRules::on(const record::Command& command, Timestamp, FindingSink& findings) {
  check_controls(command.verb, Side::client, command.id, findings);
  if (!command.argument) return;
  check_controls(*command.argument, Side::client, command.id, findings);
  if (forged_told_) return;
  // The verb may be the code: "227 Entering Passive Mode (...)" as a command.
  const bool forged = reads_like_address_reply(*command.argument) ||
                      (!command.known && reads_like_address_reply(std::string(command.verb) + " " +
                                                                  std::string(*command.argument)));
  if (!forged) return;
  forged_told_ = true;
  findings.finding(FindingId::forged_reply, command.id, excerpt(*command.argument));
}

void AttackRules::on(const record::Reply& reply, Timestamp, FindingSink& findings) {
  for (const auto line : reply.lines) check_controls(line, Side::server, reply.to, findings);
  if (!is_refused_login(reply) || ++refused_ != kRefusedLoginsMax) return;
  findings.finding(FindingId::password_guessing, reply.to, {});
}

void AttackRules::check_controls(std::string_view text, Side from, std::optional<CommandId> to,
                                 FindingSink& findings) {
  if (controls_told_) return;
  const auto what = terminal_control(text);
  if (what.empty()) return;
  controls_told_ = true;
  findings.finding(FindingId::terminal_escape, to,
                   std::string(what) + " from the " + std::string(name_of(from)));
}

}  // namespace ftpscope
