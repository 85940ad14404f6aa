// CaptureReader's view of a pcapng file: blocks with their length in front and behind
// (draft-ietf-opsawg-pcapng).
#include <algorithm>

#include "analyzer/capture_reader.h"

namespace ftpscope {

namespace {

enum BlockType : std::uint32_t {
  kSectionHeader = 0x0a0d0d0a,
  kInterfaceDescription = 1,
  kPacketObsolete = 2,
  kSimplePacket = 3,
  kEnhancedPacket = 6,
};
// Name resolution, interface statistics, systemd journal, decryption secrets, custom: skipped, but
// something to go on with after damage.
constexpr std::array<std::uint32_t, 6> kOtherTypes = {4, 5, 9, 10, 0xbad, 0x40000bad};

constexpr std::size_t kBlockMin = 12;  // type, length, length
constexpr std::size_t kBeforeBody = 8;
constexpr std::size_t kBehindBody = 4;

constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionResolution = 9;  // if_tsresol
constexpr std::uint16_t kOptionOffset = 14;     // if_tsoffset

bool known_type(std::uint32_t type) {
  return type == kSectionHeader || type == kInterfaceDescription || type == kPacketObsolete ||
         type == kSimplePacket || type == kEnhancedPacket ||
         std::ranges::find(kOtherTypes, type) != kOtherTypes.end();
}

// The byte order that a section header block declares, if it does.
std::optional<ByteOrder> declared_order(std::string_view block) {
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    if (u32_at(block, 8, order) == CaptureReader::kOrderMagic) return order;
  }
  return std::nullopt;
}

CaptureClock clock_of(std::string_view options, ByteOrder order) {
  CaptureClock clock;
  while (options.size() >= 4) {
    const auto code = u16_at(options, 0, order);
    const std::size_t length = u16_at(options, 2, order);
    options.remove_prefix(4);
    if (code == kOptionEnd || length > options.size()) break;
    if (code == kOptionResolution && length == 1) {
      const auto value = static_cast<std::uint8_t>(options[0]);
      clock.binary = (value & 0x80U) != 0;
      clock.exponent = value & 0x7fU;
    }
    if (code == kOptionOffset && length == 8) {
      clock.offset_s = static_cast<std::int64_t>(u64_at(options, 0, order));
    }
    options.remove_prefix(std::min(options.size(), (length + 3) / 4 * 4));
  }
  return clock;
}

}  // namespace

CaptureReader::Unit CaptureReader::block(std::string_view rest, bool complete) {
  if (rest.size() < kBlockMin) return too_short(rest, complete, "a block");
  const bool is_section = u32_at(rest, 0) == kSectionHeader;
  if (is_section) {
    const auto order = declared_order(rest);
    if (!order) return {.kind = Unit::Kind::lost, .what = "a section without a byte order"};
    order_ = *order;
  }
  const std::size_t size = u32_at(rest, 4, order_);
  if (size < kBlockMin || size % 4 != 0 || size > kBlockMax) {
    return {.kind = Unit::Kind::lost, .what = "a block of " + std::to_string(size) + " bytes"};
  }
  if (rest.size() < size) return too_short(rest, complete, "a block");
  if (const auto behind = u32_at(rest, size - kBehindBody, order_); behind != size) {
    return {.kind = Unit::Kind::lost,
            .what = "a block with two lengths, " + std::to_string(size) + " in front and " +
                    std::to_string(behind) + " behind"};
  }
  const auto body = rest.substr(kBeforeBody, size - kBlockMin);
  auto unit = body_of(u32_at(rest, 0, order_), body);
  unit.size = size;
  return unit;
}

CaptureReader::Unit CaptureReader::body_of(std::uint32_t type, std::string_view body) {
  switch (type) {
    case kSectionHeader: return section(body);
    case kInterfaceDescription: return interface(body);
    case kPacketObsolete: return obsolete_packet(body);
    case kSimplePacket: return simple_packet(body);
    case kEnhancedPacket: return enhanced_packet(body);
    default: return {.kind = Unit::Kind::other};
  }
}

namespace {

constexpr std::string_view kTooShort = "a block too short for what it is";

}  // namespace

CaptureReader::Unit CaptureReader::section(std::string_view body) {
  interfaces_.clear();
  if (body.size() < 16) return {.kind = Unit::Kind::damaged, .what = std::string(kTooShort)};
  const auto major = u16_at(body, 4, order_);
  if (major == 1) return {.kind = Unit::Kind::other};
  return {.kind = Unit::Kind::damaged,
          .what = "a section of version " + std::to_string(major) + ", read as if it were 1"};
}

