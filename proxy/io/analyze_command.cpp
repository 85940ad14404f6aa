#include "proxy/io/analyze_command.h"

#include <pcap/pcap.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>

#include "analyzer/capture_analysis.h"
#include "analyzer/log_replay.h"
#include "analyzer/record_json.h"
#include "analyzer/report_text.h"
#include "proxy/io/extraction.h"
#include "proxy/io/input_file.h"
#include "proxy/io/options.h"

namespace ftpscope {

namespace {

constexpr int kExitIncomplete = 1;
constexpr int kExitFindings = 3;

int fail(const std::string& sentence, int code = kExitUsage) {
  std::cerr << "ftpscope: " << sentence << '\n';
  return code;
}

// Standard output, in large pieces.
class Output {
 public:
  void add(std::string_view text) {
    buffer_.append(text);
    if (buffer_.size() >= kPiece) write_out();
  }
  std::string& buffer() {
    if (buffer_.size() >= kPiece) write_out();
    return buffer_;
  }
  void write_out() {
    std::string_view rest = buffer_;
    while (!rest.empty() && !error_) {
      const auto wrote = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) error_ = errno;
      if (wrote > 0) rest.remove_prefix(static_cast<std::size_t>(wrote));
    }
    buffer_.clear();
  }
  [[nodiscard]] int error() const { return error_; }

 private:
  static constexpr std::size_t kPiece = 65536;
  std::string buffer_;
  int error_ = 0;
};

// Records on their way out: as JSON or as a picture, and the worst finding among them.
class Results final : public RecordSink {
 public:
  explicit Results(const AnalyzeOptions& options)
      : json_(options.json),
        ladder_(options.ladder, [this](std::string_view text) { output_.add(text); }) {}

  void record(const Record& record) override {
    if (const auto* finding = std::get_if<record::Finding>(&record.body)) {
      worst_ = std::max(worst_, row_of(finding->id).severity);
    }
    json_ ? append_json(output_.buffer(), record) : ladder_.record(record);
  }
  void finish() {
    if (!json_) ladder_.finish();
    output_.write_out();
  }
  [[nodiscard]] Severity worst() const { return worst_; }
  [[nodiscard]] int error() const { return output_.error(); }

 private:
  bool json_;
  Output output_;
  LadderReport ladder_;
  Severity worst_ = Severity::note;
};

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

// One line on a terminal that says how far we are, for work of more than a second.
class Progress {
 public:
  explicit Progress(std::uint64_t total) : total_(total), terminal_(isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  }
  void at(std::uint64_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - last_ < std::chrono::seconds(1)) return;
    last_ = now;
    shown_ = true;
    std::cerr << '\r' << human_bytes(done);
    if (total_ > 0)
      std::cerr << " of " << human_bytes(total_) << ", " << done * 100 / total_ << " %";
    std::cerr << "\x1b[K" << std::flush;
  }

 private:
  std::uint64_t total_;
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// What the input is, once its first bytes are here.
class Analysis {
 public:
  Analysis(const AnalyzeOptions& options, RecordSink& sink, DataTaker* taker,
           CaptureAnalysis::Filter filter)
      : log_(sink), capture_(options.limits, sink, taker, std::move(filter)) {}

  std::size_t take(std::string_view available, bool complete) {
    if (kind_ == Kind::unknown) kind_ = kind_of(available, complete);
    switch (kind_) {
      case Kind::unknown: return 0;
      case Kind::log: return take_log(available, complete);
      case Kind::capture: return capture_.read(available, complete);
      case Kind::neither: return available.size();
    }
    return 0;
  }
  void finish() {
    if (kind_ == Kind::log) log_.finish();
    if (kind_ == Kind::capture) capture_.finish();
  }
  // Why not all of it could be analysed; empty when it could.
  [[nodiscard]] std::string problem() const {
    if (kind_ == Kind::unknown) return "is empty";
    if (kind_ == Kind::neither) {
      return "is neither a capture (pcap, pcapng) nor a session log (JSON Lines)";
    }
    if (bad_lines_ == 0) return {};
    return "has " + std::to_string(bad_lines_) + " lines that are no records, the first is line " +
           first_bad_;
  }
  [[nodiscard]] bool nothing_done() const {
    return kind_ == Kind::unknown || kind_ == Kind::neither;
  }

 private:
  enum class Kind : std::uint8_t { unknown, log, capture, neither };

  static Kind kind_of(std::string_view first, bool complete) {
    constexpr std::size_t kEnough = 12;
    if (first.starts_with('{')) return Kind::log;
    if (first.size() < kEnough && !complete) return Kind::unknown;
    if (first.empty()) return Kind::unknown;
    return CaptureReader::looks_like_capture(first) ? Kind::capture : Kind::neither;
  }

  std::size_t take_log(std::string_view available, bool complete) {
    const auto whole = complete ? available.size() : available.rfind('\n') + 1;
    const auto lines = available.substr(0, whole);
    const auto problems = read_log(lines, [this](const OwnedRecord& record) { log_.add(*record); });
    if (!problems.empty() && bad_lines_ == 0) {
      first_bad_ = std::to_string(lines_ + problems.front().line) + ": " + problems.front().what;
    }
    bad_lines_ += problems.size();
    lines_ += static_cast<std::size_t>(std::ranges::count(lines, '\n'));
    return whole;
  }

  Kind kind_ = Kind::unknown;
  LogReplay log_;
  CaptureAnalysis capture_;
  std::size_t lines_ = 0;
  std::size_t bad_lines_ = 0;
  std::string first_bad_;
};

}  // namespace

int run_analyze(const AnalyzeOptions& options) {
  auto input = InputFile::open(options.input);
  if (!input) return fail(input.error());
  std::unique_ptr<Extraction> extraction;
  if (!options.extract.empty()) {
    auto opened = Extraction::open(options.extract, options.extraction);
    if (!opened) return fail(opened.error());
    extraction = std::move(*opened);
  }
  PacketFilter filter(options.filter);
  CaptureAnalysis::Filter take;
  if (!options.filter.empty()) {
    if (const auto good = filter.check(); !good) return fail(good.error());
    take = [&filter](const CapturedPacket& packet) { return filter.takes(packet); };
  }
  Results results(options);
  Analysis analysis(options, results, extraction.get(), take);
  std::uint64_t done = 0;
  std::expected<void, std::string> read;
  {
    Progress progress(input->size());
    read = input->read([&](std::string_view available, bool complete) {
      const auto consumed = analysis.take(available, complete);
      progress.at(done += consumed);
      return consumed;
    });
    analysis.finish();
  }
  const auto name = options.input == "-" ? std::string("standard input") : options.input;
  if (analysis.nothing_done() && read) {
    return fail(name + " " + analysis.problem(), kExitIncomplete);
  }
  results.finish();
  if (!read) return fail(read.error(), kExitIncomplete);
  if (results.error() != 0) {
    return fail(std::string("cannot write the result: ") + std::strerror(results.error()),
                kExitIncomplete);
  }
  if (const auto problem = analysis.problem(); !problem.empty()) {
    return fail(name + " " + problem, kExitIncomplete);
  }
  if (extraction && !extraction->problem().empty()) {
    return fail(extraction->problem(), kExitIncomplete);
  }
  const bool bad = options.fail_on && results.worst() >= *options.fail_on;
  return bad ? kExitFindings : 0;
}

}  // namespace ftpscope
