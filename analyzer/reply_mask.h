// The text of a reply without what differs between two runs of the same session: so that what is
// left can be compared. Knows the forms that servers have (vsftpd, ProFTPD, Pure-FTPd, inetutils,
// pyftpdlib and what RFC 959 shows), and guesses nothing else.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ftpscope {

// Bytes of a line that are looked at; what is behind them stays as it is. Forms of addresses and
// dates may begin anywhere, so the work would grow with the square of the length.
inline constexpr std::size_t kMaskedMax = 4096;

// A line of a reply to a command, without its end. Left out, each as a word in <>:
// - dates and times in any reply, also those that MDTM asks for;
// - addresses and ports: in 227, 229 and wherever else an address stands;
// - numbers and units of bytes and time in what is said about a transfer, the greeting, and the
//   replies to QUIT and STAT: byte counts, speeds, durations, counters;
// - numbers behind "pid", "port", "session", "process", "connection" and the like;
// - the name that STOU invents.
// Not touched: the code, what stands in double quotes (paths, RFC 959 Appendix II), the answer to
// SIZE. A line of a listing in a reply (STAT, MLST) becomes its facts (listing_facts.h).
std::string masked_line(std::string_view verb, std::optional<int> code, std::string_view line);

}  // namespace ftpscope
