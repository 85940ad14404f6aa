// A payload of a recording, read front to back, and what a client uploads compared with one. Bytes
// that were not recorded are dots, as many.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/payload_files.h"
#include "proxy/replay_script.h"

namespace ftpscope {

class PayloadSource {
 public:
  PayloadSource() = default;
  PayloadSource(const PayloadSource&) = delete;
  PayloadSource& operator=(const PayloadSource&) = delete;
  ~PayloadSource();

  // Without its first `skip` bytes. False: there is no such regular file.
  bool open(const std::string& folder, const ScriptPayload& payload, std::uint64_t skip = 0);

  // Bytes read; 0 at the end, negative on an error.
  ssize_t read(char* buffer, std::size_t size);

 private:
  int fd_ = -1;
  std::uint64_t filler_ = 0;  // dots behind the file
};

class UploadComparison {
 public:
  UploadComparison(const std::string& folder, const ScriptPayload& recorded);

  void add(std::string_view bytes);
  // What is different, in words; empty: nothing, as far as the recording tells. `sha256`: of all
  // that was added.
  [[nodiscard]] std::string finish(const std::string& sha256) const;

 private:
  void compare(std::string_view bytes);

  const ScriptPayload& recorded_;
  PayloadSource source_;
  bool has_file_;
  std::uint64_t received_ = 0;
  std::optional<std::uint64_t> first_difference_;
};

}  // namespace ftpscope
