#include "proxy/io/recording_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <set>

#include "proxy/io/input_file.h"
#include "proxy/io/payload_files.h"

namespace ftpscope {

namespace {

namespace fs = std::filesystem;
using Sentence = std::expected<void, std::string>;

// Whether it is a file that may be read.
Sentence check_file(const fs::path& path, std::uint64_t limit) {
  const auto fail = [&](const std::string& why) {
    return std::unexpected("cannot read the recording '" + path.string() + "': " + why);
  };
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) return fail(std::strerror(ENOENT));
  if (!fs::is_regular_file(status)) return fail("it is no file");
  const auto size = fs::file_size(path, error);
  if (size <= limit) return {};
  return fail("it has " + std::to_string(size) + " bytes, and " + std::to_string(limit) +
              " are allowed (--log-limit)");
}

// Hands over whole lines, as many as are there.
Sentence read_lines(const fs::path& path, std::uint64_t limit,
                    const std::function<void(std::string_view)>& take) {
  if (auto good = check_file(path, limit); !good) return good;
  auto input = InputFile::open(path.string());
  if (!input) return std::unexpected(input.error());
  return input->read([&](std::string_view available, bool complete) {
    const auto whole = complete ? available.size() : available.rfind('\n') + 1;
    take(available.substr(0, whole));
    return whole;
  });
}

// Of the folder itself, and no link: it may be from somebody else.
int open_payload(const std::string& folder, const std::string& name) {
  const auto path = folder + "/" + name;
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

Sentence complain(const Recording& recording, const std::string& name, const std::string& what) {
  return std::unexpected("cannot play the recording: the payload '" + recording.folder + "/" +
                         name + "' " + what);
}

Sentence check_size(const Recording& recording, const ScriptPayload& payload) {
  const int fd = open_payload(recording.folder, payload.file);
  struct stat info{};
  const bool file = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  if (fd >= 0) ::close(fd);
  if (!file) return complain(recording, payload.file, "is missing");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const auto least = payload.bytes - std::min(payload.bytes, payload.unrecorded);
  if (size >= least && size <= payload.bytes) return {};
  return complain(recording, payload.file,
                  "has " + std::to_string(size) + " bytes instead of " +
                      std::to_string(size < least ? least : payload.bytes));
}

}  // namespace

Sentence check_payloads(const Recording& recording) {
  std::set<std::string> checked;
  for (const auto& exchange : recording.script.exchanges) {
    const auto& payload = exchange.payload;
    if (!payload || payload->file.empty() || payload->sha256.empty()) continue;
    if (!checked.insert(payload->file).second) continue;
    const int fd = open_payload(recording.folder, payload->file);
    if (fd < 0) continue;  // an upload's: it is compared by its hash alone
    const auto sum = sha256_of(fd);
    ::close(fd);
    if (sum != payload->sha256) {
      return complain(recording, payload->file, "is not what was recorded: its SHA-256 differs");
    }
  }
  return {};
}

void forget_hashes(Recording& recording) {
  for (auto& exchange : recording.script.exchanges) {
    auto& payload = exchange.payload;
    if (payload && payload->direction == Direction::download) payload->sha256.clear();
  }
}

std::expected<Recording, std::string> open_recording(const std::string& path,
                                                     const std::string& session,
                                                     std::uint64_t log_limit) {
  std::error_code error;
  const bool folder = fs::is_directory(path, error);
  const auto file = folder ? fs::path(path) / "session.jsonl" : fs::path(path);
  ScriptReader reader;
  auto read = read_lines(file, log_limit, [&](std::string_view lines) { reader.add(lines); });
  if (!read) return std::unexpected(read.error());
  std::string timing;
  const auto timing_file = fs::path(path) / "timing.jsonl";
  if (folder && fs::exists(timing_file, error)) {
    read = read_lines(timing_file, log_limit, [&](std::string_view lines) { timing += lines; });
    if (!read) return std::unexpected(read.error());
  }
  auto script = reader.finish(timing, session);
  if (!script) {
    return std::unexpected("cannot play the recording '" + file.string() + "': " + script.error());
  }
  const auto parent = file.parent_path().string();
  Recording recording{std::move(*script), parent.empty() ? "." : parent};
  for (const auto& exchange : recording.script.exchanges) {
    const auto& payload = exchange.payload;
    // An upload can be compared by its hash.
    if (!payload || payload->file.empty() || payload->direction == Direction::upload) continue;
    if (auto good = check_size(recording, *payload); !good) return std::unexpected(good.error());
  }
  return recording;
}

}  // namespace ftpscope
