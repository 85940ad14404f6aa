#include "proxy/io/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "analyzer/record_json.h"

namespace ftpscope {

std::expected<std::unique_ptr<LogFile>, std::string> LogFile::open(const std::string& path,
                                                                   bool shared) {
  int fd = -1;
  if (path == "-") {
    fd = dup(STDOUT_FILENO);
  } else {
    constexpr int kFlags = O_APPEND | O_CLOEXEC | O_NOCTTY;
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | kFlags, 0640);
    // A file that may be written but not read, as some log folders have it.
    if (fd < 0) fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | kFlags);
  }
  if (fd < 0) {
    return std::unexpected("cannot write the log '" + path + "': " + std::strerror(errno));
  }
  return std::unique_ptr<LogFile>(new LogFile(fd, shared));
}

LogFile::LogFile(int fd, bool shared) : outlet_(fd, shared), shared_(shared) {
  char last = '\n';
  const auto end = lseek(fd, 0, SEEK_END);
  torn_ = end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';
}

LogFile::~LogFile() { close(outlet_.fd()); }

void LogFile::add(const Record& record) {
  append_json(buffer_, record);
  ++records_;
  if (buffer_.size() > kBatch) flush(record.time);
}

void LogFile::flush(Timestamp now) {
  if (records_ == 0) return;
  if (torn_) end_torn_line();
  if (lost_untold_ > 0) tell_lost(now);
  write_out();
}

// In front of what is to be written. If it cannot be, it is told with the next records.
void LogFile::tell_lost(Timestamp now) {
  std::string line;
  append_json(line, Record{now, "ftpscope", own_seq_, record::Lost{lost_untold_}});
  const auto written = torn_ ? 0 : outlet_.write(line);
  if (written < line.size()) {
    take_back(written);
    return;
  }
  ++own_seq_;
  lost_untold_ = 0;
}

void LogFile::end_torn_line() { torn_ = outlet_.write("\n") != 1; }

// The start of a record of which the rest found no room. A pipe keeps it, and so does a file to
// which others may have appended meanwhile: then the line is ended later.
void LogFile::take_back(std::size_t bytes) {
  if (bytes == 0) return;
  struct stat info{};
  const bool taken = !shared_ && fstat(outlet_.fd(), &info) == 0 && S_ISREG(info.st_mode) &&
                     ftruncate(outlet_.fd(), info.st_size - static_cast<off_t>(bytes)) == 0;
  torn_ = !taken;
}

void LogFile::write_out() {
  const auto written = torn_ ? 0 : outlet_.write(buffer_);
  if (written < buffer_.size()) {
    const auto all = std::string_view(buffer_);
    const auto whole_lines = all.substr(0, written).rfind('\n') + 1;  // npos + 1 is 0
    const auto lines =
        static_cast<std::uint64_t>(std::ranges::count(all.substr(whole_lines), '\n'));
    lost_ += lines;
    lost_untold_ += lines;
    take_back(written - whole_lines);
  }
  buffer_.clear();
  records_ = 0;
}

}  // namespace ftpscope
