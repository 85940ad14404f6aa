#include "analyzer/tcp_stream.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/frames.h"

using namespace ftpscope;
using namespace ftpscope::unit;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

const Timestamp kStart{std::chrono::seconds(1'700'000'000)};
constexpr std::uint32_t kFirst = 1001;  // sequence number of the first byte, unless told

// Everything in one text: bytes as they are, [gap 5], [fin], [rst], [!] in front of an urgent byte.
class TextSink : public StreamSink {
 public:
  void bytes(std::string_view bytes, bool urgent) override {
    if (urgent) text += "[!]";
    text += bytes;
  }
  void gap(std::uint64_t bytes) override { text += "[gap " + std::to_string(bytes) + "]"; }
  void overlap(std::string_view kept, std::string_view other) override {
    overlaps += std::string(kept) + "/" + std::string(other) + " ";
  }
  void fin() override { text += "[fin]"; }
  void rst() override { text += "[rst]"; }

  std::string text;
  std::string overlaps;
};

TcpSegment data(std::uint32_t seq, std::string_view payload, std::uint8_t flags = 0) {
  TcpSegment segment;
  segment.seq = seq;
  segment.flags = flags | TcpSegment::kAck;
  segment.payload = payload;
  segment.length = static_cast<std::uint32_t>(payload.size());
  return segment;
}
TcpSegment syn(std::uint32_t first = kFirst) {
  auto segment = data(first - 1, "", TcpSegment::kSyn);
  segment.flags = TcpSegment::kSyn;
  return segment;
}
TcpSegment fin(std::uint32_t seq, std::string_view payload = "") {
  return data(seq, payload, TcpSegment::kFin);
}
TcpSegment rst(std::uint32_t seq) { return data(seq, "", TcpSegment::kRst); }

// A segment of the other side that acknowledges all before `seq`, with a reply or without.
TcpSegment acknowledge(std::uint32_t seq, std::string_view reply = "") {
  auto segment = data(50'000, reply);
  segment.ack = seq;
  return segment;
}

struct Stream {
  TextSink sink;
  ControlStream stream{sink};
  Timestamp now = kStart;

  void add(const TcpSegment& segment) { stream.add(segment, now); }
  Stream& add(std::initializer_list<TcpSegment> segments) {
    for (const auto& segment : segments) add(segment);
    return *this;
  }
  std::string text() { return sink.text; }
  std::string finish() {
    stream.finish();
    return sink.text;
  }
};

std::string random_text(Dice& dice, std::size_t size) {
  std::string text;
  while (text.size() < size) text += static_cast<char>('a' + dice.below(26));
  return text;
}

// The stream cut anyhow, with repetitions that are cut differently.
std::vector<TcpSegment> any_segments(Dice& dice, std::string_view stream, std::uint32_t first,
                                     std::size_t cut_max) {
  std::vector<TcpSegment> segments;
  for (std::size_t at = 0; at < stream.size();) {
    const auto size = std::min(stream.size() - at, 1 + dice.below(cut_max));
    segments.push_back(data(first + static_cast<std::uint32_t>(at), stream.substr(at, size)));
    at += size;
  }
  for (auto repeated = dice.below(10); repeated > 0; --repeated) {
    const auto at = dice.below(stream.size());
    const auto bytes = stream.substr(at, 1 + dice.below(2 * cut_max));
    segments.push_back(data(first + static_cast<std::uint32_t>(at), bytes));
  }
  return segments;
}

}  // namespace

TEST_CASE("control: any cut, any order, any repetition gives the same bytes") {
  Dice dice(7);
  for (int round = 0; round < 2000; ++round) {
    const auto stream = random_text(dice, 1 + dice.below(400));
    // Around the place where sequence numbers wrap, and elsewhere.
    const auto first = static_cast<std::uint32_t>(dice.below(2) == 0 ? dice.below(1U << 31U)
                                                                     : 0 - dice.below(300));
    auto segments = any_segments(dice, stream, first, 1 + dice.below(60));
    segments.push_back(fin(first + static_cast<std::uint32_t>(stream.size())));
    if (dice.below(4) != 0) dice.shuffle(segments);
    segments.insert(segments.begin() + static_cast<int>(dice.below(2)), syn(first));
    Stream control;
    for (const auto& segment : segments) control.add(segment);
    INFO("round " << round);
    CHECK(control.text() == stream + "[fin]");
    CHECK(control.sink.overlaps.empty());
    CHECK(control.stream.delivered() == stream.size());
    CHECK(control.stream.missing() == 0);
    CHECK(control.stream.waiting() == 0);
  }
}

TEST_CASE("control: more than 4 GiB") {
  Stream control;
  control.add(syn(0xfffffff0));
  const std::string block(60'000, 'x');
  std::uint32_t seq = 0xfffffff0;
  constexpr std::uint64_t kBlocks = 80'000;
  for (std::uint64_t i = 0; i < kBlocks; ++i, seq += 60'000) {
    control.add(data(seq, block));
    control.sink.text.clear();
  }
  CHECK(control.stream.delivered() == kBlocks * 60'000);
  control.add({fin(seq)});
  CHECK(control.text() == "[fin]");
}

TEST_CASE("control: what becomes of odd segments") {
  Stream control;
  control.add({syn(), data(kFirst, "USER"), syn(), data(kFirst, "USER")});
  control.add(
      {data(kFirst + 3, "R"), data(kFirst + 3, "\0"sv), data(kFirst + 3, "")});  // keep-alive
  control.add({data(kFirst + 2, "ER x"), data(kFirst - 500, std::string(500, '?'))});
  CHECK(control.text() == "USER x");
  CHECK(control.sink.overlaps.empty());
  control.add({syn(900'000), data(kFirst + 6, "\r\n")});
  control.add({fin(kFirst + 8), fin(kFirst + 8), data(kFirst + 8, "behind"), fin(kFirst + 14)});
  CHECK(control.finish() == "USER x\r\n[fin]");
}

TEST_CASE("control: bytes behind a FIN are none, whatever comes first") {
  CHECK(Stream()
            .add({syn(), data(kFirst + 2, "cdefg"), fin(kFirst + 4), data(kFirst, "ab")})
            .text() == "abcd[fin]");
  CHECK(Stream().add({syn(), data(kFirst + 8, "behind"), fin(kFirst, "all")}).finish() ==
        "all[fin]");
}

TEST_CASE("control: a SYN may carry data (RFC 7413)") {
  auto first = syn();
  first.payload = "USER";
  first.length = 4;
  CHECK(Stream().add({first, first, data(kFirst + 4, " x")}).text() == "USER x");
}

TEST_CASE("control: the same place twice and differently: the first is kept, both are told") {
  Stream control;
  control.add({syn(), data(kFirst, "PORT 10,0"), data(kFirst + 5, "66,6,6")});
  CHECK(control.text() == "PORT 10,0,6");
  CHECK(control.sink.overlaps == "10,0/66,6 ");
  control.add({data(kFirst + 19, "kept bytes"), data(kFirst + 11, "12345678KEPT bytes")});
  CHECK(control.text() == "PORT 10,0,612345678kept bytes");
  CHECK(control.sink.overlaps == "10,0/66,6 kept/KEPT ");
  control.add({data(kFirst, "STOR")});
  CHECK(control.sink.overlaps == "10,0/66,6 kept/KEPT PORT/STOR ");
}

TEST_CASE("control: a difference is seen as far back as the history goes") {
  Stream control;
  const std::string many(ControlStream::kHistoryMax, 'x');
  control.add({syn(), data(kFirst, "0123456789"), data(kFirst + 10, many)});
  control.add(data(kFirst + 10, "y"));
  CHECK(control.sink.overlaps == "x/y ");
  for (std::uint32_t i = 1; i < 5; ++i) {
    control.add(data(kFirst + 10 + i * static_cast<std::uint32_t>(many.size()), many));
  }
  control.add(data(kFirst, "y"));
  CHECK(control.sink.overlaps == "x/y ");
}

TEST_CASE("control: what the other side has received and the capture has not is a gap") {
  SUBCASE("something lies behind it") {
    Stream control;
    control.add({syn(), data(kFirst, "ab"), data(kFirst + 5, "fg")});
    CHECK(control.text() == "ab");
    control.stream.ack(acknowledge(kFirst + 2));
    CHECK(control.text() == "ab");
    control.stream.ack(acknowledge(kFirst + 7));
    CHECK(control.text() == "ab[gap 3]fg");
    control.add({data(kFirst + 2, "cde")});  // too late
    CHECK(control.text() == "ab[gap 3]fg");
  }
  SUBCASE("nothing lies behind it, and a reply acknowledges it") {
    Stream control;
    control.add({syn(), data(kFirst, "ab")});
    control.stream.ack(acknowledge(kFirst + 5, "200 ok\r\n"));
    CHECK(control.text() == "ab[gap 3]");
    control.add({data(kFirst + 5, "fg")});
    CHECK(control.text() == "ab[gap 3]fg");
    CHECK(control.stream.missing() == 3);
  }
  SUBCASE("nothing lies behind it: a bare acknowledgement may have overtaken the bytes") {
    Stream control;
    control.add({syn(), data(kFirst, "ab")});
    control.stream.ack(acknowledge(kFirst + 5));
    CHECK(control.text() == "ab");
    control.add({data(kFirst + 2, "cde")});
    CHECK(control.text() == "abcde");
    control.stream.ack(acknowledge(kFirst + 8));
    control.add({data(kFirst + 8, "i")});  // now it is one
    CHECK(control.text() == "abcde[gap 3]i");
  }
  SUBCASE("a FIN that the capture does not have is no gap of one byte") {
    Stream control;
    control.add({syn(), data(kFirst, "ab")});
    control.stream.ack(acknowledge(kFirst + 3, "221 bye\r\n"));
    CHECK(control.finish() == "ab");
  }
  SUBCASE("an acknowledgement of a FIN that it has") {
    Stream control;
    control.add({syn(), fin(kFirst + 4)});
    control.stream.ack(acknowledge(kFirst + 5, "221 bye\r\n"));
    CHECK(control.finish() == "[gap 4][fin]");
  }
  SUBCASE("what cannot be an acknowledgement of this") {
    Stream control;
    control.add({syn(), data(kFirst, "ab")});
    auto wild = acknowledge(kFirst + 0x5000'0000, "x");
    control.stream.ack(wild);
    wild = acknowledge(kFirst + 9, "x");
    wild.flags = TcpSegment::kRst | TcpSegment::kAck;
    control.stream.ack(wild);
    wild.flags = 0;
    control.stream.ack(wild);
    CHECK(control.finish() == "ab");
  }
}

TEST_CASE("control: holes at the end") {
  CHECK(Stream().add({syn(), data(kFirst + 3, "d"), data(kFirst + 6, "g")}).finish() ==
        "[gap 3]d[gap 2]g");
  CHECK(Stream().add({syn(), data(kFirst, "a"), fin(kFirst + 3, "d")}).finish() ==
        "a[gap 2]d[fin]");
  CHECK(Stream().add({syn(), data(kFirst, "a"), fin(kFirst + 3)}).finish() == "a[gap 2][fin]");
  CHECK(Stream().finish().empty());
  CHECK(Stream().add({syn()}).finish().empty());
}

TEST_CASE("control: a gap of 1 GB takes no memory, and what waits is limited") {
  Stream control;
  control.add({syn(), data(kFirst, "a"), data(kFirst + 1'000'000'000, "z")});
  CHECK(control.stream.waiting() == 1);
  CHECK(control.finish() == "a[gap 999999999]z");

  Stream full;
  full.add(syn());
  const std::string block(60'000, 'x');
  std::uint32_t seq = kFirst + 10;
  for (int i = 0; i < 40; ++i, seq += 60'000) {
    full.add(data(seq, block));
    CHECK(full.stream.waiting() <= ControlStream::kWindowMax);
  }
  CHECK(full.text().starts_with("[gap 10]xxx"));
  CHECK(full.stream.delivered() == 40U * 60'000U);

  Stream holes;  // every second byte
  holes.add(syn());
  for (std::uint32_t i = 0; i < 2 * ControlStream::kSegmentsMax; ++i) {
    holes.add(data(kFirst + 1 + 2 * i, "x"));
  }
  CHECK(holes.stream.missing() == ControlStream::kSegmentsMax);
  CHECK(holes.stream.waiting() == ControlStream::kSegmentsMax);
}

TEST_CASE("control: a capture that cut the packets short has gaps") {
  Stream control;
  auto cut = data(kFirst, "USER anon");
  cut.length = 20;
  control.add({syn(), cut, data(kFirst + 20, "PASS x\r\n")});
  CHECK(control.text() == "USER anon[gap 11]PASS x\r\n");
  Stream late;
  late.add({syn(), data(kFirst + 20, "PASS x\r\n"), cut});
  CHECK(late.text() == "USER anon[gap 11]PASS x\r\n");
}

TEST_CASE("control: a start in mid-stream waits a little for earlier segments") {
  SUBCASE("an earlier one comes") {
    Stream control;
    control.add({data(kFirst + 3, "def"), data(kFirst, "abc")});
    CHECK(control.text().empty());
    control.stream.ack(acknowledge(kFirst + 6));
    CHECK(control.text() == "abcdef");
  }
  SUBCASE("time goes by") {
    Stream control;
    control.add(data(kFirst, "abc"));
    control.now += ControlStream::kStartWait;
    control.add(data(kFirst + 3, "def"));
    CHECK(control.text() == "abcdef");
    control.add(data(kFirst - 3, "xyz"));  // too late
    CHECK(control.text() == "abcdef");
  }
  SUBCASE("enough segments") {
    Stream control;
    for (std::uint32_t i = 0; i < ControlStream::kStartSegments; ++i) {
      CHECK(control.text().empty());
      control.add(data(kFirst + i, "x"));
    }
    CHECK(control.text() == "xxxx");
  }
  SUBCASE("the other side or a bare acknowledgement told where it stands") {
    Stream control;
    control.stream.ack(acknowledge(kFirst));
    control.add(data(kFirst, "abc"));
    CHECK(control.text() == "abc");
    Stream bare;
    bare.add({data(kFirst, ""), data(kFirst, "abc")});
    CHECK(bare.text() == "abc");
  }
  SUBCASE("a keep-alive probe is no beginning") {
    Stream control;
    control.add({data(kFirst - 1, "\0"sv), data(kFirst, "abc")});
    CHECK(control.finish() == "abc");
  }
  SUBCASE("the SYN was only late") {
    Stream control;
    control.add({data(kFirst, "abc"), syn(), data(kFirst + 3, "d")});
    CHECK(control.text() == "abcd");
  }
  SUBCASE("the end") {
    CHECK(Stream().add({data(kFirst, "abc")}).finish() == "abc");
    CHECK(Stream().add({fin(kFirst, "abc")}).finish() == "abc[fin]");
    CHECK(Stream().add({data(kFirst, "abc"), rst(kFirst + 3)}).text() == "abc[rst]");
  }
}

TEST_CASE("control: RST") {
  CHECK(Stream().add({rst(0)}).finish() == "[rst]");  // a connection refused
  CHECK(Stream().add({syn(), data(kFirst, "a"), rst(kFirst + 1), rst(kFirst + 1)}).finish() ==
        "a[rst]");
  CHECK(Stream().add({syn(), data(kFirst + 1, "b"), rst(kFirst + 2)}).finish() == "[gap 1]b[rst]");
  CHECK(Stream().add({syn(), rst(kFirst + 9'000'000), data(kFirst, "a")}).finish() ==
        "a");  // forged
  CHECK(Stream().add({syn(), rst(kFirst + 9), data(kFirst, "a")}).finish() == "[rst]a");
  CHECK(Stream().add({syn(), fin(kFirst), rst(kFirst + 1)}).finish() == "[fin][rst]");
}

TEST_CASE("control: urgent data is told in front of its byte, once, however it is cut") {
  const auto urgent = [](std::uint32_t seq, std::string_view payload, std::uint16_t pointer) {
    auto segment = data(seq, payload, TcpSegment::kUrg);
    segment.urgent = pointer;
    return segment;
  };
  const auto expected = "NOOP\r\nIP[!]DABOR\r\n";
  const auto s = kFirst;
  CHECK(Stream().add({syn(), urgent(s, "NOOP\r\nIPDABOR\r\n", 9)}).text() == expected);
  CHECK(Stream()
            .add({syn(), data(s, "NOOP\r\n"), urgent(s + 6, "IPD", 3), data(s + 9, "ABOR\r\n")})
            .text() == expected);
  // Announced before it is sent, and again with each segment.
  CHECK(Stream()
            .add({syn(), urgent(s, "", 9), urgent(s, "NOOP\r\nIP", 9),
                  urgent(s + 8, "DABOR\r\n", 1), urgent(s + 8, "DABOR\r\n", 1)})
            .text() == expected);
  CHECK(Stream().add({syn(), urgent(s + 6, "IPDABOR\r\n", 3), data(s, "NOOP\r\n")}).text() ==
        expected);
  CHECK(Stream().add({syn(), urgent(s, "QUIT\r\n", 0)}).text() == "QUIT\r\n");
}

TEST_CASE("data: any cut, any order, any repetition: each byte once, at its place") {
  Dice dice(11);
  for (int round = 0; round < 1000; ++round) {
    const auto stream = random_text(dice, 1 + dice.below(400));
    const auto first = static_cast<std::uint32_t>(dice.below(2) == 0 ? dice.below(1U << 31U)
                                                                     : 0 - dice.below(300));
    auto segments = any_segments(dice, stream, first, 1 + dice.below(60));
    dice.shuffle(segments);
    DataStream counted;
    counted.add(syn(first), kStart);
    std::string written(stream.size(), '?');
    std::size_t total = 0;
    for (const auto& segment : segments) {
      for (const auto& piece : counted.add(segment, kStart)) {
        REQUIRE(piece.offset + piece.bytes.size() <= written.size());
        written.replace(piece.offset, piece.bytes.size(), piece.bytes);
        total += piece.bytes.size();
      }
    }
    CHECK(written == stream);
    CHECK(total == stream.size());
    CHECK(counted.size() == stream.size());
    CHECK(counted.captured() == stream.size());
    CHECK(counted.missing() == 0);
  }
}

TEST_CASE("data: holes are missing, and times are those of new bytes") {
  DataStream counted;
  CHECK_FALSE(counted.first_byte());
  counted.add(syn(), kStart);
  counted.add(data(kFirst, ""), kStart);
  counted.add(data(kFirst, "abc"), kStart + 1s);
  counted.add(data(kFirst + 10, "klm"), kStart + 2s);
  counted.add(data(kFirst, "abc"), kStart + 3s);
  CHECK(counted.size() == 13);
  CHECK(counted.captured() == 6);
  CHECK(counted.missing() == 7);
  CHECK(counted.first_byte() == std::optional(kStart + 1s));
  CHECK(counted.last_byte() == std::optional(kStart + 2s));
  CHECK_FALSE(counted.fin());
  const auto pieces = counted.add(data(kFirst + 2, "cdefghijklmno"), kStart + 4s);
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[0].offset == 3);
  CHECK(pieces[0].bytes == "defghij");
  CHECK(pieces[1].offset == 13);
  CHECK(pieces[1].bytes == "no");
  CHECK(counted.missing() == 0);
  CHECK(counted.last_byte() == std::optional(kStart + 4s));
  counted.add(fin(kFirst + 20), kStart + 5s);
  CHECK(counted.fin());
  CHECK(counted.size() == 20);
  CHECK(counted.missing() == 5);
  CHECK(counted.add(data(kFirst + 20, "behind"), kStart + 6s).empty());
  CHECK_FALSE(counted.rst());
  counted.add(rst(kFirst + 21), kStart);
  CHECK(counted.rst());
}

TEST_CASE("data: packets cut short by the capture count in full, and are missing") {
  DataStream counted;
  counted.add(syn(), kStart);
  auto cut = data(kFirst, "abcd");
  cut.length = 1000;
  for (std::uint32_t i = 0; i < 2000; ++i, cut.seq += 1000) {
    REQUIRE(counted.add(cut, kStart).size() == 1);
  }
  CHECK(counted.size() == 2'000'000);
  CHECK(counted.captured() == 8000);
  CHECK(counted.missing() == 1'992'000);
}

TEST_CASE("data: a capture of one direction knows by the acknowledgements what the other carried") {
  DataStream counted;
  auto accept = acknowledge(kFirst);
  accept.flags |= TcpSegment::kSyn;
  counted.ack(accept);
  for (std::uint64_t sent = 0; sent <= 10'000'000'000; sent += 500'000'000) {
    counted.ack(acknowledge(kFirst + static_cast<std::uint32_t>(sent)));
  }
  CHECK(counted.size() == 10'000'000'000);
  CHECK(counted.missing() == 10'000'000'000);
  counted.ack(acknowledge(kFirst));  // an old one
  CHECK(counted.size() == 10'000'000'000);
  DataStream whole;
  whole.add(syn(), kStart);
  whole.add(data(kFirst, "abc"), kStart);
  whole.ack(acknowledge(kFirst + 4));  // and the FIN that the capture does not have
  CHECK(whole.size() == 3);
  CHECK(whole.missing() == 0);
}

TEST_CASE("data: the holes are limited, and then closed from the front") {
  DataStream counted;
  counted.add(syn(), kStart);
  for (std::uint32_t i = 0; i < 10'000; ++i) counted.add(data(kFirst + 2 * i, "x"), kStart);
  CHECK(counted.captured() == 10'000);
  CHECK(counted.missing() == 9'999);
  CHECK(counted.add(data(kFirst + 1, "y"), kStart).empty());  // too late
  CHECK(counted.add(data(kFirst + 2 * 9'998 + 1, "y"), kStart).size() == 1);
  CHECK(counted.missing() == 9'998);
}

TEST_CASE("data: a gap of 1 GB, and more than 4 GiB") {
  DataStream counted;
  counted.add(syn(0xfffffff0), kStart);
  counted.add(data(0xfffffff0, "abc"), kStart);
  const auto pieces = counted.add(data(0xfffffff0 + 1'000'000'000, "z"), kStart);
  REQUIRE(pieces.size() == 1);
  CHECK(pieces[0].offset == 1'000'000'000);
  CHECK(counted.missing() == 999'999'997);
  std::uint64_t at = 1'000'000'001;
  const std::string block(60'000, 'x');
  for (int i = 0; i < 80'000; ++i, at += 60'000) {
    const auto found =
        counted.add(data(0xfffffff0 + static_cast<std::uint32_t>(at), block), kStart);
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].offset == at);
  }
  CHECK(counted.size() == at);
}
