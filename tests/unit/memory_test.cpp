// The memory of an analysis is bounded, whatever the capture holds: connections and sessions of
// several kinds, many times as many as there is room for, and what is allocated at the peak. An
// executable of its own, since it counts by its own operator new.
#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <new>

#include "analyzer/report_ladder.h"
#include "tests/unit/wire.h"

namespace {

std::size_t allocated = 0;
std::size_t peak = 0;

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  allocated += malloc_usable_size(memory);
  peak = std::max(peak, allocated);
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) allocated -= malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

using namespace ftpscope;
using namespace ftpscope::unit;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;
constexpr std::size_t kFlows = 10'000'000;
constexpr std::size_t kSome = 1'000'000;    // five times what is remembered
constexpr std::size_t kSessions = 100'000;  // ten times
// Of connections that are no sessions, with the default limits.
constexpr std::size_t kFlowMemoryMax = 64 * kMiB;
// And of sessions that never end.
constexpr std::size_t kSessionMemoryMax = 128 * kMiB;

class Nowhere final : public RecordSink {
 public:
  void record(const Record&) override {}
};

// Another client for each number.
Endpoint client(std::size_t number) {
  const auto byte = [number](unsigned shift) {
    return static_cast<std::uint8_t>(number >> shift & 255U);
  };
  return {IpAddress::v4(10, byte(24), byte(16), byte(8)),
          static_cast<std::uint16_t>(1024U + byte(0))};
}

// What `each(tracker, number, now)` makes it allocate at the peak, above what was there before.
template <class Each>
std::size_t peak_of(std::size_t count, Each each) {
  const auto before = allocated;
  peak = allocated;
  Nowhere sink;
  FlowTracker tracker({}, sink, nullptr);
  Timestamp now{1'700'000'000s};
  for (std::size_t i = 0; i < count; ++i) each(tracker, i, now += 10us);
  tracker.finish(now);
  const auto used = peak - before;
  std::cout << count << " times: " << used / 1024 << " KiB, " << tracker.sessions() << " sessions, "
            << tracker.forgotten() << " forgotten\n";
  return used;
}

struct Talk {
  Connection connection;
  FlowTracker& tracker;
  Timestamp now;

  void operator()(bool from_caller, unsigned flags, std::string_view payload = {}) {
    tracker.add(connection.segment(from_caller, flags, payload), now);
  }
};

constexpr auto kAck = TcpSegment::kAck;
constexpr auto kSyn = TcpSegment::kSyn;

}  // namespace

TEST_CASE("ten million SYNs to port 21") {
  const auto listener = endpoint("198.51.100.2:21");
  const auto used = peak_of(kFlows, [&](FlowTracker& tracker, std::size_t i, Timestamp now) {
    Talk{{client(i), listener}, tracker, now}(true, kSyn);
  });
  CHECK(used < kFlowMemoryMax);
}

TEST_CASE("connections with data that may or may not be FTP") {
  const auto listener = endpoint("198.51.100.2:3333");
  const std::string digits(3000, '2');  // replies without end
  const auto used = peak_of(kSome, [&](FlowTracker& tracker, std::size_t i, Timestamp now) {
    Talk talk{{client(i), listener}, tracker, now};
    talk(true, kSyn);
    talk(true, kAck, i % 2 == 0 ? "USER joe\r\n" : "STAT " + digits);
  });
  CHECK(used < kFlowMemoryMax);
}

TEST_CASE("sessions that never end") {
  const auto listener = endpoint("198.51.100.2:21");
  const auto used = peak_of(kSessions, [&](FlowTracker& tracker, std::size_t i, Timestamp now) {
    Talk talk{{client(i), listener}, tracker, now};
    talk(true, kSyn);
    talk(false, kSyn | kAck);
    talk(true, kAck, "NOOP\r\n");
  });
  CHECK(used < kSessionMemoryMax);
}

