// What is sent, compared with what was read; and the log, compared with both.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "analyzer/record_json.h"
#include "analyzer/record_reader.h"
#include "tests/fuzz/log_check.h"
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {

namespace {

void check_read_again(std::string_view line) {
  RecordReader reader;
  const auto read = reader.read(line.substr(0, line.size() - 1));
  check(read.has_value(), "our own reader reads the log", line);
  std::string again;
  append_json(again, **read);
  check(again == line, "what is read is what was written", line);
}

// Its bytes.
std::string raw_of(const record::Reply& body) {
  std::string text;
  for (std::size_t i = 0; i < body.lines.size(); ++i) {
    text.append(body.lines[i]);
    if (body.by_proxy || body.endings[i] == Ending::crlf) text.append("\r");
    if (body.by_proxy || body.endings[i] != Ending::none) text.append("\n");
  }
  return text;
}

bool is_final(int code) { return code < 100 || code > 199; }

bool mentions(const nlohmann::json& value, std::string_view text) {
  if (value.is_object() && value.size() == 1 && value.contains("base64")) {
    return bytes_of(value).find(text) != std::string::npos;
  }
  if (value.is_string()) return value.get<std::string>().find(text) != std::string::npos;
  return std::ranges::any_of(
      value, [&](const auto& inner) { return value.is_structured() && mentions(inner, text); });
}

}  // namespace

// ---- what is sent, compared with what was read and with the log

// The n-th line of the client (from 0), with its ending, cut by hand.
std::string World::client_line(std::size_t number) const {
  const auto& all = read_[index(Side::client)];
  std::size_t begin = 0;
  for (std::size_t i = 0;; ++i) {
    const auto end = all.find('\n', begin);
    const auto line = all.substr(begin, end == all.npos ? all.npos : end - begin + 1);
    if (i == number) return line;
    if (end == all.npos) return {};
    begin = end + 1;
  }
}

// The command that a reply of the server's is for; none for the greeting.
World::Logged* World::answered(const Heard& heard) {
  return heard.to == 0 ? nullptr : &commands_.at(heard.to - 1);
}

// This of what the server said is not for the client.
void World::skip_reply(std::string_view raw, const char* promise) {
  if (!can_follow_replies_) return;
  check(read_[index(Side::server)].compare(echoed_, raw.size(), raw) == 0, promise, raw);
  echoed_ += raw.size();
}

void World::sent_to_server(std::string_view bytes) {
  check(connected_ && !naming(), "no byte goes to a server before it may", bytes);
  last_exchange_ = now_;
  if (opaque_) {
    check(read_[index(Side::client)].compare(consumed_, bytes.size(), bytes) == 0,
          "opaque bytes pass unchanged", bytes);
    consumed_ += bytes.size();
    return;
  }
  check(!commands_.empty(), "nothing of our own is sent to the server", bytes);
  auto& command = commands_.back();
  check(!command.answered_by_proxy, "a command is sent or answered", bytes);
  if (!command.sent.empty()) check_asked_again(command);
  command.sent.emplace_back(bytes);
  const bool known = bytes == command.raw ||
                     std::ranges::find(command.rewritten, bytes) != command.rewritten.end();
  const bool hidden = std::ranges::find(command.rewritten, "<hidden>") != command.rewritten.end();
  check(known || hidden, "a command is sent as it came or as the log says", bytes);
  if (login_) {
    check(login_->empty() || bytes == *login_, "the server gets the user that the login named",
          bytes);
    login_.reset();
  } else if (!world_.rewriters) {
    check(bytes == command.raw, "without rewriters nothing changes", bytes);
  }
  check(!command.own_code, "this is for the proxy to answer", bytes);
  if (!command.forms.empty()) check_setup_asked(command, bytes);
}

void World::sent_to_client(std::string_view bytes) {
  if (!own_replies_.empty()) {
    check(bytes == own_replies_.front(), "a reply of ours is sent as it is logged", bytes);
    own_replies_.pop_front();
    return;
  }
  check(!naming(), "a server's greeting does not reach who named it", bytes);
  const auto rewrite = std::exchange(reply_rewrite_, std::nullopt);
  const bool rewritten = rewrite && rewrite->after == bytes;
  if (can_follow_replies_) {
    const auto& all = read_[index(Side::server)];
    const auto before = rewritten ? rewrite->before : std::string(bytes);
    check(all.compare(echoed_, before.size(), before) == 0, "replies pass byte for byte, in order",
          bytes);
    echoed_ += before.size();
  }
  // A password that stands in it, or Telnet commands: the log does not tell what is left of it.
  const bool unclear = rewrite && (rewrite->after.find("<hidden>") != rewrite->after.npos ||
                                   rewrite->before.find('\xff') != rewrite->before.npos);
  if (!world_.rewriters || opaque_ || unclear) return;
  check_told(bytes, rewritten ? &*rewrite : nullptr);
}

// ---- the log

void World::record(const Record& record) {
  check(in_handle_ && !end_logged_, "nothing is logged after the end");
  check(record.seq == next_seq_++, "seq has no gaps");
  check(record.session == "fuzz-1", "a session keeps its name");
  check(record.time >= last_time_ && record.time == now_, "time does not go back");
  last_time_ = record.time;
  std::string line;
  append_json(line, record);
  log_bytes_ += line.size();
  check_log_line(line);
  check_read_again(line);
  const bool coded = line.find("base64") != std::string::npos;
  if (line.find(kSentinel) != std::string::npos ||
      (coded && mentions(nlohmann::json::parse(line), kSentinel))) {
    secret_seen_ = line;
  }
  note_for_comparison(record);
  std::visit(
      [this](const auto& body) {
        if constexpr (requires { logged(body); }) logged(body);
      },
      record.body);
}

// The record without what depends on segments: whether bytes came together with the AUTH before
// them.
void World::note_for_comparison(Record record) {
  if (!world_.eager) return;
  record.seq = 0;
  if (auto* end = std::get_if<record::End>(&record.body)) {
    end->findings = end->bytes_from_client = end->bytes_from_server = 0;
  }
  const auto* finding = std::get_if<record::Finding>(&record.body);
  if (finding && finding->id == FindingId::tls_plaintext_behind_auth) return;
  append_json(comparable_log_, record);
}

void World::logged(const record::Command& body) {
  check(!opaque_, "no command is read from an encrypted session");
  check(body.id == commands_.size() + 1, "commands are numbered 1, 2, ...");
  Logged command;
  command.verb = body.verb;
  command.by_proxy = body.by_proxy;
  command.redacted = body.redacted;
  if (body.argument) command.argument = *body.argument;
  if (body.by_proxy) {
    check(body.verb == "NOOP" && !body.argument, "nothing but NOOP is our own", body.verb);
    command.raw = "NOOP\r\n";
    check_noop_may_be_said();
    noops_.push_back(body.id);
    ++noops_said_;
  } else {
    command.raw = client_line(client_commands_++);
    check(!command.raw.empty(), "a command is a line that came");
    consumed_ += command.raw.size();
    line_bytes_ += command.raw.size();
    check_may_speak(command);
  }
  if (!body.redacted) {
    const auto line =
        body.line ? std::string(*body.line)
                  : command.verb + (command.argument ? " " + *command.argument : "") + "\r\n";
    check(line == command.raw, "the log gives the line back", command.raw);
  }
  if (!body.by_proxy) note_translation(command);
  commands_.push_back(std::move(command));
  check_in_flight();
}

void World::check_in_flight() const {
  const auto waiting = waiting_commands() + (greetings_ == 0 ? 1 : 0);
  check(waiting <= options_.limits.in_flight_max, "commands in flight are bounded");
}

void World::logged(const record::Reply& body) {
  check(body.lines.size() == body.endings.size() || body.by_proxy, "each line has its ending");
  const auto text = raw_of(body);
  if (body.for_proxy) {
    check_noop_reply(body);
    can_follow_replies_ = can_follow_replies_ && !body.redacted;
    skip_reply(text, "the reply to our NOOP is what the server said");
    return;
  }
  if (body.by_proxy) {
    own_replies_.push_back(text);
  } else {
    if (!std::exchange(has_begun_, false)) check_not_for_noop(body);
    heard_ = {body.to.value_or(0), body.code.value_or(0),
              body.redacted ? std::nullopt : std::optional(text), false};
  }
  if (!body.to) return;
  check(body.code.has_value(), "what answers a command has a code");
  check(*body.to <= commands_.size(), "a reply answers a command that was logged");
  if (*body.to > 0) {
    note_reply(commands_[*body.to - 1], body);
  } else {
    check(greetings_ == 0, "one greeting a server");
    check(last_answered_ == 0 || naming(), "replies answer in order");
    if (is_final(*body.code)) ++greetings_;
  }
}

void World::note_reply(Logged& command, const record::Reply& body) {
  check(!command.by_proxy, "a reply to our NOOP is for us");
  // Something that is said while the set-up waits for an address of ours is no reply to it.
  if (!command.forms.empty() && command.sent.empty() && !body.by_proxy) return;
  const bool again = command.final_codes.size() == 1 && command.sent.size() == 2;
  check(command.waits() || again, "one final reply a command");
  check(*body.to >= last_answered_, "replies answer in order");
  last_answered_ = *body.to;
  if (is_final(*body.code)) {
    command.final_codes.push_back(*body.code);
    last_final_ = now_;
    note_epsv_all(command, *body.code);
  } else {
    command.preliminary = true;
  }
  if (body.by_proxy) {
    check_own_answer(command, *body.code);
  } else {
    note_refusal(command, *body.code);
  }
}

void World::check_own_answer(Logged& command, int code) const {
  command.answered_by_proxy = true;
  check(command.sent.empty(), "what the server has is not answered by us", command.raw);
  check(naming() || command.own_code.value_or(code) == code,
        "the proxy answers what its README says", command.raw);
  if (world_.login_names_server) check_naming_answer(command, code);
}

void World::logged(const record::ReplyPart&) {
  heard_ = {};
  has_begun_ = true;
}

bool World::rewrites_command(const record::Rewrite& body) {
  if (commands_.empty() || body.to != commands_.size()) return false;
  auto& command = commands_.back();
  const bool again = !command.sent.empty();
  const auto& last = again ? command.sent.back() : command.raw;
  if (again && (command.waits() || (command.forms.empty() && translation_known_))) return false;
  if (body.before != last && body.before != "<hidden>") return false;
  command.rewritten.emplace_back(body.after);
  // No port is free for the form that was to come next.
  if (again && body.after.starts_with("425 ")) {
    can_follow_replies_ = can_follow_replies_ && heard_.raw;
    reply_rewrite_ = {heard_.raw.value_or(""), std::string(body.after), false};
  }
  return true;
}

void World::logged(const record::Rewrite& body) {
  if (body.what == "greeting") {
    check(naming(), "only who names a server has been greeted already");
    check(body.after.empty(), "and hears no other greeting", body.after);
    const bool masked = body.before.find("<hidden>") != body.before.npos;
    if (masked) can_follow_replies_ = false;
    skip_reply(body.before, "a greeting that goes no further is what the server said");
    taken_ = greetings_ > 0 && heard_.code < 300 && !heard_.unfinished;
    return;
  }
  check(world_.rewriters || login_, "without rewriters nothing is rewritten");
  const bool differs =
      body.before != body.after || body.before.find("<hidden>") != body.before.npos;
  check(differs || body.what != "line", "a canonical line is another line", body.before);
  if (rewrites_command(body)) return;
  for (const auto text : {body.before, body.after}) {
    if (text.find("<hidden>") != text.npos) can_follow_replies_ = false;
  }
  const bool of_line = body.what == "line";
  if (reply_rewrite_ && reply_rewrite_->after == body.before) {  // first an address, then its line
    reply_rewrite_->after = body.after;
  } else {
    reply_rewrite_ = {std::string(body.before), std::string(body.after), of_line};
  }
}

void World::logged(const record::Finding& body) {
  using enum FindingId;
  violated_ = violated_ || body.id == line_too_long || body.id == reply_too_long ||
              body.id == not_ftp || body.id == too_many_unknown;
  in_doubt_ = in_doubt_ || body.id == reply_second_final;
  heard_.unfinished = heard_.unfinished || body.id == reply_unfinished;
  noops_given_up_ = noops_given_up_ || body.id == keepalive_unanswered;
}

void World::logged(const record::Opaque&) {
  opaque_ = true;
  noops_.clear();
  opaque_from_ = sent_[index(Side::server)].size();
}

void World::logged(const record::End& body) {
  end_logged_ = true;
  end_ = body;
  check(body.commands == commands_.size(), "the end counts the commands");
  check(body.channels == channels_.size(), "the end counts the channels");
  check(body.bytes_from_client == read_[0].size() && body.bytes_from_server == read_[1].size(),
        "the end counts the bytes");
}

}  // namespace ftpscope::fuzz
