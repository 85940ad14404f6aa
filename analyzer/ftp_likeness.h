// Whether the first bytes of a TCP connection are an FTP control connection, for ports that nobody
// has named. Careful: SMTP greets with 220 too, POP3 has USER and PASS, and a browser can be made
// to send any line in the middle of something else (threats.md S20).
#pragma once

#include <cstdint>
#include <string_view>

namespace ftpscope {

enum class Likeness : std::uint8_t { no, undecided, yes };

struct FirstBytes {
  std::string_view from_client;
  std::string_view from_server;
  bool from_the_start = false;  // the connection's SYN was seen
  bool one_direction = false;   // the other side has not been seen at all
};

Likeness ftp_likeness(const FirstBytes& first);

// Whether a connection whose beginning was not seen has this side as its server: it sends replies.
bool sends_replies(std::string_view bytes);

}  // namespace ftpscope
