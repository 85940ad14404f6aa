// How many bytes of payload one side of a TCP connection has sent, for a connection of which only
// the first and last segments and rough totals are seen: one that the kernel translates.
#pragma once

#include <cstdint>

namespace ftpscope {

// What conntrack counts in one direction: whole IP packets, headers and repeated segments included.
// Segments that the network card has put together count as one packet with one header.
struct PacketTotals {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

// Less the headers, with the TCP timestamps that nearly everybody sends. A little off with other
// options, and too many by what was sent twice.
[[nodiscard]] std::uint64_t estimated_payload(const PacketTotals& totals, bool v6);

// Exact: from the sequence number of the SYN to that behind the last byte. These wrap at 4 GiB;
// `about` says how often they did, and may be wrong by nearly 2 GiB.
[[nodiscard]] std::uint64_t exact_payload(std::uint32_t syn, std::uint32_t end,
                                          std::uint64_t about);

}  // namespace ftpscope
