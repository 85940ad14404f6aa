// A process under measurement: what it costs, seen from outside (/proc, CPU clocks).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace ftpscope::bench {

class Process {
 public:
  // A shell command. It ends when we do.
  explicit Process(const std::string& command);
  // A forked child that runs `body` and nothing else.
  explicit Process(void (*body)(int), int argument);
  Process(Process&& moved) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();  // SIGTERM, and SIGKILL when that does not help

  [[nodiscard]] double cpu_seconds() const;
  struct Memory {
    double rss = 0;  // bytes
    double pss = 0;
  };
  [[nodiscard]] Memory memory() const;
  [[nodiscard]] bool running() const;

  // One processor for all of it (true), or any.
  void pin(bool pinned) const;

 private:
  pid_t pid_;
};

void pin_task(pid_t task, bool pinned);  // 0: the calling thread

// Moves this process, and what it starts from now on, to a network of their own: a loopback on
// which old connections (TIME_WAIT) do not use up the ports. False: not allowed here.
bool enter_own_network();

}  // namespace ftpscope::bench
