// Puts fragmented IP datagrams together again (RFC 791 3.2, RFC 8200 4.5). Knows nothing of what is
// in them. In any order, with duplicates; where fragments overlap with different bytes, those that
// came first are kept.
#pragma once

#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "analyzer/packet.h"
#include "analyzer/record.h"

namespace ftpscope {

class IpFragments {
 public:
  static constexpr std::size_t kDatagramsMax = 64;  // unfinished ones; then the oldest is given up
  static constexpr std::size_t kBytesMax = 65536;   // of a datagram
  static constexpr std::chrono::seconds kTimeout{30};  // by the capture's time, from the first one

  // The whole payload, when this fragment was the last that it lacked. Valid until the next call.
  // Where a capture has cut fragments short, `bytes` ends at the first byte that is missing.
  std::optional<IpPayload> add(const Fragment& fragment, Timestamp time);

  [[nodiscard]] std::size_t unfinished() const { return datagrams_.size(); }

 private:
  // Offsets are multiples of 8, and so is the length of every fragment but the last.
  static constexpr std::size_t kUnit = 8;
  using Units = std::bitset<kBytesMax / kUnit>;

  struct Datagram {
    IpAddress from;
    IpAddress to;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;
    bool v6 = false;
    Timestamp started;
    std::string bytes;
    std::optional<std::size_t> size;  // once the last fragment was seen
    Units sent;
    Units captured;
  };

  static bool same(const Datagram& datagram, const Fragment& fragment);
  static void fill(Datagram& datagram, const Fragment& fragment);
  static bool whole(const Datagram& datagram);
  static IpPayload payload_of(const Datagram& datagram);
  Datagram& datagram_of(const Fragment& fragment, Timestamp time);

  std::list<Datagram> datagrams_;  // oldest first
  std::list<Datagram> finished_;   // one at most: what add() has returned
};

}  // namespace ftpscope
