#include "analyzer/packet.h"

#include <algorithm>
#include <array>

#include "analyzer/byte_order.h"

namespace ftpscope {

namespace {

using Decoded = std::expected<Packet, Ignored>;

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kIcmpV6 = 58;

std::unexpected<Ignored> ignore(Ignored reason) { return std::unexpected(reason); }

std::uint8_t u8_at(std::string_view bytes, std::size_t offset) {
  return static_cast<std::uint8_t>(bytes[offset]);
}

IpAddress v4_at(std::string_view bytes, std::size_t offset) {
  return IpAddress::v4(u8_at(bytes, offset), u8_at(bytes, offset + 1), u8_at(bytes, offset + 2),
                       u8_at(bytes, offset + 3));
}

IpAddress v6_at(std::string_view bytes, std::size_t offset) {
  std::array<std::uint8_t, 16> address{};
  std::ranges::transform(bytes.substr(offset, 16), address.begin(),
                         [](char c) { return static_cast<std::uint8_t>(c); });
  return IpAddress::from_v6_bytes(address);
}

// Takes `size` bytes off the front: of what was captured, and of what was sent.
void advance(IpPayload& payload, std::size_t size) {
  payload.bytes.remove_prefix(size);
  payload.length -= static_cast<std::uint32_t>(size);
}

// What an IP header says about the rest of its datagram. `known`: the header's own length of the
// rest, 0 when it does not know (then all that was sent belongs to it).
void cut_to(IpPayload& payload, std::uint32_t known) {
  if (known == 0) return;
  payload.length = known;
  payload.bytes = payload.bytes.substr(0, known);
}

// ---------------------------------------------------------------- transport

Decoded tcp(const IpPayload& payload) {
  constexpr std::size_t kHeaderMin = 20;
  const auto bytes = payload.bytes;
  if (bytes.size() < kHeaderMin) {
    return ignore(payload.length < kHeaderMin ? Ignored::malformed : Ignored::cut);
  }
  const std::size_t header = (u8_at(bytes, 12) >> 4U) * std::size_t{4};
  if (header < kHeaderMin || header > payload.length) return ignore(Ignored::malformed);
  TcpSegment segment;
  segment.from = {payload.from, u16_at(bytes, 0)};
  segment.to = {payload.to, u16_at(bytes, 2)};
  segment.seq = u32_at(bytes, 4);
  segment.ack = u32_at(bytes, 8);
  segment.flags = u8_at(bytes, 13);
  segment.window = u16_at(bytes, 14);
  segment.urgent = u16_at(bytes, 18);
  segment.payload = bytes.substr(std::min(header, bytes.size()));
  segment.length = payload.length - static_cast<std::uint32_t>(header);
  return segment;
}

// The datagram that an ICMP error quotes, up to 8 bytes of TCP at least (RFC 792).
Decoded quoted(std::string_view quote, Unreachable found) {
  std::size_t header = 40;
  std::uint8_t protocol = 0;
  if (quote.empty()) return ignore(Ignored::cut);
  if (!found.v6) header = (u8_at(quote, 0) & 15U) * std::size_t{4};
  if (quote.size() < header + 8) return ignore(Ignored::cut);
  if (header < 20) return ignore(Ignored::malformed);
  if (found.v6) {
    protocol = u8_at(quote, 6);
    found.from.ip = v6_at(quote, 8);
    found.to.ip = v6_at(quote, 24);
  } else {
    protocol = u8_at(quote, 9);
    found.from.ip = v4_at(quote, 12);
    found.to.ip = v4_at(quote, 16);
  }
  if (protocol != kTcp) return ignore(Ignored::not_tcp);
  quote.remove_prefix(header);
  found.from.port = u16_at(quote, 0);
  found.to.port = u16_at(quote, 2);
  found.seq = u32_at(quote, 4);
  if (quote.size() > 13) found.syn = (u8_at(quote, 13) & TcpSegment::kSyn) != 0;
  return found;
}

Decoded icmp(const IpPayload& payload, bool v6) {
  constexpr std::size_t kHeader = 8;
  if (payload.bytes.size() < kHeader) return ignore(Ignored::not_tcp);
  const auto type = u8_at(payload.bytes, 0);
  const auto code = u8_at(payload.bytes, 1);
  constexpr std::uint8_t kFragmentationNeeded = 4;  // path MTU discovery: nothing is unreachable
  const bool unreachable = v6 ? type == 1 : type == 3 && code != kFragmentationNeeded;
  if (!unreachable) return ignore(Ignored::not_tcp);
  Unreachable found;
  found.reporter = payload.from;
  found.code = code;
  found.v6 = v6;
  return quoted(payload.bytes.substr(kHeader), found);
}

// ---------------------------------------------------------------- network

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragmentHeader = 44;
constexpr std::uint8_t kAuthentication = 51;
constexpr std::uint8_t kDestination = 60;
constexpr std::uint8_t kMobility = 135;
constexpr std::uint8_t kHostIdentity = 139;
constexpr std::uint8_t kShim6 = 140;

bool is_extension(std::uint8_t protocol) {
  switch (protocol) {
    case kHopByHop:
    case kRouting:
    case kFragmentHeader:
    case kAuthentication:
    case kDestination:
    case kMobility:
    case kHostIdentity:
    case kShim6: return true;
    default: return false;
  }
}

// RFC 8200 4; RFC 4302 2.2 counts the length of AH in other units.
std::size_t extension_size(std::uint8_t protocol, std::uint8_t length) {
  if (protocol == kFragmentHeader) return 8;
  if (protocol == kAuthentication) return (length + std::size_t{2}) * 4;
  return (length + std::size_t{1}) * 8;
}

// A datagram of which this is only a part, or nothing: a fragment header on a whole one is legal
// (RFC 6946).
std::optional<Fragment> fragment_of(const IpPayload& payload, std::string_view header) {
  constexpr std::size_t kHeader = 8;
  const auto place = u16_at(header, 2);
  if ((place & 0xfff9U) == 0) return std::nullopt;
  Fragment fragment{payload, true, u32_at(header, 4), place & 0xfff8U, (place & 1U) != 0};
  fragment.part.protocol = u8_at(header, 0);
  advance(fragment.part, kHeader);
  return fragment;
}

Decoded upper(IpPayload payload) {
  for (int i = 0; i < kHeadersMax && is_extension(payload.protocol); ++i) {
    if (payload.bytes.size() < 8) return ignore(Ignored::cut);
    if (payload.protocol == kFragmentHeader) {
      if (const auto fragment = fragment_of(payload, payload.bytes)) return *fragment;
    }
    const auto size = extension_size(payload.protocol, u8_at(payload.bytes, 1));
    if (size > payload.length) return ignore(Ignored::malformed);
    if (size > payload.bytes.size()) return ignore(Ignored::cut);
    payload.protocol = u8_at(payload.bytes, 0);
    advance(payload, size);
  }
  if (payload.protocol == kTcp) return tcp(payload);
  if (payload.protocol == kIcmp) return icmp(payload, false);
  if (payload.protocol == kIcmpV6) return icmp(payload, true);
  return ignore(is_extension(payload.protocol) ? Ignored::malformed : Ignored::not_tcp);
}

// `frame`: the bytes from the IP header on, and how many of them were sent.
Decoded ipv4(IpPayload frame) {
  constexpr std::size_t kHeaderMin = 20;
  const auto bytes = frame.bytes;
  if (bytes.size() < kHeaderMin) return ignore(Ignored::cut);
  const std::size_t header = (u8_at(bytes, 0) & 15U) * std::size_t{4};
  const std::uint32_t total = u16_at(bytes, 2);
  if (u8_at(bytes, 0) >> 4U != 4) return ignore(Ignored::not_ip);
  if (header < kHeaderMin || (total != 0 && total < header)) return ignore(Ignored::malformed);
  if (bytes.size() < header) return ignore(Ignored::cut);
  cut_to(frame, total);
  frame.from = v4_at(bytes, 12);
  frame.to = v4_at(bytes, 16);
  frame.protocol = u8_at(bytes, 9);
  advance(frame, header);
  const auto place = u16_at(bytes, 6);
  constexpr unsigned kMore = 0x2000;
  constexpr unsigned kOffset = 0x1fff;
  if ((place & (kMore | kOffset)) == 0) return upper(frame);
  return Fragment{frame, false, u16_at(bytes, 4), (place & kOffset) * 8U, (place & kMore) != 0};
}

Decoded ipv6(IpPayload frame) {
  constexpr std::size_t kHeader = 40;
  const auto bytes = frame.bytes;
  if (bytes.size() < kHeader) return ignore(Ignored::cut);
  if (u8_at(bytes, 0) >> 4U != 6) return ignore(Ignored::not_ip);
  frame.from = v6_at(bytes, 8);
  frame.to = v6_at(bytes, 24);
  frame.protocol = u8_at(bytes, 6);
  advance(frame, kHeader);
  cut_to(frame, u16_at(bytes, 4));  // 0: a jumbogram (RFC 2675) or segmentation offload
  return upper(frame);
}

Decoded ip(const IpPayload& frame) {
  if (frame.bytes.empty()) return ignore(Ignored::cut);
  return u8_at(frame.bytes, 0) >> 4U == 6 ? ipv6(frame) : ipv4(frame);
}

// ---------------------------------------------------------------- link

bool is_vlan(std::uint16_t type) { return type == 0x8100 || type == 0x88a8 || type == 0x9100; }

Decoded mpls(IpPayload frame) {
  for (int i = 0; i < kHeadersMax; ++i) {
    if (frame.bytes.size() < 4) return ignore(Ignored::cut);
    const bool bottom = (u8_at(frame.bytes, 2) & 1U) != 0;
    advance(frame, 4);
    if (bottom) return ip(frame);
  }
  return ignore(Ignored::malformed);
}

Decoded pppoe(IpPayload frame) {  // RFC 2516 4 and 7
  if (frame.bytes.size() < 8) return ignore(Ignored::cut);
  const auto protocol = u16_at(frame.bytes, 6);
  advance(frame, 8);
  if (protocol == 0x0021) return ipv4(frame);
  if (protocol == 0x0057) return ipv6(frame);
  return ignore(Ignored::not_ip);
}

// What follows an EtherType.
Decoded ethertype(std::uint16_t type, IpPayload frame) {
  for (int i = 0; i < kHeadersMax && is_vlan(type); ++i) {
    if (frame.bytes.size() < 4) return ignore(Ignored::cut);
    type = u16_at(frame.bytes, 2);
    advance(frame, 4);
  }
  switch (type) {
    case 0x0800: return ipv4(frame);
    case 0x86dd: return ipv6(frame);
    case 0x8847:
    case 0x8848: return mpls(frame);
    case 0x8864: return pppoe(frame);
    default: return ignore(is_vlan(type) ? Ignored::malformed : Ignored::not_ip);
  }
}

// A header of `size` bytes with an EtherType at `place`.
Decoded link(IpPayload frame, std::size_t size, std::size_t place) {
  if (frame.bytes.size() < size) return ignore(Ignored::cut);
  const auto type = u16_at(frame.bytes, place);
  advance(frame, size);
  return ethertype(type, frame);
}

// BSD loopback: an address family in the byte order of the host that captured, or of the network.
Decoded null_link(IpPayload frame) {
  if (frame.bytes.size() < 4) return ignore(Ignored::cut);
  constexpr std::uint32_t kFamilyMax = 0xffff;
  auto family = u32_at(frame.bytes, 0, ByteOrder::little);
  if (family > kFamilyMax) family = u32_at(frame.bytes, 0, ByteOrder::big);
  advance(frame, 4);
  switch (family) {
    case 2: return ipv4(frame);
    case 10:  // AF_INET6 of Linux, NetBSD, FreeBSD and Darwin
    case 24:
    case 28:
    case 30: return ipv6(frame);
    default: return ignore(Ignored::not_ip);
  }
}

}  // namespace

std::string_view name_of(Ignored reason) {
  switch (reason) {
    case Ignored::link_type: return "link-type";
    case Ignored::not_ip: return "not-ip";
    case Ignored::not_tcp: return "not-tcp";
    case Ignored::cut: return "cut";
    case Ignored::malformed: return "malformed";
  }
  return "malformed";
}

Decoded decode(int link_type, std::string_view bytes, std::uint32_t original_length) {
  IpPayload frame;
  frame.bytes = bytes;
  frame.length = std::max(original_length, static_cast<std::uint32_t>(bytes.size()));
  switch (link_type) {
    case 0:                                // LINKTYPE_NULL
    case 108: return null_link(frame);     // LINKTYPE_LOOP
    case 1: return link(frame, 14, 12);    // LINKTYPE_ETHERNET
    case 113: return link(frame, 16, 14);  // LINKTYPE_LINUX_SLL
    case 276: return link(frame, 20, 0);   // LINKTYPE_LINUX_SLL2
    case 12:                               // DLT_RAW in files that were written without care
    case 14:
    case 101: return ip(frame);    // LINKTYPE_RAW
    case 228: return ipv4(frame);  // LINKTYPE_IPV4
    case 229: return ipv6(frame);  // LINKTYPE_IPV6
    default: return ignore(Ignored::link_type);
  }
}

Decoded decode(const CapturedPacket& packet) {
  return decode(packet.link_type, packet.bytes, packet.original_length);
}

Decoded decode(const IpPayload& payload) { return upper(payload); }

}  // namespace ftpscope
