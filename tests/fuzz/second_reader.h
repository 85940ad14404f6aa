// A second, independent reader of what a client sends: written from RFC 959 5.3 and RFC 854 and
// from what servers do, sharing no code with analyzer/. It says what a server would make of the
// bytes sent to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ftpscope::fuzz {

// What servers do with IAC (0xff) on the control connection.
enum class Telnet {
  none,     // vsftpd, pyftpdlib: a byte like any other
  bsd,      // ftpd and its heirs: IAC and the next byte go; of WILL, WONT, DO, DONT a third one too
  proftpd,  // as bsd, but what it does not know stays in the text
  rfc855,   // all of a subnegotiation goes as well
};
inline constexpr Telnet kDialects[] = {Telnet::none, Telnet::bsd, Telnet::proftpd, Telnet::rfc855};

std::string without_telnet(std::string_view stream, Telnet dialect);

struct ReadCommand {
  std::string verb;  // upper case
  std::string argument;
  bool has_argument = false;
};

// One line, without its LF.
ReadCommand read_command(std::string_view line);

// The commands in a stream: lines end at LF; bytes behind the last LF are one as well.
std::vector<std::string> lines_of(std::string_view stream);
std::vector<ReadCommand> commands_of(std::string_view stream, Telnet dialect);

// Every line that some server could read as PORT, EPRT or LPRT: lines that end at CR, NUL or LF, or
// CR and NUL left out (RFC 854: NUL is no operation), with each dialect of Telnet.
std::vector<std::string> address_commands_for_anyone(std::string_view stream);

}  // namespace ftpscope::fuzz
