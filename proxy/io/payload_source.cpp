#include "proxy/io/payload_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace ftpscope {

bool PayloadSource::open(const std::string& folder, const ScriptPayload& payload,
                         std::uint64_t skip) {
  filler_ = payload.bytes - std::min(payload.bytes, skip);
  if (payload.file.empty()) return true;
  if (!is_payload_name(payload.file)) return false;
  // Not through a link, and not waiting for the writer of a pipe.
  const auto path = folder + "/" + payload.file;
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat info{};
  if (fd_ < 0 || fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const auto begin = std::min(skip, static_cast<std::uint64_t>(info.st_size));
  const auto in_file = static_cast<std::uint64_t>(info.st_size) - begin;
  filler_ -= std::min(filler_, in_file);
  return lseek(fd_, static_cast<off_t>(begin), SEEK_SET) >= 0;
}

PayloadSource::~PayloadSource() {
  if (fd_ >= 0) ::close(fd_);
}

ssize_t PayloadSource::read(char* buffer, std::size_t size) {
  if (fd_ >= 0) {
    const auto count = ::read(fd_, buffer, size);
    if (count != 0) return count;
  }
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size, filler_));
  std::fill_n(buffer, count, '.');
  filler_ -= count;
  return static_cast<ssize_t>(count);
}

UploadComparison::UploadComparison(const std::string& folder, const ScriptPayload& recorded)
    : recorded_(recorded),
      has_file_(!recorded.file.empty() && recorded.unrecorded == 0 &&
                source_.open(folder, recorded)) {}

void UploadComparison::add(std::string_view bytes) {
  if (has_file_) compare(bytes);
  received_ += bytes.size();
}

void UploadComparison::compare(std::string_view bytes) {
  std::array<char, 65536> piece{};
  for (std::size_t at = 0; at < bytes.size() && !first_difference_;) {
    const auto wanted = std::min(piece.size(), bytes.size() - at);
    const auto got = std::max<ssize_t>(source_.read(piece.data(), wanted), 0);
    const std::string_view expected(piece.data(), static_cast<std::size_t>(got));
    const auto same = std::ranges::mismatch(bytes.substr(at, expected.size()), expected).in2;
    const auto place = at + static_cast<std::size_t>(same - expected.begin());
    if (same != expected.end() || expected.empty()) first_difference_ = received_ + place;
    at += expected.size();
  }
}

std::string UploadComparison::finish(const std::string& sha256) const {
  std::string text;
  if (received_ != recorded_.bytes) {
    text = std::to_string(received_) + " bytes instead of " + std::to_string(recorded_.bytes);
  }
  const bool inside = first_difference_ && *first_difference_ < recorded_.bytes;
  if (inside) {
    text += (text.empty() ? "" : ", ") + std::string("different from byte ") +
            std::to_string(*first_difference_) + " on";
  }
  const bool by_hash = text.empty() && !has_file_ && !recorded_.sha256.empty() &&
                       recorded_.unrecorded == 0 && received_ > 0;
  return by_hash && sha256 != recorded_.sha256 ? "its SHA-256 differs" : text;
}

}  // namespace ftpscope
