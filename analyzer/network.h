// A network of IP addresses, as rules and limits name it: 10.0.0.0/8, 2001:db8::/32, 192.0.2.1.
#pragma once

#include <optional>
#include <string_view>

#include "analyzer/endpoint.h"

namespace ftpscope {

struct Network {
  IpAddress base;
  unsigned bits = 0;  // of the base that count; the others may be anything

  [[nodiscard]] bool contains(const IpAddress& ip) const;
};

// ADDRESS or ADDRESS/BITS; an address alone is a network of one.
std::optional<Network> parse_network(std::string_view text);

}  // namespace ftpscope
