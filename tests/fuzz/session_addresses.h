// Addresses and set-ups as FTP writes them, by the RFCs and by hand: shares no code with analyzer/.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "analyzer/endpoint.h"

namespace ftpscope::fuzz {

Endpoint at(const char* ip, std::uint16_t port);

// RFC 959 4.1.2, RFC 2428 2, RFC 1639 2: the only address commands that may reach the server.
std::set<std::string> own_address_commands(const Endpoint& endpoint);

// "227", "229", "228": what PASV, EPSV, LPSV are answered with.
std::string passive_code(std::string_view verb);
// The address in such a reply (RFC 959 4.1.2, RFC 2428 3, RFC 1639 3).
std::string passive_address(std::string_view code, const Endpoint& endpoint);

// The port in a reply that every client understands, "227 text (1,2,3,4,5,6)", "229 text (|||7|)",
// of a server with this address. None: it is not as plain as that, or no such port may be used.
std::optional<std::uint16_t> plain_passive_port(std::string_view reply, const IpAddress& server);

// What the login names (proxy/README.md, "The login names the server").
struct NamedInLogin {
  std::string host;
  std::uint16_t port = 0;
  std::optional<std::string> user;  // none: it was SITE, OPEN or HOST
};
NamedInLogin named_in_login(std::string_view verb, std::string_view argument);

}  // namespace ftpscope::fuzz
