#include "rewriters/line_guard.h"

#include "analyzer/telnet.h"

namespace ftpscope {

namespace {

constexpr std::string_view kControls("\r\0\n", 3);

CommandVerdict refuse(std::string reply, std::string_view why) {
  return {Answer{std::move(reply)}, std::nullopt, why};
}

bool telnet_in_verb(const Command& command) {
  const auto text = command.line.text();
  return command.telnet && !text.starts_with(command.name) && !text.starts_with(kIac);
}

}  // namespace

std::string_view name_of(Lines lines) { return lines == Lines::raw ? "raw" : "strict"; }

CommandVerdict LineGuard::on_command(const Command& command, const SessionState&) const {
  // The Dialogue tells the findings of these two: they are there whatever the posture.
  if (hides_address_command(command) || is_unended_address_command(command)) {
    return refuse("501 This line hides a second command.\r\n", "hidden address command");
  }
  if (command.dangling_telnet) {
    return refuse("500 This line has an unfinished Telnet command.\r\n", "dangling Telnet command");
  }
  if (lines_ == Lines::raw) return {};
  const bool odd_bytes = command.line.text().find_first_of(kControls) != std::string_view::npos;
  if (odd_bytes || command.line.ending != Ending::crlf || telnet_in_verb(command)) {
    return {Answer{"500 This line is ambiguous.\r\n"}, Note{FindingId::command_ambiguous, {}},
            "--lines strict"};
  }
  return {};
}

std::string canonical_reply(std::string_view raw) {
  std::string result;
  while (!raw.empty()) {
    const auto newline = raw.find('\n');
    const auto text = strip_telnet(raw.substr(0, newline)).text;
    for (const char c : text) {
      if (c == kIac) result.push_back(kIac);  // doubled again (RFC 854)
      if (c != '\r' && c != '\0') result.push_back(c);
    }
    if (newline == raw.npos) break;
    result.append("\r\n");
    raw.remove_prefix(newline + 1);
  }
  return result;
}

}  // namespace ftpscope
