// A recording that is being made: its folder, its log and its timing.jsonl (captures/README.md).
// The payloads are written by Extraction (from a capture) or LiveRecording (by the proxy).
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "proxy/io/log_file.h"
#include "proxy/io/payload_files.h"

namespace ftpscope {

class NewRecording {
 public:
  // The folder is made if it is not there; one that holds a recording is refused. The error is a
  // sentence.
  static std::expected<std::unique_ptr<NewRecording>, std::string> open(const std::string& folder);
  NewRecording(const NewRecording&) = delete;
  NewRecording& operator=(const NewRecording&) = delete;
  ~NewRecording();

  void add(const Record& record) { log_->add(record); }
  void add(const ControlRead& read) { append_timing(timing_text_, read); }
  void add(const ChannelCourse& course) { append_timing(timing_text_, course); }
  // Hands all of it to the kernel: before the bytes that it describes are sent.
  void flush(Timestamp now);

  [[nodiscard]] int folder() const { return folder_; }
  [[nodiscard]] KnownPayloads& payloads() { return payloads_; }
  // What of the log could not be written, as a sentence; empty when all was.
  [[nodiscard]] std::string problem() const;

 private:
  NewRecording(int folder, int timing, std::unique_ptr<LogFile> log)
      : folder_(folder), log_(std::move(log)), timing_(timing) {}

  int folder_;
  std::unique_ptr<LogFile> log_;
  Outlet timing_;
  std::string timing_text_;
  bool timing_torn_ = false;  // nothing more is written behind a torn line
  KnownPayloads payloads_;
};

}  // namespace ftpscope
