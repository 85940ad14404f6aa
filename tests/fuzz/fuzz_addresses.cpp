// The six address codecs against a second reading of RFC 959 4.1.2, RFC 2428 2 and RFC 1639 2 that
// shares no code with them; what servers read besides (blanks around an address, zeros in front of
// EPRT's port) is in it. Input: a byte for the form, 19 for an endpoint, then the text.
#include <array>
#include <optional>
#include <vector>

#include "analyzer/address_codec.h"
#include "tests/fuzz/check.h"

namespace ftpscope::fuzz {
namespace {

using Bytes = std::vector<unsigned>;

std::vector<std::string> fields_of(std::string_view text, char separator) {
  std::vector<std::string> fields(1);
  for (const char c : text) {
    if (c == separator) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

// Decimal digits, at most `digits` of them, at most `most`.
std::optional<unsigned> decimal(std::string_view text, std::size_t digits, unsigned most) {
  if (text.empty() || text.size() > digits) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= most ? std::optional(value) : std::nullopt;
}

std::optional<Bytes> octets(std::string_view text) {
  Bytes bytes;
  for (const auto& field : fields_of(text, ',')) {
    const auto octet = decimal(field, 3, 255);
    if (!octet) return std::nullopt;
    bytes.push_back(*octet);
  }
  return bytes;
}

std::optional<Bytes> dotted(std::string_view text) {
  Bytes bytes;
  for (const auto& field : fields_of(text, '.')) {
    const auto octet = decimal(field, 3, 255);
    if (!octet || (field.size() > 1 && field[0] == '0')) return std::nullopt;
    bytes.push_back(*octet);
  }
  return bytes.size() == 4 ? std::optional(bytes) : std::nullopt;
}

// One side of a "::", or all of an address without it (RFC 4291 2.2).
std::optional<Bytes> groups(std::string_view text, bool last) {
  Bytes bytes;
  if (text.empty()) return bytes;
  const auto fields = fields_of(text, ':');
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (last && i + 1 == fields.size() && fields[i].find('.') != std::string::npos) {
      const auto tail = dotted(fields[i]);
      if (!tail) return std::nullopt;
      bytes.insert(bytes.end(), tail->begin(), tail->end());
      continue;
    }
    if (fields[i].empty() || fields[i].size() > 4) return std::nullopt;
    unsigned value = 0;
    for (const char c : fields[i]) {
      const std::string_view hex = "0123456789abcdef";
      const auto digit = hex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
      if (digit == hex.npos) return std::nullopt;
      value = value * 16 + static_cast<unsigned>(digit);
    }
    bytes.push_back(value >> 8U);
    bytes.push_back(value & 255U);
  }
  return bytes;
}

std::optional<Bytes> colons(std::string_view text) {
  const auto gap = text.find("::");
  if (gap == text.npos) {
    auto all = groups(text, true);
    return all && all->size() == 16 ? all : std::nullopt;
  }
  const auto front = groups(text.substr(0, gap), false);
  const auto back = groups(text.substr(gap + 2), true);
  if (!front || !back || front->size() + back->size() > 14) return std::nullopt;
  Bytes all = *front;
  all.resize(16 - back->size());
  all.insert(all.end(), back->begin(), back->end());
  return all;
}

Endpoint endpoint_of(Bytes bytes, unsigned port) {
  const bool mapped = bytes.size() == 16 && bytes[10] == 255 && bytes[11] == 255 &&
                      Bytes(bytes.begin(), bytes.begin() + 10) == Bytes(10, 0);
  if (mapped) bytes.erase(bytes.begin(), bytes.begin() + 12);
  Endpoint endpoint;
  endpoint.ip.v6 = bytes.size() == 16;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    endpoint.ip.bytes[i] = static_cast<std::uint8_t>(bytes[i]);
  }
  endpoint.port = static_cast<std::uint16_t>(port);
  return endpoint;
}

std::optional<Endpoint> read_port_argument(std::string_view text) {
  const auto bytes = octets(text);
  if (!bytes || bytes->size() != 6) return std::nullopt;
  const auto& b = *bytes;
  return endpoint_of(Bytes(b.begin(), b.begin() + 4), b[4] * 256 + b[5]);
}

std::optional<Endpoint> read_lprt_argument(std::string_view text) {
  const auto bytes = octets(text);
  if (!bytes || bytes->size() < 2) return std::nullopt;
  const auto& b = *bytes;
  const std::size_t length = b[0] == 4 ? 4 : 16;
  if ((b[0] != 4 && b[0] != 6) || b[1] != length || b.size() != length + 5 || b[length + 2] != 2) {
    return std::nullopt;
  }
  const auto host = b.begin() + 2;
  return endpoint_of(Bytes(host, host + static_cast<std::ptrdiff_t>(length)),
                     b[length + 3] * 256 + b[length + 4]);
}

std::optional<Endpoint> read_eprt_argument(std::string_view text) {
  if (text.empty() || text[0] < 33 || text[0] > 126 || (text[0] >= '0' && text[0] <= '9')) {
    return std::nullopt;
  }
  const auto fields = fields_of(text, text[0]);
  if (fields.size() != 5 || !fields[0].empty() || !fields[4].empty()) return std::nullopt;
  auto digits = fields[3];
  while (digits.size() > 1 && digits[0] == '0') digits.erase(0, 1);
  const auto port = decimal(digits, 5, 65535);
  if (!port) return std::nullopt;
  const auto host = fields[1] == "1"   ? dotted(fields[2])
                    : fields[1] == "2" ? colons(fields[2])
                                       : std::nullopt;
  return host ? std::optional(endpoint_of(*host, *port)) : std::nullopt;
}

void check_argument(AddressForm form, std::string_view text, const IpAddress& peer) {
  const auto found = find_address(form, text, peer);
  auto address = text;
  while (address.starts_with(' ') || address.starts_with('\t')) address.remove_prefix(1);
  while (address.ends_with(' ') || address.ends_with('\t')) address.remove_suffix(1);
  const auto expected = form == AddressForm::port   ? read_port_argument(address)
                        : form == AddressForm::eprt ? read_eprt_argument(address)
                                                    : read_lprt_argument(address);
  check(found.has_value() == expected.has_value(), "accepted is what is allowed", text);
  if (!found) return;
  check(found->endpoint == *expected, "the address that the RFC means", text);
  check(found->begin == 0 && found->end == text.size(),
        "an argument is an address and nothing else");
}

void check_hole(AddressForm form, std::string_view text, const IpAddress& peer) {
  const auto found = find_address(form, text, peer);
  if (!found) return check(!name_of(found.error()).empty(), "an error has a name");
  check(found->begin < found->end && found->end <= text.size(), "the hole is in the text", text);
  check(found->names_host || found->endpoint.ip == peer, "no host named means the peer");
  if (!can_carry(form, found->endpoint.ip)) return;
  const auto own = format_address(form, found->endpoint);
  const auto filled =
      std::string(text.substr(0, found->begin)) + own + std::string(text.substr(found->end));
  const auto again = find_address(form, filled, found->endpoint.ip);
  check(again && again->endpoint == found->endpoint, "what fills the hole is found again", filled);
  check(again->begin == found->begin && again->end == found->begin + own.size(),
        "and it is the whole hole", filled);
}

void check_round_trip(AddressForm form, const Endpoint& endpoint) {
  if (!can_carry(form, endpoint.ip)) return;
  const auto text = format_address(form, endpoint);
  const auto found = find_address(form, text, endpoint.ip);
  check(found && found->endpoint == endpoint, "find(format(x)) == x", text);
  check(found->begin == 0 && found->end == text.size(), "format() writes a hole and no more", text);
  check(text.find_first_of("\r\n\t ") == text.npos, "an address has no blanks", text);
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  const auto choice = input.byte();
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(input.number(2));
  std::array<std::uint8_t, 16> bytes{};
  for (auto& byte : bytes) byte = input.byte();
  endpoint.ip = (choice & 8U) != 0 ? IpAddress::from_v6_bytes(bytes)
                                   : IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
  const auto text = input.rest();
  const auto form = static_cast<AddressForm>((choice & 7U) % 6U);
  check_round_trip(form, endpoint);
  check_hole(form, text, endpoint.ip);
  if (form <= AddressForm::lprt) check_argument(form, text, endpoint.ip);
  const auto ip_text = to_text(endpoint);
  check(parse_endpoint(ip_text) == std::optional(endpoint), "an endpoint reads as written",
        ip_text);
  if (const auto parsed = parse_endpoint(text)) {
    check(parse_endpoint(to_text(*parsed)) == parsed, "an endpoint read can be written", text);
  }
  return 0;
}