CaptureReader::Unit CaptureReader::interface(std::string_view body) {
  if (body.size() < 8) return {.kind = Unit::Kind::damaged, .what = std::string(kTooShort)};
  if (interfaces_.size() == kInterfacesMax) {
    return {.kind = Unit::Kind::damaged,
            .what = "more than " + std::to_string(kInterfacesMax) + " interfaces"};
  }
  interfaces_.push_back(
      {u16_at(body, 0, order_), u32_at(body, 4, order_), clock_of(body.substr(8), order_)});
  return {.kind = Unit::Kind::other};
}

CaptureReader::Unit CaptureReader::enhanced_packet(std::string_view body) {
  if (body.size() < 20) return {.kind = Unit::Kind::damaged, .what = std::string(kTooShort)};
  const auto ticks = std::uint64_t{u32_at(body, 4, order_)} << 32U | u32_at(body, 8, order_);
  return packet_on(u32_at(body, 0, order_), body.substr(12), ticks);
}

CaptureReader::Unit CaptureReader::obsolete_packet(std::string_view body) {
  if (body.size() < 20) return {.kind = Unit::Kind::damaged, .what = std::string(kTooShort)};
  const auto ticks = std::uint64_t{u32_at(body, 4, order_)} << 32U | u32_at(body, 8, order_);
  return packet_on(u16_at(body, 0, order_), body.substr(12), ticks);
}

// `rest`: captured length, original length, and the packet.
CaptureReader::Unit CaptureReader::packet_on(std::uint32_t interface_id, std::string_view rest,
                                             std::uint64_t ticks) {
  if (interface_id >= interfaces_.size()) {
    return {.kind = Unit::Kind::damaged,
            .what = "a packet of interface " + std::to_string(interface_id) + ", which is unknown"};
  }
  const auto captured = u32_at(rest, 0, order_);
  if (captured > rest.size() - 8 || captured > kPacketMax) {
    return {.kind = Unit::Kind::damaged,
            .what = "a packet of " + std::to_string(captured) +
                    " bytes in a block that has room for " + std::to_string(rest.size() - 8)};
  }
  const auto& from = interfaces_[interface_id];
  return {.kind = Unit::Kind::packet,
          .packet = {.time = from.clock.at(ticks),
                     .link_type = from.link_type,
                     .bytes = rest.substr(8, captured),
                     .original_length = u32_at(rest, 4, order_)}};
}

// It belongs to the first interface; its captured length follows from that one's snap length.
CaptureReader::Unit CaptureReader::simple_packet(std::string_view body) {
  if (body.size() < 4) return {.kind = Unit::Kind::damaged, .what = std::string(kTooShort)};
  if (interfaces_.empty()) {
    return {.kind = Unit::Kind::damaged, .what = "a packet of interface 0, which is unknown"};
  }
  const auto& from = interfaces_.front();
  const auto original = u32_at(body, 0, order_);
  const auto captured = from.snap_length == 0 ? original : std::min(original, from.snap_length);
  if (captured > body.size() - 4 || captured > kPacketMax) {
    return {.kind = Unit::Kind::damaged,
            .what = "a packet of " + std::to_string(captured) +
                    " bytes in a block that has room for " + std::to_string(body.size() - 4)};
  }
  return {.kind = Unit::Kind::packet,
          .packet = {.time = last_time_.value_or(Timestamp{}),
                     .link_type = from.link_type,
                     .bytes = body.substr(4, captured),
                     .original_length = original}};
}

CaptureReader::Likeness CaptureReader::like_block(std::string_view rest, bool complete) const {
  const auto short_of = complete ? Likeness::no : Likeness::needs_more;
  if (rest.size() < kBlockMin) return short_of;
  auto order = order_;
  const auto type = u32_at(rest, 0, order);
  if (!known_type(type)) return Likeness::no;
  if (type == kSectionHeader) {
    const auto declared = declared_order(rest);
    if (!declared) return Likeness::no;
    order = *declared;
  }
  const std::size_t size = u32_at(rest, 4, order);
  if (size < kBlockMin || size % 4 != 0 || size > kBlockMax) return Likeness::no;
  if (rest.size() < size) return short_of;
  return u32_at(rest, size - kBehindBody, order) == size ? Likeness::yes : Likeness::no;
}

}  // namespace ftpscope
