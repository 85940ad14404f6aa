// Numbers as they lie in a capture file or in a packet. The caller has checked that they are there.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ftpscope {

enum class ByteOrder : std::uint8_t { little, big };

template <std::size_t Size>
constexpr std::uint64_t number_at(std::string_view bytes, std::size_t offset, ByteOrder order) {
  assert(offset <= bytes.size() && Size <= bytes.size() - offset);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < Size; ++i) {
    const auto place = order == ByteOrder::big ? i : Size - 1 - i;
    value = value << 8U | static_cast<std::uint8_t>(bytes[offset + place]);
  }
  return value;
}

constexpr std::uint16_t u16_at(std::string_view bytes, std::size_t offset,
                               ByteOrder order = ByteOrder::big) {
  return static_cast<std::uint16_t>(number_at<2>(bytes, offset, order));
}
constexpr std::uint32_t u32_at(std::string_view bytes, std::size_t offset,
                               ByteOrder order = ByteOrder::big) {
  return static_cast<std::uint32_t>(number_at<4>(bytes, offset, order));
}
constexpr std::uint64_t u64_at(std::string_view bytes, std::size_t offset, ByteOrder order) {
  return number_at<8>(bytes, offset, order);
}

}  // namespace ftpscope
