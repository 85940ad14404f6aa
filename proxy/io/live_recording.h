// The payloads of a recording that the live proxy makes. The loop hands over what it has read,
// threads of their own write and hash it: a slow disk slows down the transfers that are recorded (a
// channel is not read while too much waits) and nothing else; one that takes nothing at all ends
// the recording of a payload, not the transfer.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/recording_timing.h"
#include "proxy/io/disk_thread.h"
#include "proxy/io/new_recording.h"

namespace ftpscope {

class LiveRecording;

// Bytes that are handed to the disk at once. They begin at a page of memory, and end where a block
// of the file does.
class RecordingBlock {
 public:
  static constexpr std::size_t kSize = std::size_t{1} << 20U;
  // What follows in a payload goes past the page cache: so much would push out of it what others
  // need, and costs ten times the processor time there.
  static constexpr std::uint64_t kCachedMax = std::uint64_t{64} << 20U;

  // Empty, to be `start` bytes behind the file's beginning.
  void begin(std::uint64_t start);
  // Takes what there is room for, and returns how much that is.
  std::size_t fill(std::string_view bytes);

  [[nodiscard]] std::string_view bytes() const { return {memory_->bytes.data(), size_}; }
  [[nodiscard]] std::uint64_t start() const { return start_; }
  // It lies where a payload goes past the page cache.
  [[nodiscard]] bool goes_to_disk() const { return start_ >= kCachedMax; }
  // Nothing more fits.
  [[nodiscard]] bool full() const { return start_ % kSize + size_ == kSize; }

 private:
  static constexpr std::size_t kPage = 4096;
  struct Memory {
    alignas(kPage) std::array<char, kSize> bytes;
  };

  std::unique_ptr<Memory> memory_;
  std::uint64_t start_ = 0;
  std::size_t size_ = 0;
};

// What one side sends over a data channel. One that is dropped before it has finished leaves a file
// that no record names.
class PayloadWriter : public std::enable_shared_from_this<PayloadWriter> {
 public:
  PayloadWriter(LiveRecording& recording, const DataTaker::Source& source);
  PayloadWriter(const PayloadWriter&) = delete;
  PayloadWriter& operator=(const PayloadWriter&) = delete;
  ~PayloadWriter();

  void add(std::string_view bytes, Duration since);
  // No more will come. `told` is called once, now or later, when all is on disk.
  void finish(std::function<void()> told);
  // The recording of it ends here; what is still on its way to the disk does not count.
  void give_up(std::string_view why);

  // Nobody wants to be told any more.
  void abandon() { told_ = nullptr; }

  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] const TakenData& taken() const { return taken_; }

 private:
  struct File;

  void append(std::string_view bytes);
  void write_next();
  void on_written(const std::shared_ptr<RecordingBlock>& block);
  void on_taken(RecordingBlock& block);
  void settle_if_over();
  void forget_waiting();
  void settle();
  [[nodiscard]] std::uint64_t allowed(std::uint64_t count);

  LiveRecording& recording_;
  std::string session_;
  ChannelId channel_;
  Side from_;
  DataCourse course_;
  std::shared_ptr<File> file_;          // shared with the job that is running
  std::deque<RecordingBlock> waiting_;  // for the job to be done
  std::vector<RecordingBlock> spare_;   // written: their memory is to be used again
  std::uint64_t received_ = 0;
  std::uint64_t recorded_ = 0;  // of these, given to the disk or about to be
  bool writing_ = false;
  int hashing_ = 0;  // blocks
  bool given_up_ = false;
  bool finished_ = false;
  std::string why_;  // it ended before its end
  std::function<void()> told_;
  TakenData taken_;
};

class LiveRecording {
 public:
  // Above it, channels that are recorded are not read; each may have one more read on its way.
  static constexpr std::uint64_t kQueueMax = std::uint64_t{4} << 20U;
  // How long a disk may take nothing: not one block.
  static constexpr Duration kPatience = std::chrono::seconds(10);
  static constexpr std::string_view kStuck = "the disk took nothing for ten seconds";

  LiveRecording(uv_loop_t* loop, NewRecording& recording, const RecordLimits& limits)
      : files_(recording), limits_(limits), disk_(loop), hasher_(loop) {}

  [[nodiscard]] NewRecording& files() { return files_; }
  [[nodiscard]] bool full() const { return queued_ > kQueueMax; }
  // Bytes that the disk has taken so far, of all payloads.
  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  // `room` is called, once, when it is not full any more.
  void wait_for_room(void* who, std::function<void()> room);
  void forget(void* who) {
    std::erase_if(waiting_, [&](const auto& w) { return w.first == who; });
  }
  // Waits until all that was given is on disk, and tells those who wait for that.
  void drain() {
    while (disk_.busy() || hasher_.busy()) {
      disk_.drain();
      hasher_.drain();
    }
  }
  void close() {
    disk_.close();
    hasher_.close();
  }

 private:
  friend class PayloadWriter;

  void on_taken(std::size_t bytes);

  NewRecording& files_;
  RecordLimits limits_;
  DiskThread disk_;
  DiskThread hasher_;         // of what goes past the page cache: meanwhile the next is written
  std::uint64_t queued_ = 0;  // bytes in memory
  std::uint64_t taken_ = 0;
  std::uint64_t total_ = 0;  // bytes recorded and kept
  std::vector<std::pair<void*, std::function<void()>>> waiting_;
};

}  // namespace ftpscope
