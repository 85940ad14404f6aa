#include "analyzer/session_rules.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>

#include "analyzer/excerpt.h"
#include "analyzer/redaction.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

bool is_login(const Verb& verb) {
  return verb.meaning == Meaning::user || verb.meaning == Meaning::password;
}

bool is_global(const Endpoint& endpoint) { return scope_of(endpoint.ip) == Scope::global; }

// RFC 1635: what anonymous users say that they are.
bool is_anonymous(std::string_view user) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto is = [&](std::string_view name) { return std::ranges::equal(user, name, {}, lower); };
  return is("anonymous") || is("ftp");
}

std::uint64_t hash_of(const record::Command& command) {
  constexpr std::size_t kSpread = 0x9e3779b97f4a7c15;
  const std::hash<std::string_view> hash_of_text;
  const auto verb = hash_of_text(command.verb);
  return command.argument ? (verb + 1) * kSpread ^ hash_of_text(*command.argument) : verb;
}

// A client that tries a transfer again does all this anew: that these succeed says nothing of it.
bool is_preparation(const Verb& verb) {
  constexpr auto kPlain = std::to_array<std::string_view>({"TYPE", "NOOP", "PBSZ", "PROT", "STRU"});
  using enum Meaning;
  return verb.meaning == port || verb.meaning == passive || verb.meaning == restart ||
         verb.meaning == transfer_mode || verb.meaning == abort || is_login(verb) ||
         std::ranges::find(kPlain, verb.name) != kPlain.end();
}

std::string_view last_line(const record::Reply& reply) {
  return reply.lines.empty() ? std::string_view{} : excerpt(reply.lines.back());
}

}  // namespace

bool is_refused_login(const record::Reply& reply) {
  if (!reply.to || !reply.code || reply.by_proxy) return false;
  const int code = *reply.code;
  const bool misunderstood = code >= 500 && code <= 504;
  if (code < 400 || code >= 600 || code == 421 || misunderstood) return false;
  const auto* verb = find_verb(reply.verb);
  return verb && is_login(*verb);
}

// Live there are two ways over which the password goes: to the proxy, and from it to the server.
void SessionRules::on(const record::Session& session, Timestamp, FindingSink&) {
  const auto to = session.proxy ? session.proxy : parse_endpoint(session.server);
  public_ = to && is_global(session.client) && is_global(*to);
}

void SessionRules::on(const record::Connected& connected, Timestamp, FindingSink&) {
  public_ = public_ || (is_global(connected.from) && is_global(connected.server));
}

void SessionRules::on(const record::Command& command, Timestamp now, FindingSink& findings) {
  latest_ = command.id;
  latest_verb_ = find_verb(command.verb);
  latest_known_ = command.verb != kHidden && command.argument.value_or("") != kHidden;
  latest_hash_ = hash_of(command);
  if (running_) running_->last_word = now;
  if (command.verb == "USER") anonymous_ = is_anonymous(command.argument.value_or(""));
  if (command.verb == "PASS") check_password(command, findings);
}

void SessionRules::check_password(const record::Command& command, FindingSink& findings) {
  const bool empty = command.argument.value_or("").empty();
  if (!public_ || anonymous_ || empty || in_clear_told_) return;
  in_clear_told_ = true;
  findings.finding(FindingId::password_in_clear, command.id, {});
}

void SessionRules::on(const record::ReplyPart&, Timestamp now, FindingSink&) {
  greeted_ = true;
  heard_at_ = now;
  if (running_) running_->last_word = now;
}

void SessionRules::on(const record::Reply& reply, Timestamp now, FindingSink& findings) {
  const auto* verb = find_verb(reply.verb);
  if (reply.to == CommandId{0} && !greeted_) {
    greeted_ = true;
    check_greeting(reply.latency.value_or(Duration{}), findings);
  }
  if (reply.to && verb && is_login(*verb)) check_login(reply, *verb, now, findings);
  check_goodbye(reply, findings);
  count_failure(reply, verb, findings);
  follow_transfer(reply, verb, now);
  if (!reply.by_proxy) heard_at_ = now;
  if (reply.to && !reply.preliminary) answered_ = *reply.to;
}

void SessionRules::check_greeting(Duration latency, FindingSink& findings) {
  if (latency <= kSlow) return;
  findings.finding(FindingId::greeting_slow, CommandId{0}, human_duration(latency));
}

