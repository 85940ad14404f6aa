// threats.md S05 and every form that is seen in the field.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "analyzer/address_codec.h"

using namespace ftpscope;
using namespace std::string_view_literals;

namespace {

const IpAddress kPeer = IpAddress::v4(10, 0, 0, 5);

// "192.0.2.1:2560", or what was wrong with it.
std::string found(AddressForm form, std::string_view text) {
  const auto result = find_address(form, text, kPeer);
  return result ? to_text(result->endpoint) : std::string(name_of(result.error()));
}

// What is left and right of the hole, with the hole as [].
std::string around_hole(AddressForm form, std::string_view text) {
  const auto result = find_address(form, text, kPeer);
  if (!result) return "-";
  return std::string(text.substr(0, result->begin)) + "[]" + std::string(text.substr(result->end));
}

const auto kMissing = std::string(name_of(AddressError::missing));
const auto kSyntax = std::string(name_of(AddressError::syntax));
const auto kRange = std::string(name_of(AddressError::range));
const auto kFamily = std::string(name_of(AddressError::family));

struct Case {
  std::string_view text;
  std::string expected;
};

void check(AddressForm form, const std::vector<Case>& cases) {
  for (const auto& [text, expected] : cases)
    CHECK_MESSAGE(found(form, text) == expected, std::string(text));
}

constexpr AddressForm kForms[] = {AddressForm::port,      AddressForm::eprt,
                                  AddressForm::lprt,      AddressForm::reply_227,
                                  AddressForm::reply_229, AddressForm::reply_228};

}  // namespace

TEST_CASE("PORT") {
  check(AddressForm::port, {
                               {"192,0,2,1,10,0", "192.0.2.1:2560"},
                               {"114,248,231,231,18,113", "114.248.231.231:4721"},
                               {"0,0,0,0,0,0", "0.0.0.0:0"},
                               {"255,255,255,255,255,255", "255.255.255.255:65535"},
                               {"192,0,2,1,0,1", "192.0.2.1:1"},
                               {"192,0,2,1,3,255", "192.0.2.1:1023"},
                               {"192,0,2,001,10,0", "192.0.2.1:2560"},
                               {"", kMissing},
                               {"192,0,2,256,10,0", kRange},
                               {"192,0,2,383,10,0", kRange},
                               {"192,0,2,1,256,0", kRange},
                               {"192,0,2,1,10,256", kRange},
                               {"192,0,2,4294967297,10,0", kRange},
                               {"192,0,2,18446744073709551617,10,0", kRange},
                               {"0192,0,2,1,10,0", kRange},
                               {"192,0,2,0177,10,0", kRange},
                               {"192,0,2,-20,10,0", kSyntax},
                               {"192,0,2,+1,10,0", kSyntax},
                               {"192,0,2,0x7f,10,0", kSyntax},
                               {"192, 0,2,1,10,0", kSyntax},
                               {" 192,0,2,1,10,0", "192.0.2.1:2560"},
                               {"192,0,2,1,10,0 \t", "192.0.2.1:2560"},
                               {"192,0,2,1,10,0 0", kSyntax},
                               {" ", kMissing},
                               {"192,0,2,1,10,0xyz", kSyntax},
                               {"192,0,2,1,10,0,", kSyntax},
                               {"192,0,2,1,10,0,1", kSyntax},
                               {"192,0,2,1,10", kSyntax},
                               {"192,0,2,1,10,", kSyntax},
                               {",192,0,2,1,10,0", kSyntax},
                               {"192,,2,1,10,0", kSyntax},
                               {"(192,0,2,1,10,0)", kSyntax},
                               {"192.0.2.1:2560", kSyntax},
                               {"192,0,2,1,10,0\0"sv, kSyntax},
                               {"abc", kSyntax},
                           });
}

