// The beginning of a listing by MLSD, as a data connection carried it: whether it is made of
// entries (RFC 3659 7.2). Looks at as much as is enough to know a server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftpscope {

class MlsdListing {
 public:
  static constexpr std::uint64_t kLooked = 65536;  // bytes of the listing
  static constexpr std::size_t kEntryMax = 8192;   // bytes; a longer one ends the looking

  // Bytes at their place in the listing; behind a hole nothing is looked at.
  void take(std::uint64_t offset, std::string_view bytes);
  // The first line that is no entry. A last line without its end may be cut, and is none.
  [[nodiscard]] const std::optional<std::string>& odd() const { return odd_; }

 private:
  void take_line(std::string_view line);

  std::uint64_t next_ = 0;
  std::string begun_;  // the line whose end has not come
  std::optional<std::string> odd_;
};

}  // namespace ftpscope
