// Where records go: a file, standard output, a pipe. Records of one turn of the event loop are
// written with one write(2), before the bytes that they describe leave (design.md, point 8). Never
// stops or slows a session: what cannot be written is counted, and told by a `lost` record when
// writing works again.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "analyzer/record.h"
#include "proxy/io/outlet.h"

namespace ftpscope {

class LogFile {
 public:
  static constexpr std::size_t kBatch = 65536;  // bytes; more do not wait for the turn's end

  // "-" is standard output. Appends; a torn last line of an earlier run is ended first.
  // `shared`: other processes append to it, too.
  static std::expected<std::unique_ptr<LogFile>, std::string> open(const std::string& path,
                                                                   bool shared = false);
  // A file that is open for reading and writing; it is closed with this.
  static std::unique_ptr<LogFile> adopt(int fd) {
    return std::unique_ptr<LogFile>(new LogFile(fd, false));
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  void add(const Record& record);
  void flush(Timestamp now);

  // Records that could not be written, in all.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  LogFile(int fd, bool shared);
  void write_out();
  void tell_lost(Timestamp now);
  void end_torn_line();
  void take_back(std::size_t bytes);

  Outlet outlet_;
  bool shared_;
  std::string buffer_;
  std::size_t records_ = 0;  // in buffer_
  bool torn_ = false;        // the file does not end with a whole line
  std::uint64_t lost_ = 0;
  std::uint64_t lost_untold_ = 0;
  std::uint64_t own_seq_ = 0;  // of `lost` records
};

}  // namespace ftpscope
