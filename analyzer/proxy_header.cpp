#include "analyzer/proxy_header.h"

#include <algorithm>
#include <array>
#include <utility>

#include "analyzer/byte_order.h"

namespace ftpscope {

namespace {

using State = ProxyHeaderReading::State;

constexpr std::string_view kV1Start = "PROXY ";
// Section 2.2: chosen so that no other protocol takes it for a beginning of its own.
constexpr std::string_view kV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2Fixed = 16;  // signature, version and command, family, length
constexpr std::size_t kV2FamilyAt = 13;
constexpr std::size_t kV2LengthAt = 14;

constexpr std::uint8_t kVersion2 = 0x2;
constexpr std::uint8_t kLocal = 0x0;
constexpr std::uint8_t kProxy = 0x1;
constexpr std::uint8_t kUnspecified = 0x00;
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::uint8_t kUnixStream = 0x31;

constexpr std::size_t kTlvFixed = 3;  // type, length
constexpr std::uint8_t kTlvCrc32c = 0x03;
constexpr std::size_t kCrcSize = 4;

ProxyHeaderReading malformed(std::string_view why) {
  return {.state = State::malformed, .header = {}, .size = 0, .why = why};
}

ProxyHeaderReading complete(ProxyVersion version, std::optional<Leg> connection, std::size_t size) {
  return {.state = State::complete, .header = {version, connection}, .size = size, .why = {}};
}

bool is_prefix_of_one(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

// --- version 1 ---

// The field up to the next blank, which is taken as well.
std::optional<std::string_view> take_field(std::string_view& text) {
  const auto blank = text.find(' ');
  if (blank == text.npos) return std::nullopt;
  const auto field = text.substr(0, blank);
  text.remove_prefix(blank + 1);
  return field;
}

std::optional<IpAddress> address_of_family(std::string_view text, bool v6) {
  const bool looks_v6 = text.find(':') != text.npos;
  return looks_v6 == v6 ? parse_ip(text) : std::nullopt;
}

std::optional<std::uint16_t> canonical_port(std::string_view text) {
  if (text.size() > 1 && text.starts_with('0')) return std::nullopt;  // "no leading zeroes"
  return parse_port(text);
}

// "192.0.2.1 198.51.100.7 50000 21"
std::optional<Leg> read_v1_addresses(std::string_view text, bool v6) {
  const auto source = take_field(text);
  const auto destination = take_field(text);
  const auto source_port = take_field(text);
  if (!source || !destination || !source_port) return std::nullopt;
  const auto from = address_of_family(*source, v6);
  const auto to = address_of_family(*destination, v6);
  const auto from_port = canonical_port(*source_port);
  const auto to_port = canonical_port(text);
  if (!from || !to || !from_port || !to_port) return std::nullopt;
  return Leg{{*from, *from_port}, {*to, *to_port}};
}

ProxyHeaderReading read_v1(std::string_view bytes) {
  const auto end = bytes.substr(0, kProxyHeaderV1Max).find('\n');
  if (end == bytes.npos) {
    if (bytes.size() < kProxyHeaderV1Max) return {};
    return malformed("no line end within the 107 bytes of version 1");
  }
  const auto size = end + 1;
  auto text = bytes.substr(kV1Start.size(), end - kV1Start.size());
  if (!text.ends_with('\r')) return malformed("a line that does not end in CR LF");
  text.remove_suffix(1);
  if (text == "UNKNOWN" || text.starts_with("UNKNOWN ")) {
    return complete(ProxyVersion::v1, std::nullopt, size);
  }
  const auto family = take_field(text);
  if (family != "TCP4" && family != "TCP6") return malformed("neither TCP4, TCP6 nor UNKNOWN");
  const auto connection = read_v1_addresses(text, family == "TCP6");
  if (!connection) return malformed("no two addresses and two ports of its family");
  return complete(ProxyVersion::v1, connection, size);
}

// --- version 2 ---

IpAddress v4_at(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[at + i]); };
  return IpAddress::v4(byte(0), byte(1), byte(2), byte(3));
}

IpAddress v6_at(std::string_view bytes, std::size_t at) {
  std::array<std::uint8_t, 16> address{};
  std::ranges::transform(bytes.substr(at, address.size()), address.begin(),
                         [](char c) { return static_cast<std::uint8_t>(c); });
  return IpAddress::from_v6_bytes(address);
}

Leg read_v2_addresses(std::string_view body, bool v6) {
  const std::size_t size = v6 ? 16 : 4;
  const auto address = v6 ? v6_at : v4_at;
  return {{address(body, 0), u16_at(body, 2 * size)},
          {address(body, size), u16_at(body, 2 * size + 2)}};
}

// Section 2.2.3: of the whole header, its own four bytes taken as zeros. Polynomial of RFC 3720
// B.4, bit by bit: it is a few dozen bytes, once a connection.
std::uint32_t crc32c(std::string_view bytes, std::size_t zeros_at) {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;
  std::uint32_t crc = ~0U;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool zero = i >= zeros_at && i < zeros_at + kCrcSize;
    crc ^= zero ? 0U : static_cast<std::uint8_t>(bytes[i]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
  }
  return ~crc;
}

// What is wrong with the TLVs that begin at `at` and fill the rest of the header; empty: nothing.
std::string_view problem_of_tlvs(std::string_view header, std::size_t at) {
  while (at < header.size()) {
    if (header.size() - at < kTlvFixed) return "a TLV that is cut off";
    const auto type = static_cast<std::uint8_t>(header[at]);
    const std::size_t length = u16_at(header, at + 1);
    at += kTlvFixed;
    if (header.size() - at < length) return "a TLV that is longer than the header";
    if (type == kTlvCrc32c) {
      if (length != kCrcSize) return "a checksum that has not four bytes";
      if (u32_at(header, at) != crc32c(header, at)) return "a wrong checksum";
    }
    at += length;
  }
  return {};
}

// Bytes that the addresses of a family take; none: not a family of stream connections.
std::optional<std::size_t> addresses_size(std::uint8_t family) {
  switch (family) {
    case kUnspecified: return 0;
    case kTcp4: return 12;
    case kTcp6: return 36;
    case kUnixStream: return 216;
    default: return std::nullopt;
  }
}

ProxyHeaderReading read_v2_body(std::string_view header) {
  const auto command = static_cast<std::uint8_t>(header[kV2Signature.size()]) & 0xfU;
  // "The receiver must accept this connection as valid and must use the real connection endpoints
  // and discard the protocol block including the family which is ignored."
  if (command == kLocal) return complete(ProxyVersion::v2, std::nullopt, header.size());
  if (command != kProxy) return malformed("a command that is neither LOCAL nor PROXY");
  const auto family = static_cast<std::uint8_t>(header[kV2FamilyAt]);
  const auto size = addresses_size(family);
  if (!size) return malformed("an address family that is no TCP");
  const auto body = header.substr(kV2Fixed);
  if (body.size() < *size) return malformed("too short for the addresses of its family");
  if (family == kUnspecified) return complete(ProxyVersion::v2, std::nullopt, header.size());
  if (const auto problem = problem_of_tlvs(header, kV2Fixed + *size); !problem.empty()) {
    return malformed(problem);
  }
  if (family == kUnixStream) return complete(ProxyVersion::v2, std::nullopt, header.size());
  return complete(ProxyVersion::v2, read_v2_addresses(body, family == kTcp6), header.size());
}

ProxyHeaderReading read_v2(std::string_view bytes) {
  if (bytes.size() <= kV2Signature.size()) return {};
  const auto version = static_cast<std::uint8_t>(bytes[kV2Signature.size()]) >> 4U;
  if (version != kVersion2) return malformed("a version that is not 2");
  if (bytes.size() < kV2Fixed) return {};
  const std::size_t size = kV2Fixed + u16_at(bytes, kV2LengthAt);
  if (size > kProxyHeaderV2Max) return malformed("longer than the 536 bytes taken of version 2");
  if (bytes.size() < size) return {};
  return read_v2_body(bytes.substr(0, size));
}

// --- writing ---

void append_u16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8U & 0xffU);
  out += static_cast<char>(value & 0xffU);
}

