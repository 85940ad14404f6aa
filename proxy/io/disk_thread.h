// One thread that writes to disk, so that a slow disk does not stop the event loop. Not libuv's
// pool: slow DNS look-ups fill it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "proxy/io/uv_ptr.h"

namespace ftpscope {

class DiskThread {
 public:
  explicit DiskThread(uv_loop_t* loop);
  DiskThread(const DiskThread&) = delete;
  DiskThread& operator=(const DiskThread&) = delete;
  ~DiskThread() { close(); }

  // `work` is done on the thread, one after the other; then `done` on the loop. The two share
  // nothing with the rest but what they are given.
  void run(std::function<void()> work, std::function<void()> done);
  // Something was given that is not followed by its `done` yet.
  [[nodiscard]] bool busy() const { return unfinished_ > 0; }
  // Waits for what was given, and does now what is to follow it.
  void drain();
  // Waits for what was given, forgets what is to follow it, and closes the loop's handle.
  void close();

 private:
  struct Job {
    std::function<void()> work;
    std::function<void()> done;
  };

  void work();
  void finish_jobs();

  std::mutex mutex_;  // guards the next three
  std::deque<Job> jobs_;
  std::vector<Job> finished_;
  bool stop_ = false;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::size_t unfinished_ = 0;  // jobs; the loop's
  UvPtr<uv_async_t> async_;
  std::thread thread_;
};

}  // namespace ftpscope
