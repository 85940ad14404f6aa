// Segments of one direction, and acknowledgements of the other, in any order: ControlStream and
// DataStream against maps from an offset to the bytes that were sent for it. Input: a byte of
// options, four for the first sequence number, then segments: what they are, where they lie (3
// bytes), an option, a length and the payload.
#include <algorithm>
#include <map>
#include <vector>

#include "analyzer/tcp_stream.h"
#include "tests/fuzz/check.h"

namespace ftpscope::fuzz {
namespace {

struct Sent {
  TcpSegment segment;
  std::int64_t offset = 0;
  bool is_ack = false;  // of the other side
};

// All that was sent for each place, what came first in front.
using Bytes = std::map<std::int64_t, std::string>;

// Near the front by rule, up to 1 GB away by exception.
std::int64_t offset_from(Input& input) {
  const auto choice = input.byte();
  const auto place = static_cast<std::int64_t>(input.number(2));
  if (choice < 240) return place % 2048;
  if (choice < 250) return place * 64;
  return place * 16'000;
}

// `plain`: only bytes, nothing that ends a stream or makes it give up a hole.
Sent sent_from(Input& input, std::uint32_t first, bool plain) {
  Sent sent;
  const auto kind = plain ? 0 : input.byte() % 8;
  sent.offset = offset_from(input);
  const auto option = input.byte();
  auto& segment = sent.segment;
  segment.seq = first + static_cast<std::uint32_t>(sent.offset);
  segment.payload = input.text(input.byte());
  segment.length = static_cast<std::uint32_t>(segment.payload.size());
  segment.flags = TcpSegment::kAck;
  segment.ack = segment.seq;
  segment.urgent = option;
  if (kind == 1) segment.flags |= TcpSegment::kFin;
  if (kind == 2) segment.flags |= TcpSegment::kRst;
  if (kind == 3) segment.flags |= TcpSegment::kUrg;
  if (kind == 4) segment.length += option;  // cut short by the capture
  sent.is_ack = kind == 5;
  return sent;
}

TcpSegment syn_of(std::uint32_t first) {
  TcpSegment syn;
  syn.seq = first - 1;
  syn.flags = TcpSegment::kSyn;
  return syn;
}

void remember(Bytes& bytes, const Sent& sent) {
  if (sent.is_ack || sent.segment.rst()) return;
  auto at = sent.offset;
  for (const char byte : sent.segment.payload) bytes[at++] += byte;
}

// What a ControlStream tells, checked against what was sent.
class Witness : public StreamSink {
 public:
  Witness(const Bytes& sent, bool plain) : sent_(sent), plain_(plain) {}

  void bytes(std::string_view bytes, bool urgent) override {
    check(!bytes.empty() && !fin_seen, "there are bytes, and none behind a FIN");
    check(!urgent || !plain_, "urgent is what was sent as urgent");
    for (const char byte : bytes) {
      const auto found = sent_.find(at++);
      check(found != sent_.end(), "a byte that was sent");
      check(plain_ ? found->second.front() == byte : found->second.contains(byte),
            "the byte that came first");
      ++delivered;
    }
  }
  void gap(std::uint64_t bytes) override {
    check(bytes > 0 && bytes < std::uint64_t{1} << 32U && !fin_seen, "a gap has a size");
    const auto end = at + static_cast<std::int64_t>(bytes);
    if (plain_) {
      const auto next = sent_.lower_bound(at);
      check(next != sent_.end() && next->first == end, "a gap is what nobody sent, and all of it");
    }
    at = end;
    missing += bytes;
  }
  void overlap(std::string_view kept, std::string_view other) override {
    check(!kept.empty() && kept.size() == other.size(), "an overlap has two sides");
    check(kept.front() != other.front() && kept.back() != other.back(), "only what differs");
  }
  void fin() override {
    check(!fin_seen, "a stream ends once");
    fin_seen = true;
  }
  void rst() override {
    check(!rst_seen, "a reset is told once");
    rst_seen = true;
  }

  std::int64_t at = 0;
  std::uint64_t delivered = 0;
  std::uint64_t missing = 0;
  bool fin_seen = false;
  bool rst_seen = false;

 private:
  const Bytes& sent_;
  bool plain_;
};

void check_control(const std::vector<Sent>& all, std::uint32_t first, bool plain) {
  Bytes sent;
  Witness witness(sent, plain);
  ControlStream stream(witness);
  stream.add(syn_of(first), {});
  for (const auto& one : all) {
    remember(sent, one);
    one.is_ack ? stream.ack(one.segment) : stream.add(one.segment, {});
    check(stream.waiting() <= ControlStream::kWindowMax, "what waits is limited");
    check(stream.delivered() == witness.delivered && stream.missing() == witness.missing,
          "what is told is counted");
  }
  stream.finish();
  check(stream.waiting() == 0, "nothing is left behind");
  check(!plain || witness.delivered == sent.size(), "every byte that was sent is told");
}

// Without a SYN, and so without knowing where it begins.
void check_control_from_the_middle(const std::vector<Sent>& all) {
  class Counter : public StreamSink {
   public:
    void bytes(std::string_view bytes, bool /*urgent*/) override { delivered += bytes.size(); }
    void gap(std::uint64_t bytes) override { missing += bytes; }
    void overlap(std::string_view /*kept*/, std::string_view /*other*/) override {}
    void fin() override {}
    void rst() override {}
    std::uint64_t delivered = 0;
    std::uint64_t missing = 0;
  } counter;
  ControlStream stream(counter);
  for (const auto& one : all) one.is_ack ? stream.ack(one.segment) : stream.add(one.segment, {});
  stream.finish();
  check(stream.delivered() == counter.delivered && stream.missing() == counter.missing,
        "what is told is counted");
  check(stream.waiting() == 0, "nothing is left behind");
}

void check_data(const std::vector<Sent>& all, std::uint32_t first, bool plain) {
  Bytes sent;
  std::map<std::int64_t, char> written;
  DataStream stream;
  stream.add(syn_of(first), {});
  for (const auto& one : all) {
    remember(sent, one);
    if (one.is_ack) stream.ack(one.segment);
    const auto pieces =
        one.is_ack ? std::span<const DataStream::Piece>() : stream.add(one.segment, {});
    for (const auto& piece : pieces) {
      check(!piece.bytes.empty(), "a piece has bytes");
      auto at = static_cast<std::int64_t>(piece.offset);
      for (const char byte : piece.bytes) {
        check(written.emplace(at, byte).second, "each byte is new once");
        const auto place = static_cast<std::size_t>(at++ - one.offset);
        check(place < one.segment.payload.size() && one.segment.payload[place] == byte,
              "a byte at its place");
      }
    }
    check(stream.captured() == written.size(), "captured bytes are counted");
    check(stream.captured() <= stream.size(), "no more is captured than was sent");
  }
  if (!plain || all.size() >= DataStream::kRangesMax) return;
  check(written.size() == sent.size(), "every byte that was seen is given out");
  for (const auto& [at, byte] : written)
    check(sent[at].front() == byte, "the byte that came first");
  const auto size = sent.empty() ? 0 : static_cast<std::uint64_t>(sent.rbegin()->first) + 1;
  check(stream.size() == size && stream.missing() == size - sent.size(), "what is missing");
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  const bool plain = (input.byte() & 1U) != 0;
  const auto first = static_cast<std::uint32_t>(input.number(4));
  std::vector<Sent> all;
  while (!input.empty()) all.push_back(sent_from(input, first, plain));
  check_control(all, first, plain);
  check_control_from_the_middle(all);
  check_data(all, first, plain);
  return 0;
}
