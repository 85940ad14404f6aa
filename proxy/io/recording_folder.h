// A recording on disk, read and checked before a client sees any of it.
#pragma once

#include <expected>
#include <string>

#include "proxy/replay_script.h"

namespace ftpscope {

struct Recording {
  static constexpr std::uintmax_t kLogMax = 64U << 20U;  // bytes of session.jsonl, timing.jsonl

  ReplayScript script;
  std::string folder;  // of the payloads
};

// `path`: a folder with a session.jsonl, or a log by itself. `session`: the one to play, as
// read_script() takes it. The error is a sentence.
[[nodiscard]] std::expected<Recording, std::string> open_recording(const std::string& path,
                                                                   const std::string& session);

// Reads all payloads and compares them with their hashes. The error is a sentence that says which
// differs.
[[nodiscard]] std::expected<void, std::string> check_payloads(const Recording& recording);

}  // namespace ftpscope