// ::ffff:a.b.c.d for an IPv4 address (RFC 4291 2.5.5.2).
std::array<std::uint8_t, 16> v6_bytes(const IpAddress& ip) {
  if (ip.v6) return ip.bytes;
  std::array<std::uint8_t, 16> mapped{};
  mapped[10] = mapped[11] = 0xff;
  std::copy_n(ip.bytes.begin(), 4, mapped.begin() + 12);
  return mapped;
}

std::string v6_text(const IpAddress& ip) { return (ip.v6 ? "" : "::ffff:") + to_text(ip); }

std::string v1_header(const Leg& connection, bool v6) {
  const auto text = [v6](const IpAddress& ip) { return v6 ? v6_text(ip) : to_text(ip); };
  return std::string(kV1Start) + (v6 ? "TCP6 " : "TCP4 ") + text(connection.from.ip) + " " +
         text(connection.to.ip) + " " + std::to_string(connection.from.port) + " " +
         std::to_string(connection.to.port) + "\r\n";
}

std::string v2_header(const Leg& connection, bool v6) {
  const auto family = v6 ? kTcp6 : kTcp4;
  std::string out(kV2Signature);
  out += static_cast<char>(kVersion2 << 4U | kProxy);
  out += static_cast<char>(family);
  append_u16(out, *addresses_size(family));
  for (const auto& ip : {connection.from.ip, connection.to.ip}) {
    const auto bytes = v6 ? v6_bytes(ip) : ip.bytes;
    std::for_each_n(bytes.begin(), v6 ? 16 : 4, [&out](auto b) { out += static_cast<char>(b); });
  }
  append_u16(out, connection.from.port);
  append_u16(out, connection.to.port);
  return out;
}

}  // namespace

std::string_view name_of(ProxyVersion version) { return version == ProxyVersion::v1 ? "v1" : "v2"; }

ProxyHeaderReading read_proxy_header(std::string_view bytes) {
  if (bytes.starts_with(kV1Start)) return read_v1(bytes);
  if (bytes.starts_with(kV2Signature)) return read_v2(bytes);
  const bool begun = is_prefix_of_one(bytes, kV1Start) || is_prefix_of_one(bytes, kV2Signature);
  return {.state = begun ? State::more : State::absent, .header = {}, .size = 0, .why = {}};
}

std::string proxy_header(ProxyVersion version, const Leg& connection) {
  const bool v6 = connection.from.ip.v6 || connection.to.ip.v6;
  return version == ProxyVersion::v1 ? v1_header(connection, v6) : v2_header(connection, v6);
}

}  // namespace ftpscope
