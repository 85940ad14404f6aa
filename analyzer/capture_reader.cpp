// The steps through a capture, and the search for the next good place behind damage. How one record
// or block is read is in capture_pcap.cpp and capture_pcapng.cpp.
#include "analyzer/capture_reader.h"

#include <algorithm>
#include <utility>

namespace ftpscope {

namespace {

constexpr std::string_view kSectionType = "\x0a\x0d\x0d\x0a";  // the same in both byte orders

constexpr std::array<std::uint32_t, 3> kPcapMagic = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34};

std::uint64_t power(std::uint64_t base, unsigned exponent) {
  std::uint64_t result = 1;
  for (unsigned i = 0; i < exponent; ++i) result *= base;
  return result;
}

struct Moment {
  std::uint64_t seconds = 0;
  std::uint64_t micros = 0;  // below 1,000,000
};

Moment decimal_moment(std::uint64_t ticks, unsigned exponent) {
  constexpr unsigned kTenMax = 19;  // 10^19 is the last that fits 64 bits
  if (exponent > kTenMax) {
    const auto drop = exponent - 6;
    return {0, drop > kTenMax ? 0 : ticks / power(10, drop)};
  }
  const auto second = power(10, exponent);
  const auto rest = ticks % second;
  return {ticks / second,
          exponent <= 6 ? rest * power(10, 6 - exponent) : rest / power(10, exponent - 6)};
}

Moment binary_moment(std::uint64_t ticks, unsigned exponent) {
  const auto seconds = exponent < 64 ? ticks >> exponent : 0;
  auto rest = exponent < 64 ? ticks - (seconds << exponent) : ticks;
  constexpr unsigned kFits = 43;  // 2^43 * 1,000,000 fits 64 bits
  if (exponent > kFits) {
    const auto drop = exponent - kFits;
    rest = drop < 64 ? rest >> drop : 0;
    exponent = kFits;
  }
  return {seconds, rest * 1'000'000 >> exponent};
}

}  // namespace

Timestamp CaptureClock::at(std::uint64_t ticks) const {
  constexpr std::int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999
  const auto moment = binary ? binary_moment(ticks, exponent) : decimal_moment(ticks, exponent);
  const auto far = static_cast<std::uint64_t>(kSecondsMax) * 2;
  const auto since = static_cast<std::int64_t>(std::min(moment.seconds, far));
  const auto shift = std::clamp(offset_s, -2 * kSecondsMax, kSecondsMax);
  const auto seconds = std::clamp<std::int64_t>(since + shift, 0, kSecondsMax);
  return Timestamp(std::chrono::seconds(seconds) +
                   std::chrono::microseconds(static_cast<std::int64_t>(moment.micros)));
}

bool CaptureReader::looks_like_capture(std::string_view first_bytes) {
  if (first_bytes.size() < 4) return false;
  if (first_bytes.starts_with(kSectionType)) {
    if (first_bytes.size() < 12) return true;
    return u32_at(first_bytes, 8, ByteOrder::big) == kOrderMagic ||
           u32_at(first_bytes, 8, ByteOrder::little) == kOrderMagic;
  }
  return std::ranges::any_of(kPcapMagic, [&](std::uint32_t magic) {
    return u32_at(first_bytes, 0, ByteOrder::big) == magic ||
           u32_at(first_bytes, 0, ByteOrder::little) == magic;
  });
}

CaptureReader::Unit CaptureReader::too_short(std::string_view rest, bool complete,
                                             std::string_view what) {
  if (!complete) return {.kind = Unit::Kind::more};
  if (rest.empty()) return {.kind = Unit::Kind::end};
  return {.kind = Unit::Kind::lost, .what = "the file ends within " + std::string(what)};
}

CaptureReader::Unit CaptureReader::unit_at(std::string_view rest, bool complete) {
  switch (format_) {
    case Format::undecided: return decide(rest, complete);
    case Format::pcap: return header_read_ ? record(rest, complete) : file_header(rest, complete);
    case Format::pcapng: return block(rest, complete);
    case Format::foreign:
      if (!rest.empty()) return {.kind = Unit::Kind::other, .size = rest.size()};
      return {.kind = complete ? Unit::Kind::end : Unit::Kind::more};
  }
  return {};
}

CaptureReader::Unit CaptureReader::decide(std::string_view rest, bool complete) {
  constexpr std::size_t kEnough = 12;
  if (rest.size() < kEnough && !complete) return {.kind = Unit::Kind::more};
  if (!looks_like_capture(rest)) {
    format_ = Format::foreign;
    return {.kind = Unit::Kind::damaged, .size = rest.size(), .what = "this is no capture file"};
  }
  format_ = rest.starts_with(kSectionType) ? Format::pcapng : Format::pcap;
  return {.kind = Unit::Kind::other};
}

// `used`: the bytes of this call in front of the unit.
CaptureReader::Step CaptureReader::found(Unit unit, std::size_t used) {
  Step step;
  step.packet = unit.packet;
  step.packet.offset = offset_ + used;
  step.consumed = used + unit.size;
  offset_ += step.consumed;
  switch (unit.kind) {
    case Unit::Kind::packet:
      step.kind = Step::Kind::packet;
      ++packets_;
      last_time_ = step.packet.time;
      break;
    case Unit::Kind::damaged:
      step.kind = Step::Kind::damage;
      step.what = std::move(unit.what);
      break;
    case Unit::Kind::end: step.kind = Step::Kind::end; break;
    case Unit::Kind::more:
    case Unit::Kind::other:
    case Unit::Kind::lost: step.kind = Step::Kind::more; break;
  }
  step.packet.number = packets_;
  return step;
}

// Looks from `used` on for something to go on with. One damage for all that is skipped.
CaptureReader::Step CaptureReader::searched(std::string_view available, std::size_t used,
                                            bool complete) {
  auto likeness = Likeness::no;
  while (used < available.size()) {
    const auto rest = available.substr(used);
    likeness = format_ == Format::pcapng ? like_block(rest, complete) : like_record(rest, complete);
    if (likeness != Likeness::no) break;
    ++used;
  }
  const bool nothing_left = used == available.size() && complete;
  if (likeness != Likeness::yes && !nothing_left) return found({.kind = Unit::Kind::more}, used);
  searching_ = false;
  const auto skipped = offset_ + used - lost_at_;
  auto step = found({.kind = Unit::Kind::damaged,
                     .what = lost_why_ + ": " + std::to_string(skipped) + " bytes skipped"},
                    used);
  step.packet.offset = lost_at_;
  return step;
}

CaptureReader::Step CaptureReader::next(std::string_view available, bool complete) {
  std::size_t used = 0;
  while (!searching_) {
    auto unit = unit_at(available.substr(used), complete);
    switch (unit.kind) {
      case Unit::Kind::other: used += unit.size; break;
      case Unit::Kind::lost:
        searching_ = true;
        lost_at_ = offset_ + used;
        lost_why_ = std::move(unit.what);
        ++used;  // what is looked for does not begin here
        break;
      case Unit::Kind::packet:
      case Unit::Kind::more:
      case Unit::Kind::damaged:
      case Unit::Kind::end: return found(std::move(unit), used);
    }
  }
  return searched(available, used, complete);
}

}  // namespace ftpscope
