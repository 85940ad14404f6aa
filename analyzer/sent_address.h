// An address that one side sent in PORT, EPRT or LPRT, and where the other says which one it has
// heard: BSD's servers in the answer to STAT, Pure-FTPd in the replies to a transfer ("150
// Connecting to port 50000"). A device between the two may have changed it. Pure text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "analyzer/endpoint.h"

namespace ftpscope {

// Of the command's argument; none if it cannot be read.
std::optional<Endpoint> sent_address(std::string_view verb, std::string_view argument);

struct EchoedAddress {
  std::optional<IpAddress> ip;  // none: only the port is told
  std::uint16_t port = 0;
};

// In one line of the reply to `verb`.
std::optional<EchoedAddress> echoed_address(std::string_view verb, std::string_view line);

}  // namespace ftpscope
