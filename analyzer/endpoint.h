// IP addresses and endpoints as plain values, and their text forms.
// Knows nothing of sockets: proxy/io turns these into sockaddrs.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftpscope {

// An IPv4 address sits in bytes[0..3]. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is stored as
// the IPv4 address that it means, so that both spellings compare equal.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool v6 = false;

  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  static IpAddress from_v6_bytes(const std::array<std::uint8_t, 16>& bytes);

  auto operator<=>(const IpAddress&) const = default;
};

struct Endpoint {
  IpAddress ip;
  std::uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;
};

// What an address can be used for (RFC 6890). Only `global` can be reached from another network.
enum class Scope : std::uint8_t { global, site, loopback, link, unspecified, multicast };

Scope scope_of(const IpAddress& ip);

// "192.0.2.1" or "2001:db8::1", nothing else: no blanks, no scope id, no octal, no host name.
std::optional<IpAddress> parse_ip(std::string_view text);
std::string to_text(const IpAddress& ip);

// "192.0.2.1:21", "[2001:db8::1]:21".
std::string to_text(const Endpoint& endpoint);
std::optional<Endpoint> parse_endpoint(std::string_view text);

// A decimal number of 1 to 5 digits in 0..65535 and nothing else.
std::optional<std::uint16_t> parse_port(std::string_view text);

}  // namespace ftpscope
