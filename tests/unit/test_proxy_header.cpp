// The PROXY protocol's headers: whole, cut at every byte, with more behind them, and wrong.
#include <doctest/doctest.h>

#include <string>

#include "analyzer/proxy_header.h"

using namespace ftpscope;
using namespace std::string_literals;
using State = ProxyHeaderReading::State;

namespace {

const auto kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const auto kV4Addresses = "\xc0\0\x02\x01\xc6\x33\x64\x07\xc3\x50\0\x15"s;
const auto kV6Addresses =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
    "\xc3\x50\0\x15"s;

std::string v2(char command, char family, const std::string& body) {
  const auto length =
      std::string{static_cast<char>(body.size() >> 8U), static_cast<char>(body.size() & 0xffU)};
  return kSignature + command + family + length + body;
}

std::string tlv(char type, const std::string& value) {
  return std::string{type, static_cast<char>(value.size() >> 8U),
                     static_cast<char>(value.size() & 0xffU)} +
         value;
}

std::string connection_of(const ProxyHeaderReading& reading) {
  const auto& leg = reading.header.connection;
  return leg ? to_text(leg->from) + " > " + to_text(leg->to) : "its own";
}

// What is read of a header that is whole: the same with more behind it, and at no cut before.
std::string whole(const std::string& bytes) {
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    CHECK_MESSAGE(read_proxy_header(bytes.substr(0, cut)).state == State::more, cut);
  }
  for (const auto& behind : {""s, "USER anna\r\n"s, "\0"s, bytes}) {
    const auto reading = read_proxy_header(bytes + behind);
    CHECK(reading.state == State::complete);
    CHECK(reading.size == bytes.size());
  }
  const auto reading = read_proxy_header(bytes);
  return std::string(name_of(reading.header.version)) + " " + connection_of(reading);
}

// Why it is refused: the same at once, byte by byte, and with more behind it.
std::string refused(const std::string& bytes) {
  const auto all = read_proxy_header(bytes);
  CHECK(all.state == State::malformed);
  bool seen = false;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const auto reading = read_proxy_header(bytes.substr(0, cut));
    seen = seen || reading.state != State::more;
    if (seen) CHECK(reading.why == all.why);
  }
  CHECK(read_proxy_header(bytes + "USER anna\r\n").why == all.why);
  return std::string(all.why);
}

}  // namespace

TEST_CASE("version 1") {
  CHECK(whole("PROXY TCP4 192.0.2.1 198.51.100.7 50000 21\r\n") ==
        "v1 192.0.2.1:50000 > 198.51.100.7:21");
  CHECK(whole("PROXY TCP6 2001:db8::1 2001:db8::2 50000 21\r\n") ==
        "v1 [2001:db8::1]:50000 > [2001:db8::2]:21");
  CHECK(whole("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.7 0 65535\r\n") ==
        "v1 192.0.2.1:0 > 198.51.100.7:65535");
  CHECK(whole("PROXY UNKNOWN\r\n") == "v1 its own");
  const auto longest =
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"s;
  CHECK(longest.size() == kProxyHeaderV1Max);
  CHECK(whole(longest) == "v1 its own");
}

TEST_CASE("version 1, malformed") {
  const auto addresses = "no two addresses and two ports of its family";
  for (const auto* line :
       {"TCP4 192.0.2.1 198.51.100.7 50000", "TCP4 192.0.2.1 198.51.100.7 50000 21 ",
        "TCP4 192.0.2.1 198.51.100.7 50000  21", "TCP4 192.0.2.1 198.51.100.7 050000 21",
        "TCP4 192.0.2.1 198.51.100.7 50000 65536", "TCP4 192.0.2.1 198.51.100.7 50000 021",
        "TCP4 192.0.2.256 198.51.100.7 50000 21", "TCP4 2001:db8::1 2001:db8::2 50000 21",
        "TCP6 192.0.2.1 198.51.100.7 50000 21", "TCP4 ", "TCP4 a b c d",
        "TCP4 192.0.2.1 198.51.100.7 -1 21"}) {
    CHECK_MESSAGE(refused("PROXY "s + line + "\r\n") == addresses, line);
  }
  CHECK(refused("PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n") == "neither TCP4, TCP6 nor UNKNOWN");
  CHECK(refused("PROXY UNKNOWNX\r\n") == "neither TCP4, TCP6 nor UNKNOWN");
  CHECK(refused("PROXY \r\n") == "neither TCP4, TCP6 nor UNKNOWN");
  CHECK(refused("PROXY TCP4 192.0.2.1 198.51.100.7 50000 21\n") ==
        "a line that does not end in CR LF");
  const auto no_end = "no line end within the 107 bytes of version 1";
  CHECK(refused("PROXY UNKNOWN " + std::string(kProxyHeaderV1Max, 'x') + "\r\n") == no_end);
  CHECK(refused("PROXY " + std::string(kProxyHeaderV1Max - 6, 'x')) == no_end);
}

