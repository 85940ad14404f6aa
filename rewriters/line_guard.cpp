#include "rewriters/line_guard.h"

#include "analyzer/telnet.h"

namespace ftpscope {

namespace {

constexpr std::string_view kControls("\r\0\n", 3);

CommandVerdict refuse(FindingId finding, std::string reply, std::string_view why) {
  return {Answer{std::move(reply)}, Note{finding, {}}, why};
}

bool telnet_in_verb(const Command& command) {
  const auto text = command.line.text();
  return command.telnet && !text.starts_with(command.name) && !text.starts_with(kIac);
}

}  // namespace

std::string_view name_of(Lines lines) { return lines == Lines::raw ? "raw" : "strict"; }

CommandVerdict LineGuard::on_command(const Command& command, const SessionState&) const {
  const bool unended_address =
      command.line.ending == Ending::none && command.meaning() == Meaning::port;
  if (hides_address_command(command) || unended_address) {
    return refuse(FindingId::command_hides_another, "501 This line hides a second command.\r\n",
                  "hidden address command");
  }
  if (command.dangling_telnet) {
    return refuse(FindingId::command_ambiguous,
                  "500 This line has an unfinished Telnet command.\r\n", "dangling Telnet command");
  }
  if (lines_ == Lines::raw) return {};
  const bool odd_bytes = command.line.text().find_first_of(kControls) != std::string_view::npos;
  if (odd_bytes || command.line.ending != Ending::crlf || telnet_in_verb(command)) {
    return refuse(FindingId::command_ambiguous, "500 This line is ambiguous.\r\n",
                  "--lines strict");
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
