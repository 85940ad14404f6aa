// One question about every byte of a text, for what sees all lines. There is no exit in the middle,
// so that compilers look at 16 bytes at once.
#pragma once

#include <cstdint>
#include <string_view>

namespace ftpscope {

template <class IsGood>
constexpr bool all_bytes(std::string_view bytes, IsGood is_good) {
  std::uint8_t odd = 0;
  for (const char c : bytes) odd |= static_cast<std::uint8_t>(!is_good(c));
  return odd == 0;
}

}  // namespace ftpscope
