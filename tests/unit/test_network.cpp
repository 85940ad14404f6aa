#include <doctest/doctest.h>

#include <string>

#include "analyzer/network.h"

using namespace ftpscope;
using namespace std::string_view_literals;

TEST_CASE("which addresses a network has") {
  struct Row {
    std::string_view network;
    std::string_view address;
    bool inside;
  };
  for (const auto& [network, address, inside] : {
           Row{"10.0.0.0/8", "10.255.0.1", true},
           Row{"10.0.0.0/8", "11.0.0.1", false},
           Row{"10.9.8.7/8", "10.0.0.1", true},
           Row{"192.0.2.128/25", "192.0.2.128", true},
           Row{"192.0.2.128/25", "192.0.2.127", false},
           Row{"192.0.2.1", "192.0.2.1", true},
           Row{"192.0.2.1", "192.0.2.2", false},
           Row{"0.0.0.0/0", "203.0.113.1", true},
           Row{"0.0.0.0/0", "2001:db8::1", false},
           Row{"::/0", "203.0.113.1", false},
           Row{"2001:db8::/33", "2001:db8:7fff::1", true},
           Row{"2001:db8::/33", "2001:db8:8000::1", false},
           Row{"::ffff:10.0.0.0/8", "10.1.2.3", true},
       }) {
    CHECK_MESSAGE(parse_network(network)->contains(*parse_ip(address)) == inside,
                  (std::string(network) + " " + std::string(address)));
  }
}

TEST_CASE("what is no network") {
  for (const auto text : {""sv, "/8"sv, "10.0.0.0/"sv, "10.0.0.0/33"sv, "::/129"sv, "10/8"sv,
                          "10.0.0.0/8 "sv, "10.0.0.0/-1"sv, "10.0.0.0/+8"sv, "10.0.0.0/8/8"sv,
                          "example.org/8"sv, "10.0.0.0/4294967304"sv}) {
    CHECK_MESSAGE(!parse_network(text), std::string(text));
  }
}
