#include "analyzer/address_codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <vector>

namespace ftpscope {

namespace {

using Found = std::expected<FoundAddress, AddressError>;

constexpr std::size_t kLongestList = 21;  // LPRT of IPv6: 1 + 1 + 16 + 1 + 2

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Numbers between commas, as many as there are. The form's rules on how many come later.
struct NumberList {
  std::array<unsigned, kLongestList> numbers{};
  std::size_t count = 0;
  std::size_t end = 0;  // where the text goes on
  bool out_of_range = false;

  [[nodiscard]] std::uint8_t octet(std::size_t i) const {
    return static_cast<std::uint8_t>(numbers[i]);
  }
};

// `blanks`: a blank may follow a comma. Seen in 227s; in a PORT some servers take it and some do
// not.
NumberList read_numbers(std::string_view text, std::size_t at, bool blanks) {
  NumberList list;
  while (list.count < kLongestList && at < text.size() && is_digit(text[at])) {
    unsigned number = 0;
    const auto digits = std::min(text.find_first_not_of("0123456789", at), text.size());
    const auto result = std::from_chars(text.data() + at, text.data() + digits, number);
    // Servers read 0177 as 127 or as 177: more than three digits cannot be an octet to all of them.
    const bool octet = result.ec == std::errc{} && number <= 255 && digits - at <= 3;
    list.out_of_range = list.out_of_range || !octet;
    list.numbers[list.count++] = number;
    list.end = at = digits;
    if (at >= text.size() || text[at] != ',') break;
    auto next = at + 1;
    while (blanks && next < text.size() && text[next] == ' ') ++next;
    if (next >= text.size() || !is_digit(text[next])) break;
    at = next;
  }
  return list;
}

std::uint16_t port_of(const NumberList& list, std::size_t at) {
  return static_cast<std::uint16_t>(list.octet(at) << 8 | list.octet(at + 1));
}

Found endpoint_of_six(const NumberList& list, std::size_t begin) {
  if (list.count != 6) return std::unexpected(AddressError::syntax);
  if (list.out_of_range) return std::unexpected(AddressError::range);
  const auto ip = IpAddress::v4(list.octet(0), list.octet(1), list.octet(2), list.octet(3));
  return FoundAddress{{ip, port_of(list, 4)}, begin, list.end};
}

// RFC 1639 2: address family (4 or 6), length, that many octets, 2, two octets of port.
Found endpoint_of_long(const NumberList& list, std::size_t begin) {
  if (list.count < 2) return std::unexpected(AddressError::syntax);
  if (list.out_of_range) return std::unexpected(AddressError::range);
  const bool v6 = list.numbers[0] == 6;
  const std::size_t length = v6 ? 16 : 4;
  if (!v6 && list.numbers[0] != 4) return std::unexpected(AddressError::family);
  if (list.count != length + 5 || list.numbers[1] != length || list.numbers[length + 2] != 2) {
    return std::unexpected(AddressError::syntax);
  }
  IpAddress ip{{}, v6};
  for (std::size_t i = 0; i < length; ++i) ip.bytes[i] = list.octet(2 + i);
  if (v6) ip = IpAddress::from_v6_bytes(ip.bytes);
  return FoundAddress{{ip, port_of(list, length + 3)}, begin, list.end};
}

Found endpoint_of_list(AddressForm form, const NumberList& list, std::size_t begin) {
  const bool is_long = form == AddressForm::lprt || form == AddressForm::reply_228;
  return is_long ? endpoint_of_long(list, begin) : endpoint_of_six(list, begin);
}

std::string_view without_blanks(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Blanks around the address belong to the hole: what fills it is canonical.
Found with_blanks(Found found, std::string_view text) {
  if (found) found->begin = 0, found->end = text.size();
  return found;
}

Found find_in_argument(AddressForm form, std::string_view text) {
  const auto address = without_blanks(text);
  if (address.empty()) return std::unexpected(AddressError::missing);
  const auto list = read_numbers(address, 0, false);
  if (list.end != address.size()) return std::unexpected(AddressError::syntax);
  return with_blanks(endpoint_of_list(form, list, 0), text);
}

// The hole of a reply takes the parentheses or the '=' along, so that what fills it is canonical:
// some clients and nf_conntrack_ftp read no other form.
void widen_to_brackets(std::string_view text, FoundAddress& found) {
  const char before = found.begin > 0 ? text[found.begin - 1] : '\0';
  if (before == '(' || before == '=') --found.begin;
  if (before == '(' && found.end < text.size() && text[found.end] == ')') ++found.end;
}

// The first run of numbers that is an address; if there is none, what was wrong with the longest
// run.
Found find_in_reply(AddressForm form, std::string_view text) {
  Found result = std::unexpected(AddressError::missing);
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    const auto list = read_numbers(text, at, true);
    auto found = endpoint_of_list(form, list, at);
    if (found) {
      widen_to_brackets(text, *found);
      return found;
    }
    if (list.count > 1) result = found;
    at = list.end;
  }
  return result;
}

std::optional<bool> family_of(std::string_view protocol) {  // RFC 2428 2: 1 is IPv4, 2 is IPv6
  if (protocol == "1") return false;
  if (protocol == "2") return true;
  return std::nullopt;
}

// Digits only. Zeros in front count for nothing: no octal, whatever a sscanf("%i") makes of them.
std::expected<std::uint16_t, AddressError> read_port(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, is_digit))
    return std::unexpected(AddressError::syntax);
  const auto port = parse_port(text.substr(std::min(text.find_first_not_of('0'), text.size() - 1)));
  if (!port) return std::unexpected(AddressError::range);
  return *port;
}

