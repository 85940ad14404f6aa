#include "proxy/io/session_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "analyzer/capture_reader.h"
#include "proxy/io/descriptor.h"
#include "proxy/io/extraction.h"
#include "proxy/io/input_analysis.h"
#include "proxy/io/input_file.h"
#include "proxy/io/payload_files.h"
#include "proxy/replay_script.h"

namespace ftpscope {

namespace {

namespace fs = std::filesystem;

// A new folder for what comes out of a capture. The error is a sentence.
std::expected<std::string, std::string> temporary_folder() {
  std::error_code error;
  const auto parent = fs::temp_directory_path(error);  // $TMPDIR, /tmp
  auto name = ((error ? fs::path("/tmp") : parent) / "ftpscope-diff-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    return std::unexpected("cannot make a temporary folder: " + std::string(std::strerror(errno)));
  }
  return name;
}

}  // namespace

// Where payloads are.
class SessionSource::Folder {
 public:
  Folder(std::string path, bool temporary) : path_(std::move(path)), temporary_(temporary) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code error;
    if (temporary_) fs::remove_all(path_, error);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool temporary() const { return temporary_; }

  // -1: there is no such file. Names come from logs: only plain ones are looked at (threats.md
  // S33).
  [[nodiscard]] int open(const std::string& name) const {
    if (!is_payload_name(name)) return -1;
    const auto path = fs::path(path_) / name;
    const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status{};
    if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))) return fd;
    ::close(fd);
    return -1;
  }
  [[nodiscard]] std::optional<std::string> read(const std::string& name) const {
    const Descriptor file(open(name));
    if (file.get() < 0) return std::nullopt;
    std::string bytes(kPayloadCompared + 1, '\0');
    std::size_t size = 0;
    while (size < bytes.size()) {
      const auto got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::nullopt;
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    if (size > kPayloadCompared) return std::nullopt;
    bytes.resize(size);
    return bytes;
  }

 private:
  std::string path_;
  bool temporary_;
};

// The input on its way to transactions; a capture's payloads go to files first.
class SessionSource::Reading {
 public:
  Reading(FlowLimits limits, LogReading log, SessionSource& source)
      : limits_(std::move(limits)), log_(log), source_(source) {}

  std::size_t take(std::string_view available, bool complete) {
    constexpr std::size_t kEnoughToKnow = 12;
    if (available.size() < kEnoughToKnow && !complete) return 0;
    if (!analysis_ && problem_.empty()) begin(available);
    return analysis_ ? analysis_->take(available, complete) : available.size();
  }
  // Why it was no use; empty: it was.
  std::string finish() {
    if (!problem_.empty()) return problem_;
    if (!analysis_) return source_.name_ + " is empty";
    analysis_->finish();
    const auto problem = analysis_->problem();
    if (!problem.empty()) return source_.name_ + " " + problem;
    source_.sessions = collector_.take();
    if (source_.sessions.empty()) return source_.name_ + " has no session";
    if (extraction_ && !extraction_->problem().empty()) {
      source_.complaints.push_back(source_.name_ + ": " + extraction_->problem());
    }
    return {};
  }

 private:
  void begin(std::string_view first) {
    if (CaptureReader::looks_like_capture(first)) save_payloads();
    if (!problem_.empty()) return;
    analysis_.emplace(limits_, collector_, extraction_.get(), nullptr, log_);
  }
  void save_payloads() {
    const auto folder = temporary_folder();
    if (!folder) {
      problem_ = folder.error();
      return;
    }
    source_.folder_ = std::make_shared<Folder>(*folder, true);
    auto opened = Extraction::open(*folder, {.bytes_max = kCapturedPayloads});
    if (opened) {
      extraction_ = std::move(*opened);
    } else {
      problem_ = opened.error();
    }
  }

  FlowLimits limits_;
  LogReading log_;
  SessionSource& source_;
  TransactionCollector collector_;
  std::unique_ptr<Extraction> extraction_;
  std::optional<InputAnalysis> analysis_;
  std::string problem_;
};

std::expected<SessionSource, std::string> SessionSource::open(const std::string& path,
                                                              const FlowLimits& limits,
                                                              LogReading log) {
  std::error_code error;
  const auto file =
      fs::is_directory(path, error) ? (fs::path(path) / "session.jsonl").string() : path;
  auto input = InputFile::open(file);
  if (!input) return std::unexpected(input.error());
  SessionSource source;
  source.name_ = path == "-" ? "standard input" : path;
  const auto parent = fs::path(file).parent_path().string();
  source.folder_ = std::make_shared<Folder>(parent.empty() ? "." : parent, false);
  Reading reading(limits, log, source);
  const auto read = input->read(
      [&](std::string_view available, bool complete) { return reading.take(available, complete); });
  if (!read) return std::unexpected(read.error());
  if (auto problem = reading.finish(); !problem.empty()) return std::unexpected(problem);
  source.look_at_payloads();
  return source;
}

PayloadReader SessionSource::payloads() const {
  return [folder = folder_](const std::string& name) { return folder->read(name); };
}

const std::string& SessionSource::folder() const { return folder_->path(); }

std::string SessionSource::what_is_wrong_with(const TransactionData& data) const {
  const auto found = damaged_.find(data.payload);
  return found == damaged_.end() ? "" : "the payload '" + data.payload + "' " + found->second;
}

void SessionSource::look_at_payloads() {
  for (auto& session : sessions) {
    if (session.truncated) {
      complaints.push_back(name_ + " has more than " +
                           std::to_string(TransactionCollector::kTransactionsMax) +
                           " transactions: only these are compared");
    }
    if (folder_->temporary()) continue;  // hashed when they were saved
    for (auto& transaction : session.transactions) {
      if (transaction.data && !transaction.data->payload.empty()) look_at(*transaction.data);
    }
  }
}

// A file says more than what was once written down about it.
void SessionSource::look_at(TransactionData& data) {
  const auto complain = [&](const std::string& what) {
    complaints.push_back(name_ + ": the payload '" + data.payload + "' " + what);
    damaged_.emplace(data.payload, what.substr(0, what.find(':')));
  };
  const Descriptor file(folder_->open(data.payload));
  struct stat status{};
  const bool there = file.get() >= 0 && fstat(file.get(), &status) == 0;
  const auto hash = there ? sha256_of(file.get()) : std::string();
  if (hash.empty()) return complain("cannot be read: what the log says about it is compared");
  if (!data.sha256.empty() && hash != data.sha256) complain("was changed after it was recorded");
  data.sha256 = hash;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size >= data.bytes) return;
  data.missing = data.bytes - size;
  complain("has " + std::to_string(size) + " of " + std::to_string(data.bytes) +
           " bytes: only the size is compared");
}

}  // namespace ftpscope
