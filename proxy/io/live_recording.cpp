#include "proxy/io/live_recording.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ftpscope {

// The disk's side: touched by its thread only while a job is running, by the loop only in between.
struct PayloadWriter::File {
  // What is written in one piece is hashed while the processor's cache still has it, and lies in
  // one large page of the page cache at most: half the cost of writing it all at once.
  static constexpr std::uint64_t kPiece = std::uint64_t{64} << 10U;

  int folder = -1;  // a descriptor of its own: the recording may be gone first
  std::string name;
  int fd = -1;
  std::uint64_t written = 0;
  Sha256 sum;
  int error = 0;

  File(int parent, std::string file)
      : folder(fcntl(parent, F_DUPFD_CLOEXEC, 0)), name(std::move(file)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
    if (folder >= 0) ::close(folder);
  }

  void write(std::string_view bytes) {
    while (!bytes.empty() && error == 0) {
      const auto piece = bytes.substr(0, kPiece - written % kPiece);
      write_piece(piece);
      bytes.remove_prefix(piece.size());
    }
  }

  void write_piece(std::string_view bytes) {
    if (fd < 0) fd = create_private_file(folder, name);
    if (fd < 0 || !write_at(fd, bytes, written)) {
      error = errno;
      // A part that found room would make the file longer than its hash knows.
      if (fd >= 0 && ftruncate(fd, static_cast<off_t>(written)) != 0) written = 0;
      return;
    }
    written += bytes.size();
    sum.add(bytes);
  }
};

PayloadWriter::PayloadWriter(LiveRecording& recording, const DataTaker::Source& source)
    : recording_(recording),
      session_(source.session),
      channel_(source.channel),
      from_(source.from),
      file_(std::make_shared<File>(recording.files().folder(), payload_name(source))) {}

PayloadWriter::~PayloadWriter() { forget_waiting(); }

void PayloadWriter::forget_waiting() {
  for (const auto& block : std::exchange(waiting_, {})) recording_.queued_ -= block.size();
}

// How many of `count` more bytes the limits let in. Once it is less, no more are.
std::uint64_t PayloadWriter::allowed(std::uint64_t count) {
  const auto& limits = recording_.limits_;
  const auto left = limits.payload - recorded_;
  const auto left_in_all = limits.total - std::min(limits.total, recording_.total_);
  if (count <= left && count <= left_in_all) return count;
  why_ = left <= left_in_all ? "--record-limit" : "--record-total";
  return std::min(left, left_in_all);
}

void PayloadWriter::add(std::string_view bytes, Duration since) {
  received_ += bytes.size();
  course_.add(since, received_);
  if (!why_.empty()) return;
  bytes = bytes.substr(0, allowed(bytes.size()));
  recorded_ += bytes.size();
  recording_.total_ += bytes.size();
  recording_.queued_ += bytes.size();
  if (waiting_.empty() || waiting_.back().size() >= LiveRecording::kBlock) {
    waiting_.push_back(take_spare());
  }
  waiting_.back().append(bytes);
  if (!running_) write_next();
}

std::string PayloadWriter::take_spare() {
  if (spare_.empty()) return {};
  auto block = std::move(spare_.back());
  spare_.pop_back();
  return block;
}

void PayloadWriter::write_next() {
  if (waiting_.empty()) return;
  running_ = true;
  const auto block = std::make_shared<std::string>(std::move(waiting_.front()));
  waiting_.pop_front();
  recording_.disk_.run([file = file_, block] { file->write(*block); },
                       [&recording = recording_, self = weak_from_this(), block] {
                         recording.on_written(block->size());
                         const auto writer = self.lock();
                         if (!writer) return;
                         block->clear();
                         writer->spare_.push_back(std::move(*block));
                         writer->on_written();
                       });
}

void PayloadWriter::on_written() {
  running_ = false;
  if (file_->error != 0 && why_.empty()) why_ = std::strerror(file_->error);
  if (file_->error == 0) write_next();
  if (!running_ && told_) settle();
}

void PayloadWriter::give_up(std::string_view why) {
  given_up_ = true;
  why_ = why;
  forget_waiting();
  if (told_) settle();
}

void PayloadWriter::finish(std::function<void()> told) {
  told_ = std::move(told);
  if (!running_ || given_up_) settle();
}

void PayloadWriter::settle() {
  recording_.files().add(ChannelCourse{session_, channel_, from_, course_.points()});
  const auto kept = given_up_ ? 0 : file_->written;
  taken_.unrecorded = received_ - kept;
  taken_.unrecorded_why = why_;
  if (kept > 0) {
    taken_.sha256 = file_->sum.finish();
    const auto older = recording_.files().payloads().same_as(taken_.sha256, file_->name);
    taken_.payload = older.value_or(file_->name);
    if (older) {  // identical payloads are stored once
      recording_.total_ -= kept;
      recording_.disk_.run([file = file_] { unlinkat(file->folder, file->name.c_str(), 0); },
                           [] {});
    }
  }
  recording_.total_ -= recorded_ - kept;
  finished_ = true;
  std::exchange(told_, nullptr)();
}

void LiveRecording::wait_for_room(void* who, std::function<void()> room) {
  waiting_.emplace_back(who, std::move(room));
}

void LiveRecording::on_written(std::size_t bytes) {
  queued_ -= bytes;
  if (full()) return;
  for (const auto& [who, room] : std::exchange(waiting_, {})) room();
}

}  // namespace ftpscope
