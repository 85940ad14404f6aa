#include "proxy/io/live_recording.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ftpscope {

// Touched by the threads only while a job is running there, by the loop only in between.
struct PayloadWriter::File {
  // What is written in one piece is hashed while the processor's cache still has it, and lies in
  // one large page of the page cache at most: half the cost of writing it all at once.
  static constexpr std::size_t kPiece = std::size_t{64} << 10U;

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

  void write(const RecordingBlock& block) {
    if (fd < 0) fd = create_private_file(folder, name);
    if (fd < 0) {
      error = errno;
      return;
    }
    const bool whole = block.full() && block.start() % RecordingBlock::kSize == 0;
    pass_cache(whole && block.goes_to_disk());
    for (auto left = block.bytes(); !left.empty() && error == 0;) {
      const auto piece = left.substr(0, passes_cache ? left.size() : kPiece - written % kPiece);
      write_piece(piece);
      if (!block.goes_to_disk() && error == 0) sum.add(piece);
      left.remove_prefix(piece.size());
    }
  }

  // As far as it was written.
  void hash(const RecordingBlock& block, std::uint64_t end) {
    sum.add(block.bytes().substr(0, end - block.start()));
  }

 private:
  void write_piece(std::string_view bytes) {
    bool done = write_at(fd, bytes, written);
    if (!done && errno == EINVAL && passes_cache) {  // this disk wants larger blocks
      pass_cache(false);
      done = write_at(fd, bytes, written);
    }
    if (!done) {
      error = errno;
      // A part that found room would make the file longer than its hash knows.
      if (ftruncate(fd, static_cast<off_t>(written)) != 0) written = 0;
      return;
    }
    written += bytes.size();
  }

  // Not every file system can: then nothing changes.
  void pass_cache(bool pass) {
    if (pass == passes_cache) return;
    const int flags = fcntl(fd, F_GETFL);
    if (fcntl(fd, F_SETFL, pass ? flags | O_DIRECT : flags & ~O_DIRECT) == 0) passes_cache = pass;
  }

  bool passes_cache = false;
};

void RecordingBlock::begin(std::uint64_t start) {
  if (!memory_) memory_ = std::make_unique_for_overwrite<Memory>();
  start_ = start;
  size_ = 0;
}

std::size_t RecordingBlock::fill(std::string_view bytes) {
  const auto count = std::min(bytes.size(), kSize - start_ % kSize - size_);
  bytes.copy(memory_->bytes.data() + size_, count);
  size_ += count;
  return count;
}

PayloadWriter::PayloadWriter(LiveRecording& recording, const DataTaker::Source& source)
    : recording_(recording),
      session_(source.session),
      channel_(source.channel),
      from_(source.from),
      file_(std::make_shared<File>(recording.files().folder(), payload_name(source))) {}

PayloadWriter::~PayloadWriter() { forget_waiting(); }

void PayloadWriter::forget_waiting() {
  for (const auto& block : std::exchange(waiting_, {})) recording_.queued_ -= block.bytes().size();
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
  recording_.total_ += bytes.size();
  recording_.queued_ += bytes.size();
  append(bytes);
  if (!writing_) write_next();
}

void PayloadWriter::append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (waiting_.empty() || waiting_.back().full()) {
      if (spare_.empty()) spare_.emplace_back();
      waiting_.push_back(std::move(spare_.back()));
      spare_.pop_back();
      waiting_.back().begin(recorded_);
    }
    const auto count = waiting_.back().fill(bytes);
    bytes.remove_prefix(count);
    recorded_ += count;
  }
}

void PayloadWriter::write_next() {
  if (waiting_.empty() || file_->error != 0) return;
  // Past the page cache only whole blocks can go; parts of them must not fill up the queue.
  const auto& next = waiting_.front();
  if (next.goes_to_disk() && !next.full() && !told_ && !recording_.full()) return;
  writing_ = true;
  const auto block = std::make_shared<RecordingBlock>(std::move(waiting_.front()));
  waiting_.pop_front();
  recording_.disk_.run([file = file_, block] { file->write(*block); },
                       [&recording = recording_, self = weak_from_this(), block] {
                         if (const auto writer = self.lock()) {
                           writer->on_written(block);
                         } else {
                           recording.on_taken(block->bytes().size());
                         }
                       });
}

void PayloadWriter::on_written(const std::shared_ptr<RecordingBlock>& block) {
  if (file_->error != 0) {
    if (why_.empty()) why_ = std::strerror(file_->error);
    forget_waiting();  // it will not be written, and takes the room of others
  }
  if (!block->goes_to_disk()) {
    on_taken(*block);
  } else {
    ++hashing_;
    recording_.hasher_.run([file = file_, block, end = file_->written] { file->hash(*block, end); },
                           [&recording = recording_, self = weak_from_this(), block] {
                             const auto writer = self.lock();
                             if (!writer) {
                               recording.on_taken(block->bytes().size());
                               return;
                             }
                             --writer->hashing_;
                             writer->on_taken(*block);
                             writer->settle_if_over();
                           });
  }
  writing_ = false;  // not before: those who hear that there is room may add
  write_next();
  settle_if_over();
}

void PayloadWriter::on_taken(RecordingBlock& block) {
  const auto size = block.bytes().size();
  spare_.push_back(std::move(block));
  recording_.on_taken(size);
}

void PayloadWriter::give_up(std::string_view why) {
  given_up_ = true;
  why_ = why;
  forget_waiting();
  if (told_) settle();
}

void PayloadWriter::finish(std::function<void()> told) {
  told_ = std::move(told);
  if (given_up_) {
    settle();
    return;
  }
  if (!writing_) write_next();  // the last block need not be whole
  settle_if_over();
}

void PayloadWriter::settle_if_over() {
  if (told_ && !writing_ && hashing_ == 0) settle();
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

void LiveRecording::on_taken(std::size_t bytes) {
  queued_ -= bytes;
  taken_ += bytes;
  if (full()) return;
  for (const auto& [who, room] : std::exchange(waiting_, {})) room();
}

}  // namespace ftpscope
