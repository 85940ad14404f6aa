// Segments of several connections, out of order, repeated, lost and forged, all the way to records:
// fuzz_sessions without the frames around the segments, so that more inputs make sense. Input: a
// byte of options, then steps with 0x1e between them:
//
//   letter      which connection: a to h; capitals: the other direction
//   byte        flags: bits of FIN, SYN, RST, ACK (as in TCP), 0x08: repeat, 0x20: URG,
//               0x40: the segment is left out, 0x80: a second passes first
//   byte        how far from its place in the stream, minus 64; 64 is '@'
//   the rest    payload
#include <array>

#include "tests/fuzz/record_check.h"
#include "tests/unit/wire.h"

namespace ftpscope::fuzz {
namespace {

using unit::Connection;
using unit::endpoint;

constexpr unsigned kRepeat = 0x08;
constexpr unsigned kLost = 0x40;
constexpr unsigned kLater = 0x80;

// Two control connections, one of them on another port, one with implicit TLS, and the data
// connections that texts like "227 (198,51,100,2,200,1)" and "PORT 192,0,2,1,200,1" announce.
std::array<Connection, 8> connections() {
  return {Connection{endpoint("192.0.2.1:40000"), endpoint("198.51.100.2:21")},
          Connection{endpoint("192.0.2.1:40001"), endpoint("198.51.100.2:3333")},
          Connection{endpoint("192.0.2.1:40002"), endpoint("198.51.100.2:51201")},
          Connection{endpoint("198.51.100.2:20"), endpoint("192.0.2.1:51201")},
          Connection{endpoint("192.0.2.1:40003"), endpoint("198.51.100.2:990")},
          Connection{endpoint("192.0.2.1:40004"), endpoint("198.51.100.2:51202")},
          Connection{endpoint("203.0.113.9:40000"), endpoint("198.51.100.2:51201")},
          Connection{endpoint("203.0.113.9:40001"), endpoint("198.51.100.2:21")}};
}

struct World {
  CheckedRecords records;
  FlowTracker tracker;
  std::array<Connection, 8> all = connections();
  Timestamp now{std::chrono::seconds(1'700'000'000)};

  explicit World(const FlowLimits& limits) : tracker(limits, records, nullptr) {}

  void step(std::string_view text) {
    Input input(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    const auto letter = input.byte();
    const auto flags = input.byte();
    const auto away = static_cast<std::uint32_t>(input.byte()) - 64U;
    auto& connection = all[letter % all.size()];
    auto segment = connection.segment((letter & 0x20U) != 0, flags & 0x37U, input.rest());
    segment.seq += away;
    segment.urgent = segment.urg() ? static_cast<std::uint16_t>(away) : std::uint16_t{0};
    now += (flags & kLater) != 0 ? std::chrono::seconds(1) : std::chrono::milliseconds(1);
    if ((flags & kLost) == 0) tracker.add(segment, now);
    if ((flags & kRepeat) != 0) tracker.add(segment, now);
  }
};

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  FlowLimits limits;
  const auto options = input.byte();
  if ((options & 1U) != 0) limits.sessions_max = 1;
  if ((options & 2U) != 0) limits.flows_max = 4;
  World world(limits);
  for (int i = 0; i < 1000 && !input.empty(); ++i) world.step(input.until('\x1e'));
  world.tracker.finish(world.now);
  world.records.finish();
  return 0;
}
