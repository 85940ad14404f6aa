// The PROXY protocol, versions 1 and 2: the header in front of a connection's first byte in which a
// load balancer tells whose connection it passes on (proxy-protocol.txt of HAProxy, 2020/03/05).
// Read from bytes that came in any segmentation, and written. Knows no sockets, and not who may
// send one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/record.h"

namespace ftpscope {

enum class ProxyVersion : std::uint8_t { v1, v2 };
std::string_view name_of(ProxyVersion version);

struct ProxyHeader {
  ProxyVersion version = ProxyVersion::v1;
  // From the client to where it reached the balancer. None: the balancer speaks for itself (LOCAL:
  // a health check) or cannot say (UNKNOWN, UNSPEC, a Unix socket); then the connection's own
  // addresses count (section 2.2).
  std::optional<Leg> connection;
};

struct ProxyHeaderReading {
  enum class State : std::uint8_t {
    more,       // all is well so far, and it is not whole
    complete,   // what follows the first `size` bytes is the client's
    absent,     // these bytes begin no header
    malformed,  // they do, and `why` says what is wrong with it
  };
  State state = State::more;
  ProxyHeader header;
  std::size_t size = 0;
  std::string_view why;
};

inline constexpr std::size_t kProxyHeaderV1Max = 107;  // section 2.1, with its CR LF
// With its TLVs. A header is to fit into the smallest TCP segment (section 2: MSS 536).
inline constexpr std::size_t kProxyHeaderV2Max = 536;

// Reads the first bytes of a connection, all that came so far. Once it says something else than
// `more`, it says the same with whatever follows.
ProxyHeaderReading read_proxy_header(std::string_view bytes);

// The header as bytes. Two ends of different families are both written as IPv6.
std::string proxy_header(ProxyVersion version, const Leg& connection);

}  // namespace ftpscope
