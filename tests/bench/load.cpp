// Measures proxies as a user meets them: the same work directly and through each of them, in turn,
// and a table of the ratios. README.md tells how to read it.
//
//   load [--rounds N] [--secs S] [--megabytes N] [--idle N] NAME=COMMAND ...
//
// In COMMAND, {port} is where the proxy must listen (127.0.0.1), {server} the port of the server,
// {dir} a scratch folder. Exit code 1: a byte was changed, or something did not work.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/load_client.h"
#include "tests/bench/load_process.h"
#include "tests/bench/load_server.h"
#include "tests/bench/load_table.h"

namespace ftpscope::bench {

namespace {

constexpr double kMicro = 1e6;
constexpr double kGiga = 1e9;
constexpr std::size_t kManyClients = 50;
constexpr std::size_t kParallelSessions = 8;
constexpr std::size_t kWarmUpSessions = 100;  // buffers have grown by then
constexpr std::uint64_t kComparedBytes = 256U << 20U;

struct Options {
  std::size_t rounds = 5;
  double seconds = 1;
  std::uint64_t megabytes = 2048;
  std::size_t idle = 2000;
  std::vector<std::string> proxies;
};

struct Target {
  std::string name;
  std::string command;  // empty: the server itself
};

std::string replaced(std::string text, std::string_view what, const std::string& by) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// A target that is running, for one test: each has a fresh process, so no test pays for another's.
class Running {
 public:
  Running(const Target& target, std::uint16_t server, const std::string& folder) : port_(server) {
    if (target.command.empty()) return;
    port_ = port_of(listen_at(0));
    auto command = replaced(target.command, "{port}", std::to_string(port_));
    command = replaced(command, "{server}", std::to_string(server));
    const auto start = std::chrono::steady_clock::now();
    process_.emplace(replaced(command, "{dir}", folder) + " >/dev/null");
    await_greeting(target.name);
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - start;
    start_ms_ = taken.count();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] double start_ms() const { return start_ms_; }
  [[nodiscard]] double cpu_seconds() const { return process_ ? process_->cpu_seconds() : 0; }
  [[nodiscard]] Process::Memory memory() const {
    return process_ ? process_->memory() : Process::Memory{};
  }
  void pin() const {
    if (process_) process_->pin(true);
  }

 private:
  void await_greeting(const std::string& name) const {
    constexpr useconds_t kPause = 200;
    while (true) {
      if (!process_->running()) fail(name + " has ended: its command is wrong?");
      if (auto control = connect_to(port_)) {
        Client(std::move(*control)).expect("220");
        return;
      }
      usleep(kPause);
    }
  }

  std::uint16_t port_;
  std::optional<Process> process_;
  double start_ms_ = 0;
};

class Load {
 public:
  Load(const Options& options, std::uint16_t server_port, const Process& server, std::string folder)
      : options_(options),
        server_port_(server_port),
        server_(server),
        folder_(std::move(folder)),
        bytes_(options.megabytes << 20U) {}

  bool copies_well(const Target& target) const {
    const Running running(target, server_port_, folder_);
    return copies_are_equal(running.port(), payload_, kComparedBytes);
  }

  // One round of everything against one target.
  using Test = void (Load::*)(const Running&, Readings&) const;
  void measure(const Target& target, Test test, bool one_processor, Readings& readings) const {
    const Running running(target, server_port_, folder_);
    // Of the first test: behind the last one the server is still closing thousands of sessions.
    if (!target.command.empty()) readings.try_emplace("start", running.start_ms());
    server_.pin(one_processor);
    pin_task(0, one_processor);
    if (one_processor) running.pin();
    (this->*test)(running, readings);
    pin_task(0, false);
  }

  void bulk(const Running& target, Readings& readings) const {
    const auto file = static_cast<double>(bytes_) / kGiga;
    const double start = target.cpu_seconds();
    readings["get"] = file / download(target.port(), payload_, bytes_);
    const double middle = target.cpu_seconds();
    readings["put"] = file / upload(target.port(), payload_, bytes_);
    readings["get cpu"] = (middle - start) / file;
    readings["put cpu"] = (target.cpu_seconds() - middle) / file;
  }

