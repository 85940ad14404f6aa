// Saves what the data channels of a capture carried, each direction in a file of its own, and says
// what it is (SHA-256, libmagic's type). The names are made here and have nothing from the wire in
// them (threats.md S33); a file that exists is never touched; one that could not be written to its
// end is taken away again. What the capture does not have is zeros at its place.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "analyzer/captured_channel.h"

struct magic_set;

namespace ftpscope {

struct ExtractionLimits {
  static constexpr std::uint64_t kBytesMax = std::uint64_t{16} << 30U;  // of all files together
  static constexpr std::size_t kOpenMax = 256;                          // files at once

  std::uint64_t bytes_max = kBytesMax;
};

class Extraction final : public DataTaker {
 public:
  // Makes the folder when it is not there (mode 0700). The error is a sentence.
  static std::expected<std::unique_ptr<Extraction>, std::string> open(
      const std::string& folder, const ExtractionLimits& limits);
  Extraction(const Extraction&) = delete;
  Extraction& operator=(const Extraction&) = delete;
  ~Extraction();

  void take(const Source& source, std::uint64_t offset, std::string_view bytes) override;
  TakenData finish(std::string_view session, ChannelId channel) override;

  // What could not be saved, as a sentence; empty when all was.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  struct File {
    std::string name;
    int fd = -1;  // -1: nothing (more) is saved
  };

  Extraction(int folder, const ExtractionLimits& limits);
  File* file_for(const Source& source);
  TakenData described(const File& file);
  void give_up(File& file) const;
  void complain(const std::string& what);

  int folder_ = -1;
  ExtractionLimits limits_;
  std::map<std::string, File, std::less<>> files_;  // by name
  std::uint64_t bytes_ = 0;
  std::string problem_;
  magic_set* magic_ = nullptr;
};

}  // namespace ftpscope