TEST_CASE("announcements that nobody follows, of many sessions and of one") {
  const auto listener = endpoint("198.51.100.2:21");
  const auto many = peak_of(kSessions, [&](FlowTracker& tracker, std::size_t i, Timestamp now) {
    Talk talk{{client(i), listener}, tracker, now};
    talk(true, kSyn);
    talk(false, kSyn | kAck);
    talk(true, kAck, "PASV\r\n");
    talk(false, kAck,
         "227 (198,51,100,2," + std::to_string(i / 256 % 256) + "," + std::to_string(i % 256) +
             ")\r\n");
    if (i % 2 == 0) talk(true, TcpSegment::kRst | kAck);
  });
  CHECK(many < kSessionMemoryMax);

  Connection control{client(1), listener};
  const auto one = peak_of(kSessions, [&](FlowTracker& tracker, std::size_t i, Timestamp now) {
    control.caller = client(1);
    tracker.add(control.segment(true, kAck,
                                "PORT 10,0,0,0," + std::to_string(i / 256 % 256) + "," +
                                    std::to_string(i % 256) + "\r\n"),
                now);
    tracker.add(control.segment(false, kAck, "200 Fine.\r\n"), now);
  });
  CHECK(one < kFlowMemoryMax);
}

TEST_CASE("sessions whose data connection is refused, and that end") {
  const auto listener = endpoint("198.51.100.2:21");
  const auto used = peak_of(kSessions, [&](FlowTracker& tracker, std::size_t i, Timestamp now) {
    Talk talk{{client(i), listener}, tracker, now};
    talk(true, kSyn);
    talk(false, kSyn | kAck);
    talk(true, kAck, "PASV\r\n");
    talk(false, kAck, "227 (198,51,100,2,200,1)\r\n");
    Connection data{client(i), endpoint("198.51.100.2:51201")};
    data.caller.port = static_cast<std::uint16_t>(data.caller.port + 10'000);
    tracker.add(data.segment(true, kSyn), now);
    talk(true, kAck, "LIST\r\n");
    talk(false, kAck, "425 No connection.\r\n");
    talk(true, TcpSegment::kRst | kAck);
  });
  CHECK(used < kFlowMemoryMax);
}

TEST_CASE("encrypted sessions of many hosts, each of which may own any connection") {
  const auto used = peak_of(kSessions, [&](FlowTracker& tracker, std::size_t i, Timestamp now) {
    Talk talk{{client(i * 256), endpoint("198.51.100.2:990")}, tracker, now};
    talk(true, kSyn);
    talk(false, kSyn | kAck);
    talk(true, kAck, "\x16\x03\x01");
    talk(true, TcpSegment::kRst | kAck);
  });
  CHECK(used < kFlowMemoryMax);
}

TEST_CASE("gaps of a gigabyte, in both directions of control and data connections") {
  const auto used = peak_of(1, [&](FlowTracker& tracker, std::size_t, Timestamp now) {
    Talk talk{{client(1), endpoint("198.51.100.2:21")}, tracker, now};
    talk(true, kSyn);
    talk(false, kSyn | kAck);
    talk(true, kAck, "PASV\r\n");
    talk(false, kAck, "227 (198,51,100,2,200,1)\r\n");
    Talk data{{client(2), endpoint("198.51.100.2:51201")}, tracker, now};
    data(true, kSyn);
    data(false, kSyn | kAck);
    for (int i = 0; i < 1000; ++i) {
      for (auto* each : {&talk, &data}) {
        each->connection.next[0] += 1'000'000'000;
        each->connection.next[1] += 1'000'000'000;
        (*each)(true, kAck, "NOOP\r\n");
        (*each)(false, kAck, "200 Fine.\r\n");
      }
    }
  });
  CHECK(used < 4 * kMiB);
}

TEST_CASE("the text of sessions that do not end is printed in parts") {
  const auto before = allocated;
  peak = allocated;
  std::size_t printed = 0;
  LadderReport report({}, [&](std::string_view text) { printed += text.size(); });
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("session-" + std::to_string(i));
  record::Command noop{};
  noop.verb = "NOOP";
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    report.record({Timestamp{}, names[i % names.size()], 0, noop});
  }
  const auto used = peak - before;
  report.finish();
  std::cout << "text: " << used / 1024 << " KiB, printed " << printed / 1024 << " KiB\n";
  CHECK(used < 2 * LadderReport::kTextMax);
}
