#include "proxy/io/replay_data.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "proxy/io/socket_address.h"

namespace ftpscope {

namespace {

constexpr int kBacklog = 16;  // strangers may stand in front of the client

}  // namespace

struct ReplayData::Chunk {
  uv_write_t request{};
  std::array<char, kChunk> bytes{};
};

bool PayloadSource::open(const std::string& path) {
  // Not through a link, and not waiting for the writer of a pipe.
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat info{};
  return fd_ >= 0 && fstat(fd_, &info) == 0 && S_ISREG(info.st_mode);
}

PayloadSource::~PayloadSource() {
  if (fd_ >= 0) ::close(fd_);
}

ssize_t PayloadSource::read(char* buffer, std::size_t size) {
  if (fd_ >= 0) return ::read(fd_, buffer, size);
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size, filler_));
  std::fill_n(buffer, count, '.');
  filler_ -= count;
  return static_cast<ssize_t>(count);
}

ReplayData::ReplayData(Worker& worker, const Peers& peers, Tell tell)
    : worker_(worker), peers_(peers), tell_(std::move(tell)) {
  budgeted_ = worker_.take_descriptors(kDescriptors);
}

ReplayData::~ReplayData() {
  if (budgeted_) worker_.give_descriptors(kDescriptors);
}

std::uint16_t ReplayData::listen() {
  if (!budgeted_) return 0;
  listener_ = make_tcp(worker_.loop(), this);
  const auto address = to_socket_address({peers_.here, 0});
  const bool listens = uv_tcp_bind(listener_.get(), address.get(), 0) == 0 &&
                       uv_listen(stream(listener_), kBacklog, [](uv_stream_t* handle, int status) {
                         static_cast<ReplayData*>(handle->data)->on_connection(status);
                       }) == 0;
  if (!listens) listener_.reset();
  return listens ? local_endpoint(descriptor(listener_)).port : 0;
}

void ReplayData::on_connection(int status) {
  if (status < 0) {
    // Out of descriptors: asked again at once, libuv would try for ever.
    listener_.reset();
    if (job_ != Job::none) end(replay::DataFailed{});
    return;
  }
  auto tcp = make_tcp(worker_.loop(), this);
  if (uv_accept(stream(listener_), stream(tcp)) != 0) return;
  if (peer_endpoint(descriptor(tcp)).ip != peers_.client) return;
  listener_.reset();
  tcp_ = std::move(tcp);
  connected_ = true;
  start_if_ready();
}

void ReplayData::connect(std::uint16_t port) {
  tcp_ = make_tcp(worker_.loop(), this);
  // The client knows the server by this address.
  uv_tcp_bind(tcp_.get(), to_socket_address({peers_.here, 0}).get(), 0);
  auto request = std::make_unique<uv_connect_t>();
  const auto address = to_socket_address({peers_.client, port});
  const int status =
      uv_tcp_connect(request.get(), tcp_.get(), address.get(), [](uv_connect_t* done, int result) {
        const std::unique_ptr<uv_connect_t> owned(done);
        if (auto* data = owner_of<ReplayData>(done->handle)) data->on_connected(result);
      });
  if (status == 0) {
    static_cast<void>(request.release());  // the callback has it now
  } else {
    tcp_.reset();  // begin() tells
  }
}

void ReplayData::on_connected(int status) {
  connected_ = status == 0;
  if (connected_) {
    start_if_ready();
  } else {
    tcp_.reset();
    if (job_ != Job::none) end(replay::DataFailed{});
  }
}

void ReplayData::send(const std::string& folder, const ScriptPayload& payload) {
  const bool ready =
      budgeted_ && (payload.file.empty() || source_.open(folder + "/" + payload.file));
  if (payload.file.empty()) source_.fill(payload.bytes);
  if (!ready) close();
  begin(Job::send);
}

void ReplayData::receive() { begin(Job::receive); }

void ReplayData::begin(Job job) {
  job_ = job;
  watch(kConnectMilliseconds);
  if (!tcp_ && !listener_) {
    end(replay::DataFailed{});
  } else {
    start_if_ready();
  }
}

void ReplayData::start_if_ready() {
  if (!connected_) return;
  switch (job_) {
    case Job::none: return;
    case Job::send: send_chunk(); return;
    case Job::receive: start_reading(); return;
  }
}

void ReplayData::send_chunk() {
  watch(kStallMilliseconds);
  auto chunk = spare_ ? std::move(spare_) : std::make_unique<Chunk>();
  const auto count = source_.read(chunk->bytes.data(), chunk->bytes.size());
  if (count <= 0) {
    count == 0 ? finish_sending() : end(replay::DataFailed{true});
    return;
  }
  chunk->request.data = chunk.get();
  auto buffer = uv_buf_init(chunk->bytes.data(), static_cast<unsigned>(count));
  const int status =
      uv_write(&chunk->request, stream(tcp_), &buffer, 1, [](uv_write_t* request, int result) {
        std::unique_ptr<Chunk> done(static_cast<Chunk*>(request->data));
        auto* data = owner_of<ReplayData>(request->handle);
        if (!data) return;
        data->spare_ = std::move(done);
        data->on_sent(result);
      });
  if (status == 0) {
    static_cast<void>(chunk.release());  // the callback has it now
  } else {
    end(replay::DataFailed{true});
  }
}

void ReplayData::on_sent(int status) {
  if (status == 0) {
    send_chunk();
  } else {
    end(replay::DataFailed{true});
  }
}

// All that was written has been taken by the kernel, which delivers it after the close as well.
void ReplayData::finish_sending() { end(replay::DataEnded{}); }

void ReplayData::start_reading() {
  watch(kStallMilliseconds);
  const int status = uv_read_start(
      stream(tcp_),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        *buffer = static_cast<ReplayData*>(handle->data)->worker_.read_buffer(kChunk);
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t*) {
        static_cast<ReplayData*>(handle->data)->on_read(count);
      });
  if (status != 0) end(replay::DataFailed{true});
}

void ReplayData::on_read(ssize_t count) {
  if (count > 0) {
    watch(kStallMilliseconds);
  } else if (count == UV_EOF) {
    end(replay::DataEnded{});
  } else if (count < 0) {
    end(replay::DataFailed{true});
  }
}

void ReplayData::watch(std::uint64_t milliseconds) {
  if (!timer_) timer_ = make_timer(worker_.loop(), this);
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) {
        auto* data = static_cast<ReplayData*>(timer->data);
        data->end(replay::DataFailed{data->connected_});
      },
      milliseconds, 0);
}

void ReplayData::end(const replay::Event& event) {
  close();
  tell_(event);
}

void ReplayData::close() {
  listener_.reset();
  tcp_.reset();
  timer_.reset();
}

}  // namespace ftpscope
