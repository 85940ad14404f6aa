// Fixed work for the core, whose instructions test_instructions.py counts: the same bytes and
// events each time, with the log's text, without a clock and without calibration.
//
//   core_work WORK COUNT
#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/bench_log.h"
#include "tests/bench/bench_session.h"

namespace ftpscope::bench {

namespace {

constexpr std::string_view kNoop = "NOOP\r\n";
constexpr std::string_view kOk = "200 Command okay.\r\n";

constexpr std::size_t kCountMin = 8;  // of bytes: a command with an argument and its ending

// One after another, by so many sessions in turn.
void commands(std::size_t sessions, std::size_t count) {
  std::vector<std::unique_ptr<BenchSession>> all;
  while (all.size() < sessions) all.push_back(std::make_unique<BenchSession>(Log::json, true));
  for (std::size_t i = 0; i < count; ++i) {
    all[i % sessions]->from_client(kNoop);
    all[i % sessions]->from_server(kOk);
  }
}

void passive(std::size_t count) {
  BenchSession session(Log::json, true);
  for (std::size_t i = 0; i < count; ++i) session.open_passive();
}

void download(BenchSession& session) {
  session.open_passive();
  session.from_client("RETR file\r\n");
  session.from_server("150 Here it comes.\r\n");
  session.move_data(1024);
  session.from_server("226 Done.\r\n");
}

void downloads(std::size_t count) {
  BenchSession session(Log::json, true);
  for (std::size_t i = 0; i < count; ++i) download(session);
}

void sessions(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    BenchSession session(Log::json, true);
    download(session);
    session.quit();
  }
}

// A command of so many bytes, its ending included, in as many segments.
void line(std::size_t bytes) {
  constexpr std::string_view kVerb = "STOR ";
  constexpr std::string_view kEnding = "\r\n";
  BenchSession session(Log::json, true);
  std::string text(kVerb);
  text.append(bytes - kVerb.size() - kEnding.size(), 'x').append(kEnding);
  for (const char& byte : text) session.from_client({&byte, 1});
}

// The same, cut into lines and no more.
void split_line(std::size_t bytes) {
  const auto text = std::string(bytes - 2, 'x') + "\r\n";
  LineSplitter lines(bytes);
  for (const char& byte : text) {
    lines.feed({&byte, 1});
    static_cast<void>(lines.next());
    lines.hold();
  }
}

void log_lines(std::size_t count) { understand_log(logged_dialogue(count)); }

struct Work {
  std::string_view name;
  void (*run)(std::size_t count);
};

constexpr auto kAllWork = std::to_array<Work>({
    {"commands", [](std::size_t count) { commands(1, count); }},
    {"commands_of_1000", [](std::size_t count) { commands(1000, count); }},
    {"passive", passive},
    {"downloads", downloads},
    {"sessions", sessions},
    {"line", line},
    {"split_line", split_line},
    {"log_lines", log_lines},
});

bool run(std::string_view name, std::string_view count) {
  const auto* const work = std::ranges::find(kAllWork, name, &Work::name);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), number);
  const bool is_number = error == std::errc() && end == count.data() + count.size();
  if (work == kAllWork.end() || !is_number || number < kCountMin) return false;
  work->run(number);
  return true;
}

}  // namespace

}  // namespace ftpscope::bench

int main(int argc, char** argv) {
  if (argc == 3 && ftpscope::bench::run(argv[1], argv[2])) return 0;
  std::cerr << "core_work WORK COUNT: one of kAllWork, and 8 at least\n";
  return 2;
}
