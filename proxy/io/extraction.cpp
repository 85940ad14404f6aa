#include "proxy/io/extraction.h"

#include <fcntl.h>
#include <magic.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace ftpscope {

namespace {

std::string name_for(std::string_view session, ChannelId channel, Side from) {
  return std::string(session) + "-data-" + std::to_string(channel) + "-from-" +
         std::string(name_of(from)) + ".bin";
}

std::string in_hexadecimal(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHex[byte >> 4U];
    text += kHex[byte & 0xfU];
  }
  return text;
}

// Empty when the file cannot be read again.
std::string sha256_of(int fd) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(),
                                                                       EVP_MD_CTX_free);
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  std::vector<char> piece(std::size_t{1} << 20U);
  off_t at = 0;
  while (true) {
    const auto got = pread(fd, piece.data(), piece.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) break;
    EVP_DigestUpdate(digest.get(), piece.data(), static_cast<std::size_t>(got));
    at += got;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  EVP_DigestFinal_ex(digest.get(), sum.data(), &size);
  return in_hexadecimal({reinterpret_cast<const char*>(sum.data()), size});
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

}  // namespace

std::expected<std::unique_ptr<Extraction>, std::string> Extraction::open(
    const std::string& folder, const ExtractionLimits& limits) {
  constexpr mode_t kPrivate = 0700;
  const auto failed = [&] {
    return std::unexpected("cannot save to " + folder + ": " + std::strerror(errno));
  };
  if (mkdir(folder.c_str(), kPrivate) != 0 && errno != EEXIST) return failed();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed();
  return std::unique_ptr<Extraction>(new Extraction(fd, limits));
}

Extraction::Extraction(int folder, const ExtractionLimits& limits)
    : folder_(folder), limits_(limits), magic_(magic_open(MAGIC_NONE)) {
  if (magic_ && magic_load(magic_, nullptr) == 0) return;
  complain("the types of files are not told: libmagic has no database");
}

Extraction::~Extraction() {
  for (const auto& [name, file] : files_) ::close(file.fd);
  if (magic_) magic_close(magic_);
  ::close(folder_);
}

// The first problem is the one to tell.
void Extraction::complain(const std::string& what) {
  if (problem_.empty()) problem_ = what;
}

Extraction::File* Extraction::file_for(const Source& source) {
  auto name = name_for(source.session, source.channel, source.from);
  if (const auto found = files_.find(name); found != files_.end()) return &found->second;
  if (files_.size() >= ExtractionLimits::kOpenMax) {
    complain("more than " + std::to_string(ExtractionLimits::kOpenMax) +
             " data connections at once: some were not saved");
    return nullptr;
  }
  constexpr mode_t kPrivate = 0600;
  const int fd =
      openat(folder_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kPrivate);
  if (fd < 0) complain("cannot create " + name + ": " + std::strerror(errno));
  const auto added = files_.emplace(name, File{name, fd}).first;
  return &added->second;
}

void Extraction::take(const Source& source, std::uint64_t offset, std::string_view bytes) {
  auto* file = file_for(source);
  if (!file || file->fd < 0) return;
  if (bytes_ + bytes.size() > limits_.bytes_max) {
    complain("not all was saved: " + std::to_string(limits_.bytes_max) +
             " bytes are the limit (--extract-max)");
    bytes_ = limits_.bytes_max;  // no gaps where smaller pieces would still have found room
    return give_up(*file);
  }
  bytes_ += bytes.size();
  if (!write_at(file->fd, bytes, offset)) {
    complain("cannot write " + file->name + ": " + std::strerror(errno));
    give_up(*file);
  }
}

void Extraction::give_up(File& file) const {
  ::close(std::exchange(file.fd, -1));
  unlinkat(folder_, file.name.c_str(), 0);
}

TakenData Extraction::finish(std::string_view session, ChannelId channel) {
  TakenData taken;
  for (const auto side : {Side::server, Side::client}) {
    const auto found = files_.find(name_for(session, channel, side));
    if (found == files_.end()) continue;
    auto file = std::move(found->second);
    files_.erase(found);
    if (file.fd >= 0 && taken.payload.empty()) taken = described(file);
    if (file.fd >= 0) ::close(file.fd);
  }
  return taken;
}

TakenData Extraction::described(const File& file) {
  TakenData taken{file.name, sha256_of(file.fd), {}};
  if (lseek(file.fd, 0, SEEK_SET) != 0 || !magic_) return taken;
  const char* type = magic_descriptor(magic_, file.fd);
  if (type) taken.type = type;
  return taken;
}

}  // namespace ftpscope
