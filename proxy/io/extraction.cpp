#include "proxy/io/extraction.h"

#include <fcntl.h>
#include <magic.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ftpscope {

namespace {

// How much of `count` bytes at `offset` comes before `end`.
std::uint64_t before(std::uint64_t end, std::uint64_t offset, std::uint64_t count) {
  return offset >= end ? 0 : std::min(end - offset, count);
}

}  // namespace

std::expected<std::unique_ptr<Extraction>, std::string> Extraction::open(
    const std::string& folder, const ExtractionLimits& limits) {
  const int fd = open_private_folder(folder);
  if (fd < 0) return std::unexpected("cannot save to " + folder + ": " + std::strerror(errno));
  return std::unique_ptr<Extraction>(new Extraction(fd, limits, nullptr));
}

std::unique_ptr<Extraction> Extraction::into(NewRecording& recording,
                                             const ExtractionLimits& limits) {
  return std::unique_ptr<Extraction>(
      new Extraction(fcntl(recording.folder(), F_DUPFD_CLOEXEC, 0), limits, &recording));
}

Extraction::Extraction(int folder, const ExtractionLimits& limits, NewRecording* recording)
    : folder_(folder), limits_(limits), recording_(recording), magic_(magic_open(MAGIC_NONE)) {
  if (magic_ && magic_load(magic_, nullptr) == 0) return;
  complain("the types of files are not told: libmagic has no database");
}

Extraction::~Extraction() {
  for (const auto& [name, file] : files_) ::close(file.fd);
  if (magic_) magic_close(magic_);
  ::close(folder_);
}

// The first problem is the one to tell.
void Extraction::complain(const std::string& what) {
  if (problem_.empty()) problem_ = what;
}

Extraction::File* Extraction::file_for(const Source& source) {
  auto name = payload_name(source);
  if (const auto found = files_.find(name); found != files_.end()) return &found->second;
  if (files_.size() >= ExtractionLimits::kOpenMax) {
    complain("more than " + std::to_string(ExtractionLimits::kOpenMax) +
             " data connections at once: some were not saved");
    return nullptr;
  }
  File file{name, create_private_file(folder_, name), limits_.payload_max,
            std::string(limits_.payload_name)};
  if (file.fd < 0) {
    end_at(file, 0, std::strerror(errno));
    complain("cannot create " + name + ": " + file.why);
  }
  return &files_.emplace(name, std::move(file)).first->second;
}

// A recording keeps what comes before; an extracted file is whole or is taken away again.
void Extraction::end_at(File& file, std::uint64_t offset, const std::string& why) const {
  if (!recording_) offset = 0;
  if (offset >= file.end) return;
  file.end = offset;
  file.why = why;
  if (offset > 0 || file.fd < 0) return;
  ::close(std::exchange(file.fd, -1));
  unlinkat(folder_, file.name.c_str(), 0);
}

void Extraction::take(const Source& source, std::uint64_t offset, std::string_view bytes,
                      Duration since) {
  auto* file = file_for(source);
  if (!file) return;
  file->seen = std::max(file->seen, offset + bytes.size());
  file->course.add(since, file->seen);
  auto count = before(file->end, offset, bytes.size());
  if (bytes_ + count > limits_.bytes_max) {
    complain("not all was saved: " + std::to_string(limits_.bytes_max) + " bytes are the limit (" +
             std::string(limits_.total_name) + ")");
    count = limits_.bytes_max - bytes_;  // no gaps where smaller pieces would still find room
    end_at(*file, offset + count, std::string(limits_.total_name));
  }
  bytes_ += count;
  if (count > 0 && file->fd >= 0 && !write_at(file->fd, bytes.substr(0, count), offset)) {
    const std::string why = std::strerror(errno);
    complain("cannot write " + file->name + ": " + why);
    end_at(*file, offset, why);
  }
}

TakenBothWays Extraction::finish(std::string_view session, ChannelId channel) {
  TakenBothWays taken;
  for (const auto side : {Side::client, Side::server}) {
    const auto found = files_.find(payload_name({session, channel, side}));
    if (found == files_.end()) continue;
    auto file = std::move(found->second);
    files_.erase(found);
    if (recording_) {
      recording_->add(ChannelCourse{session, channel, side, file.course.points()});
    }
    taken[static_cast<std::size_t>(side)] = described(file);
    if (file.fd >= 0) ::close(file.fd);
  }
  return taken;
}

TakenData Extraction::described(const File& file) {
  TakenData taken;
  if (recording_ && file.seen > file.end) {
    taken.unrecorded = file.seen - file.end;
    taken.unrecorded_why = file.why;
    complain("not all was saved: " + file.name + " was cut off (" + file.why + ")");
  }
  struct stat info{};
  if (file.fd < 0) return taken;
  // A piece behind the end may have been written before the end was known.
  const bool cut =
      fstat(file.fd, &info) == 0 && static_cast<std::uint64_t>(info.st_size) > file.end;
  if (cut && ftruncate(file.fd, static_cast<off_t>(file.end)) != 0) return taken;
  if (file.end == 0) {  // --record-limit 0
    unlinkat(folder_, file.name.c_str(), 0);
    return taken;
  }
  taken.payload = file.name;
  taken.sha256 = sha256_of(file.fd);
  if (magic_ && lseek(file.fd, 0, SEEK_SET) == 0) {
    if (const char* type = magic_descriptor(magic_, file.fd)) taken.type = type;
  }
  if (recording_) taken.payload = stored_once(file, taken.sha256);
  return taken;
}

std::string Extraction::stored_once(const File& file, const std::string& sha256) {
  const auto older = recording_->payloads().same_as(sha256, file.name);
  if (older) unlinkat(folder_, file.name.c_str(), 0);
  return older.value_or(file.name);
}

}  // namespace ftpscope
