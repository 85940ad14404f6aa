// What holds for every transcript, however its bytes arrive and whatever is in it.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "analyzer/log_replay.h"
#include "analyzer/observer.h"
#include "analyzer/record_json.h"
#include "tests/transcripts/runner.h"

namespace ftpscope::transcripts {

namespace {

// Longer reads (the tests of limits) are cut at their ends and here and there in the middle.
constexpr std::size_t kCutEverywhere = 400;

bool worth_cutting(std::size_t at, std::size_t size) {
  return size <= kCutEverywhere || at < 70 || at + 70 > size || at % 997 == 0;
}

std::string where_different(const Script& script, const Run& whole, const Run& cut) {
  for (std::size_t i = 0; i < whole.outcomes.size(); ++i) {
    if (whole.outcomes[i] == cut.outcomes[i]) continue;
    const auto text = [](const Outcome& outcome) {
      std::string lines;
      for (const auto& line : outcome.shown) lines += line + "\n";
      for (const auto& line : outcome.records) lines += "    " + line;
      return lines;
    };
    return "at " + script.steps[i].text + "\nwhole:\n" + text(whole.outcomes[i]) + "cut:\n" +
           text(cut.outcomes[i]);
  }
  return {};
}

// Where a session is ended in the middle of its bytes, how many had been read is all that a cut may
// change.
void forget_bytes_read(std::string& line) {
  if (line.find("\"kind\":\"end\"") == line.npos) return;
  auto record = nlohmann::json::parse(line);
  if (record["how"] != "limit" && record["how"] != "not-ftp" && record["how"] != "refused") return;
  record.erase("bytes_from_client");
  record.erase("bytes_from_server");
  line = record.dump();
}

// The indented lines show each send on its own, and opaque bytes may be sent in as many as they
// came.
std::vector<Outcome> essence(Run run) {
  for (auto& outcome : run.outcomes) {
    outcome.shown.clear();
    if (!outcome.records.empty()) forget_bytes_read(outcome.records.back());
  }
  return std::move(run.outcomes);
}

void check_cut(const Script& script, const Run& whole, const Cutter& cutter,
               const std::string& how) {
  const auto cut = play(script, cutter);
  if (essence(whole) == essence(cut)) return;
  FAIL_CHECK(how << ": " << where_different(script, whole, cut));
}

void check_every_cut_of(const Script& script, const Run& whole, std::size_t step) {
  const auto size = script.steps[step].bytes.size();
  for (std::size_t at = 1; at < size; ++at) {
    if (!worth_cutting(at, size)) continue;
    check_cut(
        script, whole,
        [step, at](std::size_t i, std::string_view bytes) -> std::vector<std::string_view> {
          if (i != step) return {bytes};
          return {bytes.substr(0, at), bytes.substr(at)};
        },
        "cut at byte " + std::to_string(at));
  }
}

std::vector<std::string_view> byte_by_byte(std::size_t, std::string_view bytes) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < bytes.size(); ++i) pieces.push_back(bytes.substr(i, 1));
  return pieces;
}

struct Named {
  std::string name;
  Script script;
};

const std::vector<Named>& scripts() {
  static const auto all = [] {
    std::vector<Named> list;
    for (const auto& file : all_transcripts()) list.push_back({file.name, parse_script(file.text)});
    return list;
  }();
  return all;
}

std::string all_sent(const Run& run, Side to) {
  std::string bytes;
  for (const auto& outcome : run.outcomes) bytes += outcome.sent[static_cast<std::size_t>(to)];
  return bytes;
}

std::string all_received(const Script& script, Side from) {
  std::string bytes;
  for (const auto& step : script.steps) {
    if (step.kind == Step::Kind::bytes && step.side == from) bytes += step.bytes;
  }
  return bytes;
}

std::vector<nlohmann::json> all_records(const Run& run) {
  std::vector<nlohmann::json> records;
  for (const auto& outcome : run.outcomes) {
    for (const auto& line : outcome.records) records.push_back(nlohmann::json::parse(line));
  }
  return records;
}

bool says_the_proxy_spoke(const nlohmann::json& record) {
  const bool says = record["kind"] == "reply" || record["kind"] == "command";
  return record["kind"] == "rewrite" || (says && record.contains("by"));
}

// The proxy said something of its own, or was about to when the session ended.
bool says_the_proxy_acted(const nlohmann::json& record) {
  const bool refused =
      record["kind"] == "finding" && record["finding"].get<std::string>().starts_with("FTP-PORT-");
  return refused || says_the_proxy_spoke(record);
}

