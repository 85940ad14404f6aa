#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "rewriters/address_policy.h"

using namespace ftpscope;
using namespace std::string_view_literals;

namespace {

IpAddress ip(std::string_view text) { return parse_ip(text).value(); }

AddressPolicy policy_of(const std::vector<std::string_view>& rules) {
  AddressPolicy policy("--advertise");
  for (const auto rule : rules) REQUIRE_MESSAGE(policy.add(rule), std::string(rule));
  return policy;
}

// What a proxy at 10.0.0.5 tells a client of a server's 227 that names 192.168.0.9.
AddressQuestion told_to(std::string_view client) {
  const bool v6 = ip(client).v6;
  const auto ours = ip(v6 ? "2001:db8::5" : "10.0.0.5");
  return {.client = ip(client),
          .stated = ip(v6 ? "2001:db8::9" : "192.168.0.9"),
          .peer = ours,
          .judged = ours,
          .seen = ip(client),
          .v6 = v6};
}

struct Row {
  std::vector<std::string_view> rules;
  std::string_view client;
  std::string_view told;
  std::string_view rule;
};

void check(const Row& row) {
  const auto policy = policy_of(row.rules);
  const auto decision = policy.decide(told_to(row.client));
  CHECK(to_text(decision.ip) == row.told);
  CHECK(decision.rule == row.rule);
}

}  // namespace

TEST_CASE("the first rule that fits decides, and is named") {
  const std::vector<std::string_view> cloud = {"10.0.0.0/8=peer", "public:192.0.2.1"};
  for (const auto& row : {
           Row{{}, "203.0.113.9", "10.0.0.5", "--advertise peer"},
           Row{{"auto"}, "203.0.113.9", "10.0.0.5", "--advertise auto"},
           Row{cloud, "10.1.2.3", "10.0.0.5", "--advertise 10.0.0.0/8=peer"},
           Row{cloud, "203.0.113.9", "192.0.2.1", "--advertise public:192.0.2.1"},
           Row{{"192.0.2.1"}, "203.0.113.9", "192.0.2.1", "--advertise 192.0.2.1"},
           Row{{"keep"}, "203.0.113.9", "192.168.0.9", "--advertise keep"},
           Row{{"203.0.113.9=keep", "public:192.0.2.1"},
               "203.0.113.8",
               "192.0.2.1",
               "--advertise public:192.0.2.1"},
       }) {
    check(row);
  }
}

TEST_CASE("a rule without an answer leaves it to the next") {
  for (const auto& row : {
           Row{{"if-unroutable", "public:192.0.2.1"},
               "10.1.2.3",
               "10.0.0.5",
               "--advertise if-unroutable"},
           Row{{"if-unroutable", "public:192.0.2.1"},
               "203.0.113.9",
               "192.0.2.1",
               "--advertise public:192.0.2.1"},
           Row{{"if-unroutable"}, "203.0.113.9", "10.0.0.5", "--advertise peer"},
           Row{{"map:10.0.0.5=192.0.2.5"},
               "203.0.113.9",
               "192.0.2.5",
               "--advertise map:10.0.0.5=192.0.2.5"},
           Row{{"map:10.0.0.6=192.0.2.6"}, "203.0.113.9", "10.0.0.5", "--advertise peer"},
           Row{{"10.0.0.0/8=map:10.0.0.5=192.0.2.5", "keep"},
               "10.1.1.1",
               "192.0.2.5",
               "--advertise 10.0.0.0/8=map:10.0.0.5=192.0.2.5"},
       }) {
    check(row);
  }
}

TEST_CASE("an address is told in the family that the client uses") {
  const std::vector<std::string_view> both = {"public:192.0.2.1", "public:2001:db8::1"};
  check({both, "203.0.113.9", "192.0.2.1", "--advertise public:192.0.2.1"});
  check({both, "2001:db8:9::9", "2001:db8::1", "--advertise public:2001:db8::1"});
  check({{"public:192.0.2.1"}, "2001:db8:9::9", "2001:db8::5", "--advertise peer"});
  check({{"map:2001:db8::5=2001:db8::1"},
         "2001:db8:9::9",
         "2001:db8::1",
         "--advertise map:2001:db8::5=2001:db8::1"});
}

TEST_CASE("a loopback address is not kept for another machine") {
  auto asked = told_to("203.0.113.9");
  asked.stated = ip("127.0.0.1");
  CHECK(policy_of({"keep", "public:192.0.2.1"}).decide(asked).ip == ip("192.0.2.1"));
  asked.stated = std::nullopt;
  CHECK(policy_of({"keep"}).decide(asked).ip == ip("10.0.0.5"));
}

TEST_CASE("what changes is shared by the copies of a rule") {
  const auto policy = policy_of({"public:@/run/ip"});
  const AddressPolicy copy = policy;
  CHECK(policy.rules().front().source == "@/run/ip");
  CHECK(copy.decide(told_to("203.0.113.9")).rule == "--advertise peer");
  policy.rules().front().to->v4 = ip("192.0.2.7");
  CHECK(copy.decide(told_to("203.0.113.9")).ip == ip("192.0.2.7"));
}

TEST_CASE("what is no rule") {
  for (const auto text :
       {""sv, "public:"sv, "10.0.0.0/8="sv, "map:"sv, "map:10.0.0.5"sv, "map:10.0.0.5="sv,
        "map:10.0.0.5=name"sv, "map:10.0.0.5=::1"sv, "public:@"sv, "interface:"sv, "a b"sv,
        "10.0.0.0/33=peer"sv, "peer=10.0.0.0/8"sv, "192.0.2.1:21"sv, "keep,peer"sv}) {
    AddressPolicy policy("--advertise");
    CHECK_MESSAGE(!policy.add(text), std::string(text));
    CHECK(policy.rules().empty());
  }
}

TEST_CASE("sources that are read elsewhere") {
  for (const auto& [rule, source] :
       {std::pair{"public:ftp.example.org"sv, "ftp.example.org"sv},
        std::pair{"ftp.example.org"sv, "ftp.example.org"sv},
        std::pair{"public:@/run/ip"sv, "@/run/ip"sv}, std::pair{"@ip"sv, "@ip"sv},
        std::pair{"10.0.0.0/8=public:interface:ppp0"sv, "interface:ppp0"sv},
        std::pair{"public:192.0.2.1"sv, ""sv}, std::pair{"peer"sv, ""sv}}) {
    CHECK(policy_of({rule}).rules().front().source == source);
  }
}
