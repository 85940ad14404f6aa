// What every fuzz target needs: an assertion that says what broke, and a way to take an input
// apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ftpscope::fuzz {

inline void check(bool holds, const char* promise, std::string_view detail = {}) {
  if (holds) return;
  std::string printable;
  for (const char c : detail.substr(0, 2000)) {
    if (c >= 0x20 && c < 0x7f) {
      printable += c;
    } else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      printable += hex;
    }
  }
  std::fprintf(stderr, "broken promise: %s\n  %s\n", promise, printable.c_str());
  std::abort();
}

// An input as numbers and texts. When it is used up, it gives zeros and empty texts.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : bytes_(reinterpret_cast<const char*>(data), size) {}

  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  std::uint64_t number(int width) {
    std::uint64_t value = 0;
    for (int i = 0; i < width; ++i) value = value << 8U | byte();
    return value;
  }
  std::string_view text(std::size_t size) {
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  // Up to a separator: such inputs can be read, and written by hand.
  std::string_view until(char separator) {
    const auto taken = bytes_.substr(0, bytes_.find(separator));
    bytes_.remove_prefix(taken.size() < bytes_.size() ? taken.size() + 1 : taken.size());
    return taken;
  }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  std::string_view rest() { return text(bytes_.size()); }

 private:
  std::string_view bytes_;
};

// For cuts that follow from the input and nothing else.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::size_t below(std::size_t limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state_ >> 33U) % limit;
  }

 private:
  std::uint64_t state_;
};

}  // namespace ftpscope::fuzz