// Findings of one who takes part: an Observer has no data connections and no timeouts.
bool observer_can_find(const nlohmann::json& finding) {
  const std::string name = finding["finding"];
  if (name.starts_with("FTP-DATA-") || name.starts_with("FTP-TIMEOUT-")) return false;
  return name != "FTP-CONTROL-RESET" && name != "FTP-QUIT-WITH-TRANSFER" &&
         name != "FTP-REPLY-BEFORE-DATA-END" && name != "FTP-CONTROL-DEAD-AFTER-TRANSFER";
}

// A record as both should have it: the count of earlier ones differs.
std::optional<std::string> comparable(const std::string& line) {
  auto record = nlohmann::json::parse(line);
  static const std::set<std::string> kBoth = {"command", "reply", "reply_part", "finding",
                                              "opaque"};
  const bool noop = record["kind"] == "command";  // the Observer is told of those
  if (!kBoth.contains(record["kind"]) || (says_the_proxy_spoke(record) && !noop)) {
    return std::nullopt;
  }
  if (record["kind"] == "finding" && !observer_can_find(record)) return std::nullopt;
  record.erase("seq");
  return record.dump();
}

class Collected final : public RecordSink {
 public:
  void record(const Record& record) override {
    std::string line;
    append_json(line, record);
    if (auto text = comparable(line)) records.push_back(std::move(*text));
  }
  std::vector<std::string> records;
};

Script without_rewriters(Script script) {
  script.settings.rewriters = false;
  return script;
}

Timestamp time_of(const std::string& line) {
  // All that is needed here is the order and the distance, so the text's own digits do.
  const auto record = nlohmann::json::parse(line);
  const std::string text = record["ts"];
  const auto number = [&text](std::size_t at, std::size_t count) {
    return std::stol(text.substr(at, count));
  };
  const auto day = std::chrono::sys_days{std::chrono::year{static_cast<int>(number(0, 4))} /
                                         static_cast<unsigned>(number(5, 2)) /
                                         static_cast<unsigned>(number(8, 2))};
  return day + std::chrono::hours(number(11, 2)) + std::chrono::minutes(number(14, 2)) +
         std::chrono::seconds(number(17, 2)) + std::chrono::microseconds(number(20, 6));
}

// How a session ended, which an Observer is told by whoever watches the connections.
record::End end_of(const Run& run) {
  record::End end;
  const auto record = all_records(run).back();
  if (record["kind"] != "end") return end;
  using enum SessionEnd;
  for (const auto how : {fin, rst, timeout, limit, refused, shutdown, connect_failed, not_ftp}) {
    if (record["how"] == name_of(how)) end.how = how;
  }
  for (const auto side : {Side::client, Side::server}) {
    if (record["by"] == name_of(side)) end.by = side;
  }
  return end;
}

// What the Interceptor did of its own when time had passed.
void tell_own_deed(Observer& observer, const std::string& line) {
  const auto record = nlohmann::json::parse(line);
  if (record["kind"] == "reply_part") observer.tick(time_of(line));
  if (record["kind"] == "command" && record.contains("by")) observer.said_noop(time_of(line));
  if (record.value("finding", "") == "FTP-KEEPALIVE-UNANSWERED") {
    observer.gave_up_noops(time_of(line));
  }
}

// Feeds an Observer what the Interceptor was fed, until that one had ended. Its timer for parts
// fires when the Interceptor's did.
std::vector<std::string> observed(const Script& script, const Run& run) {
  Collected sink;
  const auto& settings = script.settings;
  Observer observer(settings.options.limits, "20261121T090000.000000Z-000001", sink);
  Timestamp now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + std::chrono::hours(9)};
  if (settings.connected) {
    observer.recorder().emit(
        record::Session{settings.client, settings.proxy, settings.server_name, {}, {}});
    observer.recorder().emit(record::Connected{settings.server, settings.from});
    observer.connected(now);
  }
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    const auto& step = script.steps[i];
    const auto& deeds = run.outcomes[i].deeds;
    switch (step.kind) {
      case Step::Kind::bytes: observer.received(step.side, step.bytes, step.urgent, now); break;
      case Step::Kind::closed: observer.closed(step.side, now); break;
      case Step::Kind::passes:
        for (const auto& line : run.outcomes[i].records) tell_own_deed(observer, line);
        now += step.time;
        break;
      case Step::Kind::nothing:
      case Step::Kind::reset:
      case Step::Kind::happens: break;
    }
    if (std::ranges::find(deeds, "end") != deeds.end()) {
      observer.recorder().at(time_of(run.outcomes[i].records.back()));
      observer.recorder().emit(end_of(run));
      break;
    }
    if (step.kind == Step::Kind::reset) break;
  }
  return sink.records;
}

}  // namespace

