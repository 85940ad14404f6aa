#include "proxy/client_script.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "analyzer/line_rules.h"
#include "analyzer/line_splitter.h"
#include "analyzer/message.h"
#include "analyzer/redaction.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

constexpr std::string_view kLineBreakers("\r\n\0", 3);

std::string_view ending_of(std::string_view line) {
  if (line.ends_with("\r\n")) return "\r\n";
  return line.ends_with('\n') ? "\n" : "";
}

bool is_one_line(std::string_view text) { return text.find_first_of(kLineBreakers) == text.npos; }

// "MDTM 20261121100000 file" sets a time on some servers.
bool sets_time(const Command& command) {
  constexpr std::size_t kDigits = 14;
  const auto argument = command.argument;
  return command.name == "MDTM" && argument.size() > kDigits && argument[kDigits] == ' ' &&
         std::ranges::all_of(argument.substr(0, kDigits),
                             [](char c) { return c >= '0' && c <= '9'; });
}

// What is off the table may be anything.
bool may_write(const Command& command) {
  constexpr auto kWriting =
      std::to_array<std::string_view>({"STOR", "STOU", "APPE", "DELE", "RMD", "XRMD", "MKD", "XMKD",
                                       "RNTO", "SITE", "MFMT", "SMNT"});
  return !command.verb || std::ranges::find(kWriting, command.name) != kWriting.end() ||
         sets_time(command);
}

bool is_about_tls(const Command& command) {
  constexpr auto kSecurity = std::to_array<std::string_view>({"PBSZ", "PROT", "CCC"});
  return command.meaning() == Meaning::authenticate ||
         command.meaning() == Meaning::security_data ||
         std::ranges::find(kSecurity, command.name) != kSecurity.end();
}

bool was_answered_by_proxy(const Transaction& transaction) {
  const auto* reply = transaction.final_reply();
  return reply && reply->by_proxy;
}

std::string canonical_text(const Transaction& transaction) {
  auto text = transaction.verb;
  if (transaction.argument) text.append(" ").append(*transaction.argument);
  return text;
}

// As the recorded client spelled it, if that is one line and says the same.
std::optional<std::string> recorded_line(const Transaction& transaction) {
  if (!transaction.line) return std::nullopt;
  const std::string_view line = *transaction.line;
  const auto ending = ending_of(line);
  const auto text = line.substr(0, line.size() - ending.size());
  if (ending.empty() || !is_one_line(text)) return std::nullopt;
  std::string scratch;
  const auto command =
      parse_command(Line{line, ending == "\n" ? Ending::lf : Ending::crlf}, scratch);
  const bool same =
      command.name == transaction.verb && command.argument == transaction.argument.value_or("");
  return same ? std::optional(std::string(line)) : std::nullopt;
}

// RFC 959 4.1.3 wants the Synch in front of an ABOR: its Data Mark is the urgent byte.
std::optional<std::size_t> urgent_byte(const Transaction& transaction, std::string_view line) {
  if (!transaction.urgent) return std::nullopt;
  const auto mark = line.find("\xff\xf2");
  return mark == line.npos ? 0 : mark + 1;
}

std::string why_skipped(const Transaction& transaction, const Command& command) {
  const bool login = command.meaning() == Meaning::user || command.name == "PASS";
  if (transaction.hidden && !login) return "what it said is hidden in the recording";
  if (!is_one_line(command.line.text())) return "it has a CR, LF or NUL in it";
  if (command.line.raw.size() > LineSplitter::kLineMax) return "its line is too long";
  if (hides_address_command(command) || hides_secret_command(command)) {
    return "some servers would read another command in it";
  }
  const bool same = login || command.argument == transaction.argument.value_or("");
  if (command.name != transaction.verb || !same) {
    return "a server would read something else from it";
  }
  if (is_about_tls(command)) return "a recording is played without TLS";
  if (was_answered_by_proxy(transaction)) return "the proxy answered it, no server saw it";
  return {};
}

// What is to be said instead, and what the recording is taken to have said.
std::string login_line(Transaction& transaction, const ClientLogin& login) {
  const bool password = transaction.verb == "PASS";
  transaction.hidden = password;
  transaction.argument = password ? std::string(kHidden) : login.user;
  return transaction.verb + " " + (password ? login.password : login.user) + "\r\n";
}

ClientStep plan_step(Transaction& transaction, const ClientLogin& login) {
  const bool logs_in = transaction.verb == "USER" || transaction.verb == "PASS";
  ClientStep step;
  step.line = logs_in ? login_line(transaction, login)
                      : recorded_line(transaction).value_or(canonical_text(transaction) + "\r\n");
  // What goes out decides, not what the recording calls it.
  std::string read;
  const auto command =
      parse_command(Line{step.line, step.line.ends_with("\r\n") ? Ending::crlf : Ending::lf}, read);
  const auto meaning = command.meaning();
  step.verb = command.verb;
  step.urgent = urgent_byte(transaction, step.line);
  step.sets_up_data =
      meaning == Meaning::port || (meaning == Meaning::passive && !is_epsv_all(command));
  step.writes = may_write(command);
  step.skipped = why_skipped(transaction, command);
  return step;
}

}  // namespace

std::string ClientScript::writing_steps() const {
  constexpr std::size_t kShown = 3;
  std::string text;
  std::size_t count = 0;
  for (const auto& step : steps) {
    if (!step.writes || !step.skipped.empty()) continue;
    if (++count > kShown) continue;
    const auto line = std::string_view(step.line);
    text += (text.empty() ? "" : ", ") + printable(line.substr(0, line.find_first_of("\r\n")));
  }
  if (count > kShown) text += " and " + std::to_string(count - kShown) + " more";
  return text;
}

ClientScript plan_client_replay(const SessionTransactions& recorded, const ClientLogin& login,
                                const std::vector<Substitution>& substitutions) {
  ClientScript script{recorded, {}};
  substitute(script.expected, substitutions);
  auto& list = script.expected.transactions;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].id == 0) continue;
    script.steps.push_back(plan_step(list[i], login));
    script.steps.back().expected = i;
  }
  return script;
}

}  // namespace ftpscope
