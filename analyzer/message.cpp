#include "analyzer/message.h"

#include <algorithm>

#include "analyzer/line_rules.h"
#include "analyzer/telnet.h"

namespace ftpscope {

namespace {

constexpr std::string_view kBlanks = " \t\v\f";
constexpr std::string_view kLineBreakers("\r\0", 2);

struct Words {
  std::string_view verb;
  std::string_view argument;
  bool has_argument = false;
};

Words split_words(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const auto end = text.find_first_of(kBlanks);
  if (end == text.npos) return {text, {}, false};
  return {text.substr(0, end), text.substr(end + 1), true};
}

using IsLookedFor = bool (*)(Meaning);

bool is_address(Meaning meaning) { return meaning == Meaning::port; }

bool is_secret(Meaning meaning) {
  return meaning == Meaning::password || meaning == Meaning::security_data;
}

bool is_command(std::string_view line, IsLookedFor is_looked_for) {
  const auto* verb = find_verb(split_words(line).verb);
  return verb && is_looked_for(verb->meaning);
}

// For a server that ends lines at CR or NUL, and for one that leaves these two out (RFC 854: a NUL
// is no operation).
bool hides_in(std::string_view text, IsLookedFor is_looked_for, bool first_is_known) {
  if (text.find_first_of(kLineBreakers) == text.npos) return false;
  std::string without;
  for (const char c : text) {
    if (kLineBreakers.find(c) == kLineBreakers.npos) without.push_back(c);
  }
  if (!first_is_known && is_command(without, is_looked_for)) return true;
  for (bool first = true; !text.empty(); first = false) {
    const auto end = std::min(text.find_first_of(kLineBreakers), text.size());
    const bool known = first && first_is_known;
    if (!known && is_command(text.substr(0, end), is_looked_for)) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

bool hides(const Command& command, IsLookedFor is_looked_for) {
  const auto text = command.line.text();
  if (is_plain_ascii(text)) return false;                // no CR, no NUL, no Telnet
  const bool is_one = is_looked_for(command.meaning());  // then it is read as such, not hidden
  if (hides_in(text, is_looked_for, is_one)) return true;
  return has_telnet(text) && hides_in(strip_telnet(text).text, is_looked_for, is_one);
}

}  // namespace

bool Command::canonical() const {
  if (line.ending != Ending::crlf || telnet) return false;
  const auto text = line.text();
  if (!text.starts_with(name)) return false;
  const auto behind = text.substr(name.size());
  return has_argument ? behind.starts_with(' ') && behind.substr(1) == argument : behind.empty();
}

std::string canonical_line(const Command& command) {
  std::string line(command.name);
  if (command.has_argument) line.append(" ").append(command.argument);
  if (has_telnet(line)) {
    std::string doubled;
    for (const char c : line) doubled.append(c == kIac ? 2 : 1, c);
    line = std::move(doubled);
  }
  return line + "\r\n";
}

Command parse_command(const Line& line, std::string& scratch) {
  Command command;
  command.line = line;
  auto text = line.text();
  if (has_telnet(text)) {
    auto stripped = strip_telnet(text);
    command.telnet = stripped.commands;
    command.dangling_telnet = stripped.dangling;
    scratch = std::move(stripped.text);
    text = scratch;
    // CR, a Telnet command, LF: whoever takes Telnet out first sees a CRLF there.
    if (line.ending == Ending::lf && text.ends_with('\r')) text.remove_suffix(1);
  }
  const auto words = split_words(text);
  command.verb = words.verb.empty() ? &kEmptyLine : find_verb(words.verb);
  command.name = command.verb ? command.verb->name : words.verb;
  command.argument = words.argument;
  command.has_argument = words.has_argument && !words.verb.empty();
  return command;
}

bool hides_address_command(const Command& command) { return hides(command, is_address); }

bool is_unended_address_command(const Command& command) {
  return command.line.ending == Ending::none && command.meaning() == Meaning::port;
}

bool hides_secret_command(const Command& command) { return hides(command, is_secret); }

}  // namespace ftpscope
