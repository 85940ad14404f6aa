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

ReplayData::ReplayData(Worker& worker, const DataSocket::Peers& peers, Tell tell)
    : worker_(worker),
      tell_(std::move(tell)),
      socket_(worker.loop(), peers, [this](int status) { on_socket(status); }) {
  budgeted_ = worker_.take_descriptors(kDescriptors);
}

ReplayData::~ReplayData() {
  if (budgeted_) worker_.give_descriptors(kDescriptors);
}

std::uint16_t ReplayData::listen() {
  return budgeted_ ? socket_.listen(worker_.options().data_ports) : 0;
}

void ReplayData::connect(std::uint16_t port) {
  hopeless_ = !budgeted_ || socket_.connect(port) != 0;
}

void ReplayData::on_socket(int status) {
  if (status == 0) {
    totals_.leg = socket_.leg();
    totals_.connected = worker_.now();
    socket_.tcp()->data = this;
    start_if_ready();
  } else if (job_ == Job::none) {
    hopeless_ = true;
  } else {
    fail(status == UV_ECONNREFUSED ? ChannelEnd::refused : ChannelEnd::connect_failed, {});
  }
}

void ReplayData::send(const std::string& folder, const ScriptPayload& payload,
                      const replay::Transfer& transfer) {
  payload_ = &payload;
  position_ = transfer.skip;
  speed_ = transfer.speed;
  const bool known = transfer.skip == 0 && payload.unrecorded == 0 && !payload.sha256.empty();
  if (!known) hash_.emplace();
  hopeless_ = hopeless_ || !source_.open(folder, payload, transfer.skip);
  begin(Job::send);
}

void ReplayData::receive(const std::string& folder, const ScriptPayload& recorded) {
  payload_ = &recorded;
  comparison_.emplace(folder, recorded);
  hash_.emplace();
  begin(Job::receive);
}

void ReplayData::begin(Job job) {
  job_ = job;
  watch(kConnectMilliseconds);
  if (hopeless_) {
    fail(ChannelEnd::connect_failed, {});
  } else {
    start_if_ready();
  }
}

void ReplayData::start_if_ready() {
  if (!socket_.connected() || over_) return;
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
    count == 0 ? finish_sending() : fail(ChannelEnd::rst, Side::server);
    return;
  }
  const std::string_view bytes(chunk->bytes.data(), static_cast<std::size_t>(count));
  if (hash_) hash_->add(bytes);
  totals_.moved(bytes.size(), worker_.now());
  position_ += static_cast<std::uint64_t>(count);
  chunk->request.data = chunk.get();
  auto buffer = uv_buf_init(chunk->bytes.data(), static_cast<unsigned>(count));
  const int status = uv_write(&chunk->request, stream(socket_.tcp()), &buffer, 1,
                              [](uv_write_t* request, int result) {
                                std::unique_ptr<Chunk> done(static_cast<Chunk*>(request->data));
                                auto* data = owner_of<ReplayData>(request->handle);
                                if (!data) return;
                                data->spare_ = std::move(done);
                                data->on_sent(result);
                              });
  if (status == 0) {
    static_cast<void>(chunk.release());  // the callback has it now
  } else {
    fail(ChannelEnd::rst, Side::client);
  }
}

void ReplayData::on_sent(int status) {
  if (status == 0) {
    send_chunk();
  } else {
    fail(ChannelEnd::rst, Side::client);
  }
}

// Bytes that may be sent now, at the recorded rate.
std::uint64_t ReplayData::allowed() const {
  constexpr auto kAll = std::numeric_limits<std::uint64_t>::max();
  const auto& course = payload_->course;
  if (speed_ <= 0 || course.empty() || position_ >= course.back().bytes) return kAll;
  const auto recorded = static_cast<double>((worker_.now() - *totals_.connected).count()) * speed_;
  if (recorded >= static_cast<double>(course.back().since.count())) return kAll;
  const auto by_now = bytes_by(course, Duration(static_cast<Duration::rep>(recorded)));
  return by_now - std::min(by_now, position_);
}

void ReplayData::pause() {
  const auto recorded = static_cast<double>(time_of(payload_->course, position_ + 1).count());
  const auto due =
      std::min(recorded / speed_, static_cast<double>(ServerReplay::kPauseMax.count()));
  const auto left = *totals_.connected + Duration(static_cast<Duration::rep>(due)) - worker_.now();
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
    finish(ChannelEnd::fin, Side::server);
  }
}

void ReplayData::reset_when_delivered() {
  int left = 0;
  const bool waits = ioctl(descriptor(socket_.tcp()), SIOCOUTQ, &left) == 0 && left > 0;
  if (!waits || ++delivery_checks_ > kDeliveryChecks) {
    reset();
    return;
  }
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) { static_cast<ReplayData*>(timer->data)->reset_when_delivered(); },
      kDeliveryMilliseconds, 0);
}

void ReplayData::reset() {
  const linger none{1, 0};
  setsockopt(descriptor(socket_.tcp()), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  finish(ChannelEnd::rst, Side::server);
}

void ReplayData::start_reading() {
  watch(kStallMilliseconds);
  const int status = uv_read_start(
      stream(socket_.tcp()),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        *buffer = static_cast<ReplayData*>(handle->data)->worker_.read_buffer(kChunk);
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        static_cast<ReplayData*>(handle->data)->on_read(count, *buffer);
      });
  if (status != 0) fail(ChannelEnd::rst, Side::client);
}

void ReplayData::on_read(ssize_t count, const uv_buf_t& buffer) {
  if (count > 0) {
    watch(kStallMilliseconds);
    const std::string_view bytes(buffer.base, static_cast<std::size_t>(count));
    hash_->add(bytes);
    totals_.moved(bytes.size(), worker_.now());
    comparison_->add(bytes);
    if (payload_->reset && totals_.bytes >= payload_->bytes) reset();
  } else if (count < 0) {
    const bool reset = is_reset(count, socket_.tcp());
    reset ? fail(ChannelEnd::rst, Side::client) : finish(ChannelEnd::fin, Side::client);
  }
}

void ReplayData::watch(std::uint64_t milliseconds) {
  if (!timer_) timer_ = make_timer(worker_.loop(), this);
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) {
        auto* data = static_cast<ReplayData*>(timer->data);
        data->fail(data->socket_.connected() ? ChannelEnd::timeout : ChannelEnd::never_connected,
                   {});
      },
      milliseconds, 0);
}

// As recorded, as far as this side can tell.
void ReplayData::finish(ChannelEnd how, Side closed_first) {
  totals_.closed_first = closed_first;
  totals_.sha256 = hash_ ? hash_->finish() : payload_->sha256;
  if (totals_.bytes == 0) totals_.sha256.clear();
  close(how);
  tell_(replay::DataEnded{comparison_ ? comparison_->finish(totals_.sha256) : ""});
}

void ReplayData::fail(ChannelEnd how, std::optional<Side> closed_first) {
  totals_.closed_first = closed_first;
  close(how);
  tell_(replay::DataFailed{totals_.leg.has_value()});
}

void ReplayData::close(ChannelEnd how) {
  if (std::exchange(over_, true)) return;
  totals_.how = how;
  if (socket_.connected() && !totals_.closed_first) totals_.closed_first = Side::server;
  socket_.close();
  timer_.reset();
}

}  // namespace ftpscope
