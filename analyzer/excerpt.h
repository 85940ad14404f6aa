// A text from the wire as the detail of a finding may have it: its beginning.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace ftpscope {

inline constexpr std::size_t kExcerptMax = 120;  // bytes

// Cut in front of a character, not inside one, so that what was UTF-8 still is.
inline std::string_view excerpt(std::string_view text) {
  const auto inside = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; };
  auto size = std::min(text.size(), kExcerptMax);
  constexpr std::size_t kCharacterMax = 4;
  for (std::size_t back = 0; back < kCharacterMax && size > 0 && size < text.size(); ++back) {
    if (!inside(text[size])) break;
    --size;
  }
  return text.substr(0, size);
}

}  // namespace ftpscope
