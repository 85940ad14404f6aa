// What is sent, compared with what was read; and the log, compared with both.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "analyzer/record_json.h"
#include "tests/fuzz/log_check.h"
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {

namespace {

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

void World::sent_to_server(std::string_view bytes) {
  if (opaque_) {
    check(read_[index(Side::client)].compare(consumed_, bytes.size(), bytes) == 0,
          "opaque bytes pass unchanged", bytes);
    consumed_ += bytes.size();
    return;
  }
  check(!commands_.empty(), "nothing of our own is sent to the server", bytes);
  auto& command = commands_.back();
  check(!command.sent, "a command is sent once", bytes);
  check(!command.answered_by_proxy, "a command is sent or answered", bytes);
  command.sent = bytes;
  const bool known = bytes == command.raw ||
                     std::ranges::find(command.rewritten, bytes) != command.rewritten.end();
  const bool hidden = std::ranges::find(command.rewritten, "<hidden>") != command.rewritten.end();
  check(known || hidden, "a command is sent as it came or as the log says", bytes);
  if (!world_.rewriters) check(bytes == command.raw, "without rewriters nothing changes", bytes);
}

void World::sent_to_client(std::string_view bytes) {
  if (!own_replies_.empty()) {
    check(bytes == own_replies_.front(), "a reply of ours is sent as it is logged", bytes);
    own_replies_.pop_front();
    return;
  }
  if (!can_follow_replies_) return;
  const auto& all = read_[index(Side::server)];
  std::string before(bytes);
  if (reply_rewrite_ && reply_rewrite_->second == bytes) before = reply_rewrite_->first;
  reply_rewrite_.reset();
  check(all.compare(echoed_, before.size(), before) == 0, "replies pass byte for byte, in order",
        bytes);
  echoed_ += before.size();
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
  command.raw = client_line(commands_.size());
  check(!command.raw.empty(), "a command is a line that came");
  consumed_ += command.raw.size();
  command.verb = body.verb;
  if (body.argument) command.argument = *body.argument;
  command.redacted = body.redacted;
  if (!body.redacted) {
    const auto line =
        body.line ? std::string(*body.line)
                  : command.verb + (command.argument ? " " + *command.argument : "") + "\r\n";
    check(line == command.raw, "the log gives the line back", command.raw);
  }
  commands_.push_back(std::move(command));
  check_in_flight();
}

void World::check_in_flight() const {
  std::size_t waiting = greetings_ == 0 ? 1 : 0;
  for (std::size_t i = last_answered_ > 0 ? last_answered_ - 1 : 0; i < commands_.size(); ++i) {
    const bool silent = commands_[i].verb.empty() || commands_[i].verb == "ABOR";
    if (commands_[i].final_replies == 0 && !silent) ++waiting;
  }
  check(waiting <= options_.limits.in_flight_max, "commands in flight are bounded");
}

void World::logged(const record::Reply& body) {
  check(body.lines.size() == body.endings.size() || body.by_proxy, "each line has its ending");
  if (body.by_proxy) {
    std::string text;
    for (const auto line : body.lines) text.append(line).append("\r\n");
    own_replies_.push_back(text);
  }
  if (!body.to) return;
  check(body.code.has_value(), "what answers a command has a code");
  const bool final = *body.code < 100 || *body.code > 199;
  check(*body.to <= commands_.size(), "a reply answers a command that was logged");
  auto& finals = *body.to == 0 ? greetings_ : commands_[*body.to - 1].final_replies;
  check(finals == 0, "one final reply a command");
  if (final) ++finals;
  check(*body.to >= last_answered_, "replies answer in order");
  last_answered_ = *body.to;
  if (!body.by_proxy || *body.to == 0) return;
  auto& command = commands_[*body.to - 1];
  check(!command.sent, "what the server has is not answered by us", command.raw);
  command.answered_by_proxy = true;
}

void World::logged(const record::Rewrite& body) {
  check(world_.rewriters, "without rewriters nothing is rewritten");
  const bool differs =
      body.before != body.after || body.before.find("<hidden>") != body.before.npos;
  check(differs || body.what != "line", "a canonical line is another line", body.before);
  const bool of_command = !commands_.empty() && body.to == commands_.size() &&
                          !commands_.back().sent &&
                          (body.before == commands_.back().raw || body.before == "<hidden>");
  if (of_command) {
    commands_.back().rewritten.emplace_back(body.after);
    return;
  }
  for (const auto text : {body.before, body.after}) {
    if (text.find("<hidden>") != text.npos) can_follow_replies_ = false;
  }
  if (reply_rewrite_ && reply_rewrite_->second == body.before) {  // first an address, then its line
    reply_rewrite_->second = body.after;
  } else {
    reply_rewrite_.emplace(body.before, body.after);
  }
}

void World::logged(const record::Finding& body) {
  using enum FindingId;
  violated_ = violated_ || body.id == line_too_long || body.id == reply_too_long ||
              body.id == not_ftp || body.id == too_many_unknown;
}

void World::logged(const record::Opaque&) {
  opaque_ = true;
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
