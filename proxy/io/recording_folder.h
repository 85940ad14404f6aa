// A recording on disk, read and checked before a client sees any of it.
#pragma once

#include <expected>
#include <string>

#include "proxy/replay_script.h"

namespace ftpscope {

struct Recording {
  static constexpr std::uintmax_t kLogMax = 64U << 20U;  // bytes of session.jsonl

  ReplayScript script;
  std::string folder;  // of the payloads
};

// `path`: a folder with a session.jsonl, or a log by itself. The error is a sentence.
[[nodiscard]] std::expected<Recording, std::string> open_recording(const std::string& path);

}  // namespace ftpscope
