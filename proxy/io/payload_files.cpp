#include "proxy/io/payload_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace ftpscope {

int open_private_folder(const std::string& path) {
  if (mkdir(path.c_str(), kPrivateFolder) != 0 && errno != EEXIST) return -1;
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

std::string payload_name(const DataTaker::Source& source) {
  return std::string(source.session) + "-data-" + std::to_string(source.channel) + "-from-" +
         std::string(name_of(source.from)) + ".bin";
}

int create_private_file(int folder, const std::string& name) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  return openat(folder, name.c_str(), kFlags, kPrivateFile);
}

bool write_at(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto wrote = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return true;
}

Sha256::Sha256() : digest_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
}

void Sha256::add(std::string_view bytes) {
  EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
}

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  EVP_DigestFinal_ex(digest_.get(), sum.data(), &size);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kHex[sum[i] >> 4U];
    text += kHex[sum[i] & 0xfU];
  }
  return text;
}

std::string sha256_of(int fd) {
  constexpr std::size_t kPiece = std::size_t{1} << 20U;
  Sha256 sum;
  std::vector<char> piece(kPiece);
  off_t at = 0;
  while (true) {
    const auto got = pread(fd, piece.data(), piece.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) return sum.finish();
    sum.add({piece.data(), static_cast<std::size_t>(got)});
    at += got;
  }
}

std::optional<std::string> KnownPayloads::same_as(const std::string& sha256,
                                                  const std::string& name) {
  const auto known = names_.find(sha256);
  if (known != names_.end()) return known->second;
  if (names_.size() < kMax) names_.emplace(sha256, name);
  return std::nullopt;
}

}  // namespace ftpscope