TEST_CASE("EPRT") {
  check(AddressForm::eprt, {
                               {"|1|192.0.2.1|2560|", "192.0.2.1:2560"},
                               {"!1!192.0.2.1!2560!", "192.0.2.1:2560"},
                               {"|2|2001:db8::1|2560|", "[2001:db8::1]:2560"},
                               {"|2|::1|65535|", "[::1]:65535"},
                               {"|2|::ffff:192.0.2.1|2560|", "192.0.2.1:2560"},
                               {"", kMissing},
                               {"|1|::1|2560|", kSyntax},
                               {"|2|192.0.2.1|2560|", kSyntax},
                               {"|3|192.0.2.1|2560|", kFamily},
                               {"||192.0.2.1|2560|", kFamily},
                               {"|01|192.0.2.1|2560|", kFamily},
                               {"|2|fe80::1%eth0|2560|", kSyntax},
                               {"|1|192.0.2.1|2560", kSyntax},
                               {"1|192.0.2.1|2560|", kSyntax},
                               {"|1|192.0.2.1|2560|x", kSyntax},
                               {"|1|192.0.2.1|2560||", kSyntax},
                               {"|1|192.0.2.1|", kSyntax},
                               {"111192.0.2.1125601", kSyntax},  // a digit as delimiter
                               {" 1 192.0.2.1 2560 ", kSyntax},
                               {"\0"
                                "1\0"
                                "192.0.2.1\0"
                                "2560\0"sv,
                                kSyntax},
                               {"|1|192.0.2.1|65536|", kRange},
                               {"|1|192.0.2.1|4294967317|", kRange},
                               {"|1|192.0.2.1|-1|", kSyntax},
                               {"|1|192.0.2.1|+21|", kSyntax},
                               {"|1|192.0.2.1|0177|", "192.0.2.1:177"},
                               {" |1|192.0.2.1|02560| \t", "192.0.2.1:2560"},
                               {" |1|192.0.2.1|2560| x", kSyntax},
                               {" ", kMissing},
                               {"|1|192.0.2.1||", kSyntax},
                               {"|1|192.0.2.01|2560|", kSyntax},
                               {"|1|192.0.2.256|2560|", kSyntax},
                               {"|1|ftp.example.org|2560|", kSyntax},
                               {"|1||2560|", kSyntax},
                               {"|1|192.0.2.1|0|", "192.0.2.1:0"},
                           });
}

TEST_CASE("LPRT") {
  check(AddressForm::lprt,
        {
            {"4,4,192,0,2,1,2,10,0", "192.0.2.1:2560"},
            {"6,16,32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1,2,10,0", "[2001:db8::1]:2560"},
            {"6,16,0,0,0,0,0,0,0,0,0,0,255,255,192,0,2,1,2,10,0", "192.0.2.1:2560"},
            {"", kMissing},
            {"4,4,192,0,2,1,2,10", kSyntax},
            {"4,4,192,0,2,1,2,10,0,0", kSyntax},
            {"4,5,192,0,2,1,2,10,0", kSyntax},
            {"4,4,192,0,2,1,3,10,0", kSyntax},
            {"4,4,192,0,2,256,2,10,0", kRange},
            {"5,4,192,0,2,1,2,10,0", kFamily},
            {"16,4,192,0,2,1,2,10,0", kFamily},
            {"6,4,192,0,2,1,2,10,0", kSyntax},
            {"6,16,32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1,2,10,0,0", kSyntax},
            {"4", kSyntax},
            {"4,4,192,0,2,1,2,10,0 ", "192.0.2.1:2560"},
        });
}

TEST_CASE("227") {
  check(AddressForm::reply_227,
        {
            {"Entering Passive Mode (134,170,188,232,30,200).", "134.170.188.232:7880"},
            {" Entering Passive Mode (10,0,0,5,195,80)", "10.0.0.5:50000"},
            {" Entering Passive Mode. 10,0,0,5,195,80", "10.0.0.5:50000"},
            {" 10,0,0,5,195,80", "10.0.0.5:50000"},
            {" =10,0,0,5,195,80", "10.0.0.5:50000"},
            {" (10, 0, 0, 5, 195, 80)", "10.0.0.5:50000"},
            {" 10,0,0,5,195,80.", "10.0.0.5:50000"},
            {" (10,0,0,5,195,80", "10.0.0.5:50000"},
            {" At 10:45, 3 ports (1 - 9) left (10,0,0,5,195,80)", "10.0.0.5:50000"},
            {" 1,2,3 (10,0,0,5,195,80)", "10.0.0.5:50000"},
            {" (1216,256,2,127,127,127)", kRange},
            {" (10,0,0,256,195,80)", kRange},
            {" (10,0,0,5,195)", kSyntax},
            {" (10,0,0,5,195,80,81)", kSyntax},
            {" (", kMissing},
            {"", kMissing},
            {" Entering Passive Mode", kMissing},
            {" Entering Passive Mode 2", kMissing},
        });
}

TEST_CASE("229") {
  check(AddressForm::reply_229,
        {
            {" Entering Extended Passive Mode (|||50000|)", "10.0.0.5:50000"},
            {" (!!!50000!)", "10.0.0.5:50000"},
            {" (|||50000|).", "10.0.0.5:50000"},
            {" Extended (RFC 2428) Passive Mode (|||50000|)", "10.0.0.5:50000"},
            {" (|1|192.0.2.9|50000|)", "192.0.2.9:50000"},
            {" (|2|2001:db8::9|50000|)", "[2001:db8::9]:50000"},
            {" (||192.0.2.9|50000|)", "192.0.2.9:50000"},
            {" (|||65536|)", kRange},
            {" (|||1000000|)", kRange},
            {" (|||-1|)", kSyntax},
            {" (|||050000|)", "10.0.0.5:50000"},
            {" (|||50000)", kSyntax},
            {" (||50000|)", kSyntax},
            {" (|||50000|", "10.0.0.5:50000"},
            {" |||50000|", "10.0.0.5:50000"},
            {" Passive... |||50000|.", "10.0.0.5:50000"},
            {" !!!50000!)", "10.0.0.5:50000"},
            {" |||50000", kMissing},
            {" ||50000|", kMissing},
            {" |||65536|", kMissing},
            {" Entering", kMissing},
            {" (|||0|)", "10.0.0.5:0"},
        });
  CHECK_FALSE(find_address(AddressForm::reply_229, "(|||50000|)", kPeer)->names_host);
  CHECK(find_address(AddressForm::reply_229, "(|1|10.0.0.5|50000|)", kPeer)->names_host);
}

