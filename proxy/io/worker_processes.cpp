#include "proxy/io/worker_processes.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace ftpscope {

namespace {

using Clock = std::chrono::steady_clock;

struct Child {
  pid_t pid = 0;  // 0: it has ended
  Clock::time_point begun;
};

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// 0 in the child. It has a group of its own: the terminal's Ctrl-C comes to us, who pass it on
// once.
pid_t begin_child() {
  const auto parent = getpid();
  const auto pid = fork();
  if (pid != 0) return pid;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);  // it died before we had asked to be told
  return 0;
}

class Workers {
 public:
  Workers(std::size_t count, const std::function<void()>& ending)
      : children_(count), on_ending_(ending) {}

  // Whether this is the new process.
  bool begin(std::size_t worker) {
    auto& child = children_[worker];
    child = {begin_child(), Clock::now()};
    if (child.pid < 0) {
      child.pid = 0;
      give_up("worker " + std::to_string(worker) + " cannot begin: " + std::strerror(errno));
    }
    return child.pid == 0 && !ending_;
  }

  void end(int signal) {
    if (!std::exchange(ending_, true)) on_ending_();
    for (const auto& child : children_) {
      if (child.pid > 0) kill(child.pid, signal);
    }
  }

  // The worker whose place has to be filled; count: none.
  std::size_t bury(pid_t pid, int status) {
    const auto found = std::ranges::find(children_, pid, &Child::pid);
    if (found == children_.end()) return children_.size();
    found->pid = 0;
    const auto worker = static_cast<std::size_t>(found - children_.begin());
    if (WIFEXITED(status)) {
      code_ = std::max(code_, WEXITSTATUS(status));
      if (!ending_) end(SIGTERM);
      return children_.size();
    }
    const auto what = "worker " + std::to_string(worker) + " was ended by signal " +
                      std::to_string(WTERMSIG(status)) + ", and its sessions with it";
    if (ending_ || Clock::now() - found->begun < kWorkerLifeMin) {
      give_up(what);
      return children_.size();
    }
    std::cerr << "ftpscope: " << what << "; a new one takes its place\n";
    return worker;
  }

  [[nodiscard]] bool all_ended() const {
    return std::ranges::all_of(children_, [](const Child& child) { return child.pid == 0; });
  }
  [[nodiscard]] bool ending() const { return ending_; }
  [[nodiscard]] int code() const { return code_; }

 private:
  void give_up(const std::string& why) {
    std::cerr << "ftpscope: " << why << '\n';
    code_ = std::max(code_, 1);
    if (!ending_) end(SIGTERM);
  }

  std::vector<Child> children_;
  const std::function<void()>& on_ending_;
  bool ending_ = false;
  int code_ = 0;
};

}  // namespace

void hear_ending_signals() {
  const auto signals = ending_signals();
  sigprocmask(SIG_UNBLOCK, &signals, nullptr);
}

int run_worker_processes(std::size_t count, const Work& work, const std::function<void()>& ending) {
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  auto awaited = ending_signals();
  sigorset(&awaited, &awaited, &child_ended);
  sigprocmask(SIG_BLOCK, &awaited, nullptr);
  const auto run = [&](std::size_t worker, bool again) {
    sigprocmask(SIG_UNBLOCK, &child_ended, nullptr);
    return work(worker, again);
  };

  Workers workers(count, ending);
  for (std::size_t worker = 0; worker < count && !workers.ending(); ++worker) {
    if (workers.begin(worker)) return run(worker, false);
  }
  while (!workers.all_ended()) {
    const int signal = sigwaitinfo(&awaited, nullptr);
    if (signal == SIGTERM || signal == SIGINT) workers.end(signal);
    int status = 0;
    while (const auto pid = waitpid(-1, &status, WNOHANG)) {
      if (pid < 0) break;  // none is left
      const auto vacant = workers.bury(pid, status);
      if (vacant < count && workers.begin(vacant)) return run(vacant, true);
    }
  }
  return workers.code();
}

}  // namespace ftpscope
