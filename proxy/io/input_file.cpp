#include "proxy/io/input_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace ftpscope {

namespace {

std::string sentence(const std::string& path, int error) {
  return "cannot read " + path + ": " + std::strerror(error);
}

// Control-C goes to all of `tcpdump -w - | ftpscope analyze -`. The first one is taken for the wish
// to see what there is: whoever writes is given a moment to write its last and to close.
class Interruption {
 public:
  Interruption() {
    struct sigaction action{};
    action.sa_handler = [](int) { seen_ = 1; };
    action.sa_flags =
        static_cast<int>(SA_RESETHAND);  // and without SA_RESTART: read(2) ends with EINTR
    sigaction(SIGINT, &action, &before_);
  }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption() { sigaction(SIGINT, &before_, nullptr); }

  // Whether it is in vain to wait for more.
  [[nodiscard]] static bool ends(int fd) {
    constexpr int kMomentMs = 1000;
    pollfd waiting{fd, POLLIN, 0};
    return seen_ != 0 && poll(&waiting, 1, kMomentMs) <= 0;
  }

 private:
  static inline volatile std::sig_atomic_t seen_ = 0;
  struct sigaction before_{};
};

}  // namespace

std::expected<InputFile, std::string> InputFile::open(const std::string& path) {
  if (path == "-") return InputFile("standard input", STDIN_FILENO);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(sentence(path, errno));
  InputFile file(path, fd);
  struct stat status{};
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    return std::unexpected(sentence(path, EISDIR));
  }
  if (S_ISREG(status.st_mode)) {
    file.size_ = static_cast<std::uint64_t>(status.st_size);
    file.map();
  }
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      mapped_(std::exchange(other.mapped_, nullptr)) {}

InputFile::~InputFile() {
  if (mapped_) munmap(const_cast<char*>(mapped_), size_);
  if (fd_ > STDIN_FILENO) ::close(fd_);
}

void InputFile::map() {
  if (size_ == 0) return;
  void* memory = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
  if (memory == MAP_FAILED) return;  // it can still be read in pieces
  madvise(memory, size_, MADV_SEQUENTIAL);
  mapped_ = static_cast<const char*>(memory);
}

std::expected<void, std::string> InputFile::read(const Take& take) {
  if (!mapped_) return read_pieces(take);
  read_mapped(take);
  return {};
}

// In pieces here too, so that what has been read can be given back: a capture may be larger than
// the memory.
void InputFile::read_mapped(const Take& take) const {
  constexpr std::size_t kPiece = std::size_t{8} << 20U;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::size_t given_back = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  while (end < size_) {
    end = std::min<std::size_t>(size_, end + kPiece);
    begin += take({mapped_ + begin, end - begin}, end == size_);
    const auto done = begin / page * page;
    madvise(const_cast<char*>(mapped_) + given_back, done - given_back, MADV_DONTNEED);
    given_back = done;
  }
}

std::expected<void, std::string> InputFile::read_pieces(const Take& take) const {
  constexpr std::size_t kPiece = std::size_t{1} << 20U;
  const Interruption interruption;
  std::string window;
  while (true) {
    if (Interruption::ends(fd_)) {
      take(window, true);
      return std::unexpected("interrupted: " + path_ + " was analysed as far as it had come");
    }
    const auto kept = window.size();
    window.resize(kept + kPiece);
    const auto got = ::read(fd_, window.data() + kept, kPiece);
    window.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(sentence(path_, errno));
    window.erase(0, take(window, got == 0));
    if (got == 0) return {};
  }
}

}  // namespace ftpscope
