// The address in a reply to PASV, EPSV or LPSV: where it is in the lines of the reply, what it
// says, and whether it is written so that everybody can read it. Pure text; whether the address is
// any good is for others to judge.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "analyzer/address_codec.h"

namespace ftpscope {

using AddressOrError = std::expected<FoundAddress, AddressError>;

// 227, 228 and 229 carry an address.
std::optional<AddressForm> form_of_code(int code);
// What PASV, EPSV and LPSV ask for; nothing for another verb.
std::optional<AddressForm> form_asked_for(std::string_view verb);

// The address in one line of such a reply. `begin` and `end` count from the line's first byte.
[[nodiscard]] AddressOrError address_in_line(AddressForm form, std::string_view line,
                                             const IpAddress& peer);

// The address that a reply is about: the first that can be read, in whichever line it is. Else what
// was wrong with the first text that looked like one.
struct PassiveAddress {
  AddressOrError found = std::unexpected(AddressError::missing);
  std::size_t line = 0;  // where it was found
};
[[nodiscard]] PassiveAddress find_passive_address(AddressForm form,
                                                  std::span<const std::string_view> lines,
                                                  const IpAddress& peer);

// Why some client or firewall may not find the address although it is there: RFC 1123 4.1.2.6 asks
// clients to search the text of a 227 for it, and few search as well as that. Empty: it is written
// as in RFC 959 and RFC 2428. `address` was found in these lines.
std::string odd_form(AddressForm form, std::span<const std::string_view> lines,
                     const PassiveAddress& address);

}  // namespace ftpscope
