// A file, pipe or terminal that is written from the event loop and must never stop it for long.
#pragma once

#include <cstddef>
#include <string_view>

namespace ftpscope {

class Outlet {
 public:
  // How long a pipe or terminal that is full is waited for: once, and not again before it has taken
  // something. A slow reader loses nothing; one that has stopped costs the sessions this pause and
  // no more.
  static constexpr int kPatienceMs = 1000;

  // `shared`: other processes write lines to it, too.
  explicit Outlet(int fd, bool shared = false);

  // Bytes written; fewer than given when the disk is full, or the reader is gone or does not read.
  // Nothing that others write comes between them.
  std::size_t write(std::string_view bytes);

  [[nodiscard]] int fd() const { return fd_; }

 private:
  [[nodiscard]] bool ready();
  std::size_t write_alone(std::string_view bytes);

  int fd_;
  bool may_block_;  // a pipe, a socket or a terminal
  bool in_turn_;    // what is written in pieces must not be mixed with what others write
  bool stuck_ = false;
};

}  // namespace ftpscope
