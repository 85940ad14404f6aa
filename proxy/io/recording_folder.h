// A recording on disk, read and checked before a client sees any of it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "proxy/replay_script.h"

namespace ftpscope {

struct Recording {
  // Default of --log-limit: bytes of session.jsonl, and of timing.jsonl.
  static constexpr std::uint64_t kLogMax = std::uint64_t{64} << 20U;

  ReplayScript script;
  std::string folder;  // of the payloads
};

// `path`: a folder with a session.jsonl, or a log by itself. `session`: the one to play, as
// ScriptReader::finish() takes it. Of a log its transactions are kept in memory, of timing.jsonl
// all of it while it is read. The error is a sentence.
[[nodiscard]] std::expected<Recording, std::string> open_recording(const std::string& path,
                                                                   const std::string& session,
                                                                   std::uint64_t log_limit);

// Reads all payloads and compares them with their hashes. The error is a sentence that says which
// differs.
[[nodiscard]] std::expected<void, std::string> check_payloads(const Recording& recording);

// Nobody looks whether the downloads are what their hashes say: then nobody may say so.
void forget_hashes(Recording& recording);

}  // namespace ftpscope
