// Bytes of a connection that the kernel translates, from sequence numbers and conntrack's totals.
#include <doctest/doctest.h>

#include <initializer_list>

#include "proxy/payload_count.h"

using namespace ftpscope;

TEST_CASE("payload count: exact by sequence numbers, whatever the first was") {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32U;
  for (const std::uint32_t syn : {0U, 1U, 0x7fffffffU, 0xfffffffeU, 0xffffffffU}) {
    for (const std::uint64_t bytes :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1460}, kWrap - 1, kWrap, kWrap + 1,
          3 * kWrap - 1, 3 * kWrap, 1000 * kWrap + 17}) {
      CAPTURE(syn);
      CAPTURE(bytes);
      const auto end = static_cast<std::uint32_t>(syn + 1 + bytes);
      CHECK(exact_payload(syn, end, bytes) == bytes);
      CHECK(exact_payload(syn, end, bytes + bytes / 1000000 + 100000) == bytes);  // sent twice
      CHECK(exact_payload(syn, end, bytes - bytes / 1000000) == bytes);
    }
  }
}

TEST_CASE("payload count: an estimate takes the headers off and is never negative") {
  CHECK(estimated_payload({3, 3 * 52}, false) == 0);
  CHECK(estimated_payload({2, 52 + 1500}, false) == 1448);
  CHECK(estimated_payload({2, 72 + 1500}, true) == 1428);
  CHECK(estimated_payload({2, 80}, false) == 0);  // without timestamps
  CHECK(estimated_payload({}, false) == 0);
}
