#include "tests/fuzz/second_reader.h"

#include <set>

namespace ftpscope::fuzz {

namespace {

int octet(char c) { return static_cast<int>(static_cast<unsigned char>(c)); }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }

bool is_address_command(const std::string& verb) {
  return verb == "PORT" || verb == "EPRT" || verb == "LPRT";
}

}  // namespace

std::string without_telnet(std::string_view stream, Telnet dialect) {
  enum { text, iac, option, inside, inside_iac } state = text;
  std::string result;
  for (const char c : stream) {
    const int byte = octet(c);
    switch (state) {
      case text:
        if (byte == 255 && dialect != Telnet::none) {
          state = iac;
        } else {
          result += c;
        }
        break;
      case iac:
        state = text;
        if (byte == 255) {
          result += c;
        } else if (byte >= 251) {  // WILL, WONT, DO, DONT
          state = option;
        } else if (byte == 250 && dialect == Telnet::rfc855) {
          state = inside;
        } else if (dialect == Telnet::proftpd && byte != 244 && byte != 242) {  // IP, DM
          result += '\xff';
          result += c;
        }
        break;
      case option: state = text; break;
      case inside: state = byte == 255 ? inside_iac : inside; break;
      case inside_iac: state = byte == 240 ? text : inside; break;
    }
  }
  return result;
}

ReadCommand read_command(std::string_view line) {
  ReadCommand command;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && !is_blank(line.front())) {
    const char c = line.front();
    command.verb += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    line.remove_prefix(1);
  }
  if (line.empty()) return command;
  if (!command.verb.empty()) {
    command.argument = line.substr(1);
    command.has_argument = true;
  }
  return command;
}

std::vector<std::string> lines_of(std::string_view stream) {
  std::vector<std::string> lines;
  while (!stream.empty()) {
    const auto end = stream.find('\n');
    lines.emplace_back(stream.substr(0, end));
    if (end == stream.npos) break;
    stream.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<ReadCommand> commands_of(std::string_view stream, Telnet dialect) {
  std::vector<ReadCommand> commands;
  for (const auto& line : lines_of(without_telnet(stream, dialect))) {
    commands.push_back(read_command(line));
  }
  return commands;
}

std::vector<std::string> address_commands_for_anyone(std::string_view stream) {
  std::set<std::string> found;
  for (const auto dialect : kDialects) {
    const auto text = without_telnet(stream, dialect);
    std::string broken;
    std::string dropped;
    for (const char c : text) {
      const bool odd = c == '\r' || c == '\0';
      broken += odd ? '\n' : c;
      if (!odd) dropped += c;
    }
    for (const auto& way : {broken, dropped}) {
      for (const auto& line : lines_of(way)) {
        if (is_address_command(read_command(line).verb)) found.insert(line);
      }
    }
    if (text.find('\xff') == text.npos && dialect == Telnet::none)
      break;  // the others read the same
  }
  return {found.begin(), found.end()};
}

}  // namespace ftpscope::fuzz
