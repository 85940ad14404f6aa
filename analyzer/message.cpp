#include "analyzer/message.h"

#include <algorithm>

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
  }
  const auto words = split_words(text);
  command.verb = words.verb.empty() ? &kEmptyLine : find_verb(words.verb);
  command.name = command.verb ? command.verb->name : words.verb;
  command.argument = words.argument;
  command.has_argument = words.has_argument && !words.verb.empty();
  return command;
}

bool hides_address_command(const Command& command) {
  std::string scratch;
  auto text = command.line.text();
  if (has_telnet(text)) {
    scratch = strip_telnet(text).text;
    text = scratch;
  }
  for (auto at = text.find_first_of(kLineBreakers); at != text.npos;
       at = text.find_first_of(kLineBreakers)) {
    text.remove_prefix(at + 1);
    const auto words = split_words(text.substr(0, text.find_first_of(kLineBreakers)));
    const auto* verb = find_verb(words.verb);
    if (verb && verb->meaning == Meaning::port) return true;
  }
  return false;
}

}  // namespace ftpscope