// <d>protocol<d>address<d>port<d>, d being any character from 33 to 126 (RFC 2428 2).
std::optional<std::array<std::string_view, 3>> split_extended(std::string_view text) {
  if (text.size() < 4 || text[0] < 33 || text[0] > 126 || is_digit(text[0])) return std::nullopt;
  const char delimiter = text[0];
  std::array<std::string_view, 3> fields;
  std::size_t at = 1;
  for (auto& field : fields) {
    const auto end = text.find(delimiter, at);
    if (end == text.npos) return std::nullopt;
    field = text.substr(at, end - at);
    at = end + 1;
  }
  if (at != text.size()) return std::nullopt;
  return fields;
}

Found find_eprt(std::string_view text) {
  const auto address = without_blanks(text);
  if (address.empty()) return std::unexpected(AddressError::missing);
  const auto fields = split_extended(address);
  if (!fields) return std::unexpected(AddressError::syntax);
  const auto v6 = family_of((*fields)[0]);
  if (!v6) return std::unexpected(AddressError::family);
  const auto ip = parse_ip((*fields)[1]);
  const bool looks_v6 = (*fields)[1].find(':') != std::string_view::npos;
  if (!ip || looks_v6 != *v6) return std::unexpected(AddressError::syntax);
  const auto port = read_port((*fields)[2]);
  if (!port) return std::unexpected(port.error());
  return FoundAddress{{*ip, *port}, 0, address.size()};
}

Found read_229(std::string_view fields_text, std::size_t begin, const IpAddress& peer) {
  const auto fields = split_extended(fields_text);
  if (!fields) return std::unexpected(AddressError::syntax);
  const auto port = read_port((*fields)[2]);
  if (!port) return std::unexpected(port.error());
  const auto end = begin + fields_text.size();
  if ((*fields)[1].empty()) return FoundAddress{{peer, *port}, begin, end, false};
  const auto ip = parse_ip((*fields)[1]);
  if (!ip) return std::unexpected(AddressError::syntax);
  return FoundAddress{{*ip, *port}, begin, end};
}

