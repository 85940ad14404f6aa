// The six ways in which FTP writes an address, each as one operation: find the address and the hole
// that it fills in the text, and write another address into such a hole. Pure text; acts on
// nothing.
//
//   PORT  h1,h2,h3,h4,p1,p2        RFC 959 4.1.2   227 ... (h1,h2,h3,h4,p1,p2)  RFC 1123 4.1.2.6
//   EPRT  |1|192.0.2.1|1025|       RFC 2428 2      229 ... (|||1025|)           RFC 2428 3
//   LPRT  4,4,h1,h2,h3,h4,2,p1,p2  RFC 1639 2      228 ... (4,4,...,2,p1,p2)    RFC 1639 3
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "analyzer/endpoint.h"

namespace ftpscope {

enum class AddressForm : std::uint8_t {
  port,       // the argument of PORT
  eprt,       // the argument of EPRT
  lprt,       // the argument of LPRT
  reply_227,  // somewhere in the text of a 227
  reply_229,
  reply_228,
};

enum class AddressError : std::uint8_t {
  missing,  // no address there at all
  syntax,   // something like one, but no server must accept it
  range,    // an octet over 255, a port over 65535
  family,   // an address family or protocol that the form does not have
};

std::string_view name_of(AddressError error);

struct FoundAddress {
  Endpoint endpoint;
  // The hole: text[begin, end) is what format_address() replaces; the text around it stays.
  std::size_t begin = 0;
  std::size_t end = 0;
  bool names_host = true;  // a 229 usually names a port only; then endpoint.ip is the `peer` given
};

// An argument (port, eprt, lprt) is read strictly: no blanks between, no signs, no octal, no text
// behind; blanks around it are passed over. A reply is searched, since RFC 1123 4.1.2.6 asks for
// that: digits before the address, missing parentheses, `=`, a dot behind it are all seen in the
// field. A 229 takes any delimiter.
[[nodiscard]] std::expected<FoundAddress, AddressError> find_address(AddressForm form,
                                                                     std::string_view text,
                                                                     const IpAddress& peer);

// The canonical spelling for the hole. PORT and 227 can only carry IPv4: ask can_carry() first.
std::string format_address(AddressForm form, const Endpoint& endpoint);
bool can_carry(AddressForm form, const IpAddress& ip);

}  // namespace ftpscope
