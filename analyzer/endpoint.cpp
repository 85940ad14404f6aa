#include "analyzer/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <span>

namespace ftpscope {

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  IpAddress ip;
  ip.bytes[0] = a;
  ip.bytes[1] = b;
  ip.bytes[2] = c;
  ip.bytes[3] = d;
  return ip;
}

IpAddress IpAddress::from_v6_bytes(const std::array<std::uint8_t, 16>& bytes) {
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::ranges::equal(kMapped, std::span(bytes).first<12>())) {
    return v4(bytes[12], bytes[13], bytes[14], bytes[15]);
  }
  return IpAddress{bytes, true};
}

namespace {

Scope scope_of_v4(const IpAddress& ip) {
  const auto a = ip.bytes[0];
  const auto b = ip.bytes[1];
  if (a == 0) return Scope::unspecified;
  if (a == 127) return Scope::loopback;
  if (a == 169 && b == 254) return Scope::link;
  if (a == 10 || (a == 172 && b >= 16 && b <= 31) || (a == 192 && b == 168)) return Scope::site;
  if (a == 100 && b >= 64 && b <= 127) return Scope::site;  // RFC 6598, carrier-grade NAT
  if (a >= 224) return Scope::multicast;                    // and the broadcast address
  return Scope::global;
}

Scope scope_of_v6(const IpAddress& ip) {
  const auto& bytes = ip.bytes;
  const bool zeros = std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; });
  if (zeros && bytes[15] == 0) return Scope::unspecified;
  if (zeros && bytes[15] == 1) return Scope::loopback;
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) return Scope::link;
  if ((bytes[0] & 0xfe) == 0xfc) return Scope::site;
  if (bytes[0] == 0xff) return Scope::multicast;
  return Scope::global;
}

// Not by inet_ntop: it is slow, and the log is full of addresses. Returns where it ends.
char* put_v4(char* at, const IpAddress& ip) {
  constexpr std::size_t kDigitsMax = 3;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *at++ = '.';
    at = std::to_chars(at, at + kDigitsMax, ip.bytes[i]).ptr;
  }
  return at;
}

}  // namespace

Scope scope_of(const IpAddress& ip) { return ip.v6 ? scope_of_v6(ip) : scope_of_v4(ip); }

std::optional<IpAddress> parse_ip(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::ranges::copy(text, terminated.begin());
  IpAddress ip;
  if (inet_pton(AF_INET, terminated.data(), ip.bytes.data()) == 1) return ip;
  if (inet_pton(AF_INET6, terminated.data(), ip.bytes.data()) != 1) return std::nullopt;
  return IpAddress::from_v6_bytes(ip.bytes);
}

std::string to_text(const IpAddress& ip) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!ip.v6) return {text.data(), put_v4(text.data(), ip)};
  inet_ntop(AF_INET6, ip.bytes.data(), text.data(), text.size());
  return text.data();
}

std::string to_text(const Endpoint& endpoint) {
  if (endpoint.ip.v6) return "[" + to_text(endpoint.ip) + "]:" + std::to_string(endpoint.port);
  constexpr std::size_t kMax = std::string_view("255.255.255.255:65535").size();
  std::array<char, kMax> text{};
  auto* at = put_v4(text.data(), endpoint.ip);
  *at++ = ':';
  return {text.data(), std::to_chars(at, text.data() + kMax, endpoint.port).ptr};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || text.size() > 5) return std::nullopt;
  return port;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto ip = parse_ip(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!ip || !port || (host.find(':') != host.npos) != bracketed) return std::nullopt;
  return Endpoint{*ip, *port};
}

}  // namespace ftpscope
