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
#include <limits>
#include <optional>
#include <utility>
#include <vector>

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

std::filesystem::path proc(pid_t pid) { return "/proc/" + std::to_string(pid); }

std::vector<pid_t> tasks_of(pid_t pid) {
  std::vector<pid_t> tasks;
  std::error_code gone;
  std::filesystem::directory_iterator task(proc(pid) / "task", gone);
  for (; !gone && task != std::filesystem::directory_iterator(); task.increment(gone)) {
    tasks.push_back(std::stoi(task->path().filename()));
  }
  return tasks;
}

// A process and all below it. Who begins or ends meanwhile may be left out.
std::vector<pid_t> tree(pid_t root) {
  std::vector<pid_t> all{root};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto pid = all[i];
    for (const auto task : tasks_of(pid)) {
      std::ifstream children(proc(pid) / "task" / std::to_string(task) / "children");
      for (pid_t child = 0; children >> child;) all.push_back(child);
    }
  }
  return all;
}

// The clock of /proc/PID/stat counts in steps of 10 ms; this one, of the same time, in nanoseconds.
std::optional<double> own_seconds(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return std::nullopt;
  }
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// What those of its children used that it has waited for, and theirs: cutime and cstime, proc(5).
double ended_seconds(pid_t pid) {
  constexpr int kFieldsBefore = 13;  // from the state, behind the name in its brackets
  std::ifstream stat(proc(pid) / "stat");
  stat.ignore(std::numeric_limits<std::streamsize>::max(), ')');
  std::string skipped;
  for (int i = 0; i < kFieldsBefore; ++i) stat >> skipped;
  double user = 0;
  double system = 0;
  stat >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

Process::Memory own_memory(pid_t pid) {
  constexpr double kKilobyte = 1024;
  std::ifstream rollup(proc(pid) / "smaps_rollup");
  Process::Memory memory;
  std::string word;
  while (rollup >> word) {
    if (word == "Rss:") rollup >> memory.rss;
    if (word == "Pss:") rollup >> memory.pss;
  }
  return {memory.rss * kKilobyte, memory.pss * kKilobyte};
}

}  // namespace

Process::Process(const std::string& command) : pid_(fork_child()) {
  if (pid_ != 0) return;
  const auto line = "exec " + command;
  execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

Process::Process(const std::function<void()>& body) : pid_(fork_child()) {
  if (pid_ != 0) return;
  body();
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

bool Process::succeeded() {
  int status = 0;
  waitpid(std::exchange(pid_, 0), &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

double Process::cpu_seconds() const {
  if (!own_seconds(pid_)) fail("the proxy is gone");
  double seconds = 0;
  for (const auto pid : tree(pid_)) seconds += own_seconds(pid).value_or(0) + ended_seconds(pid);
  return seconds;
}

Process::Memory Process::memory() const {
  Memory sum;
  for (const auto pid : tree(pid_)) {
    const auto memory = own_memory(pid);
    sum.rss += memory.rss;
    sum.pss += memory.pss;
  }
  return sum;
}

void Process::pin() const {
  for (const auto pid : tree(pid_)) {
    for (const auto task : tasks_of(pid)) pin_task(task);
  }
}

void pin_task(pid_t task) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
  sched_setaffinity(task, sizeof set, &set);
}

void adopt_orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

void end_descendants() {
  for (const auto pid : tree(getpid())) {
    if (pid != getpid()) kill(pid, SIGKILL);
  }
  while (waitpid(-1, nullptr, 0) > 0) {
  }
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
