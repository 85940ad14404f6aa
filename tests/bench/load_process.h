// A process under measurement: what it and its children cost, seen from outside (/proc, CPU
// clocks).
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace ftpscope::bench {

class Process {
 public:
  // A shell command. It ends when we do.
  explicit Process(const std::string& command);
  // A forked child that runs `body` and nothing else.
  explicit Process(const std::function<void()>& body);
  Process(Process&& moved) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();  // SIGTERM, and SIGKILL when that does not help

  // Of it and all below it; those that have ended and were waited for count in steps of 10 ms.
  [[nodiscard]] double cpu_seconds() const;
  struct Memory {
    double rss = 0;  // bytes; pages that processes share count for each
    double pss = 0;  // and here once
  };
  [[nodiscard]] Memory memory() const;  // of it and all below it
  [[nodiscard]] bool running() const;
  bool succeeded();  // waits for its end; true: exit code 0

  void pin() const;  // the last processor for it, its threads and the children to come

 private:
  pid_t pid_;
};

void pin_task(pid_t task);  // to the last processor; 0: the calling thread

// From now on, processes below us that lose their parent become our children.
void adopt_orphans();
// Kills all processes below us, and waits until they are gone.
void end_descendants();

// Moves this process, and what it starts from now on, to a network of their own: a loopback on
// which old connections (TIME_WAIT) do not use up the ports. False: not allowed here.
bool enter_own_network();

}  // namespace ftpscope::bench
