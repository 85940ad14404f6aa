// Saves what the data channels of a capture carried, each direction in a file of its own, and says
// what it is (SHA-256, libmagic's type). The names are made here and have nothing from the wire in
// them (threats.md S33); a file that exists is never touched.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "analyzer/data_taker.h"
#include "proxy/io/new_recording.h"

struct magic_set;

namespace ftpscope {

struct ExtractionLimits {
  static constexpr std::uint64_t kBytesMax = std::uint64_t{16} << 30U;  // of all files together
  static constexpr std::size_t kOpenMax = 256;                          // files at once

  std::uint64_t bytes_max = kBytesMax;
  std::uint64_t payload_max = std::numeric_limits<std::uint64_t>::max();  // of one file
  std::string_view total_name = "--extract-max";                          // options, to be told
  std::string_view payload_name = {};
};

class Extraction final : public DataTaker {
 public:
  // Makes the folder when it is not there (mode 0700). The error is a sentence.
  static std::expected<std::unique_ptr<Extraction>, std::string> open(
      const std::string& folder, const ExtractionLimits& limits);
  // The payloads of a recording, which outlives this.
  static std::unique_ptr<Extraction> into(NewRecording& recording, const ExtractionLimits& limits);
  Extraction(const Extraction&) = delete;
  Extraction& operator=(const Extraction&) = delete;
  ~Extraction();

  void take(const Source& source, std::uint64_t offset, std::string_view bytes,
            Duration since) override;
  TakenBothWays finish(std::string_view session, ChannelId channel) override;
  void control_read(const ControlRead& read) override {
    if (recording_) recording_->add(read);
  }

  // What could not be saved, as a sentence; empty when all was.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  struct File {
    std::string name;
    int fd = -1;
    std::uint64_t end = 0;  // what comes behind is not written
    std::string why;        // it ends there
    std::uint64_t seen = 0;
    DataCourse course{};
  };

  Extraction(int folder, const ExtractionLimits& limits, NewRecording* recording);
  File* file_for(const Source& source);
  TakenData described(const File& file);
  std::string stored_once(const File& file, const std::string& sha256);
  void end_at(File& file, std::uint64_t offset, const std::string& why) const;
  void complain(const std::string& what);

  int folder_ = -1;
  ExtractionLimits limits_;
  NewRecording* recording_;                         // null: an extraction by itself
  std::map<std::string, File, std::less<>> files_;  // by name
  std::uint64_t bytes_ = 0;
  std::string problem_;
  magic_set* magic_ = nullptr;
};

}  // namespace ftpscope
