#include "tests/bench/bench_log.h"

#include "analyzer/log_reader.h"
#include "analyzer/log_replay.h"
#include "analyzer/record_json.h"

namespace ftpscope::bench {

namespace {

constexpr std::string_view kLogBegin =
    R"({"ts":"2026-11-21T09:43:39.123456Z","session":"20261121T094339.123456Z-000001","seq":0,)"
    R"("kind":"session","schema":1,"client":"192.0.2.7:50000","proxy":"192.0.2.1:21",)"
    R"("server":"ftp.example.org:21","lines":"raw","tls":"pass"})"
    "\n"
    R"({"ts":"2026-11-21T09:43:39.124456Z","session":"20261121T094339.123456Z-000001","seq":1,)"
    R"("kind":"connected","server":"198.51.100.5:21","from":"192.0.2.1:40000"})"
    "\n"
    R"({"ts":"2026-11-21T09:43:39.125456Z","session":"20261121T094339.123456Z-000001","seq":2,)"
    R"("kind":"reply","to":0,"verb":"greeting","code":220,"lines":["220 Hi"],"latency_us":1000})"
    "\n";
constexpr std::string_view kLoggedNoop =
    R"({"ts":"2026-11-21T09:43:40.123456Z","session":"20261121T094339.123456Z-000001","seq":100,)"
    R"("kind":"command","id":50,"verb":"NOOP"})"
    "\n";
constexpr std::string_view kLoggedOk =
    R"({"ts":"2026-11-21T09:43:40.123856Z","session":"20261121T094339.123456Z-000001","seq":101,)"
    R"("kind":"reply","to":50,"verb":"NOOP","code":200,"lines":["200 Command okay."],)"
    R"("latency_us":400})"
    "\n";

class Rewriting final : public RecordSink {
 public:
  void record(const Record& record) override {
    text_.clear();
    append_json(text_, record);
  }

 private:
  std::string text_;
};

}  // namespace

std::string logged_dialogue(std::size_t lines) {
  std::string log(kLogBegin);
  for (std::size_t i = 0; i < lines; ++i) log += i % 2 == 0 ? kLoggedNoop : kLoggedOk;
  return log;
}

void parse_log(std::string_view log) {
  LogReader().read(log, [](const Record&) {});
}

void understand_log(std::string_view log) {
  Rewriting again;
  LogReplay replay(again);
  LogReader().read(log, [&replay](const Record& record) { replay.add(record); });
  replay.finish();
}

}  // namespace ftpscope::bench
