#include "analyzer/mlsd_listing.h"

#include "analyzer/mlsx_entry.h"

namespace ftpscope {

void MlsdListing::take(std::uint64_t offset, std::string_view bytes) {
  if (odd_ || offset != next_ || offset >= kLooked || begun_.size() > kEntryMax) return;
  next_ += bytes.size();
  for (auto end = bytes.find('\n'); end != bytes.npos && !odd_; end = bytes.find('\n')) {
    begun_.append(bytes.substr(0, end));
    take_line(begun_);
    begun_.clear();
    bytes.remove_prefix(end + 1);
  }
  begun_.append(bytes);
}

void MlsdListing::take_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!is_mlsx_entry(line)) odd_ = line;
}

}  // namespace ftpscope
