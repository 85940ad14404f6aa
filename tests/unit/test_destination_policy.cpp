#include <doctest/doctest.h>

#include "proxy/destination_policy.h"

namespace ftpscope {

namespace {

std::vector<DestinationRule> rules(std::initializer_list<std::string_view> texts) {
  std::vector<DestinationRule> list;
  for (const auto text : texts) list.push_back(parse_destination_rule(text).value());
  return list;
}

bool allowed(const DestinationPolicy& policy, std::string_view address,
             const std::string& name = "ftp.example.org") {
  const auto endpoint = parse_endpoint(address).value();
  return refusal(policy, {name, endpoint.port}, endpoint, false).empty();
}

}  // namespace

TEST_CASE("without rules: what FTP servers use, and nothing that is near the proxy") {
  const DestinationPolicy policy;
  for (const auto* address : {"198.51.100.2:21", "198.51.100.2:990", "198.51.100.2:1024",
                              "198.51.100.2:65535", "10.0.0.5:21", "[2001:db8::1]:21"}) {
    CHECK_MESSAGE(allowed(policy, address), address);
  }
  for (const auto* address :
       {"198.51.100.2:20", "198.51.100.2:22", "198.51.100.2:25", "198.51.100.2:80",
        "198.51.100.2:1023", "127.0.0.1:21", "127.1.2.3:2121", "0.0.0.0:21", "0.1.2.3:21",
        "169.254.169.254:21", "169.254.169.254:80", "224.0.0.1:21", "255.255.255.255:21",
        "[::1]:21", "[::]:21", "[fe80::1]:21", "[ff02::1]:21", "[::ffff:127.0.0.1]:21",
        "[::ffff:169.254.169.254]:21"}) {
    CHECK_MESSAGE(!allowed(policy, address), address);
  }
}

TEST_CASE("what is allowed and denied, by network, name and port") {
  const struct {
    DestinationPolicy policy;
    std::string_view address;
    std::string name;
    bool is_allowed;
  } cases[] = {
      // Something is allowed, so nothing else is.
      {{rules({"10.0.0.0/8"}), {}}, "10.1.2.3:21", "a", true},
      {{rules({"10.0.0.0/8"}), {}}, "198.51.100.2:21", "a", false},
      {{rules({"10.0.0.0/8", "*"}), {}}, "198.51.100.2:21", "a", true},
      {{rules({"10.0.0.0/8:2121"}), {}}, "10.1.2.3:21", "a", false},
      {{rules({"10.0.0.0/8:2121"}), {}}, "10.1.2.3:2121", "a", true},
      {{rules({"[2001:db8::/32]:21"}), {}}, "[2001:db8::5]:21", "a", true},
      {{rules({"2001:db8::/32"}), {}}, "[2001:db8::5]:21", "a", true},
      {{rules({"2001:db8::/32"}), {}}, "[2001:db9::5]:21", "a", false},
      {{rules({"ftp.example.org"}), {}}, "198.51.100.2:21", "FTP.example.ORG.", true},
      {{rules({"ftp.example.org"}), {}}, "198.51.100.2:21", "example.org", false},
      {{rules({"*.example.org"}), {}}, "198.51.100.2:21", "a.b.example.org", true},
      {{rules({"*.example.org"}), {}}, "198.51.100.2:21", "example.org", false},
      {{rules({"*.example.org"}), {}}, "198.51.100.2:21", "badexample.org", false},
      // A name says nothing about where it points to.
      {{rules({"ftp.example.org"}), {}}, "127.0.0.1:21", "ftp.example.org", false},
      {{rules({"*"}), {}}, "127.0.0.1:21", "localhost", false},
      {{rules({"*"}), {}}, "169.254.169.254:80", "a", false},
      {{rules({"127.0.0.1"}), {}}, "127.0.0.1:21", "localhost", true},
      {{rules({"127.0.0.1"}), {}}, "127.0.0.2:21", "localhost", false},
      {{rules({"127.0.0.1", "*"}), {}}, "127.0.0.2:21", "localhost", false},
      {{rules({"169.254.0.0/16"}), {}}, "169.254.169.254:80", "a", false},
      // A port is allowed by naming it.
      {{rules({"*"}), {}}, "198.51.100.2:25", "a", false},
      {{rules({"*:25"}), {}}, "198.51.100.2:25", "a", true},
      {{rules({"*:20-30"}), {}}, "198.51.100.2:25", "a", true},
      {{rules({"*:20-30"}), {}}, "198.51.100.2:31", "a", false},
      {{rules({"ftp.example.org:*"}), {}}, "198.51.100.2:80", "ftp.example.org", true},
      // Denied is denied.
      {{{}, rules({"198.51.100.0/24"})}, "198.51.100.2:21", "a", false},
      {{{}, rules({"198.51.100.0/24:2121"})}, "198.51.100.2:21", "a", true},
      {{rules({"*"}), rules({"10.0.0.0/8"})}, "10.0.0.5:21", "public.example", false},
      {{{}, rules({"*.bad.example"})}, "198.51.100.2:21", "ftp.bad.example", false},
      {{{}, rules({"*.bad.example"})}, "198.51.100.2:21", "good.example", true},
  };
  for (const auto& [policy, address, name, is_allowed] : cases) {
    std::string what = std::string(address) + " " + name;
    for (const auto& rule : policy.allow) what += " allow " + rule.text;
    for (const auto& rule : policy.deny) what += " deny " + rule.text;
    CHECK_MESSAGE(allowed(policy, address, name) == is_allowed, what);
  }
}

TEST_CASE("nothing allows the proxy itself, and a refusal says why") {
  const auto address = parse_endpoint("127.0.0.1:2121").value();
  const HostPort asked{"localhost", 2121};
  CHECK(refusal({rules({"127.0.0.0/8:*"}), {}}, asked, address, true) ==
        "127.0.0.1:2121 is this proxy itself");
  CHECK(refusal({}, asked, address, false).starts_with("127.0.0.1:2121 is a loopback address"));
  CHECK(refusal({{}, rules({"127.0.0.1"})}, asked, address, false) ==
        "127.0.0.1:2121 is forbidden by --deny-server 127.0.0.1");
  CHECK(refusal({rules({"10.0.0.0/8"}), {}}, asked, address, false) ==
        "127.0.0.1:2121 is allowed by no --allow-server");
}

TEST_CASE("what is no rule is refused with a sentence") {
  for (const std::string_view text :
       {"", ":21", "*.", "a:", "a:0", "a:2-1", "a:x", "a:65536", "10.0.0.0/33", "10.0.0/8", "a b",
        "[::1", "a@b", "a,b", "*.*.b", "[a]:b"}) {
    CHECK_MESSAGE(!parse_destination_rule(text), text);
  }
}

}  // namespace ftpscope