TEST_CASE("version 2") {
  CHECK(whole(v2('\x21', '\x11', kV4Addresses)) == "v2 192.0.2.1:50000 > 198.51.100.7:21");
  CHECK(whole(v2('\x21', '\x21', kV6Addresses)) == "v2 [2001:db8::1]:50000 > [2001:db8::2]:21");
  const auto tlvs = tlv('\x05', "an-id") + tlv('\x04', "") + tlv('\xea', std::string(400, 'x'));
  CHECK(whole(v2('\x21', '\x11', kV4Addresses + tlvs)) == "v2 192.0.2.1:50000 > 198.51.100.7:21");
  // LOCAL: what follows is skipped, whatever it is.
  CHECK(whole(v2('\x20', '\0', "")) == "v2 its own");
  CHECK(whole(v2('\x20', '\x11', kV4Addresses)) == "v2 its own");
  CHECK(whole(v2('\x20', '\x7f', "rubbish")) == "v2 its own");
  CHECK(whole(v2('\x21', '\0', "")) == "v2 its own");
  CHECK(whole(v2('\x21', '\0', "rubbish")) == "v2 its own");
  CHECK(whole(v2('\x21', '\x31', std::string(216, '\0'))) == "v2 its own");
  const auto filler = kProxyHeaderV2Max - 16 - kV4Addresses.size() - 3;
  CHECK(whole(v2('\x21', '\x11', kV4Addresses + tlv('\x04', std::string(filler, '\0')))) ==
        "v2 192.0.2.1:50000 > 198.51.100.7:21");
}

TEST_CASE("version 2, malformed") {
  CHECK(refused(v2('\x11', '\x11', kV4Addresses)) == "a version that is not 2");
  CHECK(refused(v2('\x22', '\x11', kV4Addresses)) == "a command that is neither LOCAL nor PROXY");
  CHECK(refused(v2('\x21', '\x12', kV4Addresses)) == "an address family that is no TCP");
  CHECK(refused(v2('\x21', '\x41', kV4Addresses)) == "an address family that is no TCP");
  const auto too_short = "too short for the addresses of its family";
  CHECK(refused(v2('\x21', '\x11', kV4Addresses.substr(1))) == too_short);
  CHECK(refused(v2('\x21', '\x21', kV4Addresses)) == too_short);
  CHECK(refused(v2('\x21', '\x11', kV4Addresses + "\x05\0"s)) == "a TLV that is cut off");
  CHECK(refused(v2('\x21', '\x11', kV4Addresses + "\x05\0\x02x"s)) ==
        "a TLV that is longer than the header");
  const auto too_long = "longer than the 536 bytes taken of version 2";
  CHECK(refused(v2('\x21', '\x11', std::string(kProxyHeaderV2Max - 15, '\0'))) == too_long);
  CHECK(refused(kSignature + "\x20\0\xff\xff"s) == too_long);
}

// Computed by HAProxy 2.6.12 with `proxy-v2-options crc32c`, taken from the wire.
TEST_CASE("version 2: the checksum") {
  const auto haproxy = kSignature + "\x21\x11\0\x13\x7f\0\0\x07\x7f\0\0\x02\xd9\x77\x98\xd2"s +
                       tlv('\x03', "\xb0\x2f\x07\x10");
  CHECK(whole(haproxy) == "v2 127.0.0.7:55671 > 127.0.0.2:39122");
  auto other = haproxy;
  other[16] = '\x7e';
  CHECK(refused(other) == "a wrong checksum");
  const auto head = kV4Addresses;
  CHECK(refused(v2('\x21', '\x11', head + tlv('\x03', "abc"))) ==
        "a checksum that has not four bytes");
  CHECK(refused(v2('\x21', '\x11', head + tlv('\x03', "\0\0\0\0"s))) == "a wrong checksum");
}

TEST_CASE("no header") {
  for (const auto& bytes : {"USER anna\r\n"s, "\r\n\r\nUSER"s, "PROXYTCP4"s, "proxy TCP4 "s,
                            "PASV"s, "\r\n\r\n\0\r\nQUIT\r\n"s, "\x16\x03\x01"s, " PROXY TCP4"s}) {
    CHECK_MESSAGE(read_proxy_header(bytes).state == State::absent, bytes);
  }
  CHECK(read_proxy_header("").state == State::more);
}

TEST_CASE("what is written is read again") {
  for (const auto& [from, to] : {std::pair("192.0.2.1:50000", "198.51.100.7:21"),
                                 std::pair("[2001:db8::1]:1", "[2001:db8::2]:65535"),
                                 std::pair("192.0.2.1:0", "[2001:db8::2]:21")}) {
    const Leg connection{*parse_endpoint(from), *parse_endpoint(to)};
    for (const auto version : {ProxyVersion::v1, ProxyVersion::v2}) {
      const auto expected =
          std::string(name_of(version)) + " " + std::string(from) + " > " + std::string(to);
      CHECK(whole(proxy_header(version, connection)) == expected);
    }
  }
  const Leg connection{*parse_endpoint("192.0.2.1:50000"), *parse_endpoint("198.51.100.7:21")};
  CHECK(proxy_header(ProxyVersion::v1, connection) ==
        "PROXY TCP4 192.0.2.1 198.51.100.7 50000 21\r\n");
  CHECK(proxy_header(ProxyVersion::v2, connection) == v2('\x21', '\x11', kV4Addresses));
}
