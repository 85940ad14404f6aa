#include "proxy/io/disk_thread.h"

#include <utility>

namespace ftpscope {

DiskThread::DiskThread(uv_loop_t* loop) : async_(new uv_async_t) {
  uv_async_init(loop, async_.get(),
                [](uv_async_t* async) { static_cast<DiskThread*>(async->data)->finish_jobs(); });
  async_->data = this;
  thread_ = std::thread([this] { work(); });
}

void DiskThread::run(std::function<void()> work, std::function<void()> done) {
  ++unfinished_;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(work), std::move(done)});
  }
  wake_.notify_one();
}

void DiskThread::work() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.work();
    const std::lock_guard lock(mutex_);
    finished_.push_back(std::move(job));
    done_.notify_one();
    uv_async_send(async_.get());
  }
}

void DiskThread::finish_jobs() {
  std::vector<Job> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (const auto& job : finished) {
    --unfinished_;
    job.done();
  }
}

void DiskThread::drain() {
  while (busy()) {
    {
      std::unique_lock lock(mutex_);
      done_.wait(lock, [this] { return !finished_.empty(); });
    }
    finish_jobs();
  }
}

void DiskThread::close() {
  if (!async_) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  async_.reset();
}

}  // namespace ftpscope
