#include "proxy/io/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "analyzer/record_json.h"

namespace ftpscope {

std::size_t write_without_blocking(int fd, bool may_block, std::string_view bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    auto length = bytes.size() - written;
    if (may_block) {
      // A pipe that is ready takes PIPE_BUF bytes at once (POSIX write(2)).
      pollfd ready{fd, POLLOUT, 0};
      if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) break;
      length = std::min<std::size_t>(length, PIPE_BUF);
    }
    const auto n = write(fd, bytes.data() + written, length);
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      break;
    }
  }
  return written;
}

std::expected<LogFile, std::string> LogFile::open(const std::string& path) {
  if (path == "-") return LogFile(dup(STDOUT_FILENO));
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
  if (fd < 0) {
    // A named pipe without a reader, or a file that may be written but not read.
    const int write_only = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (write_only < 0) {
      return std::unexpected("cannot write the log '" + path + "': " + std::strerror(errno));
    }
    return LogFile(write_only);
  }
  return LogFile(fd);
}

LogFile::LogFile(int fd) : fd_(fd) {
  struct stat info {};
  pipe_ = fstat(fd_, &info) == 0 && !S_ISREG(info.st_mode);
  if (!pipe_ && info.st_size > 0) {
    char last = '\n';
    torn_ = pread(fd_, &last, 1, info.st_size - 1) == 1 && last != '\n';
  }
}

LogFile::LogFile(LogFile&& moved) noexcept
    : fd_(std::exchange(moved.fd_, -1)),
      pipe_(moved.pipe_),
      buffer_(std::move(moved.buffer_)),
      records_(moved.records_),
      torn_(moved.torn_),
      lost_(moved.lost_),
      lost_untold_(moved.lost_untold_),
      own_seq_(moved.own_seq_) {}

LogFile::~LogFile() {
  if (fd_ >= 0) close(fd_);
}

void LogFile::add(const Record& record) {
  append_json(buffer_, record);
  ++records_;
}

void LogFile::flush(Timestamp now) {
  if (records_ == 0) return;
  if (lost_untold_ > 0) tell_lost(now);
  if (torn_) repair_torn_line();
  write_out();
}

// In front of what is to be written; counted as lost again if that fails.
void LogFile::tell_lost(Timestamp now) {
  std::string line;
  append_json(line, Record{now, "ftpscope", own_seq_, record::Lost{lost_untold_}});
  if (torn_) repair_torn_line();
  const auto written = torn_ ? 0 : write_without_blocking(fd_, pipe_, line);
  if (written < line.size()) {
    torn_ = torn_ || written > 0;
    return;
  }
  ++own_seq_;
  lost_untold_ = 0;
}

void LogFile::repair_torn_line() { torn_ = write_without_blocking(fd_, pipe_, "\n") != 1; }

void LogFile::write_out() {
  const auto written = torn_ ? 0 : write_without_blocking(fd_, pipe_, buffer_);
  if (written < buffer_.size()) {
    const auto unwritten = std::string_view(buffer_).substr(written);
    const auto lines = static_cast<std::uint64_t>(std::ranges::count(unwritten, '\n'));
    lost_ += lines;
    lost_untold_ += lines;
    torn_ = torn_ || (written > 0 && buffer_[written - 1] != '\n');
  }
  buffer_.clear();
  records_ = 0;
}

}  // namespace ftpscope
