#include "analyzer/segment_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tests/unit/frames.h"
#include "tests/unit/wire.h"

using namespace ftpscope;
using namespace ftpscope::unit;
using namespace std::chrono_literals;

namespace {

struct Sent {
  TcpSegment segment;
  Side from = Side::client;
};

// A dialogue, a letter for each segment, capitals are the server's; those without letter are the
// handshake.
std::vector<Sent> dialogue(std::string_view letters) {
  static const std::string kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  Connection connection{endpoint("192.0.2.1:40000"), endpoint("198.51.100.2:21")};
  std::vector<Sent> sent = {
      {connection.segment(true, TcpSegment::kSyn), Side::client},
      {connection.segment(false, TcpSegment::kSyn | TcpSegment::kAck), Side::server},
      {connection.segment(true, TcpSegment::kAck), Side::client}};
  for (const char letter : letters) {
    const bool client = letter >= 'a';
    const auto payload = std::string_view(kLetters).substr(kLetters.find(letter), 1);
    sent.push_back({connection.segment(client, TcpSegment::kAck, payload),
                    client ? Side::client : Side::server});
  }
  return sent;
}

// What comes out, when the segments come a millisecond apart.
std::string ordered(const std::vector<Sent>& sent, Duration apart = 1ms) {
  SegmentOrder order;
  std::string out;
  Timestamp now{1'700'000'000s};
  const auto deliver = [&](const TcpSegment& segment, Side, Timestamp) { out += segment.payload; };
  for (const auto& [segment, from] : sent) {
    order.add(segment, from, now, deliver);
    now += apart;
  }
  order.finish(deliver);
  CHECK_FALSE(order.waits());
  return out;
}

}  // namespace

TEST_CASE("any two neighbours of a dialogue may have changed places") {
  const std::string letters = "AbCdEfGhI";
  for (std::size_t i = 0; i + 1 < letters.size(); ++i) {
    auto sent = dialogue(letters);
    std::swap(sent[3 + i], sent[4 + i]);
    CHECK(ordered(sent) == letters);
  }
}

TEST_CASE("any order within a window of eight segments") {
  const std::string letters = "AbCdEfGhIjKlMnOpQrStUvWx";
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Dice dice(seed);
    auto sent = dialogue(letters);
    for (std::size_t i = 3; i < sent.size(); i += 8) {
      std::vector<Sent> window(
          sent.begin() + static_cast<std::ptrdiff_t>(i),
          sent.begin() + static_cast<std::ptrdiff_t>(std::min(i + 8, sent.size())));
      dice.shuffle(window);
      std::ranges::copy(window, sent.begin() + static_cast<std::ptrdiff_t>(i));
    }
    REQUIRE(ordered(sent) == letters);
  }
}

TEST_CASE("segments that wait for nothing are not held, and not copied late") {
  SegmentOrder order;
  int delivered = 0;
  for (const auto& [segment, from] : dialogue("AbC")) {
    order.add(segment, from, Timestamp{}, [&](const TcpSegment& given, Side, Timestamp) {
      CHECK(given.payload.data() == segment.payload.data());
      ++delivered;
    });
    CHECK_FALSE(order.waits());
  }
  CHECK(delivered == 6);
}

TEST_CASE("what never comes is waited for until there are too many others, or for too long") {
  auto lost = dialogue("AbCdEfGhIjKlMnOpQrStUvWx");
  lost.erase(lost.begin() + 4);  // the b
  CHECK(ordered(lost) == "ACdEfGhIjKlMnOpQrStUvWx");

  SegmentOrder order;
  std::string out;
  std::size_t most = 0;
  std::size_t in = 0;
  for (const auto& [segment, from] : lost) {
    in += segment.payload.size();
    order.add(segment, from, Timestamp{},
              [&](const TcpSegment& given, Side, Timestamp) { out += given.payload; });
    most = std::max(most, in - out.size());
  }
  CHECK(most == SegmentOrder::kHeldMax);

  // And a pause ends it as well.
  SegmentOrder paused;
  out.clear();
  Timestamp now{};
  const auto take = [&](const TcpSegment& given, Side, Timestamp) { out += given.payload; };
  for (std::size_t i = 0; i < 6; ++i) paused.add(lost[i].segment, lost[i].from, now, take);
  CHECK(out == "A");
  now += SegmentOrder::kHeldFor + 1us;
  paused.add(lost[6].segment, lost[6].from, now, take);
  CHECK(out == "ACdE");
}

TEST_CASE("a time is that of the segment, not of when it had its turn") {
  auto sent = dialogue("Ab");
  std::swap(sent[3], sent[4]);
  SegmentOrder order;
  std::string out;
  Timestamp now{};
  for (const auto& [segment, from] : sent) {
    order.add(segment, from, now, [&](const TcpSegment& given, Side, Timestamp time) {
      out += given.payload;
      if (!given.payload.empty()) out += std::to_string(time.time_since_epoch().count());
    });
    now += 1us;
  }
  CHECK(out == "A4b3");
}

TEST_CASE("a reset and a repetition are never held") {
  auto sent = dialogue("Ab");
  Connection stranger{sent[0].segment.from, sent[0].segment.to, {9'000'000, 9'000'000}};
  SegmentOrder order;
  int delivered = 0;
  const auto take = [&](const TcpSegment&, Side, Timestamp) { ++delivered; };
  for (const auto& [segment, from] : sent) order.add(segment, from, Timestamp{}, take);
  order.add(sent[3].segment, sent[3].from, Timestamp{}, take);
  order.add(stranger.segment(true, TcpSegment::kRst | TcpSegment::kAck), Side::client, Timestamp{},
            take);
  CHECK(delivered == 7);
}