TEST_CASE("228") {
  check(AddressForm::reply_228,
        {
            {" Entering Long Passive Mode (4,4,10,0,0,5,2,195,80)", "10.0.0.5:50000"},
            {" 6,16,32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1,2,195,80", "[2001:db8::1]:50000"},
            {" (4,4,10,0,0,5,2,195)", kSyntax},
            {" (7,4,10,0,0,5,2,195,80)", kFamily},
            {" none", kMissing},
        });
}

TEST_CASE("the hole, and the text that stays") {
  using enum AddressForm;
  CHECK(around_hole(port, "192,0,2,1,10,0") == "[]");
  CHECK(around_hole(port, " 192,0,2,1,10,0  ") == "[]");
  CHECK(around_hole(eprt, "|1|192.0.2.1|2560|") == "[]");
  CHECK(around_hole(eprt, " |1|192.0.2.1|2560| ") == "[]");
  CHECK(around_hole(reply_227, " Entering Passive Mode (10,0,0,5,195,80).") ==
        " Entering Passive Mode [].");
  CHECK(around_hole(reply_227, " use =10,0,0,5,195,80 please") == " use [] please");
  CHECK(around_hole(reply_227, " use 10,0,0,5,195,80.") == " use [].");
  CHECK(around_hole(reply_227, " (10,0,0,5,195,80 ") == " [] ");
  CHECK(around_hole(reply_227, " 10,0,0,5,195,80) ") == " []) ");
  CHECK(around_hole(reply_227, " 3 (a) (10, 0, 0, 5, 195, 80)") == " 3 (a) []");
  CHECK(around_hole(reply_228, " (4,4,10,0,0,5,2,195,80)!") == " []!");
  CHECK(around_hole(reply_229, " Extended (a) (|||50000|).") == " Extended (a) [].");
  CHECK(around_hole(reply_229, " |||50000|.") == " [].");
  CHECK(around_hole(reply_229, " (|||50000| .") == " [] .");
  CHECK(around_hole(reply_229, " |||50000|).") == " [].");
}

TEST_CASE("what is written into a hole is found there again") {
  std::mt19937 random(20261121);
  for (int i = 0; i < 2000; ++i) {
    Endpoint endpoint;
    endpoint.port = static_cast<std::uint16_t>(random());
    std::array<std::uint8_t, 16> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    endpoint.ip = i % 2 == 0 ? IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3])
                             : IpAddress::from_v6_bytes(bytes);
    for (const auto form : kForms) {
      if (!can_carry(form, endpoint.ip)) continue;
      const auto text = format_address(form, endpoint);
      const auto again = find_address(form, text, endpoint.ip);
      REQUIRE_MESSAGE(again, text);
      CHECK(again->endpoint == endpoint);
      CHECK(again->begin == 0);
      CHECK(again->end == text.size());
      CHECK(format_address(form, again->endpoint) == text);
    }
  }
}

TEST_CASE("who can carry what") {
  const auto v4 = IpAddress::v4(192, 0, 2, 1);
  const auto v6 = *parse_ip("2001:db8::1");
  for (const auto form : kForms) CHECK(can_carry(form, v4));
  CHECK_FALSE(can_carry(AddressForm::port, v6));
  CHECK_FALSE(can_carry(AddressForm::reply_227, v6));
  CHECK(can_carry(AddressForm::eprt, v6));
  CHECK(can_carry(AddressForm::lprt, v6));
  CHECK(can_carry(AddressForm::reply_229, v6));
  CHECK(can_carry(AddressForm::reply_228, v6));
}

TEST_CASE("any bytes are read without harm, and a hole lies inside the text") {
  std::mt19937 random(7);
  constexpr auto kAlphabet =
      "0123456789,|()= .-!:\0\xff"
      "a4,4,6,16,"sv;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (auto length = random() % 40; length > 0; --length) {
      text += kAlphabet[random() % kAlphabet.size()];
    }
    for (const auto form : kForms) {
      const auto result = find_address(form, text, kPeer);
      if (!result) continue;
      CHECK(result->begin < result->end);
      CHECK(result->end <= text.size());
    }
  }
}
