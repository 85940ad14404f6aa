// Addresses as FTP writes them, by the RFCs and by hand: shares no code with analyzer/.
#pragma once

#include <set>
#include <string>

#include "analyzer/endpoint.h"

namespace ftpscope::fuzz {

Endpoint at(const char* ip, std::uint16_t port);

// RFC 959 4.1.2, RFC 2428 2, RFC 1639 2: the only address commands that may reach the server.
std::set<std::string> own_address_commands(const Endpoint& endpoint);

}  // namespace ftpscope::fuzz