TEST_SUITE_BEGIN("properties");

TEST_CASE("any cut of every transcript gives the same effects and records") {
  for (const auto& [name, script] : scripts()) {
    INFO(name);
    const auto whole = play(script);
    check_cut(script, whole, byte_by_byte, "byte by byte");
    for (std::size_t step = 0; step < script.steps.size(); ++step) {
      check_every_cut_of(script, whole, step);
    }
  }
}

TEST_CASE("any cut gives the same without rewriters") {
  for (const auto& [name, original] : scripts()) {
    INFO(name);
    const auto script = without_rewriters(original);
    check_cut(script, play(script), byte_by_byte, "byte by byte");
  }
}

TEST_CASE("Observer and Interceptor without rewriters give the same records") {
  for (const auto& [name, original] : scripts()) {
    INFO(name);
    const auto script = without_rewriters(original);
    const auto run = play(script);
    const bool starts_by_hand = !script.settings.connected;
    if (starts_by_hand) continue;
    std::vector<std::string> expected;
    for (const auto& outcome : run.outcomes) {
      for (const auto& line : outcome.records) {
        if (auto text = comparable(line)) expected.push_back(std::move(*text));
      }
    }
    const auto actual = observed(script, run);
    const auto [left, right] = std::ranges::mismatch(expected, actual);
    if (left == expected.end() && right == actual.end()) continue;
    FAIL_CHECK("Interceptor: " << (left == expected.end() ? "nothing" : *left)
                               << "\nObserver: " << (right == actual.end() ? "nothing" : *right));
  }
}

TEST_CASE("bytes out are bytes in where nothing is rewritten") {
  for (const auto& [name, original] : scripts()) {
    for (const bool rewriters : {false, true}) {
      INFO(name);
      auto script = original;
      script.settings.rewriters = rewriters;
      const auto run = play(script);
      const auto records = all_records(run);
      if (std::ranges::any_of(records, rewriters ? says_the_proxy_acted : says_the_proxy_spoke)) {
        continue;
      }
      for (const auto from : {Side::client, Side::server}) {
        const auto in = all_received(script, from);
        const auto out = all_sent(run, other(from));
        CHECK_MESSAGE(in.starts_with(out), name_of(from));
        // What a client sends behind a command that the server never answered, and went, stays
        // here.
        const bool heard_out =
            run.ended && records.back()["how"] == "fin" &&
            (from == Side::server || records.back()["by"] == "client" || !rewriters);
        if (heard_out) CHECK_MESSAGE(in.size() == out.size(), name_of(from));
      }
    }
  }
}

TEST_CASE("every record is one line of JSON, and numbered") {
  for (const auto& [name, script] : scripts()) {
    INFO(name);
    std::uint64_t seq = 0;
    for (const auto& outcome : play(script).outcomes) {
      for (const auto& line : outcome.records) {
        const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
        CHECK(std::ranges::count_if(line, control) == 1);
        CHECK(line.ends_with("}\n"));
        const auto record = nlohmann::json::parse(line, nullptr, false);
        REQUIRE_MESSAGE(!record.is_discarded(), line);
        CHECK(record["seq"] == seq++);
        CHECK(record["kind"].is_string());
      }
    }
  }
}

TEST_CASE("a session that has ended has one end record, the last, and its channels are closed") {
  for (const auto& [name, script] : scripts()) {
    INFO(name);
    const auto run = play(script);
    const auto records = all_records(run);
    const auto is_end = [](const auto& record) { return record["kind"] == "end"; };
    CHECK(std::ranges::count_if(records, is_end) == (run.ended ? 1 : 0));
    if (!run.ended) continue;
    CHECK(is_end(records.back()));
    const auto of_kind = [&records](const std::string& kind) {
      return std::ranges::count_if(records,
                                   [&](const auto& record) { return record["kind"] == kind; });
    };
    std::set<int> channels;  // one may be exposed to both sides
    for (const auto& record : records) {
      if (record["kind"] == "channel") channels.insert(record["id"].get<int>());
    }
    CHECK(of_kind("data") >= static_cast<long>(channels.size()));
    CHECK(records.back()["commands"] == of_kind("command"));
    CHECK(records.back()["replies"] == of_kind("reply"));
    CHECK(records.back()["findings"] == of_kind("finding"));
  }
}

