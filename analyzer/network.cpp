#include "analyzer/network.h"

#include <charconv>

namespace ftpscope {

bool Network::contains(const IpAddress& ip) const {
  if (ip.v6 != base.v6) return false;
  constexpr unsigned kBitsOfByte = 8;
  for (unsigned bit = 0; bit < bits; bit += kBitsOfByte) {
    const auto byte = bit / kBitsOfByte;
    const auto left = bits - bit;
    const unsigned mask = left >= kBitsOfByte ? 0xffU : 0xffU << (kBitsOfByte - left) & 0xffU;
    if (((ip.bytes[byte] ^ base.bytes[byte]) & mask) != 0) return false;
  }
  return true;
}

std::optional<Network> parse_network(std::string_view text) {
  constexpr unsigned kBitsOfV4 = 32;
  constexpr unsigned kBitsOfV6 = 128;
  const auto slash = text.find('/');
  const auto base = parse_ip(text.substr(0, slash));
  if (!base) return std::nullopt;
  const unsigned most = base->v6 ? kBitsOfV6 : kBitsOfV4;
  if (slash == text.npos) return Network{*base, most};
  const auto number = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
  if (error != std::errc{} || end != number.data() + number.size() || bits > most) {
    return std::nullopt;
  }
  return Network{*base, bits};
}

}  // namespace ftpscope
