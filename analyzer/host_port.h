// A server or a listening place as people write it: a name or an address, and a port. Nothing is
// looked up here.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace ftpscope {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const HostPort&) const = default;
};

// "host:port", "[v6]:port", "host" (then `default_port`; 0: one must be given), ":port" (then the
// host is empty). The error is a sentence.
std::expected<HostPort, std::string> parse_host_port(std::string_view text,
                                                     std::uint16_t default_port);
std::string to_text(const HostPort& address);

}  // namespace ftpscope