// design.md point 8. Behind a 234 the lines are no commands any more.
TEST_CASE("a command is recorded before it is sent on") {
  for (const auto& [name, original] : scripts()) {
    INFO(name);
    auto script = original;
    script.settings.show_kinds = {"command", "opaque", "rewrite"};
    script.settings.show_json = true;
    std::size_t told = 0;
    std::size_t sent = 0;
    bool opaque = false;
    for (const auto& outcome : play(script).outcomes) {
      for (const auto& line : outcome.shown) {
        // What the server refused may be asked for in another form.
        const bool again = line.find("the server refused the other form") != line.npos;
        told += line.starts_with("  {\"kind\":\"command\"") || again ? 1 : 0;
        opaque = opaque || line.starts_with("  {\"kind\":\"opaque\"");
        sent += line.starts_with("  S< ") || line.starts_with("  S!< ") ? 1 : 0;
        if (!opaque) CHECK(told >= sent);
      }
    }
  }
}

std::string log_of(const Run& run) {
  std::string log;
  for (const auto& outcome : run.outcomes) {
    for (const auto& line : outcome.records) log += line;
  }
  return log;
}

// design.md point 7: the log holds facts, from which all else follows. What was hidden is no more.
TEST_CASE("log -> read -> Observer gives the same records again") {
  for (const auto& [name, original] : scripts()) {
    INFO(name);
    auto script = original;
    script.settings.options.limits.log_secrets = true;
    const auto log = log_of(play(script));
    CHECK(records_come_again(log) == records_to_come_again(log));
  }
}

// threats.md S01 b: the tail of a line that is too long is never a command.
TEST_CASE("no length of a line makes its tail a command") {
  for (std::size_t length = 0; length < 200; ++length) {
    const auto script = parse_script("# max-line 64\n\nS> 220 ready\nC+ CWD " +
                                     std::string(length, 'a') + "DELE victim\\r\\nNOOP\\r\\n\n");
    for (const auto& cutter : {Cutter(uncut), Cutter(byte_by_byte)}) {
      const auto sent = all_sent(play(script, cutter), Side::server);
      CHECK(sent.find("\nDELE") == sent.npos);
      CHECK_FALSE(sent.starts_with("DELE"));
      CHECK(sent.empty() == (length + 17 > 64));
    }
  }
}

// Only the driver of a capture tells these: a transcript has no packets, no TLS handshakes and no
// bytes of data connections.
constexpr auto kOfACapture = std::to_array<FindingId>({
    FindingId::mlsd_syntax,
    FindingId::middlebox_rewrote,
    FindingId::data_refused,
    FindingId::data_unreachable,
    FindingId::data_other_host,
    FindingId::data_several,
    FindingId::data_silent,
    FindingId::tls_not_resumed,
    FindingId::tls_no_close_notify,
    FindingId::tls_old_version,
    FindingId::capture_damaged,
    FindingId::capture_gap,
    FindingId::capture_overlap,
    FindingId::capture_mid_stream,
    FindingId::capture_one_way,
    FindingId::capture_data_missing,
    FindingId::capture_limit,
});

// Told by a replayed server, tests/unit/test_server_replay.cpp: here there is no recording.
constexpr auto kOfAReplay =
    std::to_array({FindingId::replay_unmatched, FindingId::replay_upload_differs});

// What captures/pcap gives stands beside each capture, as tests/e2e/test_captures.py checks.
std::set<std::string> found_in_captures() {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(FTPSCOPE_CAPTURES "/pcap")) {
    if (entry.path().extension() != ".jsonl") continue;
    std::ifstream records(entry.path());
    for (std::string line; std::getline(records, line);) {
      const auto record = nlohmann::json::parse(line);
      if (record["kind"] == "finding") found.insert(record["finding"]);
    }
  }
  return found;
}

TEST_CASE("every finding that only packets show is found in some capture") {
  const auto found = found_in_captures();
  for (const auto& row : all_findings()) {
    // Limits lower than the defaults are tested in tests/unit/test_flow_tracker.cpp.
    const bool of_a_limit = row.id == FindingId::capture_limit;
    if (of_a_limit || std::ranges::find(kOfACapture, row.id) == kOfACapture.end()) continue;
    CHECK_MESSAGE(found.contains(std::string(row.name)), row.name);
  }
}

// design.md: a finding without a transcript is one that nobody has seen.
TEST_CASE("every finding is found in some transcript") {
  std::set<std::string> found;
  for (const auto& [name, script] : scripts()) {
    for (const auto& record : all_records(play(script))) {
      if (record["kind"] == "finding") found.insert(record["finding"]);
    }
  }
  for (const auto& row : all_findings()) {
    const bool elsewhere = std::ranges::find(kOfACapture, row.id) != kOfACapture.end() ||
                           std::ranges::find(kOfAReplay, row.id) != kOfAReplay.end();
    CHECK_MESSAGE(found.contains(std::string(row.name)) != elsewhere, row.name);
  }
}

TEST_SUITE_END();

}  // namespace ftpscope::transcripts
