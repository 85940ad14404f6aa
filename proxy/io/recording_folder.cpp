#include "proxy/io/recording_folder.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace ftpscope {

namespace {

namespace fs = std::filesystem;
using Text = std::expected<std::string, std::string>;

Text read_text(const fs::path& path) {
  const auto fail = [&](std::string_view why) {
    return std::unexpected("cannot read the recording '" + path.string() +
                           "': " + std::string(why));
  };
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) return fail(std::strerror(ENOENT));
  if (!fs::is_regular_file(status)) return fail("it is no file");
  if (fs::file_size(path, error) > Recording::kLogMax) return fail("it is larger than 64 MiB");
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(std::strerror(errno));
  return std::move(text).str();
}

std::string missing_payload(const Recording& recording) {
  for (const auto& exchange : recording.script.exchanges) {
    if (!exchange.payload || exchange.payload->file.empty()) continue;
    if (exchange.payload->direction == Direction::upload) continue;  // only counted
    const auto path = fs::path(recording.folder) / exchange.payload->file;
    std::error_code error;
    if (!fs::is_regular_file(fs::symlink_status(path, error))) return path.string();
  }
  return {};
}

}  // namespace

std::expected<Recording, std::string> open_recording(const std::string& path) {
  std::error_code error;
  const auto file =
      fs::is_directory(path, error) ? fs::path(path) / "session.jsonl" : fs::path(path);
  const auto text = read_text(file);
  if (!text) return std::unexpected(text.error());
  auto script = read_script(*text);
  if (!script) {
    return std::unexpected("cannot play the recording '" + file.string() + "': " + script.error());
  }
  const auto parent = file.parent_path().string();
  Recording recording{std::move(*script), parent.empty() ? "." : parent};
  const auto missing = missing_payload(recording);
  if (missing.empty()) return recording;
  return std::unexpected("cannot play the recording '" + file.string() + "': the payload '" +
                         missing + "' is missing");
}

}  // namespace ftpscope
