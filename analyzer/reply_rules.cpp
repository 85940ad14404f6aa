#include "analyzer/reply_rules.h"

#include <algorithm>
#include <string>

#include "analyzer/excerpt.h"
#include "analyzer/line_rules.h"
#include "analyzer/reply_syntax.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

bool is_transfer(const Verb* verb) { return verb && ftpscope::is_transfer(verb->meaning); }

// Their replies may stay out, by custom or since nobody is left to hear them.
bool may_stay_unanswered(const Verb* verb) {
  return verb && (verb->meaning == Meaning::quit || verb->meaning == Meaning::abort);
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::ranges::equal(text.substr(0, word.size()), word, {}, upper) &&
         (text.size() == word.size() || text[word.size()] == ' ');
}

// The check of the text that this reply calls for; the problem, or nothing.
struct Problem {
  FindingId id = FindingId::count_;
  std::string_view detail;
};

std::string_view one_line_problem(const record::Reply& reply,
                                  std::string_view (*problem)(std::string_view)) {
  if (reply.lines.size() != 1) return "several lines";
  return problem(reply.lines[0]);
}

Problem problem_of(const record::Reply& reply) {
  using enum FindingId;
  const auto verb = reply.verb;
  const int code = *reply.code;
  const bool names_directory = verb == "PWD" || verb == "XPWD" || verb == "MKD" || verb == "XMKD";
  if (code == 257 && names_directory) return {pwd_syntax, quoted_path_problem(reply.lines.back())};
  if (code == 213 && verb == "SIZE") return {size_syntax, one_line_problem(reply, size_problem)};
  if (code == 213 && verb == "MDTM") {
    return {mdtm_syntax, one_line_problem(reply, modification_time_problem)};
  }
  if (code == 250 && verb == "MLST") return {mlst_syntax, listed_entry_problem(reply.lines)};
  if (code == 211 && verb == "FEAT") {
    const auto* odd = odd_feature(reply.lines);
    if (odd) return {feat_syntax, odd->empty() ? std::string_view("an empty line") : *odd};
  }
  return {};
}

}  // namespace

void ReplyRules::on(const record::Command& command, Timestamp now, FindingSink& findings) {
  if (command.verb.empty()) return;  // an empty line need not be answered
  if (waiting_.size() < kWaitingMax) {
    waiting_.push_back({find_verb(command.verb), now, command.id});
  }
  note_utf8(command);
  if (utf8_ && command.argument) {
    check_utf8(*command.argument, Side::client, command.id, findings);
  }
}

// OPTS UTF8 ON is what clients send (a draft); RFC 2640 4.1 has LANG.
void ReplyRules::note_utf8(const record::Command& command) {
  const auto argument = command.argument.value_or("");
  const bool option = command.verb == "OPTS" &&
                      (starts_with_word(argument, "UTF8") || starts_with_word(argument, "UTF-8"));
  if (!option && command.verb != "LANG") return;
  utf8_asked_ = command.id;
  utf8_asked_on_ = !(option && starts_with_word(argument.substr(argument.rfind(' ') + 1), "OFF"));
}

void ReplyRules::settle_utf8(const record::Reply& reply) {
  if (!utf8_asked_ || reply.to != utf8_asked_ || reply.preliminary) return;
  const bool accepted = *reply.code >= 200 && *reply.code < 300;
  if (accepted) utf8_ = utf8_asked_on_;
  utf8_asked_.reset();
}

void ReplyRules::check_utf8(std::string_view text, Side from, std::optional<CommandId> to,
                            FindingSink& findings) {
  if (utf8_violated_ || is_plain_ascii(text) || is_utf8(text) || has_telnet_commands(text)) return;
  utf8_violated_ = true;
  findings.finding(FindingId::utf8_violated, to, name_of(from));
}

void ReplyRules::on(const record::ReplyPart& part, Timestamp now, FindingSink&) {
  heard_at_ = now;
  if (!waiting_.empty() && part.to == waiting_.front().id) waiting_.front().answered = true;
}

void ReplyRules::on(const record::Reply& reply, Timestamp now, FindingSink& findings) {
  if (!reply.code) return;
  const auto* verb = find_verb(reply.verb);
  if (reply.to && !reply.by_proxy) check_latency(reply, verb, now, findings);
  if (!reply.by_proxy) heard_at_ = now;
  goodbye_ = goodbye_ || (!reply.by_proxy && (*reply.code == 221 || *reply.code == 421));
  take_answered(reply);
  if (utf8_) {
    for (const auto line : reply.lines) check_utf8(line, Side::server, reply.to, findings);
  }
  if (!reply.to || reply.by_proxy) return;
  settle_utf8(reply);
  const auto [id, detail] = problem_of(reply);
  if (!detail.empty()) findings.finding(id, reply.to, excerpt(detail));
}

void ReplyRules::take_answered(const record::Reply& reply) {
  if (!reply.to) return;
  const auto head = std::ranges::find(waiting_, *reply.to, &Waiting::id);
  if (head == waiting_.end()) return;
  head->answered = true;
  // Replies come in order: what is older will get none.
  waiting_.erase(waiting_.begin(), reply.preliminary ? head : head + 1);
}

// A command that was sent ahead waited for the replies to those before it as well: what counts is
// how long the server said nothing. A transfer's last reply comes when its data has gone.
void ReplyRules::check_latency(const record::Reply& reply, const Verb* verb, Timestamp now,
                               FindingSink& findings) const {
  const bool login = verb && (verb->meaning == Meaning::user || verb->meaning == Meaning::password);
  const bool final_of_transfer = is_transfer(verb) && !reply.preliminary;
  if (!reply.latency || *reply.to == 0 || login || final_of_transfer) return;
  const auto silent = heard_at_ ? std::min(*reply.latency, now - *heard_at_) : *reply.latency;
  if (silent <= kSlow) return;
  const auto detail = std::string(reply.verb) + ": " + human_duration(silent);
  findings.finding(FindingId::reply_slow, reply.to, detail);
}

// An ABOR that stays without its reply is told as soon as that is seen (Dialogue::pair).
void ReplyRules::on(const record::Finding& finding, Timestamp, FindingSink&) {
  if (finding.id == FindingId::reply_missing) {
    std::erase_if(waiting_, [&](const Waiting& w) { return w.id == finding.to; });
  }
}

void ReplyRules::on(const record::Opaque&, Timestamp, FindingSink&) {
  waiting_.clear();
  utf8_ = false;
}

void ReplyRules::on(const record::Gap&, Timestamp, FindingSink&) { waiting_.clear(); }

// A transfer that has its 1yz and no more is TransferRules' to tell, and while it runs no other
// reply is due. Of a server that never said a word, SessionRules tells.
void ReplyRules::on(const record::End& end, Timestamp now, FindingSink& findings) {
  std::erase_if(waiting_, [](const Waiting& w) { return may_stay_unanswered(w.verb); });
  const bool due =
      end.how == SessionEnd::fin || end.how == SessionEnd::rst || end.how == SessionEnd::timeout;
  if (waiting_.empty() || goodbye_ || !due || !heard_at_) return;
  const auto& oldest = waiting_.front();
  const bool waited = end.by == Side::server || now - oldest.sent >= kPatience;
  if (oldest.answered || !waited) return;
  auto detail = std::string(oldest.verb ? oldest.verb->name : "an unknown command");
  if (waiting_.size() > 1) detail += ", and " + std::to_string(waiting_.size() - 1) + " behind it";
  findings.finding(FindingId::reply_missing, oldest.id, detail);
}

}  // namespace ftpscope
