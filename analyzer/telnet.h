// Telnet inside the control connection (RFC 959 2.3 says that it is a Telnet connection, RFC 854).
#pragma once

#include <string>
#include <string_view>

namespace ftpscope {

inline constexpr char kIac = '\xff';

inline bool has_telnet(std::string_view bytes) { return bytes.find(kIac) != bytes.npos; }

// The line as a Telnet receiver reads it: IAC IAC is one 0xFF, commands and options are gone.
struct TelnetText {
  std::string text;
  bool commands = false;  // there were Telnet commands, not only doubled IACs
  // The line ends in the middle of a Telnet command. A server that parses Telnet before lines takes
  // the line's end as the option's code and reads on; one that does not sees two lines. A
  // subnegotiation counts as well: no FTP server known reads one to its end, but takes what is in
  // it as text (inetutils-ftpd) or leaves the IAC in too (ProFTPD).
  bool dangling = false;
};

TelnetText strip_telnet(std::string_view bytes);

}  // namespace ftpscope
