#include "proxy/io/replay_data.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "proxy/io/socket_address.h"

namespace ftpscope {

struct ReplayData::Chunk {
  uv_write_t request{};
  std::array<char, kChunk> bytes{};
};

ReplayData::ReplayData(Worker& worker, const Peers& peers, Tell tell)
    : worker_(worker), peers_(peers), tell_(std::move(tell)) {
  budgeted_ = worker_.take_descriptors(kDescriptors);
}

ReplayData::~ReplayData() {
  if (budgeted_) worker_.give_descriptors(kDescriptors);
}

std::uint16_t ReplayData::listen() {
  if (!budgeted_) return 0;
  const auto ports = worker_.options().data_ports;
  auto listening = listen_at(worker_.loop(), this, {peers_.here, ports, ports.low},
                             [](uv_stream_t* handle, int status) {
                               static_cast<ReplayData*>(handle->data)->on_connection(status);
                             });
  if (!listening) return 0;
  listener_ = std::move(*listening);
  return local_endpoint(descriptor(listener_)).port;
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
  on_connection_made();
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
  if (status == 0) {
    on_connection_made();
  } else {
    tcp_.reset();
    if (job_ != Job::none) end(replay::DataFailed{});
  }
}

void ReplayData::on_connection_made() {
  connected_ = true;
  connected_at_ = worker_.now();
  start_if_ready();
}

void ReplayData::send(const std::string& folder, const ScriptPayload& payload, std::uint64_t skip,
                      double speed) {
  payload_ = &payload;
  position_ = skip;
  speed_ = speed;
  if (!budgeted_ || !source_.open(folder, payload, skip)) close();
  begin(Job::send);
}

void ReplayData::receive(const std::string& folder, const ScriptPayload& recorded) {
  payload_ = &recorded;
  comparison_.emplace(folder, recorded);
  begin(Job::receive);
}

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
  const auto most = allowed();
  if (most == 0) {
    pause();
    return;
  }
  auto chunk = spare_ ? std::move(spare_) : std::make_unique<Chunk>();
  const auto size = std::min<std::uint64_t>(chunk->bytes.size(), most);
  const auto count = source_.read(chunk->bytes.data(), static_cast<std::size_t>(size));
  if (count <= 0) {
    count == 0 ? finish_sending() : end(replay::DataFailed{true});
    return;
  }
  position_ += static_cast<std::uint64_t>(count);
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

// Bytes that may be sent now, at the recorded rate.
std::uint64_t ReplayData::allowed() const {
  constexpr auto kAll = std::numeric_limits<std::uint64_t>::max();
  const auto& course = payload_->course;
  if (speed_ <= 0 || course.empty() || position_ >= course.back().bytes) return kAll;
  const auto recorded = static_cast<double>((worker_.now() - connected_at_).count()) * speed_;
  if (recorded >= static_cast<double>(course.back().since.count())) return kAll;
  const auto by_now = bytes_by(course, Duration(static_cast<Duration::rep>(recorded)));
  return by_now - std::min(by_now, position_);
}

void ReplayData::pause() {
  const auto recorded = static_cast<double>(time_of(payload_->course, position_ + 1).count());
  const auto due =
      std::min(recorded / speed_, static_cast<double>(ServerReplay::kPauseMax.count()));
  const auto left = connected_at_ + Duration(static_cast<Duration::rep>(due)) - worker_.now();
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<ReplayData*>(timer->data)->send_chunk(); },
      static_cast<std::uint64_t>(std::max<std::int64_t>(wait, 1)), 0);
}

// All that was written has been taken by the kernel, which delivers it after the close as well. A
// reset would drop it: that waits until the client has it.
void ReplayData::finish_sending() {
  if (payload_->reset) {
    reset_when_delivered();
  } else {
    end(replay::DataEnded{});
  }
}

void ReplayData::reset_when_delivered() {
  int left = 0;
  const bool waits = ioctl(descriptor(tcp_), SIOCOUTQ, &left) == 0 && left > 0;
  if (!waits || ++delivery_checks_ > kDeliveryChecks) {
    end_by_reset(replay::DataEnded{});
    return;
  }
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) { static_cast<ReplayData*>(timer->data)->reset_when_delivered(); },
      kDeliveryMilliseconds, 0);
}

void ReplayData::end_by_reset(const replay::Event& event) {
  const linger none{1, 0};
  setsockopt(descriptor(tcp_), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  end(event);
}

void ReplayData::end_upload() { end(replay::DataEnded{comparison_->finish()}); }

void ReplayData::start_reading() {
  watch(kStallMilliseconds);
  const int status = uv_read_start(
      stream(tcp_),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        *buffer = static_cast<ReplayData*>(handle->data)->worker_.read_buffer(kChunk);
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        static_cast<ReplayData*>(handle->data)->on_read(count, *buffer);
      });
  if (status != 0) end(replay::DataFailed{true});
}

void ReplayData::on_read(ssize_t count, const uv_buf_t& buffer) {
  if (count > 0) {
    watch(kStallMilliseconds);
    comparison_->add({buffer.base, static_cast<std::size_t>(count)});
    const bool broken_here = payload_->reset && comparison_->received() >= payload_->bytes;
    if (broken_here) end_by_reset(replay::DataEnded{comparison_->finish()});
  } else if (count == UV_EOF) {
    end_upload();
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
