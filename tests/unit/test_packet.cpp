#include "analyzer/packet.h"

#include <doctest/doctest.h>

#include "tests/unit/frames.h"

using namespace ftpscope;
using namespace ftpscope::unit;

namespace {

constexpr int kEthernet = 1;
constexpr int kRaw = 101;

std::string vlan(unsigned type, const std::string& payload) {
  return u16(5) + u16(type) + payload;  // what follows 0x8100
}

std::string extension(unsigned next, std::size_t words = 0) {
  return u8(next) + u8(static_cast<unsigned>(words)) + std::string(6 + words * 8, '\0');
}

std::string fragment_header(unsigned next, unsigned place) {
  return u8(next) + u8(0) + u16(place) + u32(77);
}

// The segment of tcp({}), from one of the two hosts of frames.h to the other.
void check_noop(int link_type, const std::string& frame) {
  const auto packet = decode(link_type, frame);
  REQUIRE(packet);
  REQUIRE(std::holds_alternative<TcpSegment>(*packet));
  const auto& segment = std::get<TcpSegment>(*packet);
  const bool v6 = segment.from.ip.v6;
  CHECK(to_text(segment.from) == (v6 ? "[2001:db8::1]:1234" : "192.0.2.1:1234"));
  CHECK(to_text(segment.to) == (v6 ? "[2001:db8::2]:21" : "198.51.100.2:21"));
  CHECK(segment.seq == 1000);
  CHECK(segment.ack == 2000);
  CHECK(segment.has_ack());
  CHECK_FALSE(segment.syn());
  CHECK(segment.window == 512);
  CHECK(segment.payload == "NOOP\r\n");
  CHECK(segment.length == 6);
}

Ignored reason(int link_type, const std::string& frame) {
  const auto packet = decode(link_type, frame);
  REQUIRE_FALSE(packet);
  return packet.error();
}

}  // namespace

TEST_CASE("every link type, and what lies between it and TCP") {
  const auto noop = tcp({});
  const auto v4 = ipv4(noop);
  const auto v6 = ipv6(noop);
  const std::string label = u32(0x00010040);
  const std::string last_label = u32(0x00010140);
  struct Row {
    const char* what;
    int link_type;
    std::string frame;
  };
  const std::vector<Row> rows = {
      {"Ethernet", 1, ethernet(v4)},
      {"Ethernet, padded", 1, ethernet(v4) + std::string(20, '\0')},
      {"Ethernet, IPv6", 1, ethernet(v6, 0x86dd)},
      {"Ethernet, IPv6, with FCS", 1, ethernet(v6, 0x86dd) + "abcd"},
      {"VLAN", 1, ethernet(vlan(0x0800, v4), 0x8100)},
      {"QinQ", 1, ethernet(vlan(0x8100, vlan(0x86dd, v6)), 0x88a8)},
      {"old QinQ, thrice", 1, ethernet(vlan(0x9100, vlan(0x8100, vlan(0x0800, v4))), 0x9100)},
      {"PPPoE", 1, ethernet(u16(0x1100) + u16(1) + u16(70) + u16(0x21) + v4, 0x8864)},
      {"PPPoE, IPv6", 1, ethernet(u16(0x1100) + u16(1) + u16(70) + u16(0x57) + v6, 0x8864)},
      {"MPLS", 1, ethernet(last_label + v4, 0x8847)},
      {"MPLS, two labels", 1, ethernet(label + last_label + v6, 0x8847)},
      {"Linux cooked", 113, std::string(14, '\0') + u16(0x0800) + v4},
      {"Linux cooked, VLAN", 113, std::string(14, '\0') + u16(0x8100) + vlan(0x86dd, v6)},
      {"Linux cooked v2", 276, u16(0x86dd) + std::string(18, '\0') + v6},
      {"raw", 101, v4},
      {"raw, IPv6", 101, v6},
      {"raw, numbered as in Linux", 12, v4},
      {"raw, numbered as in OpenBSD", 14, v6},
      {"IPv4", 228, v4},
      {"IPv6", 229, v6},
      {"null, little", 0, number(2, 4, true) + v4},
      {"null, big", 0, u32(2) + v4},
      {"null, IPv6 of Darwin", 0, number(30, 4, true) + v6},
      {"null, IPv6 of FreeBSD", 0, u32(28) + v6},
      {"null, IPv6 of NetBSD", 0, u32(24) + v6},
      {"loop", 108, u32(2) + v4},
      {"IPv4 with options", 101, ipv4(noop, {.options = std::string(40, '\1')})},
      {"IPv4, no total length (offload)", 101, ipv4(noop, {.total = 0})},
      {"IPv4, fragment bit 'do not'", 101, ipv4(noop, {.fragment = 0x4000})},
      {"IPv4, AH", 101, ipv4(u8(6) + u8(4) + std::string(22, '\0') + noop, {.protocol = 51})},
      {"IPv6, no payload length", 101, ipv6(noop, 6, 0)},
      {"IPv6, hop-by-hop", 101, ipv6(extension(6) + noop, 0)},
      {"IPv6, all the headers", 101,
       ipv6(extension(43) + extension(60, 2) + extension(51) + u8(135) + u8(1) +
                std::string(10, '\0') + extension(6) + noop,
            0)},
      {"IPv6, a fragment that is all", 101, ipv6(fragment_header(6, 0) + noop, 44)},
      {"TCP with options", 101, ipv4(tcp({.options = std::string(40, '\1')}))},
  };
  for (const auto& [what, link_type, frame] : rows) {
    INFO(what);
    check_noop(link_type, frame);
  }
}