// RFC 2428 3 wants "(<d><d><d>port<d>)"; text with parentheses in front of it is allowed.
Found find_229_in_parentheses(std::string_view text, const IpAddress& peer) {
  Found result = std::unexpected(AddressError::missing);
  for (auto open = text.find('('); open != text.npos; open = text.find('(', open + 1)) {
    const auto close = text.find(')', open);
    if (close == text.npos) return std::unexpected(AddressError::syntax);
    auto found = read_229(text.substr(open + 1, close - open - 1), open + 1, peer);
    if (!found) {
      result = found;
      continue;
    }
    --found->begin;
    ++found->end;
    return found;
  }
  return result;
}

// <d><d><d>port<d> with no parentheses, or one only; a host is not looked for.
Found find_229_without(std::string_view text, const IpAddress& peer) {
  for (std::size_t at = 0; at + 3 < text.size(); ++at) {
    const auto d = text[at];
    const auto digits = text.find_first_not_of("0123456789", at + 3);
    const bool delimited = text[at + 1] == d && text[at + 2] == d && digits != text.npos;
    if (!delimited || digits == at + 3 || text[digits] != d) continue;
    auto found = read_229(text.substr(at, digits + 1 - at), at, peer);
    if (found && at > 0 && text[at - 1] == '(') --found->begin;
    if (found && found->end < text.size() && text[found->end] == ')') ++found->end;
    return found;
  }
  return std::unexpected(AddressError::missing);
}

Found find_229(std::string_view text, const IpAddress& peer) {
  const auto usual = find_229_in_parentheses(text, peer);
  if (usual) return usual;
  const auto bare = find_229_without(text, peer);
  return bare ? bare : usual;
}

std::string comma_list(std::span<const unsigned> numbers) {
  std::string text;
  for (const auto number : numbers) {
    if (!text.empty()) text += ',';
    text += std::to_string(number);
  }
  return text;
}

std::string comma_form(const Endpoint& endpoint, bool is_long) {
  const std::size_t length = endpoint.ip.v6 ? 16 : 4;
  std::vector<unsigned> numbers;
  if (is_long) numbers = {endpoint.ip.v6 ? 6U : 4U, static_cast<unsigned>(length)};
  numbers.insert(numbers.end(), endpoint.ip.bytes.begin(),
                 endpoint.ip.bytes.begin() + static_cast<std::ptrdiff_t>(length));
  if (is_long) numbers.push_back(2);
  numbers.push_back(endpoint.port >> 8);
  numbers.push_back(endpoint.port & 0xff);
  return comma_list(numbers);
}

}  // namespace

std::string_view name_of(AddressError error) {
  switch (error) {
    case AddressError::missing: return "no address in it";
    case AddressError::syntax: return "broken syntax";
    case AddressError::range: return "a number out of range";
    case AddressError::family: return "an unknown address family";
  }
  return "";
}

Found find_address(AddressForm form, std::string_view text, const IpAddress& peer) {
  switch (form) {
    case AddressForm::port:
    case AddressForm::lprt: return find_in_argument(form, text);
    case AddressForm::eprt: return with_blanks(find_eprt(text), text);
    case AddressForm::reply_227:
    case AddressForm::reply_228: return find_in_reply(form, text);
    case AddressForm::reply_229: return find_229(text, peer);
  }
  return std::unexpected(AddressError::missing);
}

std::string format_address(AddressForm form, const Endpoint& endpoint) {
  switch (form) {
    case AddressForm::port: return comma_form(endpoint, false);
    case AddressForm::lprt: return comma_form(endpoint, true);
    case AddressForm::reply_227: return "(" + comma_form(endpoint, false) + ")";
    case AddressForm::reply_228: return "(" + comma_form(endpoint, true) + ")";
    case AddressForm::reply_229: return "(|||" + std::to_string(endpoint.port) + "|)";
    case AddressForm::eprt:
      return (endpoint.ip.v6 ? "|2|" : "|1|") + to_text(endpoint.ip) + "|" +
             std::to_string(endpoint.port) + "|";
  }
  return {};
}

bool can_carry(AddressForm form, const IpAddress& ip) {
  return !ip.v6 || (form != AddressForm::port && form != AddressForm::reply_227);
}

}  // namespace ftpscope
