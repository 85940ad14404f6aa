#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <span>

#include "tests/unit/capture_reading.h"
#include "tests/unit/frames.h"

using namespace ftpscope;
using namespace ftpscope::unit;

namespace {

constexpr std::uint64_t kTime = 1'700'000'000'123'456;

std::vector<FilePacket> some_packets() {
  return {{kTime, ethernet(ipv4(tcp({})))},
          {kTime + 1'000, ethernet(ipv4(tcp({.payload = "USER anonymous\r\n"})))},
          {kTime + 2'500'000, "x", 1500},
          {kTime + 2'500'001, ""},
          {kTime + 2'500'001, std::string(1500, 'd'), 9000}};
}

std::vector<ReadPacket> as_read(const std::vector<FilePacket>& packets, int link_type = 1) {
  std::vector<ReadPacket> read;
  for (const auto& packet : packets) {
    read.push_back(
        {static_cast<std::int64_t>(packet.time_us), link_type, packet.bytes, packet.length()});
  }
  return read;
}

std::string pcapng_file(const std::vector<FilePacket>& packets, bool little = true) {
  const Pcapng ng{little};
  auto file = ng.section() + ng.interface();
  for (const auto& packet : packets) file += ng.packet(packet);
  return file;
}

// All of a file's packets and no damage, through windows of any size.
void check_reads(const std::string& file, const std::vector<ReadPacket>& packets) {
  REQUIRE(CaptureReader::looks_like_capture(file));
  for (const std::size_t chunk : {0, 1, 7, 64, 4096}) {
    INFO("chunk " << chunk);
    const auto reading = read_capture(file, chunk);
    CHECK(reading.packets == packets);
    CHECK(reading.damages.empty());
  }
}

// libpcap is the judge.
void check_as_libpcap(const std::string& file) {
  const auto judge = read_with_libpcap(file);
  REQUIRE(judge.whole);
  auto reading = read_capture(file);
  for (auto& packet : reading.packets) {
    if (packet.link_type == 101) packet.link_type = DLT_RAW;
  }
  CHECK(reading.packets == judge.packets);
  CHECK(reading.damages.empty());
}

}  // namespace

TEST_CASE(
    "pcap of either byte order, in micro- and nanoseconds, of old versions, and Kuznetzov's") {
  for (const std::uint32_t magic : {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34}) {
    for (const bool little : {false, true}) {
      for (const unsigned minor : {2U, 3U, 4U}) {
        INFO("magic " << magic << " little " << little << " minor " << minor);
        const auto file = pcap_bytes(
            some_packets(), {.magic = magic, .little = little, .link_type = 101, .minor = minor});
        check_reads(file, as_read(some_packets(), 101));
        check_as_libpcap(file);
      }
    }
  }
}

TEST_CASE("the length of a frame check sequence is no part of the link type") {
  const auto file = pcap_bytes(some_packets(), {.link_type = 0x34000001});
  check_reads(file, as_read(some_packets(), 1));
  check_as_libpcap(file);
}

TEST_CASE("pcapng of either byte order: EPB, SPB, PB, and blocks of no interest") {
  for (const bool little : {false, true}) {
    const Pcapng ng{little};
    const FilePacket packet{kTime, "hello", 77};
    const FilePacket whole{kTime, "hello"};
    const auto file = ng.section() + ng.block(5, "statistics") + ng.interface(1, 0) +
                      ng.packet(packet) + ng.block(4, "") + ng.obsolete(packet) +
                      ng.block(0xbad, std::string(5000, 'c')) + ng.simple(whole) +
                      ng.block(0x80000001, "of my own") + ng.packet(packet);
    const ReadPacket read{static_cast<std::int64_t>(kTime), 1, "hello", 77};
    auto simple = read;  // it has no time of its own
    simple.original = 5;
    check_reads(file, {read, read, simple, read});
  }
}

TEST_CASE("pcapng as libpcap reads it") {
  for (const bool little : {false, true}) {
    const Pcapng ng{little};
    const FilePacket packet{kTime, ethernet(ipv4(tcp({}))), 1500};
    check_as_libpcap(pcapng_file(some_packets(), little));
    for (const unsigned resolution : {0U, 3U, 6U, 7U, 9U, 12U, 0x80U | 10U, 0x80U | 20U}) {
      INFO("if_tsresol " << resolution);
      const auto options = ng.option(2, "eth0") + ng.option(9, u8(resolution)) +
                           ng.option(14, ng.n(86'400, 8)) + ng.option(0, "");
      check_as_libpcap(ng.section() + ng.interface(1, 65535, options) +
                       ng.packet_at(packet, 0x0123'4567) +
                       ng.packet_at(packet, resolution == 0 ? 1 : 0x0123'4567'89ab) +
                       ng.obsolete({resolution < 4 || resolution > 0x80 ? 1'000 : kTime, "old"}));
    }
  }
}

TEST_CASE("interfaces of different link types, snap lengths and clocks; sections of either order") {
  const Pcapng little{true};
  const Pcapng big{false};
  const auto nanoseconds = little.option(9, u8(9));
  const auto file =
      little.section() + little.interface(1, 96) + little.interface(101, 262144, nanoseconds) +
      little.packet_at({.bytes = "one", .interface = 1}, kTime * 1000 + 999) +
      little.packet({kTime, "two", 0, 0}) + big.section() +
      big.interface(276, 0, big.option(14, big.n(static_cast<std::uint64_t>(-3600), 8))) +
      big.packet({kTime, "three", 0, 0}) + little.section() + little.interface(113, 2) +
      little.simple({.bytes = "fo", .original = 4});
  const auto time = static_cast<std::int64_t>(kTime);
  check_reads(file, {{time, 101, "one", 3},
                     {time, 1, "two", 3},
                     {time - 3'600'000'000, 276, "three", 5},
                     {time - 3'600'000'000, 113, "fo", 4}});
}

TEST_CASE("clocks count in any unit and never overflow") {
  using std::chrono::microseconds;
  struct Row {
    CaptureClock clock;
    std::uint64_t ticks;
    std::int64_t micros;
  };
  constexpr std::int64_t kEnd = 253'402'300'799'000'000;
  const auto all = ~std::uint64_t{0};
  const std::vector<Row> rows = {
      {{false, 6, 0}, 1'500'000, 1'500'000},
      {{false, 0, 0}, 7, 7'000'000},
      {{false, 3, 0}, 7'001, 7'001'000},
      {{false, 9, 0}, 1'000'001'999, 1'000'001},
      {{false, 19, 0}, all, 1'844'674},  // 10^19 ticks a second
      {{false, 20, 0}, all, 184'467},
      {{false, 127, 0}, all, 0},
      {{true, 0, 0}, 7, 7'000'000},
      {{true, 1, 0}, 3, 1'500'000},
      {{true, 20, 0}, (1U << 20U) + (1U << 19U), 1'500'000},
      {{true, 63, 0}, std::uint64_t{3} << 62U, 1'500'000},
      {{true, 64, 0}, std::uint64_t{1} << 63U, 500'000},
      {{true, 127, 0}, all, 0},
      {{false, 6, -1}, 1'500'000, 500'000},
      {{false, 6, -100}, 1'500'000, 500'000},  // the fraction of a time before 1970 stays
      {{false, 0, 0}, all, kEnd},
      {{false, 0, std::numeric_limits<std::int64_t>::max()}, all, kEnd},
      {{false, 0, std::numeric_limits<std::int64_t>::min()}, all, 0},
  };
  for (const auto& [clock, ticks, micros] : rows) {
    INFO(int{clock.binary} << " " << int{clock.exponent} << " " << clock.offset_s << " " << ticks);
    CHECK(clock.at(ticks).time_since_epoch().count() == micros);
  }
}

TEST_CASE("what is no capture at all") {
  for (const auto* text : {"", "\n", "GET / HTTP/1.1\r\n\r\n", "\x1f\x8b\x08 a gzip file..."}) {
    CHECK_FALSE(CaptureReader::looks_like_capture(text));
    for (const std::size_t chunk : {0, 1, 5}) {
      const auto reading = read_capture(text, chunk);
      CHECK(reading.packets.empty());
      REQUIRE(reading.damages.size() == 1);
      CHECK(reading.damages[0].what == "this is no capture file");
    }
  }
  CHECK_FALSE(CaptureReader::looks_like_capture(u32(0x0a0d0d0a) + u32(28) + u32(0x1a2b3c4e)));
}

TEST_CASE("damage is told once, with its place, and what is behind it is read") {
  struct Row {
    std::string what;
    std::string between;  // in place of the packet in the middle
  };
  const Pcapng ng;
  const FilePacket packet{kTime, ethernet(ipv4(tcp({})))};
  const auto good = ng.packet(packet);
  auto behind = good;
  behind[behind.size() - 4] = 1;
  auto front = good;
  front[4] = 13;
  auto captured = good;
  captured[8 + 12] = '\xff';
  const std::vector<Row> rows = {
      {"a block with two lengths, 92 in front and 1 behind: 92 bytes skipped", behind},
      {"a block of 13 bytes: 92 bytes skipped", front},
      {"a block of 0 bytes: 8 bytes skipped", ng.n(6, 4) + ng.n(0, 4)},
      {"a block of 4294967292 bytes: 8 bytes skipped", ng.n(6, 4) + ng.n(0xfffffffc, 4)},
      {"a block of 1919906405 bytes: 1000 bytes skipped",
       "some" + std::string("eror") + std::string(992, 'x')},
      {"a section without a byte order: 28 bytes skipped", ng.section().replace(8, 4, "abcd")},
      {"a packet of 255 bytes in a block that has room for 60", captured},
      {"a packet of interface 9, which is unknown", ng.packet({kTime, "x", 0, 9})},
      {"a block too short for what it is", ng.block(6, "short")},
      {"a block too short for what it is", ng.block(1, "IDB")},
      {"a block too short for what it is", ng.block(2, "PB")},
      {"a block too short for what it is", ng.block(3, "")},
  };
  const auto head = ng.section() + ng.interface();
  for (const auto& [what, between] : rows) {
    INFO(what);
    const auto file = head + good + between + good + good;
    const auto reading = read_capture(file);
    CHECK(reading.packets == as_read({packet, packet, packet}));
    CHECK(reading.damages == std::vector<ReadDamage>{{head.size() + good.size(), 1, what}});
    for (const std::size_t chunk : {1, 13, 100}) CHECK(read_capture(file, chunk) == reading);
  }
}

TEST_CASE("a section of another version is read, a section without interfaces is not") {
  const Pcapng ng;
  const FilePacket packet{kTime, "hello"};
  const auto reading = read_capture(ng.section(2) + ng.interface() + ng.packet(packet) +
                                    ng.section() + ng.packet(packet) + ng.simple(packet));
  CHECK(reading.packets == as_read({packet}));
  REQUIRE(reading.damages.size() == 3);
  CHECK(reading.damages[0].what == "a section of version 2, read as if it were 1");
  CHECK(reading.damages[2].what == "a packet of interface 0, which is unknown");
}

TEST_CASE("interfaces are counted, and one too many is told") {
  const Pcapng ng;
  auto file = ng.section();
  for (std::size_t i = 0; i < CaptureReader::kInterfacesMax + 2; ++i) file += ng.interface();
  file += ng.packet({kTime, "x", 0, CaptureReader::kInterfacesMax - 1});
  const auto reading = read_capture(file);
  CHECK(reading.packets.size() == 1);
  REQUIRE(reading.damages.size() == 2);
  CHECK(reading.damages[0].what == "more than 1024 interfaces");
}

TEST_CASE("damage in a pcap file: the next two headers in a row are the place to go on") {
  const FilePacket packet{kTime, ethernet(ipv4(tcp({})))};
  const auto good = pcap_bytes(std::vector<FilePacket>{packet}).substr(24);
  const auto head = pcap_bytes(std::vector<FilePacket>{});
  std::string huge = good;
  huge[11] = 1;  // 16 MiB captured
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"a record of 16777276 bytes: 76 bytes skipped", huge},
      {"a record of 2021161080 bytes: 5000 bytes skipped", std::string(5000, 'x')},
      {"a record header of zeros: 100000 bytes skipped", std::string(100'000, '\0')},
  };
  REQUIRE(good.size() == 76);
  for (const auto& [what, between] : rows) {
    const auto file = head + good + between + good + good;
    const auto reading = read_capture(file);
    CHECK(reading.packets == as_read({packet, packet, packet}));
    CHECK(reading.damages == std::vector<ReadDamage>{{24 + 76, 1, what}});
    for (const std::size_t chunk : {1, 100}) {
      if (between.size() < 10'000) CHECK(read_capture(file, chunk) == reading);
    }
  }
  const auto first = read_capture(head + huge + good + good + good);  // no time to compare with yet
  CHECK(first.packets == as_read({packet, packet, packet}));
}

TEST_CASE("a file cut at each byte: every whole packet, and damage unless the cut is between two") {
  const std::vector<std::function<std::string(const std::vector<FilePacket>&)>> writers = {
      [](const auto& packets) { return pcap_bytes(packets); },
      [](const auto& packets) { return pcapng_file(packets, true); },
      [](const auto& packets) { return pcapng_file(packets, false); }};
  const auto packets = some_packets();
  const auto expected = as_read(packets);
  for (const auto& write : writers) {
    const auto file = write(packets);
    std::vector<std::size_t> ends;  // of the file with so many packets
    for (std::ptrdiff_t count = 0; count <= std::ssize(packets); ++count) {
      ends.push_back(write({packets.begin(), packets.begin() + count}).size());
    }
    for (std::size_t size = 0; size < file.size(); ++size) {
      INFO("cut at " << size);
      const auto reading = read_capture(std::string_view(file).substr(0, size));
      const auto past = std::ranges::upper_bound(ends, size) - ends.begin();
      const auto whole = static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, past) - 1);
      CHECK(std::ranges::equal(reading.packets, std::span(expected).first(whole)));
      if (size < ends[0]) continue;
      CHECK(reading.damages.size() == (std::ranges::count(ends, size) > 0 ? 0U : 1U));
    }
  }
}

TEST_CASE("each bit flipped: the reader reaches the end, and few packets are lost") {
  std::vector<FilePacket> packets;
  for (unsigned i = 0; i < 12; ++i) packets.push_back({kTime + i, std::string(20 + i, 'p')});
  for (const auto& file : {pcap_bytes(packets), pcapng_file(packets)}) {
    const auto whole = read_capture(file);
    const std::size_t head = file[0] == 0x0a ? 48 : 24;
    for (std::size_t at = 0; at < file.size(); ++at) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        auto flipped = file;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        const auto reading = read_capture(flipped);
        std::size_t kept = 0;
        for (const auto& packet : whole.packets) {
          kept += std::ranges::count(reading.packets, packet) > 0 ? 1U : 0U;
        }
        INFO("byte " << at << " bit " << bit);
        // A length in pcap that lies a little skips what is there; one that lies much is seen.
        if (at >= head) CHECK(kept >= (file[0] == 0x0a ? packets.size() - 1 : 3));
        if (at % 7 == 0) CHECK(read_capture(flipped, 33) == reading);
      }
    }
  }
}

TEST_CASE("the search behind damage looks at each byte a fixed number of times") {
  const Pcapng ng;
  // Each 12 bytes look like the beginning of a large block until its end is looked at.
  std::string bait;
  while (bait.size() < 2'000'000) bait += ng.n(6, 4) + ng.n(1'000'000, 4) + ng.n(1, 4);
  const auto file = ng.section() + ng.interface() + ng.block(6, "short") + ng.n(6, 4) + ng.n(0, 4) +
                    bait + ng.packet({kTime, "found"});
  const auto begin = std::chrono::steady_clock::now();
  const auto reading = read_capture(file);
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(reading.packets.size() == 1);
  CHECK(reading.damages.size() == 2);
  CHECK(reading.steps <= 6);
  CHECK(took < std::chrono::seconds(2));  // in 20 ms; a quadratic search would take an hour
}
