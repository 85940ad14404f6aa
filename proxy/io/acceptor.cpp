#include "proxy/io/acceptor.h"

#include "proxy/io/live_session.h"
#include "proxy/io/socket_address.h"

namespace ftpscope {

namespace {

constexpr int kBacklog = 4096;
constexpr std::uint64_t kRetryMilliseconds = 500;

}  // namespace

std::expected<Endpoint, std::string> Acceptor::listen(const Endpoint& address) {
  address_ = address;
  const int status = listen_again();
  if (status < 0) {
    const auto hint = status == UV_EADDRINUSE ? "; stop what listens there or choose another port"
                      : status == UV_EACCES   ? "; ports below 1024 need root"
                                              : "";
    return std::unexpected("cannot listen on " + to_text(address) + ": " + uv_strerror(status) +
                           hint);
  }
  address_.port = local_endpoint(descriptor(listener_)).port;
  return address_;
}

int Acceptor::listen_again() {
  listener_ = make_tcp(worker_.loop(), this);
  int status = uv_tcp_bind(listener_.get(), to_socket_address(address_).get(), 0);
  if (status == 0) {
    status = uv_listen(stream(listener_), kBacklog, [](uv_stream_t* handle, int result) {
      static_cast<Acceptor*>(handle->data)->on_connection(result);
    });
  }
  if (status < 0) listener_.reset();
  return status;
}

void Acceptor::close() {
  listener_.reset();
  retry_.reset();
}

void Acceptor::on_connection(int status) {
  if (status < 0) {
    pause();
    return;
  }
  auto client = make_tcp(worker_.loop(), nullptr);
  if (uv_accept(stream(listener_), stream(client)) != 0) return;
  const auto refused = refusal(peer_endpoint(descriptor(client)).ip);
  LiveSession::start(worker_, locator_, std::move(client), refused);
}

std::string_view Acceptor::refusal(const IpAddress& client) const {
  if (draining_) return "The proxy is shutting down.";
  if (limits_.sessions != 0 && worker_.session_count() >= limits_.sessions) {
    return "Too many sessions, try again later.";
  }
  if (limits_.sessions_per_client != 0 &&
      worker_.session_count(client) >= limits_.sessions_per_client) {
    return "Too many sessions from your address.";
  }
  if (!worker_.has_room_for_session()) return "No descriptors are free, try again later.";
  return {};
}

void Acceptor::pause() {
  listener_.reset();
  if (!retry_) retry_ = make_timer(worker_.loop(), this);
  uv_timer_start(
      retry_.get(),
      [](uv_timer_t* timer) {
        auto* acceptor = static_cast<Acceptor*>(timer->data);
        if (acceptor->listen_again() < 0) acceptor->pause();
      },
      kRetryMilliseconds, 0);
}

}  // namespace ftpscope