  void commands(const Running& target, Readings& readings) const {
    auto clients = log_in(target, 1);
    const auto one =
        timed(target, readings["one cpu"], [&] { return run_commands(clients, options_.seconds); });
    readings["one"] = static_cast<double>(one.count) / one.seconds;
    readings["p50"] = one.p50_us;
    readings["p99"] = one.p99_us;
    clients = log_in(target, kManyClients);
    const auto many = timed(target, readings["many cpu"],
                            [&] { return run_commands(clients, options_.seconds); });
    readings["many"] = static_cast<double>(many.count) / many.seconds;
  }

  void sessions(const Running& target, Readings& readings) const {
    const auto paced = timed(target, readings["session cpu"], [&] {
      return run_sessions(target.port(), payload_, kParallelSessions, options_.seconds);
    });
    readings["session"] = static_cast<double>(paced.count) / paced.seconds;
  }

  void idle(const Running& target, Readings& readings) const {
    const auto warm_up = log_in(target, kWarmUpSessions);
    const auto before = target.memory();
    const auto held = log_in(target, options_.idle);
    const auto after = target.memory();
    readings["idle rss"] = (after.rss - before.rss) / static_cast<double>(held.size());
    readings["idle pss"] = (after.pss - before.pss) / static_cast<double>(held.size());
  }

 private:
  static std::vector<Client> log_in(const Running& target, std::size_t count) {
    std::vector<Client> clients;
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(connect_client(target.port()));
      clients.back().login();
    }
    return clients;
  }

  // Runs the work; the proxy's processor time for each piece of it goes to `cpu_us`.
  template <class Work>
  static Paced timed(const Running& target, double& cpu_us, Work work) {
    const double before = target.cpu_seconds();
    const Paced paced = work();
    cpu_us = (target.cpu_seconds() - before) * kMicro / static_cast<double>(paced.count);
    return paced;
  }

  const Options& options_;
  std::uint16_t server_port_;
  const Process& server_;
  std::string folder_;
  std::uint64_t bytes_;
  Payload payload_;
};

std::vector<Target> targets_of(const Options& options) {
  std::vector<Target> targets{{"direct", {}}};
  for (const auto& proxy : options.proxies) {
    const auto equals = proxy.find('=');
    if (equals == proxy.npos) fail("'" + proxy + "' is not NAME=COMMAND");
    targets.push_back({proxy.substr(0, equals), proxy.substr(equals + 1)});
  }
  return targets;
}

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void measure_all(const Load& load, const Options& options, const std::vector<Target>& targets) {
  for (const auto& target : targets) {
    if (!load.copies_well(target)) fail(target.name + " CHANGED the bytes of a file");
  }
  struct {
    Load::Test test;
    bool one_processor;
  } const tests[] = {
      {&Load::bulk, false}, {&Load::commands, true}, {&Load::sessions, true}, {&Load::idle, false}};
  std::vector<Rounds> all(targets.size(), Rounds(options.rounds));
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (const auto& [test, one_processor] : tests) {
      for (std::size_t i = 0; i < targets.size(); ++i) {
        load.measure(targets[i], test, one_processor, all[i][round]);
      }
    }
    std::cerr << "round " << round + 1 << " of " << options.rounds << " done\n";
  }
  std::vector<std::string> names;
  names.reserve(targets.size());
  for (const auto& target : targets) names.push_back(target.name);
  print_table(names, all);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Measures FTP proxies against no proxy. See tests/bench/README.md.");
  app.add_option("--rounds", options.rounds, "readings of everything")->capture_default_str();
  app.add_option("--secs", options.seconds, "of a reading")->capture_default_str();
  app.add_option("--megabytes", options.megabytes, "of a file")->capture_default_str();
  app.add_option("--idle", options.idle, "sessions held for their memory")->capture_default_str();
  app.add_option("proxy", options.proxies, "NAME=COMMAND")->required();
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  if (!enter_own_network()) {
    std::cerr << "load: no network of our own (not root?): sessions a second will be too few\n";
  }
  const auto targets = targets_of(options);

  auto listener = listen_at(0);
  const auto port = port_of(listener);
  const Process server(serve, listener.fd());
  listener = Socket();
  std::string folder = std::filesystem::temp_directory_path() / "ftpscope-load-XXXXXX";
  if (!mkdtemp(folder.data())) fail("cannot make a scratch folder");
  measure_all(Load(options, port, server, folder), options, targets);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace

}  // namespace ftpscope::bench

int main(int argc, char** argv) { return ftpscope::bench::run(argc, argv); }
