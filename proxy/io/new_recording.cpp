#include "proxy/io/new_recording.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ftpscope {

std::expected<std::unique_ptr<NewRecording>, std::string> NewRecording::open(
    const std::string& path) {
  const auto failed = [&](int folder, int log) {
    const bool there = folder >= 0 && errno == EEXIST;
    const auto why = there ? std::string("it holds a recording; choose another folder")
                           : std::string(std::strerror(errno));
    if (log >= 0) close(log);
    if (folder >= 0) close(folder);
    return std::unexpected("cannot record to '" + path + "': " + why);
  };
  Sha256::load();
  const int folder = open_private_folder(path);
  if (folder < 0) return failed(folder, -1);
  const int log = create_private_file(folder, "session.jsonl");
  if (log < 0) return failed(folder, log);
  const int timing = create_private_file(folder, "timing.jsonl");
  if (timing < 0) return failed(folder, log);
  return std::unique_ptr<NewRecording>(new NewRecording(folder, timing, LogFile::adopt(log)));
}

NewRecording::~NewRecording() {
  close(timing_.fd());
  close(folder_);
}

void NewRecording::flush(Timestamp now) {
  log_->flush(now);
  if (timing_text_.empty()) return;
  if (!timing_torn_) timing_torn_ = timing_.write(timing_text_) < timing_text_.size();
  timing_text_.clear();
}

std::string NewRecording::problem() const {
  if (log_->lost() > 0) {
    return std::to_string(log_->lost()) + " records could not be written to the recording";
  }
  return timing_torn_ ? "not all of timing.jsonl could be written" : "";
}

}  // namespace ftpscope