TEST_CASE("every frame cut at each byte: a reason, or a segment that knows how much is missing") {
  const auto noop = tcp({.options = std::string(12, '\1')});
  const std::vector<std::pair<int, std::string>> frames = {
      {1,
       ethernet(vlan(0x8100, vlan(0x86dd, ipv6(extension(60) + extension(6) + noop, 0))), 0x88a8)},
      {1, ethernet(ipv4(noop, {.options = std::string(8, '\1')}))},
      {113, std::string(14, '\0') + u16(0x0800) + ipv4(noop)},
      {0, u32(2) + ipv4(noop)},
      {1, ethernet(u32(0x140) + ipv4(noop), 0x8847)},
      {1, ethernet(u16(0x1100) + u16(1) + u16(70) + u16(0x21) + ipv4(noop), 0x8864)},
      {101, ipv4(u8(3) + u8(1) + u16(0) + u32(0) + ipv4(noop), {.protocol = 1})},
  };
  for (const auto& [link_type, frame] : frames) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      INFO("link type " << link_type << " cut at " << size);
      const auto packet =
          decode(link_type, frame.substr(0, size), static_cast<std::uint32_t>(frame.size()));
      if (!packet) {
        CHECK((packet.error() == Ignored::cut || packet.error() == Ignored::not_tcp));
        continue;
      }
      const auto* const segment = std::get_if<TcpSegment>(&*packet);
      if (segment == nullptr) continue;
      CHECK(segment->length == 6);
      CHECK(segment->payload.size() == 6 - std::min<std::size_t>(6, frame.size() - size));
    }
  }
}

TEST_CASE("the flags and the urgent pointer of TCP") {
  const auto flags_of = [](unsigned flags) {
    return std::get<TcpSegment>(*decode(kRaw, ipv4(tcp({.flags = flags, .urgent = 3}))));
  };
  CHECK(flags_of(0x02).syn());
  CHECK_FALSE(flags_of(0x02).has_ack());
  CHECK(flags_of(0x12).has_ack());
  CHECK(flags_of(0x01).fin());
  CHECK(flags_of(0x04).rst());
  CHECK(flags_of(0x20).urg());
  CHECK(flags_of(0x20).urgent == 3);
  CHECK_FALSE(flags_of(0xc8).fin());
}

TEST_CASE("fragments of IPv4 and IPv6") {
  const auto first = ipv4("12345678", {.fragment = 0x2003, .id = 513});
  const auto v4 = decode(kRaw, first);
  REQUIRE(v4);
  const auto& part = std::get<Fragment>(*v4);
  CHECK(part.id == 513);
  CHECK(part.offset == 24);
  CHECK(part.more);
  CHECK_FALSE(part.v6);
  CHECK(part.part.protocol == 6);
  CHECK(part.part.bytes == "12345678");
  CHECK(part.part.length == 8);
  const auto second = ipv6(extension(44) + fragment_header(6, 24) + "123", 0);
  const auto v6 = decode(kRaw, second);
  REQUIRE(v6);
  const auto& last = std::get<Fragment>(*v6);
  CHECK(last.id == 77);
  CHECK(last.offset == 24);
  CHECK_FALSE(last.more);
  CHECK(last.v6);
  CHECK(last.part.protocol == 6);
  CHECK(last.part.bytes == "123");
}

