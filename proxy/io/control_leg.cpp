#include "proxy/io/control_leg.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <memory>
#include <utility>

#include "proxy/io/worker.h"

namespace ftpscope {

struct ControlLeg::Write {
  uv_write_t request{};
  std::string bytes;
};

void configure_control(const UvPtr<uv_tcp_t>& tcp, unsigned keepalive) {
  uv_tcp_nodelay(tcp.get(), 1);
  if (keepalive != 0) keep_alive(tcp, keepalive);
  // Without this the last byte of an urgent "ABOR\r\n" is taken out of the stream and lost.
  const int on = 1;
  setsockopt(descriptor(tcp), SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
}

void ControlLeg::adopt(UvPtr<uv_tcp_t> tcp) {
  close();  // another one was here before
  urgent_next_ = ended_ = finish_when_written_ = finished_ = false;
  tcp_ = std::move(tcp);
  tcp_->data = this;
}

void ControlLeg::read(bool wanted) {
  wanted = wanted && tcp_ && !ended_;
  if (wanted == reading_) return;
  reading_ = wanted;
  if (wanted) {
    start_reading();
  } else if (tcp_) {
    uv_read_stop(stream(tcp_));
  }
}

void ControlLeg::start_reading() {
  uv_read_start(
      stream(tcp_),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto* leg = static_cast<ControlLeg*>(handle->data);
        // A read stops in front of the urgent byte, so that here it would be the first of the next.
        // Only a client has something urgent to say (RFC 959 4.1.3).
        leg->urgent_next_ = leg->side_ == Side::client && sockatmark(leg->fd()) == 1;
        *buffer = leg->owner_.read_buffer(WorkerOptions::kControlRead);
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        static_cast<ControlLeg*>(handle->data)->on_read(count, *buffer);
      });
}

void ControlLeg::on_read(ssize_t count, const uv_buf_t& buffer) {
  if (count > 0) {
    const std::string_view bytes(buffer.base, static_cast<std::size_t>(count));
    owner_.feed(event::Received{side_, bytes, urgent_next_});
    return;
  }
  if (count == 0) return;
  ended_ = true;
  reading_ = false;
  uv_read_stop(stream(tcp_));
  owner_.feed(event::Closed{side_, is_reset(count, tcp_)});
}

std::size_t ControlLeg::try_write(std::string_view bytes) {
  if (bytes.empty()) return 0;
  auto buffer = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  const int written = uv_try_write(stream(tcp_), &buffer, 1);
  // A broken connection shows when it is read; what is written to it goes nowhere.
  return written == UV_EAGAIN ? 0 : written < 0 ? bytes.size() : static_cast<std::size_t>(written);
}

void ControlLeg::write(std::string_view bytes, std::optional<std::size_t> urgent) {
  if (!tcp_ || finished_ || bytes.empty()) return;
  if (!queue_ && !urgent) bytes.remove_prefix(try_write(bytes));
  if (!bytes.empty()) queue(bytes, urgent);
}

void ControlLeg::queue(std::string_view bytes, std::optional<std::size_t> urgent) {
  if (!queue_) queue_ = std::make_unique<Queue>();
  if (urgent) queue_->urgent = queue_->waiting.size() + *urgent;
  queue_->waiting.append(bytes);
  if (queue_->in_flight == 0) flush_waiting();
}

// One write at a time is given to libuv. The urgent byte is sent by itself, when all before it has
// gone.
void ControlLeg::flush_waiting() {
  auto& [in_flight, waiting, urgent] = *queue_;
  if (urgent == 0U) {
    const auto sent = send(fd(), waiting.data(), 1, MSG_OOB | MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == 1) waiting.erase(0, 1);
    urgent.reset();  // no room for it now: it goes as a plain byte rather than not at all
  }
  if (waiting.empty()) {
    queue_.reset();
    return;
  }
  const auto length = urgent.value_or(waiting.size());
  auto write = std::make_unique<Write>();
  write->bytes = waiting.substr(0, length);
  write->request.data = write.get();
  waiting.erase(0, length);
  if (urgent) urgent = 0;
  auto buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(length));
  const auto written = [](uv_write_t* request, int status) {
    const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
    if (auto* leg = owner_of<ControlLeg>(request->handle)) leg->on_written(status);
  };
  if (uv_write(&write->request, stream(tcp_), &buffer, 1, written) < 0) {
    queue_.reset();
    return;
  }
  in_flight = length;
  static_cast<void>(write.release());  // the callback has it now
}

void ControlLeg::on_written(int status) {
  if (status < 0) {
    queue_.reset();
  } else {
    queue_->in_flight = 0;
    flush_waiting();
  }
  if (queue_) return;
  if (finish_when_written_) finish_now();
  owner_.on_leg_written();
}

void ControlLeg::finish() {
  finish_when_written_ = true;
  if (!queue_) finish_now();
}

void ControlLeg::finish_now() {
  if (!tcp_ || finished_) return;
  finished_ = true;
  shutdown(fd(), SHUT_WR);
}

void ControlLeg::close() {
  reading_ = false;
  tcp_.reset();
  queue_.reset();
}

void ControlLeg::reset() {
  if (!tcp_) return;
  const linger none{1, 0};
  setsockopt(fd(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close();
}

}  // namespace ftpscope
