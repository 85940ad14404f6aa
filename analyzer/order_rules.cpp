#include "analyzer/order_rules.h"

#include <algorithm>
#include <array>
#include <string>

#include "analyzer/redaction.h"

namespace ftpscope {

namespace {

bool is(const Verb* verb, std::string_view name) { return verb && verb->name == name; }

// RFC 3659 5.1 wants REST right in front of the transfer. Clients put the setup between them, and
// servers allow that; nothing is lost by a NOOP either.
bool may_follow_restart(const Verb& verb) {
  constexpr auto kHarmless = std::to_array<std::string_view>({"TYPE", "NOOP", "ALLO", "PRET"});
  using enum Meaning;
  return is_transfer(verb.meaning) || verb.meaning == port || verb.meaning == passive ||
         verb.meaning == restart || verb.meaning == abort ||
         std::ranges::find(kHarmless, verb.name) != kHarmless.end();
}

bool is_zero(std::string_view text) { return text.find_first_not_of('0') == text.npos; }

bool is_stream(std::string_view mode) { return mode == "S" || mode == "s"; }

bool is_hidden(const record::Command& command) { return command.argument.value_or("") == kHidden; }

bool is_login(Meaning meaning) { return meaning == Meaning::user || meaning == Meaning::password; }

}  // namespace

void OrderRules::on(const record::Command& command, Timestamp, FindingSink& findings) {
  if (command.verb.empty()) return;  // an empty line is nothing to most servers
  if (!is_greeted_ && !greeting_begun_ && !too_early_) too_early_ = command.id;
  const auto* verb = find_verb(command.verb);
  check_before(command, verb, findings);
  keeps_open_ = keeps_open_ || (is(verb, "MODE") && !is_stream(command.argument.value_or("S")));
  latest_ = Latest{verb, command.id, Outcome::waiting};
}

void OrderRules::check_before(const record::Command& command, const Verb* verb,
                              FindingSink& findings) {
  if (is(verb, "PASS")) check_password(command.id, findings);
  check_rename(command.id, verb, findings);
  check_restart(command, verb, findings);
}

void OrderRules::check_password(CommandId id, FindingSink& findings) const {
  if (!is_greeted_) return;
  const bool behind_user = latest_ && is(latest_->verb, "USER");
  if (behind_user && latest_->outcome != Outcome::refused) return;
  findings.finding(FindingId::order_pass, id, behind_user ? "USER was refused" : "no USER");
}

void OrderRules::check_rename(CommandId id, const Verb* verb, FindingSink& findings) {
  const bool behind = latest_ && is(latest_->verb, "RNFR");
  if (is(verb, "RNTO")) {
    if (behind && latest_->outcome != Outcome::refused) return;
    if (!latest_ && !is_greeted_) return;
    findings.finding(FindingId::order_rnto, id, behind ? "RNFR was refused" : "no RNFR");
  } else if (behind && latest_->outcome == Outcome::accepted) {
    findings.finding(FindingId::order_rnfr, latest_->id, {});
  } else if (behind && latest_->outcome == Outcome::waiting) {
    rename_cut_ = latest_->id;
  }
}

void OrderRules::check_restart(const record::Command& command, const Verb* verb,
                               FindingSink& findings) {
  const bool restarts = verb && verb->meaning == Meaning::restart;
  restart_asked_ = restarts && !is_hidden(command) && !is_zero(command.argument.value_or(""));
  if (!restart_) return;
  if (verb && may_follow_restart(*verb)) {
    const bool between = verb->meaning == Meaning::port || verb->meaning == Meaning::passive ||
                         verb->meaning == Meaning::plain;
    if (!between) restart_.reset();
    return;
  }
  findings.finding(FindingId::order_rest, restart_, {});
  restart_.reset();
}

void OrderRules::on(const record::ReplyPart& part, Timestamp, FindingSink&) {
  greeting_begun_ = greeting_begun_ || part.to == CommandId{0};
}

void OrderRules::on(const record::Reply& reply, Timestamp, FindingSink& findings) {
  is_greeted_ = is_greeted_ || (!reply.to && reply.by_proxy);  // --mode forward
  if (!reply.to || !reply.code) return;
  if (*reply.to == 0) return greeted(reply, findings);
  const auto* verb = find_verb(reply.verb);
  if (latest_ && latest_->id == *reply.to) {
    latest_->outcome = *reply.code < 400 ? Outcome::accepted : Outcome::refused;
  }
  if (verb) answered(reply, *verb, findings);
}

// Told now and not with the command: in a capture that begins in mid-session no greeting will come.
void OrderRules::greeted(const record::Reply& reply, FindingSink& findings) {
  is_greeted_ = is_greeted_ || !reply.preliminary;
  if (!too_early_) return;
  findings.finding(FindingId::before_greeting, too_early_, {});
  too_early_.reset();
  greeting_begun_ = true;
}

void OrderRules::answered(const record::Reply& reply, const Verb& verb, FindingSink& findings) {
  const int code = *reply.code;
  const bool completed = code >= 200 && code < 300;
  if (rename_cut_ == reply.to) {
    if (code == 350) findings.finding(FindingId::order_rnfr, rename_cut_, {});
    rename_cut_.reset();
  }
  if (is_login(verb.meaning)) {
    logged_in_ = (completed && code != 220) || (logged_in_ && code != 331 && code != 332);
  } else if (verb.meaning == Meaning::reinitialize && completed) {
    forget();
    is_greeted_ = true;
  } else if (code == 530 && !logged_in_ && is_greeted_ && !reply.by_proxy &&
             verb.meaning != Meaning::authenticate) {
    findings.finding(FindingId::order_login, reply.to, verb.name);
  }
  keeps_open_ = keeps_open_ || (verb.meaning == Meaning::authenticate && code < 400);
  if (verb.meaning == Meaning::restart && code == 350 && restart_asked_ && latest_ &&
      latest_->id == *reply.to) {
    restart_ = reply.to;
  }
  const bool passive = verb.meaning == Meaning::passive && code >= 227 && code <= 229;
  if (passive || (verb.meaning == Meaning::port && completed)) set_up(*reply.to, findings);
  if (is_transfer(verb.meaning)) transfer_answered(reply, findings);
}

void OrderRules::set_up(CommandId id, FindingSink& findings) {
  if (setup_ == Setup::fresh) findings.finding(FindingId::order_setup_unused, setup_id_, {});
  setup_ = Setup::fresh;
  setup_id_ = id;
}

// Only its first reply says anything here.
void OrderRules::transfer_answered(const record::Reply& reply, FindingSink& findings) {
  if (transfer_ == *reply.to) return;
  transfer_ = *reply.to;
  const bool tried = reply.preliminary || *reply.code == 425;
  const bool missing = setup_ == Setup::none && is_greeted_ && !keeps_open_;
  if (tried && missing && !reply.by_proxy && !no_setup_told_) {
    no_setup_told_ = true;  // whoever relies on the default port does it each time
    findings.finding(FindingId::order_no_setup, reply.to, reply.verb);
  }
  const bool used_up = *reply.code < 300;
  setup_ = used_up || setup_ == Setup::none ? Setup::none : Setup::touched;
}

void OrderRules::on(const record::Opaque&, Timestamp, FindingSink&) { forget(); }

// What was between may have been anything.
void OrderRules::on(const record::Gap&, Timestamp, FindingSink&) { forget(); }

void OrderRules::forget() {
  *this = OrderRules();
  greeting_begun_ = true;
}

void OrderRules::on(const record::End& end, Timestamp, FindingSink& findings) {
  const bool quit = latest_ && is(latest_->verb, "QUIT");
  const bool done = end.how == SessionEnd::fin && (quit || end.by == Side::client);
  if (done) close_open_ends(findings);
}

void OrderRules::close_open_ends(FindingSink& findings) {
  const bool renaming =
      latest_ && is(latest_->verb, "RNFR") && latest_->outcome == Outcome::accepted;
  if (renaming) findings.finding(FindingId::order_rnfr, latest_->id, {});
  if (restart_) findings.finding(FindingId::order_rest, restart_, {});
  if (setup_ == Setup::fresh) findings.finding(FindingId::order_setup_unused, setup_id_, {});
}

}  // namespace ftpscope
