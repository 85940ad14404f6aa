#include <doctest/doctest.h>

#include "proxy/proxy_mode.h"

namespace ftpscope {

using Kind = ProxyMode::Kind;

TEST_CASE("a mode is read from its text") {
  const HostPort server{"ftp.example.org", 21};
  const struct {
    std::string_view text;
    ProxyMode mode;
  } cases[] = {
      {"reverse:ftp.example.org", {Kind::reverse, {server}, {}}},
      {"reverse:ftp.example.org:21", {Kind::reverse, {server}, {}}},
      {"reverse:ftp.example.org@:2121", {Kind::reverse, {server}, HostPort{"", 2121}}},
      {"reverse:ftp.example.org,10.0.0.5:2100,[2001:db8::1]:990,2001:db8::2@[::1]:0",
       {Kind::reverse,
        {server, {"10.0.0.5", 2100}, {"2001:db8::1", 990}, {"2001:db8::2", 21}},
        HostPort{"::1", 0}}},
      {"forward", {Kind::forward, {}, {}}},
      {"forward@127.0.0.1:2121", {Kind::forward, {}, HostPort{"127.0.0.1", 2121}}},
      {"transparent", {Kind::transparent, {}, {}}},
      {"transparent@:8021", {Kind::transparent, {}, HostPort{"", 8021}}},
      {"transparent:tproxy@:8021", {Kind::tproxy, {}, HostPort{"", 8021}}},
      {"transparent:tproxy-nat@:8021", {Kind::tproxy_nat, {}, HostPort{"", 8021}}},
  };
  for (const auto& [text, mode] : cases) {
    const auto parsed = parse_proxy_mode(text);
    REQUIRE_MESSAGE(parsed, text);
    CHECK_MESSAGE(*parsed == mode, text);
  }
}

TEST_CASE("what is no mode is refused with a sentence that quotes it") {
  for (const std::string_view text : {"",
                                      "reverse",
                                      "reverse:",
                                      "reverse:@:21",
                                      "reverse:,a",
                                      "reverse:a,",
                                      "reverse::21",
                                      "reverse:a:0",
                                      "reverse:a:b:c",
                                      "reverse:a:65536",
                                      "reverse:a@",
                                      "reverse:a@:",
                                      "forward:",
                                      "forward:a",
                                      "forward@",
                                      "forward@127.0.0.1",
                                      "Forward",
                                      "transparent:",
                                      "transparent:x",
                                      "tproxy",
                                      "@:21",
                                      ":@:21"}) {
    const auto parsed = parse_proxy_mode(text);
    CHECK_MESSAGE(!parsed, text);
    if (!parsed) CHECK_MESSAGE(parsed.error().find('\'') != std::string::npos, parsed.error());
  }
  std::string many = "reverse:a";
  for (std::size_t i = 0; i < ProxyMode::kServersMax; ++i) many += ",a";
  CHECK(!parse_proxy_mode(many));
}

TEST_CASE("what is said of a mode's server") {
  CHECK(server_text(*parse_proxy_mode("reverse:a,[::1]:99@:1")) == "a:21,[::1]:99");
  CHECK(server_text(*parse_proxy_mode("forward")) == "forward");
  CHECK(server_text(*parse_proxy_mode("transparent:tproxy")) == "transparent:tproxy");
}

}  // namespace ftpscope
