#include "tests/bench/load_process.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <utility>

#include "tests/bench/load_socket.h"

namespace ftpscope::bench {

namespace {

constexpr int kStopMilliseconds = 3000;

pid_t fork_child() {
  const pid_t pid = fork();
  if (pid < 0) fail("cannot fork");
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

}  // namespace

Process::Process(const std::string& command) : pid_(fork_child()) {
  if (pid_ != 0) return;
  const auto line = "exec " + command;
  execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

Process::Process(void (*body)(int), int argument) : pid_(fork_child()) {
  if (pid_ != 0) return;
  body(argument);
  _exit(0);
}

Process::Process(Process&& moved) noexcept : pid_(std::exchange(moved.pid_, 0)) {}

Process::~Process() {
  if (pid_ == 0) return;
  kill(pid_, SIGTERM);
  for (int waited = 0; waited < kStopMilliseconds; ++waited) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) return;
    usleep(1000);
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Process::running() const {
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return info.si_pid == 0;
}

// The clock of /proc/PID/stat counts in steps of 10 ms; this one, of the same time, in nanoseconds.
double Process::cpu_seconds() const {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    fail("the proxy is gone");
  }
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Process::Memory Process::memory() const {
  std::ifstream rollup("/proc/" + std::to_string(pid_) + "/smaps_rollup");
  Memory memory;
  std::string word;
  while (rollup >> word) {
    if (word == "Rss:") rollup >> memory.rss;
    if (word == "Pss:") rollup >> memory.pss;
  }
  constexpr double kKilobyte = 1024;
  return {memory.rss * kKilobyte, memory.pss * kKilobyte};
}

void Process::pin(bool pinned) const {
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task")) {
    pin_task(std::stoi(task.path().filename()), pinned);
  }
}

void pin_task(pid_t task, bool pinned) {
  const auto processors = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int i = pinned ? processors - 1 : 0; i < processors; ++i) CPU_SET(i, &set);
  sched_setaffinity(task, sizeof set, &set);
}

bool enter_own_network() {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  const Socket any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  loopback.ifr_name[0] = 'l';
  loopback.ifr_name[1] = 'o';
  loopback.ifr_flags = IFF_UP;
  if (ioctl(any.fd(), SIOCSIFFLAGS, &loopback) != 0)
    fail("the loopback of our own network is down");
  std::ofstream("/proc/sys/net/ipv4/tcp_max_tw_buckets") << 1000;
  return true;
}

}  // namespace ftpscope::bench
