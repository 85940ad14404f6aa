#include "proxy/payload_count.h"

#include <algorithm>

namespace ftpscope {

std::uint64_t estimated_payload(const PacketTotals& totals, bool v6) {
  constexpr std::uint64_t kTcpHeader = 20 + 12;  // RFC 9293 3.1, RFC 7323 3.2
  const std::uint64_t headers = (v6 ? 40 : 20) + kTcpHeader;
  return totals.bytes - std::min(totals.bytes, totals.packets * headers);
}

std::uint64_t exact_payload(std::uint32_t syn, std::uint32_t end, std::uint64_t about) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32U;
  const std::uint64_t low = static_cast<std::uint32_t>(end - syn - 1);  // the SYN takes one number
  const auto wraps = about > low ? (about - low + kWrap / 2) / kWrap : 0;
  return low + wraps * kWrap;
}

}  // namespace ftpscope
