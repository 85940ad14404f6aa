#include "proxy/io/header_wait.h"

#include <utility>

#include "proxy/io/socket_address.h"

namespace ftpscope {

HeaderWait::HeaderWait(Worker& worker, UvPtr<uv_tcp_t> tcp, Tell tell)
    : worker_(worker),
      tcp_(std::move(tcp)),
      timer_(make_timer(worker.loop(), this)),
      tell_(std::move(tell)),
      balancer_(peer_endpoint(descriptor(tcp_))) {
  worker_.use_descriptors(1);
  tcp_->data = this;
  uv_read_start(
      stream(tcp_),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto& loop_worker = static_cast<HeaderWait*>(handle->data)->worker_;
        *buffer = loop_worker.read_buffer(WorkerOptions::kControlRead);
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        static_cast<HeaderWait*>(handle->data)->on_read(count, *buffer);
      });
  const auto timeout = worker_.options().proxy_header_timeout;
  if (timeout == Duration::zero()) return;
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<HeaderWait*>(timer->data)->tell(); },
      static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(timeout).count()), 0);
}

HeaderWait::~HeaderWait() { worker_.give_descriptors(1); }

void HeaderWait::on_read(ssize_t count, const uv_buf_t& buffer) {
  if (count == 0) return;
  closed_ = count < 0;
  if (count > 0) {
    bytes_.append(buffer.base, static_cast<std::size_t>(count));
    reading_ = read_proxy_header(bytes_);
    if (reading_.state == ProxyHeaderReading::State::more) return;
  }
  tell();
}

void HeaderWait::tell() {
  uv_read_stop(stream(tcp_));
  timer_.reset();
  tell_(*this);
}

HeaderWait::Refusal HeaderWait::refusal() const {
  using enum ProxyHeaderReading::State;
  switch (reading_.state) {
    case malformed: return {FindingId::proxy_header_malformed, reading_.why};
    case absent: return {FindingId::proxy_header_missing, "it began with something else"};
    case more:
    case complete: break;
  }
  return {FindingId::proxy_header_missing, closed_ ? "it was closed" : "it did not come in time"};
}

std::string_view HeaderWait::early() const {
  return std::string_view(bytes_).substr(reading_.size);
}

}  // namespace ftpscope
