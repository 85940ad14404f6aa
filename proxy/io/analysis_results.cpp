#include "proxy/io/analysis_results.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <variant>

#include "analyzer/record_json.h"
#include "analyzer/report_text.h"

namespace ftpscope {

Progress::Progress(std::uint64_t total) : total_(total), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::at(std::uint64_t done) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - last_ < std::chrono::seconds(1)) return;
  last_ = now;
  shown_ = true;
  std::cerr << '\r' << human_bytes(done);
  if (total_ > 0) {
    std::cerr << " of " << human_bytes(total_) << ", " << done * 100 / total_ << " %";
  }
  std::cerr << "\x1b[K" << std::flush;
}

void Progress::clear() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  shown_ = false;
}

Output::Output(Progress& progress) : progress_(progress), terminal_(isatty(STDOUT_FILENO) == 1) {}

void Output::add(std::string_view text) {
  buffer_.append(text);
  if (buffer_.size() >= kPiece) write_out();
}

std::string& Output::buffer() {
  if (buffer_.size() >= kPiece) write_out();
  return buffer_;
}

void Output::write_out() {
  if (terminal_) progress_.clear();
  std::string_view rest = buffer_;
  while (!rest.empty() && error_ == 0) {
    const auto wrote = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (wrote < 0 && errno != EINTR) error_ = errno;
    if (wrote > 0) rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  buffer_.clear();
}

Results::Results(bool json, const LadderOptions& ladder, Progress& progress)
    : json_(json),
      options_(ladder),
      output_(progress),
      ladder_(ladder, [this](auto text) { output_.add(text); }) {}

void Results::record(const Record& record) {
  const bool named = record.session.ends_with(options_.session);
  if (!named && !is_of_all_sessions(record)) return;
  any_ = any_ || named;
  const auto* finding = std::get_if<record::Finding>(&record.body);
  if (finding) worst_ = std::max(worst_, row_of(finding->id).severity);
  if (!json_) {
    ladder_.record(record);
  } else if (finding || !options_.only_findings) {
    append_json(output_.buffer(), record);
  }
}

void Results::finish() {
  if (!json_) ladder_.finish();
  output_.write_out();
}

}  // namespace ftpscope
