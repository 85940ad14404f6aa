// Bytes as a capture file: through CaptureReader, packet decoding and IP fragments. Nothing
// crashes, views lie within what was given, the cuts of the file make no difference, damage takes
// bounded work, and where libpcap finds no fault, the packets are the same. Input: two bytes for
// the cuts, then the file.
#include <algorithm>
#include <set>

#include "analyzer/ip_fragments.h"
#include "analyzer/packet.h"
#include "tests/fuzz/check.h"
#include "tests/unit/capture_reading.h"

namespace ftpscope::fuzz {
namespace {

bool within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_payload(std::string_view payload, std::uint32_t length, std::string_view whole) {
  check(within(payload, whole), "a view lies within its packet");
  check(payload.size() <= length, "no more was captured than was sent");
}

void check_decoded(const std::expected<Packet, Ignored>& packet, std::string_view bytes) {
  if (!packet) return check(!name_of(packet.error()).empty(), "a reason has a name");
  if (const auto* segment = std::get_if<TcpSegment>(&*packet)) {
    check_payload(segment->payload, segment->length, bytes);
  }
}

void check_packet(const CapturedPacket& packet, IpFragments& fragments) {
  const auto decoded = decode(packet);
  check_decoded(decoded, packet.bytes);
  const auto* fragment = decoded ? std::get_if<Fragment>(&*decoded) : nullptr;
  if (fragment == nullptr) return;
  check_payload(fragment->part.bytes, fragment->part.length, packet.bytes);
  check(fragment->offset % 8 == 0, "offsets of fragments are multiples of 8");
  const auto whole = fragments.add(*fragment, packet.time);
  check(fragments.unfinished() <= IpFragments::kDatagramsMax, "datagrams are limited");
  if (whole) {
    check(whole->bytes.size() <= whole->length && whole->length <= IpFragments::kBytesMax,
          "a datagram has a limit");
    check_decoded(decode(*whole), whole->bytes);
  }
}

void check_packets(std::string_view file) {
  CaptureReader reader;
  IpFragments fragments;
  std::uint64_t at = 0;
  while (true) {
    const auto rest = file.substr(at);
    const auto step = reader.next(rest, true);
    check(step.consumed <= rest.size(), "no more is consumed than there is");
    check(step.kind != CaptureReader::Step::Kind::more, "a whole file needs no more");
    at += step.consumed;
    if (step.kind == CaptureReader::Step::Kind::end) break;
    check(step.consumed > 0 || file.empty(), "a step goes forward");
    if (step.kind != CaptureReader::Step::Kind::packet) {
      check(!step.what.empty(), "damage has a sentence");
      continue;
    }
    check(within(step.packet.bytes, rest.substr(0, step.consumed)), "a packet lies in its window");
    check(step.packet.offset < at, "a packet has a place");
    check(step.packet.bytes.size() <= CaptureReader::kPacketMax, "packets are limited");
    check_packet(step.packet, fragments);
  }
  check(at == file.size(), "all is read");
}

// libpcap knows link types by other numbers, cuts at the snap length, puts other bytes into packets
// of some link types, and leaves simple packets without a time.
bool comparable(int link_type) {
  static const std::set<int> same = {0, 1, 113, 276, 228, 229};
  return same.contains(link_type);
}

void check_judge(std::string_view file, const unit::Reading& ours) {
  const auto judge = unit::read_with_libpcap(std::string(file));
  if (!judge.whole) return;
  for (const auto& damage : ours.damages) {
    // Where we see damage and libpcap does not: what it skips without a look, and holes.
    if (damage.what.starts_with("a record header of zeros")) return;
    if (damage.what.find("which is unknown") != damage.what.npos) return;
  }
  check(ours.packets.size() == judge.packets.size(), "as many packets as libpcap finds");
  for (std::size_t i = 0; i < ours.packets.size(); ++i) {
    const auto& our = ours.packets[i];
    const auto& its = judge.packets[i];
    check(our.original == its.original, "the length that libpcap finds");
    if (!comparable(our.link_type)) continue;
    check(our.link_type == its.link_type, "the link type that libpcap finds");
    const auto snap = static_cast<std::size_t>(judge.snap_length);
    check(our.bytes.substr(0, snap) == its.bytes, "the bytes that libpcap finds");
    // libpcap reads seconds and their fraction as signed numbers.
    const auto later = our.time_us - its.time_us;
    constexpr std::int64_t kWrapped = (std::int64_t{1} << 32U) / 1000;
    check(later == 0 || later >= kWrapped || file.starts_with("\x0a\x0d\x0d\x0a"),
          "the time that libpcap finds");
  }
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  const auto chunk = input.number(2);
  const std::string file(input.rest());
  check_packets(file);
  const auto whole = unit::read_capture(file);
  check(whole == unit::read_capture(file, 1 + chunk % 4096), "no cut makes a difference");
  check(whole.steps <= file.size() + 2, "work is bounded");
  check_judge(file, whole);
  return 0;
}
