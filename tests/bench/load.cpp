// Measures proxies as a user meets them: the same work directly and through each of them, in turn,
// and a table of the ratios. README.md tells how to read it.
//
//   load [--rounds N] [--secs S] [--megabytes N] [--idle N] [--only TEST] [--ours NAME]
//        [--control-only NAME] NAME=COMMAND ...
//
// In COMMAND, {port} is where the proxy must listen (127.0.0.1), {server} the port of the server,
// {dir} a scratch folder. Exit code 1: one of ours changed a byte, or could not do its work.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "tests/bench/load_measure.h"
#include "tests/bench/load_process.h"
#include "tests/bench/load_socket.h"
#include "tests/bench/load_table.h"

namespace ftpscope::bench {

namespace {

constexpr rlim_t kDescriptors = 20000;  // two for each of 9,500 sessions, in a proxy

struct Options {
  std::size_t rounds = 5;
  Sizes sizes;
  std::vector<std::string> only;
  std::vector<std::string> ours;
  std::vector<std::string> control_only;
  std::vector<std::string> proxies;
};

std::vector<Target> targets_of(const Options& options) {
  std::vector<Target> targets{{.name = "direct", .command = {}, .ours = true}};
  for (const auto& proxy : options.proxies) {
    const auto equals = proxy.find('=');
    if (equals == proxy.npos) fail("'" + proxy + "' is not NAME=COMMAND");
    const auto name = proxy.substr(0, equals);
    targets.push_back({.name = name,
                       .command = proxy.substr(equals + 1),
                       .ours = std::ranges::count(options.ours, name) > 0,
                       .control_only = std::ranges::count(options.control_only, name) > 0});
  }
  return targets;
}

// How many descriptors a process may have. Root may have as many as it wants.
rlim_t raised_descriptor_limit() {
  const rlimit wanted{kDescriptors, kDescriptors};
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < kDescriptors && setrlimit(RLIMIT_NOFILE, &wanted) == 0) return kDescriptors;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::vector<Test> tests_of(const Options& options) {
  constexpr rlim_t kOtherDescriptors = 500;
  auto tests = all_tests();
  const auto limit = raised_descriptor_limit();
  std::erase_if(tests, [&](const Test& test) {
    // A proxy that changes bytes has no figures, whichever are asked for.
    const bool asked = options.only.empty() || test.work == Work::compare ||
                       std::ranges::count(options.only, test.name) > 0;
    if (!asked) return true;
    const bool too_many = 2 * test.sessions + kOtherDescriptors > limit;
    if (too_many) {
      std::cerr << "load: '" << test.name << "' is left out: only " << limit
                << " descriptors (ulimit -Hn)\n";
    }
    return too_many;
  });
  return tests;
}

void measure_into(Column& column, std::size_t round, const Target& target, const Test& test,
                  const Sizes& sizes) {
  if (target.control_only && test.moves_data()) return;
  if (column.failed.contains("compare") && test.moves_data()) column.failed.insert(test.name);
  if (column.failed.contains(test.name)) return;  // once is enough
  auto readings = measure(target, test, sizes);
  if (readings) {
    column.rounds[round][test.name] = std::move(*readings);
    return;
  }
  std::cerr << "load: " << target.name << " failed in '" << test.name << "'\n";
  if (target.ours) fail("it must not: this is the end");
  column.failed.insert(test.name);
}

int run(int argc, char** argv) {
  Options options;
  auto& sizes = options.sizes;
  CLI::App app("Measures FTP proxies against no proxy. See tests/bench/README.md.");
  app.add_option("--rounds", options.rounds, "readings of everything")->capture_default_str();
  app.add_option("--secs", sizes.seconds, "of a reading")->capture_default_str();
  app.add_option("--megabytes", sizes.megabytes, "of a transfer")->capture_default_str();
  app.add_option("--idle", sizes.idle, "sessions held for their memory")->capture_default_str();
  std::vector<std::string> names;
  for (const auto& test : all_tests()) names.push_back(test.name);
  app.add_option("--only", options.only, "of these")
      ->check(CLI::IsMember(names))
      ->allow_extra_args(false);
  app.add_option("--ours", options.ours, "a proxy whose failing ends the run")
      ->allow_extra_args(false);
  app.add_option("--control-only", options.control_only, "a proxy that cannot move data")
      ->allow_extra_args(false);
  app.add_option("proxy", options.proxies, "NAME=COMMAND")->required();
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  adopt_orphans();
  if (!enter_own_network()) {
    std::cerr << "load: no network of our own (not root?): sessions a second will be too few\n";
  }
  const auto targets = targets_of(options);
  const auto tests = tests_of(options);
  std::vector<Column> columns;
  columns.reserve(targets.size());
  for (const auto& target : targets) {
    columns.push_back({target.name, decltype(Column::rounds)(options.rounds), {}});
  }
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (const auto& test : tests) {
      if (test.work == Work::compare && round > 0) continue;
      for (std::size_t i = 0; i < targets.size(); ++i) {
        measure_into(columns[i], round, targets[i], test, sizes);
      }
    }
    std::cerr << "round " << round + 1 << " of " << options.rounds << " done\n";
  }
  print_table(columns);
  return 0;
}

}  // namespace

}  // namespace ftpscope::bench

int main(int argc, char** argv) { return ftpscope::bench::run(argc, argv); }