TEST_CASE("destination unreachable names the connection that failed") {
  const auto syn = tcp({.flags = 2, .payload = ""});
  const auto quote = ipv4(syn);
  const auto error = [&](unsigned type, unsigned code, const std::string& quoted) {
    return ipv4(u8(type) + u8(code) + u16(0) + u32(0) + quoted, {.protocol = 1});
  };
  for (const unsigned code : {0U, 1U, 3U, 10U, 13U}) {
    const auto packet = decode(kRaw, error(3, code, quote));
    REQUIRE(packet);
    const auto& found = std::get<Unreachable>(*packet);
    CHECK(found.code == code);
    CHECK_FALSE(found.v6);
    CHECK(to_text(found.from) == "192.0.2.1:1234");
    CHECK(to_text(found.to) == "198.51.100.2:21");
    CHECK(to_text(found.reporter) == "192.0.2.1");
    CHECK(found.seq == 1000);
    CHECK(found.syn == std::optional(true));
  }
  const auto eight = decode(kRaw, error(3, 1, quote.substr(0, 28)));  // all that RFC 792 promises
  REQUIRE(eight);
  CHECK(std::get<Unreachable>(*eight).syn == std::nullopt);
  const auto v6 = decode(kRaw, ipv6(u8(1) + u8(4) + u16(0) + u32(0) + ipv6(tcp({})), 58));
  REQUIRE(v6);
  CHECK(std::get<Unreachable>(*v6).v6);
  CHECK(std::get<Unreachable>(*v6).code == 4);
  CHECK(std::get<Unreachable>(*v6).syn == std::optional(false));
  CHECK(to_text(std::get<Unreachable>(*v6).to) == "[2001:db8::2]:21");

  CHECK(reason(kRaw, error(3, 4, quote)) == Ignored::not_tcp);   // path MTU
  CHECK(reason(kRaw, error(11, 0, quote)) == Ignored::not_tcp);  // time exceeded
  CHECK(reason(kRaw, error(3, 1, ipv4(syn, {.protocol = 17}))) == Ignored::not_tcp);
  CHECK(reason(kRaw, error(3, 1, "")) == Ignored::cut);
  CHECK(reason(kRaw, error(3, 1, quote.substr(0, 27))) == Ignored::cut);
  CHECK(reason(kRaw, error(3, 1, u8(0x41) + quote.substr(1))) == Ignored::malformed);
}

TEST_CASE("what is ignored, and why") {
  std::string tags;
  for (int i = 0; i < 40; ++i) tags += vlan(0x8100, "");
  std::string headers;
  for (int i = 0; i < 40; ++i) headers += extension(60);
  std::string labels;
  for (int i = 0; i < 40; ++i) labels += u32(0x40);
  const auto noop = tcp({});
  CHECK(reason(9999, "") == Ignored::link_type);
  CHECK(reason(kEthernet, ethernet("arp", 0x0806)) == Ignored::not_ip);
  CHECK(reason(kEthernet, ethernet(ipv6(noop), 0x0800)) == Ignored::not_ip);
  CHECK(reason(kEthernet, ethernet(ipv4(noop) + std::string(40, ' '), 0x86dd)) == Ignored::not_ip);
  CHECK(reason(0, u32(7) + ipv4(noop)) == Ignored::not_ip);
  CHECK(reason(kEthernet, ethernet(tags, 0x8100)) == Ignored::malformed);
  CHECK(reason(kEthernet, ethernet(labels, 0x8847)) == Ignored::malformed);
  CHECK(reason(kRaw, ipv6(headers + noop, 60)) == Ignored::malformed);
  CHECK(reason(kRaw, ipv6(extension(6, 50).substr(0, 40), 60)) == Ignored::malformed);
  CHECK(reason(kRaw, ipv4("udp 12345678", {.protocol = 17})) == Ignored::not_tcp);
  CHECK(reason(kRaw, ipv4("short")) == Ignored::malformed);
  CHECK(reason(kRaw, ipv4(noop, {.total = 19})) == Ignored::malformed);
  CHECK(reason(kRaw, ipv4(noop.substr(0, 12) + u8(0x40) + noop.substr(13))) == Ignored::malformed);
  CHECK(reason(kRaw, ipv4(noop.substr(0, 12) + u8(0xf0) + noop.substr(13))) == Ignored::malformed);
  CHECK(reason(kRaw, u8(0x44) + ipv4(noop).substr(1)) == Ignored::malformed);
}
