// The end of a session, and what must hold of all that was said in it.
#include <algorithm>

#include "tests/fuzz/second_reader.h"
#include "tests/fuzz/session_words.h"
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {

// ---- the end

void World::finish() {
  for (std::size_t i = 0; i <= channels_.size() * 2; ++i) expose(true, true);
  close(Side::client);
  for (int round = 0; round < 60 && !ended_; ++round) {
    server_unreachable();
    close(Side::server);
    pump();
    expose(true, true);
    quiet_channel(true);
    if (round >= 3) close_channel_by(true, ChannelEnd::fin, Side::server);
    const bool open = pick(true, [](const Channel& c) {
                        return c.opened || c.exposing || c.closing;
                      }).has_value();
    check(ended_ || open || machine_.deadline(), "who waits has a timer");
    pass_time(std::chrono::seconds(round < 3 ? 5 : 20));
  }
  check(ended_ && end_logged_, "a session ends when both peers have gone");
  // threats.md S31. A line of one byte may cost a record and a finding or two.
  check(log_bytes_ <= 4096 * (1 + channels_.size() * 2) + 2000 * fed_ + 400 * noops_said_,
        "the log is no bomb");
  check_forwarded();
  check_second_reader();
  check_no_address_passes();
  check_secret();
  check_transparent();
}

// A command that nobody could misread is passed on, whatever stands around it.
void World::check_forwarded() const {
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    const auto& command = commands_[i];
    if (!command.sent.empty() || command.answered_by_proxy) continue;
    const bool last = i + 1 == commands_.size();
    auto text = std::string_view(command.raw);
    const bool whole = text.ends_with("\r\n");
    if (whole) text.remove_suffix(2);
    const auto read = read_command(text);
    const bool ours = command.own_code || (may_translate() && read.verb == "EPSV") ||
                      is_one_of(read.verb, {"PORT", "EPRT", "LPRT", "AUTH", "PASV", "LPSV"});
    check(last || !whole || ours || !is_plain(text), "a plain command is passed on", command.raw);
  }
}

// The bytes that went to the server, read by somebody else, are the commands in the log that were
// passed on.
void World::check_second_reader() const {
  const auto& all = sent_[index(Side::server)];
  auto stream = opaque_ ? all.substr(0, opaque_from_) : all;
  std::vector<std::pair<const Logged*, std::string_view>> passed;
  for (const auto& command : commands_) {
    for (const auto& line : command.sent) passed.emplace_back(&command, line);
  }
  if (!passed.empty() && !passed.back().second.ends_with('\n')) {
    passed
        .pop_back();  // whether the beginning of a line is a command, servers decide for themselves
    stream.resize(stream.rfind('\n') + 1);
  }
  std::vector<ReadCommand> read;
  if (world_.rewriters) {
    read = commands_of(stream, Telnet::rfc855);
    check(commands_of(stream, Telnet::bsd).size() == read.size(),
          "every server counts the same lines");
  } else {  // no rewriter guards the lines: a Telnet command may lie across two of them
    for (const auto& line : lines_of(stream)) {
      const bool has_cr = line.ends_with('\r');
      const auto text =
          without_telnet(std::string_view(line).substr(0, line.size() - has_cr), Telnet::rfc855);
      read.push_back(read_command(text + (has_cr ? "\r" : "")));
    }
  }
  check(read.size() == passed.size(), "the server reads as many commands as were logged", stream);
  for (std::size_t i = 0; i < read.size(); ++i) {
    const auto& [command, line] = passed[i];
    const auto& logged = *command;
    const bool translated = !logged.forms.empty();  // check_setup_asked()
    const bool known = translation_known_ && (logged.said_plainly() || !may_translate());
    const bool unknown = !known && line != logged.raw;
    if (logged.verb == "<hidden>" || translated || unknown) continue;
    const auto verb = upper(logged.verb);
    check(read[i].verb == verb, "the server reads the verb that was logged", line);
    const bool names_server = world_.login_names_server && verb == "USER";
    const bool changed =
        std::ranges::any_of(logged.rewritten, [&](const auto& r) { return r == line; }) &&
        (names_server || is_one_of(verb, {"PORT", "EPRT", "LPRT"}));
    if (logged.redacted || changed) continue;
    check(read[i].has_argument == logged.argument.has_value() &&
              read[i].argument == logged.argument.value_or(""),
          "the server reads the argument that was logged", line);
  }
}

