// What the core costs a command, without sockets: README.md tells how to read it.
#include <benchmark/benchmark.h>

#include <string>

#include "analyzer/message.h"
#include "analyzer/observer.h"
#include "proxy/io/live_session.h"
#include "tests/bench/bench_log.h"
#include "tests/bench/bench_session.h"

namespace ftpscope::bench {

namespace {

constexpr std::string_view kNoop = "NOOP\r\n";
constexpr std::string_view kOk = "200 Command okay.\r\n";

void find_every_verb(benchmark::State& state) {
  const auto verbs = all_verbs();
  for (auto _ : state) {
    for (const auto& verb : verbs) benchmark::DoNotOptimize(find_verb(verb.name));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(verbs.size()));
}
BENCHMARK(find_every_verb);

void parse_a_command(benchmark::State& state, std::string_view line) {
  LineSplitter lines;
  std::string scratch;
  for (auto _ : state) {
    lines.feed(line);
    const auto next = lines.next();
    benchmark::DoNotOptimize(parse_command(*next, scratch));
    lines.hold();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(parse_a_command, noop, kNoop);
BENCHMARK_CAPTURE(parse_a_command, retr, "RETR pub/releases/2026/ftpscope-0.1.0.tar.xz\r\n");

// A line that comes in as many segments as it has bytes: "BigO" must say N.
void split_byte_by_byte(benchmark::State& state) {
  const auto line = std::string(static_cast<std::size_t>(state.range(0)) - 2, 'x') + "\r\n";
  LineSplitter lines;
  for (auto _ : state) {
    for (const char& byte : line) {
      lines.feed({&byte, 1});
      benchmark::DoNotOptimize(lines.next());
      lines.hold();
    }
  }
  state.SetComplexityN(state.range(0));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(split_byte_by_byte)->RangeMultiplier(2)->Range(1024, 32768)->Complexity(benchmark::oN);

class NullSink final : public RecordSink {
 public:
  void record(const Record& record) override { benchmark::DoNotOptimize(&record); }
};

// Parsing, pairing and the rules that look for findings; nobody takes part.
void observe_noop(benchmark::State& state) {
  NullSink sink;
  Observer observer({}, "session", sink);
  const Timestamp now{};
  observer.connected(now);
  observer.received(Side::server, "220 ready\r\n", false, now);
  for (auto _ : state) {
    observer.received(Side::client, kNoop, false, now);
    observer.received(Side::server, kOk, false, now);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(observe_noop);

void count_commands(benchmark::State& state, const BenchSession& session) {
  state.SetItemsProcessed(state.iterations());
  state.counters["log_bytes"] = benchmark::Counter(static_cast<double>(session.log_bytes()),
                                                   benchmark::Counter::kAvgIterations);
}

void noop(benchmark::State& state, Log log, bool rewriters) {
  BenchSession session(log, rewriters);
  for (auto _ : state) {
    session.from_client(kNoop);
    session.from_server(kOk);
  }
  count_commands(state, session);
}
BENCHMARK_CAPTURE(noop, without_rewriters, Log::none, false);
BENCHMARK_CAPTURE(noop, with_rewriters, Log::none, true);
BENCHMARK_CAPTURE(noop, with_rewriters_and_log, Log::json, true);

void passive(benchmark::State& state, Log log) {
  BenchSession session(log, true);
  for (auto _ : state) session.open_passive();
  count_commands(state, session);
}
BENCHMARK_CAPTURE(passive, no_log, Log::none);
BENCHMARK_CAPTURE(passive, log, Log::json);

// PASV, RETR and all that happens on the data connection but the bytes.
void download(benchmark::State& state, Log log) {
  BenchSession session(log, true);
  for (auto _ : state) {
    session.open_passive();
    session.from_client("RETR file\r\n");
    session.from_server("150 Here it comes.\r\n");
    session.move_data(1024);
    session.from_server("226 Done.\r\n");
  }
  count_commands(state, session);
}
BENCHMARK_CAPTURE(download, no_log, Log::none);
BENCHMARK_CAPTURE(download, log, Log::json);

void reply_of_100_lines(benchmark::State& state, Log log) {
  BenchSession session(log, true);
  std::string reply = "211-Status:\r\n";
  for (int i = 0; i < 98; ++i)
    reply += " a line of the status, number " + std::to_string(i) + "\r\n";
  reply += "211 End\r\n";
  for (auto _ : state) {
    session.from_client("STAT\r\n");
    session.from_server(reply);
  }
  count_commands(state, session);
}
BENCHMARK_CAPTURE(reply_of_100_lines, no_log, Log::none);
BENCHMARK_CAPTURE(reply_of_100_lines, log, Log::json);

// A session log that is read again: its lines to records, and all that `analyze` does with these.
void read_log(benchmark::State& state, void (*read)(std::string_view)) {
  constexpr std::size_t kLines = 10'000;
  const auto log = logged_dialogue(kLines);
  for (auto _ : state) read(log);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kLines));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(log.size()));
}
BENCHMARK_CAPTURE(read_log, parsed, parse_log)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(read_log, understood, understand_log)->Unit(benchmark::kMicrosecond);

// What an idle session is made of. A session has one of each but DataChannel, and two uv_tcp_t.
void tell_sizes() {
  const auto tell = [](const char* type, std::size_t bytes) {
    benchmark::AddCustomContext(std::string("sizeof ") + type, std::to_string(bytes));
  };
  tell("LiveSession (with the next four)", sizeof(LiveSession));
  tell("Interceptor (with Dialogue)", sizeof(Interceptor));
  tell("Dialogue", sizeof(Dialogue));
  tell("Recorder (with Rules)", sizeof(Recorder));
  tell("Rules", sizeof(Rules));
  tell("ControlLeg, two of it", sizeof(ControlLeg));
  tell("uv_tcp_t", sizeof(uv_tcp_t));
  tell("DataChannel", sizeof(DataChannel));
  tell("PendingCommand", sizeof(PendingCommand));
  tell("Event", sizeof(Event));
  tell("Record", sizeof(Record));
  tell("CommandVerdict", sizeof(CommandVerdict));
}

}  // namespace

}  // namespace ftpscope::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  ftpscope::bench::tell_sizes();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
