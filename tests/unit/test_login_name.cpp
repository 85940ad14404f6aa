#include <doctest/doctest.h>

#include <random>

#include "proxy/login_name.h"

namespace ftpscope {

namespace {

struct Case {
  std::string_view text;
  std::string_view user;
  HostPort server;
  std::string_view proxy_user = {};
};

bool fits_a_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}

}  // namespace

TEST_CASE("a login that names the server") {
  const Case cases[] = {
      {"bob@ftp.example", "bob", {"ftp.example", 21}},
      {"bob@ftp.example:2121", "bob", {"ftp.example", 2121}},
      {"bob@192.0.2.1", "bob", {"192.0.2.1", 21}},
      {"bob@192.0.2.1:65535", "bob", {"192.0.2.1", 65535}},
      {"bob@[2001:db8::1]", "bob", {"2001:db8::1", 21}},
      {"bob@[2001:db8::1]:990", "bob", {"2001:db8::1", 990}},
      {"bob@[::ffff:127.0.0.1]:21", "bob", {"::ffff:127.0.0.1", 21}},
      {"bob@corp.example@ftp.example", "bob@corp.example", {"ftp.example", 21}},
      {"a@b@c", "a@b", {"c", 21}},
      {"bob smith@ftp.example", "bob smith", {"ftp.example", 21}},
      {"bob@my_host.", "bob", {"my_host.", 21}},
      {"b\xc3\xb6@h", "b\xc3\xb6", {"h", 21}},
      {"bob:secret@ftp.example", "bob:secret", {"ftp.example", 21}},
      {"gate@ftp.example,bob", "bob", {"ftp.example", 21}, "gate"},
      {"gate@[2001:db8::1]:2100,bob", "bob", {"2001:db8::1", 2100}, "gate"},
      {"@ftp.example,bob", "bob", {"ftp.example", 21}},
      {"gate,bob@ftp.example", "gate,bob", {"ftp.example", 21}},
      {"gate@ftp.example,bob,x", "bob,x", {"ftp.example", 21}, "gate"},
      {"bob@0x7f.1", "bob", {"0x7f.1", 21}},  // the policy sees what it resolves to
  };
  for (const auto& [text, user, server, proxy_user] : cases) {
    const auto parsed = parse_login_name(text);
    REQUIRE_MESSAGE(parsed, text);
    CHECK_MESSAGE(parsed->user == user, text);
    CHECK_MESSAGE(parsed->server == server, text);
    CHECK_MESSAGE(parsed->proxy_user == proxy_user, text);
  }
}

TEST_CASE("a login that names none gets a reply's text") {
  using std::string_literals::operator""s;
  const std::string wrong[] = {"",
                               "bob",
                               "@",
                               "bob@",
                               "@ftp.example",
                               "bob@ftp.example:",
                               "bob@ftp.example:0",
                               "bob@ftp.example:99999",
                               "bob@ftp.example:21x",
                               "bob@ftp.example:+21",
                               "bob@ftp.example:2:1",
                               "bob@2001:db8::1",
                               "bob@[2001:db8::1",
                               "bob@[ftp.example]",
                               "bob@[192.0.2.1]",
                               "bob@[]",
                               "bob@[2001:db8::1]21",
                               "bob@[fe80::1%eth0]",
                               "bob@ftp example",
                               "bob@ftp.example ",
                               "bob@ftp/example",
                               "bob@,ann",
                               "gate@ftp.example,",
                               "bob@b\xc3\xb6.example",
                               "bob@a\\b",
                               "bo\rb@ftp.example",
                               "bob@ftp.exa\nmple",
                               "bo\0b@ftp.example"s,
                               "bob\x1b@ftp.example",
                               "bob@" + std::string(NamedServer::kHostMax + 1, 'a'),
                               "bob@" + std::string(65536, 'a')};
  for (const auto& text : wrong) {
    const auto parsed = parse_login_name(text);
    CHECK_MESSAGE(!parsed, text);
    if (!parsed) CHECK_MESSAGE(parsed.error().ends_with("name@server[:port]."), parsed.error());
  }
  CHECK(parse_login_name("bob@" + std::string(NamedServer::kHostMax, 'a')));
}

TEST_CASE("a server by itself, as SITE, OPEN and HOST name it") {
  const struct {
    std::string_view text;
    HostPort server;
  } cases[] = {
      {"ftp.example", {"ftp.example", 21}},          {"ftp.example:2121", {"ftp.example", 2121}},
      {"ftp.example 2121", {"ftp.example", 2121}},   {"2001:db8::1", {"2001:db8::1", 21}},
      {"[2001:db8::1]", {"2001:db8::1", 21}},        {"[2001:db8::1]:2121", {"2001:db8::1", 2121}},
      {"[2001:db8::1] 2121", {"2001:db8::1", 2121}}, {"192.0.2.1", {"192.0.2.1", 21}},
  };
  for (const auto& [text, server] : cases) {
    const auto parsed = parse_server_name(text);
    REQUIRE_MESSAGE(parsed, text);
    CHECK_MESSAGE(parsed->server == server, text);
    CHECK_FALSE(parsed->user);
  }
  for (const std::string_view text : {"", " ", "a ", " a", "a b", "a 1 2", "a 0", "bob@a", "a,b"}) {
    CHECK_MESSAGE(!parse_server_name(text), text);
  }
}

// What comes out can be said in a line and looked up, whatever went in.
TEST_CASE("any bytes give a server or a sentence") {
  std::mt19937 random(20261121);  // NOLINT: the same every time
  constexpr std::string_view kPieces[] = {"@",  ":",    "[", "]",   ",",           " ",
                                          "21", "::",   "a", "bob", "ftp.example", "\r",
                                          "\n", "\xff", "%", "/",   "65536"};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto pieces = random() % 9; pieces > 0; --pieces) {
      text += kPieces[random() % std::size(kPieces)];
    }
    if (random() % 4 == 0) text += '\0';
    for (const auto& parsed : {parse_login_name(text), parse_server_name(text)}) {
      if (!parsed) {
        CHECK(fits_a_line(parsed.error()));
        continue;
      }
      CHECK(parsed->server.port != 0);
      CHECK(!parsed->server.host.empty());
      CHECK(parsed->server.host.size() <= NamedServer::kHostMax);
      CHECK(parsed->server.host.find_first_of(" @,[]/%\\") == std::string::npos);
      CHECK(fits_a_line(parsed->server.host));
      if (!parsed->user) continue;
      CHECK(fits_a_line(*parsed->user));
      // Said again in the plain form, it is the same.
      const auto again = parse_login_name(*parsed->user + "@" + to_text(parsed->server));
      REQUIRE(again);
      CHECK(again->user == parsed->user);
      CHECK(again->server == parsed->server);
    }
  }
}

}  // namespace ftpscope
