// CaptureReader's view of a pcap file: a header of 24 bytes, then records, each with a header of
// its own (draft-ietf-opsawg-pcap).
#include <algorithm>

#include "analyzer/capture_reader.h"

namespace ftpscope {

namespace {

constexpr std::size_t kFileHeaderSize = 24;
constexpr std::uint32_t kMagicNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kMagicKuznetzov = 0xa1b2cd34;  // 8 more bytes in each record header

// How far a record found by searching may be from the last good one. Half of all random numbers are
// within 68 years; a day leaves one in 25,000, and most captures are shorter.
constexpr std::uint32_t kNearSeconds = 86'400;
constexpr std::uint32_t kOriginalMax = 16U << 20U;

// The next record's headers come from memory while this packet is looked at. Where a packet is
// known only from the one before it, waiting for that was a third of the time in a large capture.
void fetch_ahead(std::string_view next) {
  constexpr std::size_t kCacheLine = 64;
  if (next.size() <= kCacheLine) return;
  __builtin_prefetch(next.data());
  __builtin_prefetch(next.data() + kCacheLine);
}

}  // namespace

CaptureReader::Unit CaptureReader::file_header(std::string_view rest, bool complete) {
  header_read_ = true;
  if (rest.size() < kFileHeaderSize) {
    header_read_ = complete;
    return too_short(rest, complete, "its header");
  }
  const auto magic_little = u32_at(rest, 0, ByteOrder::little);
  order_ = (magic_little >> 16U) == 0xa1b2U ? ByteOrder::little : ByteOrder::big;
  const auto magic = u32_at(rest, 0, order_);
  nanoseconds_ = magic == kMagicNanoseconds;
  header_size_ = magic == kMagicKuznetzov ? 24 : 16;
  const auto major = u16_at(rest, 4, order_);
  const auto minor = u16_at(rest, 6, order_);
  constexpr std::uint16_t kNetworkAssociates = 543;  // their tcpdump wrote this as its version
  lengths_swapped_ = (major == 2 && minor < 3) || major == kNetworkAssociates;
  lengths_perhaps_swapped_ = major == 2 && minor == 3;
  link_type_ =
      static_cast<int>(u32_at(rest, 20, order_) & 0x03ffffffU);  // above: length of the FCS
  return {.kind = Unit::Kind::other, .size = kFileHeaderSize};
}

CaptureReader::RecordHeader CaptureReader::record_header(std::string_view rest) const {
  RecordHeader header{u32_at(rest, 0, order_), u32_at(rest, 4, order_), u32_at(rest, 8, order_),
                      u32_at(rest, 12, order_)};
  const bool swapped =
      lengths_swapped_ || (lengths_perhaps_swapped_ && header.captured > header.original);
  if (swapped) std::swap(header.captured, header.original);
  return header;
}

CaptureReader::Unit CaptureReader::record(std::string_view rest, bool complete) {
  if (rest.size() < header_size_) return too_short(rest, complete, "a record header");
  const auto header = record_header(rest);
  if (header.captured > kPacketMax) {
    return {.kind = Unit::Kind::lost,
            .what = "a record of " + std::to_string(header.captured) + " bytes"};
  }
  // A hole in the file, where a disk was full or a copy was cut, would be 65,536 packets a
  // megabyte.
  if (header.seconds == 0 && header.captured == 0 && header.original == 0) {
    return {.kind = Unit::Kind::lost, .what = "a record header of zeros"};
  }
  if (rest.size() - header_size_ < header.captured) return too_short(rest, complete, "a record");
  fetch_ahead(rest.substr(header_size_ + header.captured));
  const CaptureClock clock{.exponent = std::uint8_t{6}};
  const auto micros = nanoseconds_ ? header.fraction / 1000 : header.fraction;
  return {.kind = Unit::Kind::packet,
          .size = header_size_ + header.captured,
          .packet = {.time = clock.at(std::uint64_t{header.seconds} * 1'000'000 + micros),
                     .link_type = link_type_,
                     .bytes = rest.substr(header_size_, header.captured),
                     .original_length = header.original}};
}

bool CaptureReader::plausible(const RecordHeader& header, std::uint32_t near_s) const {
  const auto apart = std::max(header.seconds, near_s) - std::min(header.seconds, near_s);
  return apart <= kNearSeconds && header.fraction < (nanoseconds_ ? 1'000'000'000U : 1'000'000U) &&
         header.captured > 0 && header.captured <= kPacketMax &&
         header.captured <= header.original && header.original <= kOriginalMax;
}

// Two plausible headers in a row, or one whose record is the last of the file.
CaptureReader::Likeness CaptureReader::like_record(std::string_view rest, bool complete) const {
  const auto short_of = complete ? Likeness::no : Likeness::needs_more;
  if (rest.size() < header_size_) return short_of;
  const auto header = record_header(rest);
  const auto last_s =
      last_time_
          ? static_cast<std::uint32_t>(
                std::chrono::floor<std::chrono::seconds>(*last_time_).time_since_epoch().count())
          : header.seconds;
  if (!plausible(header, last_s)) return Likeness::no;
  const auto size = header_size_ + header.captured;
  if (rest.size() < size) return short_of;
  if (rest.size() == size && complete) return Likeness::yes;
  if (rest.size() - size < header_size_) return short_of;
  return plausible(record_header(rest.substr(size)), header.seconds) ? Likeness::yes : Likeness::no;
}

}  // namespace ftpscope
