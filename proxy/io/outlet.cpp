#include "proxy/io/outlet.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace ftpscope {

namespace {

// Of this process, until the other ones have given it back. It goes with the process.
void lock(int fd, short kind) {
  struct flock lock{};
  lock.l_type = kind;
  lock.l_whence = SEEK_SET;
  while (fcntl(fd, F_SETLKW, &lock) != 0 && errno == EINTR) {
  }
}

}  // namespace

Outlet::Outlet(int fd, bool shared) : fd_(fd) {
  struct stat info{};
  may_block_ = fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode);
  in_turn_ = shared && may_block_;  // one write to a file is whole (O_APPEND)
}

bool Outlet::ready() {
  pollfd wanted{fd_, POLLOUT, 0};
  const bool writable =
      poll(&wanted, 1, stuck_ ? 0 : kPatienceMs) == 1 && (wanted.revents & POLLOUT) != 0;
  stuck_ = !writable;
  return writable;
}

std::size_t Outlet::write(std::string_view bytes) {
  if (!in_turn_) return write_alone(bytes);
  lock(fd_, F_WRLCK);
  const auto written = write_alone(bytes);
  lock(fd_, F_UNLCK);
  return written;
}

std::size_t Outlet::write_alone(std::string_view bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    auto length = bytes.size() - written;
    if (may_block_) {
      if (!ready()) break;
      // What is ready takes PIPE_BUF bytes without blocking (POSIX write(2)).
      length = std::min<std::size_t>(length, PIPE_BUF);
    }
    const auto n = ::write(fd_, bytes.data() + written, length);
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      break;
    }
  }
  return written;
}

}  // namespace ftpscope
