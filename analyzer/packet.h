// From the bytes of a captured frame to what FTP analysis needs of it: a TCP segment, a fragment of
// an IP datagram, or word that a destination cannot be reached. Views into the frame, no copies, no
// state. Checksums are not looked at: a capture on the sender has packets whose checksum the
// network card had still to fill in.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <variant>

#include "analyzer/capture_reader.h"
#include "analyzer/endpoint.h"

namespace ftpscope {

struct TcpSegment {
  static constexpr std::uint8_t kFin = 0x01;
  static constexpr std::uint8_t kSyn = 0x02;
  static constexpr std::uint8_t kRst = 0x04;
  static constexpr std::uint8_t kAck = 0x10;
  static constexpr std::uint8_t kUrg = 0x20;

  Endpoint from;
  Endpoint to;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;  // means something with has_ack() only
  std::uint8_t flags = 0;
  std::uint16_t window = 0;  // not scaled
  std::uint16_t urgent = 0;  // the pointer; means something with urg() only
  std::string_view payload;  // as far as it was captured
  std::uint32_t length = 0;  // of the payload on the wire; payload.size() may be less

  [[nodiscard]] bool fin() const { return (flags & kFin) != 0; }
  [[nodiscard]] bool syn() const { return (flags & kSyn) != 0; }
  [[nodiscard]] bool rst() const { return (flags & kRst) != 0; }
  [[nodiscard]] bool has_ack() const { return (flags & kAck) != 0; }
  [[nodiscard]] bool urg() const { return (flags & kUrg) != 0; }
};

// What an IP datagram carries, once it is whole (IpFragments makes one of fragments).
struct IpPayload {
  IpAddress from;
  IpAddress to;
  std::uint8_t protocol = 0;  // or the number of an IPv6 extension header
  std::string_view bytes;     // as far as they were captured
  std::uint32_t length = 0;   // on the wire
};

struct Fragment {
  IpPayload part;
  bool v6 = false;  // RFC 8200 4.5 or RFC 791
  std::uint32_t id = 0;
  std::uint32_t offset = 0;  // in bytes, a multiple of 8
  bool more = false;
};

// ICMP (RFC 792) or ICMPv6 (RFC 4443) destination unreachable that quotes a TCP segment.
struct Unreachable {
  IpAddress reporter;
  Endpoint from;  // of the segment that was not delivered
  Endpoint to;
  std::uint32_t seq = 0;
  std::optional<bool> syn;  // whether it was a connect; routers may quote too little to know
  std::uint8_t code = 0;    // of ICMP type 3, or of ICMPv6 type 1 when `v6`
  bool v6 = false;
};

using Packet = std::variant<TcpSegment, Fragment, Unreachable>;

enum class Ignored : std::uint8_t {
  link_type,  // of an unknown kind
  not_ip,
  not_tcp,    // and no ICMP that matters
  cut,        // captured too short for its headers
  malformed,  // the headers contradict themselves
};

std::string_view name_of(Ignored reason);

// VLAN tags, MPLS labels and extension headers of one packet: more are malformed.
inline constexpr int kHeadersMax = 16;

// `original_length`: of the frame on the wire, 0 for that of `bytes`. It counts only where the IP
// header does not know its length (segmentation offload leaves 0 there).
[[nodiscard]] std::expected<Packet, Ignored> decode(int link_type, std::string_view bytes,
                                                    std::uint32_t original_length = 0);
[[nodiscard]] std::expected<Packet, Ignored> decode(const CapturedPacket& packet);

// The same from the IP payload on, for what IpFragments has put together.
[[nodiscard]] std::expected<Packet, Ignored> decode(const IpPayload& payload);

}  // namespace ftpscope