void World::check_no_address_passes() const {
  if (!world_.rewriters) return;
  const auto& all = sent_[index(Side::server)];
  const auto stream = std::string_view(all).substr(0, opaque_ ? opaque_from_ : all.size());
  for (const auto& line : address_commands_for_anyone(stream)) {
    check(own_lines_.contains(line), "no address command but ours reaches the server", line);
  }
  if (world_.policy.lines == Lines::raw) return;
  for (const auto& line : lines_of(stream)) {
    check(line.ends_with('\r') || stream.ends_with(line), "strict: each line ends with CRLF", line);
    check(line.find('\r') + 1 >= line.size() && line.find('\0') == line.npos,
          "strict: no bare CR and no NUL", line);
  }
}

// The sentinel is in the session as a secret and nothing else: then the log does not have it.
void World::check_secret() const {
  if (world_.log_secrets) return;
  std::size_t secrets = 0;
  std::size_t other_words = 0;
  for (const auto& line : lines_of(read_[index(Side::client)])) {
    const auto text = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    const auto command = read_command(without_telnet(text, Telnet::rfc855));
    const bool harmless = is_one_of(
        command.verb, {"USER", "AUTH", "FEAT", "HOST", "OPTS", "LANG", "CLNT", "SYST", "HELP",
                       "NOOP", "QUIT", "PBSZ", "PROT", "STAT", "ABOR", "REIN", "TYPE", "MODE",
                       "STRU", "PASV", "EPSV", "LPSV", "PORT", "EPRT", "LPRT", "OPEN"});
    if (line.find(kSentinel) == line.npos) {
      other_words += (harmless && is_plain(text)) || !command.has_argument ? 0 : 1;
      continue;
    }
    const bool password = is_one_of(command.verb, {"PASS", "ACCT", "ADAT"});
    if (!password && (was_logged_in_ || harmless)) return;
    secrets += line == "PASS " + std::string(kSentinel) + "\r" ? 1 : 2;
  }
  const auto& replies = read_[index(Side::server)];
  const auto echo = replies.find(kSentinel);
  // An echo is known for one while the password is the last secret that was given, and in one
  // piece.
  if (echo != replies.npos && (secrets != 1 || other_words > 0 || opaque_)) return;
  if (early_echo_) return;
  // Strict puts the word together that Telnet, NUL or CR had taken apart.
  const bool strict = world_.policy.lines == Lines::strict;
  const auto lines = lines_of(replies);
  const bool odd = std::ranges::any_of(lines, [](const std::string& line) {
    return line.find('\r') < line.size() - 1 || line.find_first_of({"\0\xff", 2}) != line.npos;
  });
  if (strict && odd) return;
  check(secret_seen_.empty(), "no secret reaches the log", secret_seen_);
}

// What the server is to get when nothing is rewritten: all that the client said, less what was
// answered until it had named the server.
std::string World::expected_at_server() const {
  std::string expected;
  for (const auto& command : commands_) {
    if (command.by_proxy || command.answered_by_proxy) continue;
    const bool names_server = command.rewritten.size() == 1;
    expected += names_server ? command.rewritten.front() : command.raw;
  }
  return expected + read_[index(Side::client)].substr(line_bytes_);
}

void World::check_transparent() const {
  if (world_.rewriters) return;
  std::string to_server;
  for (const auto& command : commands_) {
    check(!command.answered_by_proxy || world_.login_names_server, "the server answers");
    if (!command.by_proxy && !command.sent.empty()) to_server += command.sent.front();
  }
  if (opaque_) to_server += sent_[index(Side::server)].substr(opaque_from_);
  const auto expected = expected_at_server();
  check(expected.starts_with(to_server), "what reaches the server is what the client sent");
  const bool own_end = end_.how != SessionEnd::fin || timer_ended_it_ || violated_;
  if (own_end || naming()) return;
  // What waits for a reply that cannot come any more, the server having gone, is not passed on.
  std::size_t unanswered = greetings_ == 0 ? 1 : 0;
  bool barrier = false;
  for (std::size_t i = last_answered_ > 0 ? last_answered_ - 1 : 0; i < commands_.size(); ++i) {
    if (!commands_[i].waits() || commands_[i].by_proxy) continue;
    ++unanswered;
    barrier = barrier || commands_[i].verb == "AUTH";
  }
  const bool in_vain = barrier || unanswered >= options_.limits.in_flight_max;
  check(in_vain || to_server == expected, "nothing of the client is lost", to_server);
  check(!can_follow_replies_ || echoed_ == read_[index(Side::server)].size(),
        "nothing of the server is lost");
}

}  // namespace ftpscope::fuzz
