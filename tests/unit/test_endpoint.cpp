#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "analyzer/endpoint.h"

using namespace ftpscope;
using namespace std::string_view_literals;

TEST_CASE("addresses that are read and written alike") {
  for (const auto text : {"0.0.0.0", "127.0.0.1", "192.0.2.1", "255.255.255.255", "::", "::1",
                          "2001:db8::1", "fe80::1"}) {
    const auto ip = parse_ip(text);
    REQUIRE_MESSAGE(ip, text);
    CHECK(to_text(*ip) == text);
    CHECK(ip->v6 == (std::string_view(text).find(':') != std::string_view::npos));
  }
  CHECK(to_text(*parse_ip("2001:DB8:0:0::0:1")) == "2001:db8::1");
}

TEST_CASE("an IPv4-mapped address is the IPv4 address") {
  CHECK(parse_ip("::ffff:192.0.2.1") == parse_ip("192.0.2.1"));
  CHECK(to_text(*parse_ip("::ffff:c000:201")) == "192.0.2.1");
  CHECK(parse_ip("::192.0.2.1") != parse_ip("192.0.2.1"));
}

TEST_CASE("what is no address") {
  for (const auto text :
       {""sv, " 192.0.2.1"sv, "192.0.2.1 "sv, "192.0.2"sv, "192.0.2.1.1"sv, "192.0.2.256"sv,
        "192.0.2.-1"sv, "192.0.2.01"sv, "0300.0.2.1"sv, "0xc0.0.2.1"sv, "3221225985"sv,
        "192.0.2.1\0"sv, "localhost"sv, "fe80::1%eth0"sv, "[::1]"sv, ":::"sv, "1::2::3"sv,
        "12345::"sv, "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"sv}) {
    CHECK_MESSAGE(!parse_ip(text), std::string(text));
  }
}

TEST_CASE("endpoints") {
  for (const auto text :
       {"192.0.2.1:21", "0.0.0.0:0", "127.0.0.1:65535", "[2001:db8::1]:21", "[::]:0"}) {
    const auto endpoint = parse_endpoint(text);
    REQUIRE_MESSAGE(endpoint, text);
    CHECK(to_text(*endpoint) == text);
  }
  for (const auto text :
       {"", ":", "192.0.2.1", "192.0.2.1:", ":21", "192.0.2.1:65536", "192.0.2.1:-1",
        "192.0.2.1: 21", "[192.0.2.1]:21", "::1:21", "2001:db8::1:21", "[::1]", "[::1]21",
        "[::1:21", "::1]:21", "[fe80::1%1]:21", "host:21"}) {
    CHECK_MESSAGE(!parse_endpoint(text), text);
  }
}

TEST_CASE("ports") {
  CHECK(parse_port("0") == 0);
  CHECK(parse_port("21") == 21);
  CHECK(parse_port("00021") == 21);
  CHECK(parse_port("65535") == 65535);
  for (const auto text :
       {"", "65536", "4294967317", "-1", "+21", " 21", "21 ", "0x15", "000021", "2a"}) {
    CHECK_MESSAGE(!parse_port(text), text);
  }
}

TEST_CASE("scopes (RFC 6890)") {
  const std::vector<std::pair<std::string_view, Scope>> cases = {
      {"0.0.0.0", Scope::unspecified},
      {"0.1.2.3", Scope::unspecified},
      {"127.0.0.1", Scope::loopback},
      {"127.255.255.254", Scope::loopback},
      {"10.0.0.1", Scope::site},
      {"10.255.255.255", Scope::site},
      {"11.0.0.1", Scope::global},
      {"172.15.255.255", Scope::global},
      {"172.16.0.1", Scope::site},
      {"172.31.255.255", Scope::site},
      {"172.32.0.1", Scope::global},
      {"192.168.0.107", Scope::site},
      {"192.169.0.1", Scope::global},
      {"169.254.169.254", Scope::link},
      {"169.253.0.1", Scope::global},
      {"100.64.0.1", Scope::site},
      {"100.127.255.255", Scope::site},
      {"100.128.0.1", Scope::global},
      {"100.63.0.1", Scope::global},
      {"223.255.255.255", Scope::global},
      {"224.0.0.1", Scope::multicast},
      {"255.255.255.255", Scope::multicast},
      {"218.2.135.1", Scope::global},
      {"::", Scope::unspecified},
      {"::1", Scope::loopback},
      {"::2", Scope::global},
      {"fe80::1", Scope::link},
      {"febf::1", Scope::link},
      {"fec0::1", Scope::global},
      {"fc00::1", Scope::site},
      {"fdff::1", Scope::site},
      {"fe00::1", Scope::global},
      {"ff02::1", Scope::multicast},
      {"2001:db8::1", Scope::global},
      {"::ffff:127.0.0.1", Scope::loopback},
      {"::ffff:10.0.0.1", Scope::site},
  };
  for (const auto& [text, scope] : cases) {
    const auto ip = parse_ip(text);
    REQUIRE_MESSAGE(ip, text);
    CHECK_MESSAGE(scope_of(*ip) == scope, text);
  }
}
