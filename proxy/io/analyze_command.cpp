#include "proxy/io/analyze_command.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>

#include "analyzer/comparison.h"
#include "analyzer/report_text.h"
#include "proxy/io/analysis_results.h"
#include "proxy/io/expectation_options.h"
#include "proxy/io/extraction.h"
#include "proxy/io/input_analysis.h"
#include "proxy/io/input_file.h"
#include "proxy/io/options.h"

namespace ftpscope {

namespace {

constexpr int kExitIncomplete = 1;

int fail(const std::string& sentence, int code = kExitUsage) {
  std::cerr << "ftpscope: " << sentence << '\n';
  return code;
}

std::string name_of_input(const AnalyzeOptions& options) {
  return options.input == "-" ? "standard input" : options.input;
}

// Records on their way to the results go into a recording as well, if one is made, and to whoever
// holds expectations against them.
class Tee final : public RecordSink {
 public:
  Tee(RecordSink& next, NewRecording* recording, TransactionCollector* collector)
      : next_(next), recording_(recording), collector_(collector) {}

  void record(const Record& record) override {
    next_.record(record);
    if (collector_) collector_->record(record);
    if (!recording_) return;
    recording_->add(record);
    constexpr std::size_t kAtOnce = 256;
    if (++count_ % kAtOnce == 0) recording_->flush(record.time);
  }

 private:
  RecordSink& next_;
  NewRecording* recording_;
  TransactionCollector* collector_;
  std::size_t count_ = 0;
};

struct Saving {
  std::unique_ptr<NewRecording> recording;  // of --record
  std::unique_ptr<Extraction> extraction;   // of --record or --extract
};

// Nothing in it: nothing is saved. The error is a sentence.
std::expected<Saving, std::string> open_saving(const AnalyzeOptions& options) {
  Saving saving;
  if (!options.record.empty()) {
    auto opened = NewRecording::open(options.record);
    if (!opened) return std::unexpected(opened.error());
    saving.recording = std::move(*opened);
    const ExtractionLimits limits{options.record_limits.total, options.record_limits.payload,
                                  "--record-total", "--record-limit"};
    saving.extraction = Extraction::into(*saving.recording, limits);
  } else if (!options.extract.empty()) {
    auto opened = Extraction::open(options.extract, options.extraction);
    if (!opened) return std::unexpected(opened.error());
    saving.extraction = std::move(*opened);
  }
  return saving;
}

// What could not be saved, as a sentence.
std::string problem_of(const Saving& saving) {
  if (saving.recording && !saving.recording->problem().empty()) return saving.recording->problem();
  return saving.extraction->problem();
}

// pcap-filter(7), compiled anew for each link type of the capture.
class PacketFilter {
 public:
  explicit PacketFilter(std::string expression) : expression_(std::move(expression)) {}
  PacketFilter(const PacketFilter&) = delete;
  PacketFilter& operator=(const PacketFilter&) = delete;
  ~PacketFilter() {
    for (auto& [type, program] : programs_) pcap_freecode(&program);
  }

  // The error is a sentence.
  std::expected<void, std::string> check() {
    return program_for(DLT_EN10MB) ? std::expected<void, std::string>{} : std::unexpected(problem_);
  }
  bool takes(const CapturedPacket& packet) {
    const auto* program = program_for(packet.link_type);
    if (!program) return false;
    pcap_pkthdr header{};
    header.caplen = static_cast<bpf_u_int32>(packet.bytes.size());
    header.len = packet.original_length;
    return pcap_offline_filter(program, &header,
                               reinterpret_cast<const u_char*>(packet.bytes.data())) != 0;
  }

 private:
  bpf_program* program_for(int link_type) {
    if (const auto known = programs_.find(link_type); known != programs_.end()) {
      return &known->second;
    }
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> handle(
        pcap_open_dead(link_type, CaptureReader::kPacketMax), pcap_close);
    bpf_program program{};
    if (pcap_compile(handle.get(), &program, expression_.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
      problem_ = std::string("--filter is not understood: ") + pcap_geterr(handle.get());
      return nullptr;
    }
    return &programs_.emplace(link_type, program).first->second;
  }

  std::string expression_;
  std::string problem_;
  std::map<int, bpf_program> programs_;
};

// Whether all are met; the others are told. Only of the sessions that are looked at.
bool tell_unmet(const AnalyzeOptions& options, std::vector<SessionTransactions> sessions) {
  std::erase_if(sessions, [&](const SessionTransactions& session) {
    return !session.session.ends_with(options.ladder.session);
  });
  bool met = true;
  for (const auto& checked : check_expectations(options.expectations, sessions)) {
    if (!checked.instead) continue;
    met = false;
    fail("not as expected: " + printable(checked.source) + ": " + *checked.instead);
  }
  return met;
}

}  // namespace

int run_analyze(const AnalyzeOptions& options) {
  auto input = InputFile::open(options.input);
  if (!input) return fail(input.error(), kExitIncomplete);
  const auto saving = open_saving(options);
  if (!saving) return fail(saving.error());
  PacketFilter filter(options.filter);
  CaptureAnalysis::Filter take;
  if (!options.filter.empty()) {
    if (const auto good = filter.check(); !good) return fail(good.error());
    take = [&filter](const CapturedPacket& packet) { return filter.takes(packet); };
  }
  Progress progress(input->size());
  Results results(options.json, options.ladder, progress);
  TransactionCollector collector;
  Tee sink(results, saving->recording.get(), options.expectations.empty() ? nullptr : &collector);
  InputAnalysis analysis(options.limits, sink, saving->extraction.get(), take);
  std::uint64_t done = 0;
  const auto read = input->read([&](std::string_view available, bool complete) {
    const auto consumed = analysis.take(available, complete);
    progress.at(done += consumed);
    return consumed;
  });
  analysis.finish();
  if (saving->recording) saving->recording->flush({});
  const bool any = !analysis.nothing_done() && !results.none_wanted();
  if (any) results.finish();
  progress.clear();
  auto problem = analysis.problem();
  if (!problem.empty()) problem = name_of_input(options) + " " + problem;
  if (!read) problem = read.error();
  if (problem.empty() && results.none_wanted()) {
    problem =
        name_of_input(options) + " has no session whose name ends in " + options.ladder.session;
  }
  if (problem.empty() && saving->extraction) {
    const auto option = saving->recording ? "--record" : "--extract";
    problem = analysis.is_log() ? "a log has no data to save (" + std::string(option) +
                                      "): " + name_of_input(options)
                                : problem_of(*saving);
  }
  if (results.error() != 0) {
    problem = std::string("cannot write the result: ") + std::strerror(results.error());
  }
  if (!problem.empty()) return fail(problem, kExitIncomplete);
  const bool as_expected = tell_unmet(options, collector.take());
  const bool bad = options.fail_on && results.worst() >= *options.fail_on;
  return bad || !as_expected ? kExitNotAsExpected : 0;
}

}  // namespace ftpscope