void SessionRules::check_login(const record::Reply& reply, const Verb& verb, Timestamp now,
                               FindingSink& findings) const {
  const auto latency = reply.latency.value_or(Duration{});
  const auto silent = heard_at_ ? std::min(latency, now - *heard_at_) : latency;
  if (silent > kSlow && !reply.by_proxy) {
    const auto detail = std::string(verb.name) + ": " + human_duration(silent);
    findings.finding(FindingId::login_slow, reply.to, detail);
  }
  if (is_refused_login(reply)) {
    findings.finding(FindingId::login_refused, reply.to, last_line(reply));
  }
  if (verb.meaning == Meaning::user && reply.code == 230) {
    findings.finding(FindingId::login_without_password, reply.to, {});
  }
}

void SessionRules::check_goodbye(const record::Reply& reply, FindingSink& findings) {
  if (reply.by_proxy) return;
  goodbye_ = goodbye_ || reply.code == 221 || reply.code == 421;
  if (reply.code != 421 || closing_told_) return;
  closing_told_ = true;
  findings.finding(FindingId::service_closing, reply.to, last_line(reply));
}

// Sent ahead, a command is no answer to the failure of the one before it: only the newest counts.
void SessionRules::count_failure(const record::Reply& reply, const Verb* verb,
                                 FindingSink& findings) {
  if (!reply.code || reply.preliminary || reply.to != latest_ || latest_ == 0) return;
  if (*reply.code < 400) {
    const bool says_nothing = verb && is_preparation(*verb) && latest_hash_ != failed_hash_;
    if (!says_nothing) failures_ = 0;
    return;
  }
  if (!latest_known_) return;
  failures_ = latest_hash_ == failed_hash_ ? failures_ + 1 : 1;
  failed_hash_ = latest_hash_;
  if (failures_ == kRetries) findings.finding(FindingId::retries, reply.to, reply.verb);
}

void SessionRules::follow_transfer(const record::Reply& reply, const Verb* verb, Timestamp now) {
  if (running_) running_->last_word = now;
  if (!reply.to || !verb || !is_transfer(verb->meaning)) return;
  if (!reply.preliminary) {
    running_.reset();
  } else if (!running_ || running_->id != *reply.to) {
    running_ = std::make_unique<Running>(*reply.to, now, std::nullopt, std::nullopt);
  }
}

void SessionRules::on(const record::Data& data, Timestamp, FindingSink&) {
  if (!running_ || data.to != running_->id || data.how != ChannelEnd::fin) return;
  running_->silent = running_->last_word;
  running_->data_end = data.closed;
}

void SessionRules::on(const record::Opaque&, Timestamp, FindingSink&) {
  blind_ = true;
  running_.reset();
}

// Replies may be in it.
void SessionRules::on(const record::Gap&, Timestamp, FindingSink&) {
  running_.reset();
  blind_ = true;
}

void SessionRules::on(const record::End& end, Timestamp now, FindingSink& findings) {
  check_dead_control(end, now, findings);
  check_silent_end(end, findings);
}

void SessionRules::check_dead_control(const record::End& end, Timestamp now,
                                      FindingSink& findings) const {
  if (!running_ || !running_->data_end || end.how == SessionEnd::open) return;
  const auto silence = *running_->data_end - *running_->silent;
  const bool overdue = end.how == SessionEnd::rst || now - *running_->data_end > kFinalReplyDue;
  if (silence <= kForgotten || !overdue) return;
  findings.finding(FindingId::control_dead_after_transfer, running_->id,
                   "silent for " + human_duration(silence));
}

void SessionRules::check_silent_end(const record::End& end, FindingSink& findings) const {
  const bool by_server = end.by == Side::server && end.how == SessionEnd::fin;
  if (!by_server || goodbye_ || blind_) return;
  const bool waiting = latest_ > answered_;
  std::string detail;
  if (!greeted_) {
    detail = "before its greeting";
  } else if (waiting) {
    const auto name = latest_verb_ ? latest_verb_->name : std::string_view("an unknown command");
    detail = "while " + std::string(name) + " waited";
  }
  findings.finding(FindingId::server_closed_silently, std::nullopt, detail);
}

}  // namespace ftpscope
