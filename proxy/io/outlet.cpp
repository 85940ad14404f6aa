#include "proxy/io/outlet.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace ftpscope {

Outlet::Outlet(int fd) : fd_(fd) {
  struct stat info{};
  may_block_ = fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode);
}

bool Outlet::ready() {
  pollfd wanted{fd_, POLLOUT, 0};
  const bool writable =
      poll(&wanted, 1, stuck_ ? 0 : kPatienceMs) == 1 && (wanted.revents & POLLOUT) != 0;
  stuck_ = !writable;
  return writable;
}

std::size_t Outlet::write(std::string_view bytes) {
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
