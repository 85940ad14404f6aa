#include "tests/bench/load_measure.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>

#include "tests/bench/load_client.h"
#include "tests/bench/load_process.h"
#include "tests/bench/load_server.h"

namespace ftpscope::bench {

namespace {

constexpr double kMicro = 1e6;
constexpr double kGiga = 1e9;
constexpr std::size_t kParallelTransfers = 4;
constexpr std::size_t kParallelSessions = 8;
constexpr std::size_t kWarmUpSessions = 100;  // buffers have grown by then
constexpr std::uint64_t kComparedBytes = 256U << 20U;

std::string replaced(std::string text, std::string_view what, const std::string& by) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// For the files of a proxy, which may be of any user.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "ftpscope-load-XXXXXX") {
    if (!mkdtemp(path_.data())) fail("cannot make a scratch folder");
    chmod(path_.c_str(), 0755);
  }
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A target that is running.
class Running {
 public:
  Running(const Target& target, std::uint16_t server, const std::string& folder) : port_(server) {
    await_greeting();  // the server's: a proxy is not to wait for it
    if (target.command.empty()) return;
    port_ = port_of(listen_at(0));
    auto command = replaced(target.command, "{port}", std::to_string(port_));
    command = replaced(command, "{server}", std::to_string(server));
    const auto start = std::chrono::steady_clock::now();
    process_.emplace(replaced(command, "{dir}", folder) + " >/dev/null 2>" + folder + "/stderr");
    await_greeting();
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - start;
    start_ms_ = taken.count();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::optional<double> start_ms() const { return start_ms_; }
  [[nodiscard]] double cpu_seconds() const { return process_ ? process_->cpu_seconds() : 0; }
  [[nodiscard]] Process::Memory memory() const {
    return process_ ? process_->memory() : Process::Memory{};
  }
  void pin() const {
    if (process_) process_->pin();
  }

 private:
  void await_greeting() const {
    constexpr useconds_t kPause = 200;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kTimeoutSeconds);
    while (std::chrono::steady_clock::now() < end) {
      if (process_ && !process_->running()) fail("the proxy has ended: its command is wrong?");
      if (auto control = connect_to(port_)) {
        Client(std::move(*control)).expect("220");
        return;
      }
      usleep(kPause);
    }
    fail("the proxy does not listen");
  }

  std::uint16_t port_;
  std::optional<Process> process_;
  std::optional<double> start_ms_;
};

// Runs the work; the processor time of the proxy meanwhile, in seconds, goes to `cpu`.
template <class Something>
auto timed(const Running& target, double& cpu, Something work) {
  const double before = target.cpu_seconds();
  const auto result = work();
  cpu = target.cpu_seconds() - before;
  return result;
}

Readings transfers(const Running& target, std::size_t count, const Sizes& sizes) {
  const Payload payload;
  const auto bytes = (sizes.megabytes << 20U) / count;
  const auto gigabytes = static_cast<double>(bytes * count) / kGiga;
  Readings readings;
  const auto run = [&](Direction direction, const std::string& name) {
    double cpu = 0;
    const auto seconds = timed(target, cpu, [&] {
      return run_transfers(target.port(), payload, {direction, count, bytes});
    });
    readings[name] = gigabytes / seconds;
    readings[name + " cpu"] = cpu / gigabytes;
  };
  run(Direction::download, "get");
  run(Direction::upload, "put");
  return readings;
}

// What it is a second, and what each cost.
Readings paced(const Paced& paced, double cpu) {
  const auto count = static_cast<double>(paced.count);
  return {{"rate", count / paced.seconds}, {"cpu", cpu * kMicro / count}};
}

std::vector<Client> all_logged_in(const Running& target, std::size_t count) {
  auto clients = log_in(target.port(), count);
  if (clients.size() < count) {
    fail("only " + std::to_string(clients.size()) + " of " + std::to_string(count) +
         " clients could log in (and not longer than " +
         std::to_string(static_cast<int>(kLoginSeconds)) + " s)");
  }
  return clients;
}

Readings commands(const Running& target, std::size_t count, const Sizes& sizes) {
  auto clients = all_logged_in(target, count);
  double cpu = 0;
  const auto result = timed(target, cpu, [&] { return run_commands(clients, sizes.seconds); });
  auto readings = paced(result, cpu);
  readings["p50"] = result.p50_us;
  readings["p99"] = result.p99_us;
  return readings;
}

Readings sessions(const Running& target, const Sizes& sizes) {
  const Payload payload;
  double cpu = 0;
  const auto result = timed(target, cpu, [&] {
    return run_sessions(target.port(), payload, kParallelSessions, sizes.seconds);
  });
  return paced(result, cpu);
}

Readings idle(const Running& target, const Sizes& sizes) {
  const auto warm_up = all_logged_in(target, kWarmUpSessions);
  const auto before = target.memory();
  const auto held = log_in(target.port(), sizes.idle);
  const auto after = target.memory();
  const auto count = static_cast<double>(held.size());
  return {{"rss", (after.rss - before.rss) / count}, {"pss", (after.pss - before.pss) / count}};
}

Readings run(const Running& target, const Test& test, const Sizes& sizes) {
  switch (test.work) {
    case Work::compare:
      if (!copies_are_equal(target.port(), Payload(), kComparedBytes)) {
        fail("the bytes of a file were CHANGED");
      }
      return {};
    case Work::transfer: return transfers(target, 1, sizes);
    case Work::four_transfers: return transfers(target, kParallelTransfers, sizes);
    case Work::commands: return commands(target, test.sessions, sizes);
    case Work::sessions: return sessions(target, sizes);
    case Work::idle: return idle(target, sizes);
  }
  return {};
}

void measure_here(const Target& target, const Test& test, const Sizes& sizes,
                  const std::string& folder) {
  enter_own_network();
  auto listener = listen_at(0);
  const auto port = port_of(listener);
  const Process server([&] { serve(listener.fd()); });
  listener = Socket();
  const Running running(target, port, folder);
  if (test.one_processor) {
    server.pin();
    running.pin();
    pin_task(0);
  }
  auto readings = run(running, test, sizes);
  if (running.start_ms()) readings["start"] = *running.start_ms();
  std::ofstream file(folder + "/readings");
  file << std::setprecision(17);
  for (const auto& [name, value] : readings) file << name << '\n' << value << '\n';
}

}  // namespace

std::vector<Test> all_tests() {
  std::vector<Test> tests{{"compare", Work::compare, false},
                          {"transfer", Work::transfer, false},
                          {"4 transfers", Work::four_transfers, false},
                          {"sessions", Work::sessions, true},
                          {"idle", Work::idle, false}};
  for (const std::size_t count : {1U, 10U, 50U, 500U, 1000U, 9500U}) {
    tests.push_back({"commands " + std::to_string(count), Work::commands, true, count});
  }
  return tests;
}

std::optional<Readings> measure(const Target& target, const Test& test, const Sizes& sizes) {
  const Folder folder;  // with the proxy's files, and two of ours
  const bool good = Process([&] { measure_here(target, test, sizes, folder.path()); }).succeeded();
  end_descendants();
  if (!good) {
    std::ifstream said(folder.path() + "/stderr");
    if (said.peek() != EOF) std::cerr << said.rdbuf();
    return std::nullopt;
  }
  Readings readings;
  std::ifstream file(folder.path() + "/readings");
  for (std::string name; std::getline(file, name);) {
    file >> readings[name];
    file.ignore();
  }
  return readings;
}

}  // namespace ftpscope::bench
