#include "proxy/io/acceptor.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "proxy/io/control_leg.h"
#include "proxy/io/listening_socket.h"
#include "proxy/io/live_session.h"
#include "proxy/io/socket_address.h"
#include "proxy/io/transparent_socket.h"

namespace ftpscope {

namespace {

constexpr std::uint64_t kRetryMilliseconds = 500;

}  // namespace

Acceptor::Acceptor(Worker& worker, ServerLocator& locator, const AcceptLimits& limits,
                   ProxyMode::Kind kind, Descriptor socket)
    : worker_(worker),
      locator_(locator),
      limits_(limits),
      kind_(kind),
      socket_(std::move(socket)),
      address_(local_endpoint(socket_->get())) {}

std::expected<Endpoint, std::string> Acceptor::listen() {
  const int status = listen_again();
  if (status < 0) return std::unexpected(cannot_listen(address_, -status));
  return address_;
}

// The handle gets a descriptor of its own to close; the socket stays.
int Acceptor::listen_again() {
  listener_ = make_tcp(worker_.loop(), this);
  const int fd = fcntl(socket_->get(), F_DUPFD_CLOEXEC, 0);
  int status = fd < 0 ? UV_EMFILE : uv_tcp_open(listener_.get(), fd);
  if (status == 0) {
    configure_control(listener_, worker_.options().tcp_keepalive);
    status = uv_listen(stream(listener_), kBacklog, [](uv_stream_t* handle, int result) {
      static_cast<Acceptor*>(handle->data)->on_connection(result);
    });
  }
  if (status < 0) listener_.reset();
  return status;
}

void Acceptor::close() {
  listener_.reset();
  socket_.reset();
  retry_.reset();
  waits_.clear();
}

void Acceptor::on_connection(int status) {
  if (status < 0) {
    pause();
    return;
  }
  auto client = make_tcp(worker_.loop(), nullptr);
  if (uv_accept(stream(listener_), stream(client)) != 0) return;
  const auto arrival = arrival_of(descriptor(client));
  if (worker_.options().balancing.is_balancer(arrival.client.ip)) {
    await_header(std::move(client));
    return;
  }
  LiveSession::start(worker_, locator_,
                     {.tcp = std::move(client), .arrival = arrival, .refused = refusal(arrival)});
}

// Whose session it is to be is known when the header has come; only then do limits of one client
// apply.
void Acceptor::await_header(UvPtr<uv_tcp_t> client) {
  if (waits_.size() >= AcceptLimits::kHeaderWaitsMax || !worker_.has_room_for_session()) {
    const auto arrival = arrival_of(descriptor(client));
    LiveSession::start(worker_, locator_,
                       {.tcp = std::move(client),
                        .arrival = arrival,
                        .refused = "Too many connections, try again later."});
    return;
  }
  waits_.push_back(std::make_shared<HeaderWait>(worker_, std::move(client),
                                                [this](HeaderWait& wait) { on_header(wait); }));
}

void Acceptor::on_header(HeaderWait& wait) {
  const auto found = std::ranges::find(waits_, &wait, &std::shared_ptr<HeaderWait>::get);
  worker_.bury(std::move(*found));
  waits_.erase(found);
  LiveSession::Newcomer newcomer{.tcp = wait.take_tcp()};
  auto& arrival = newcomer.arrival;
  arrival = arrival_of(descriptor(newcomer.tcp));
  if (wait.reading().state == ProxyHeaderReading::State::complete) {
    arrival.balancer = arrival.client;
    if (const auto& connection = wait.reading().header.connection) {
      arrival.client = connection->from;
      arrival.reached = connection->to;
    }
    newcomer.early = wait.early();
    newcomer.refused = refusal(arrival);
  } else {
    const auto [finding, detail] = wait.refusal();
    newcomer.finding = finding;
    newcomer.detail = detail;
    newcomer.refused = finding == FindingId::proxy_header_missing
                           ? "A PROXY header is expected from your address."
                           : "Your PROXY header cannot be read.";
  }
  LiveSession::start(worker_, locator_, std::move(newcomer));
}

Arrival Acceptor::arrival_of(int fd) const {
  const auto local = local_endpoint(fd);
  Arrival arrival{peer_endpoint(fd), local, local, uses_tproxy(kind_),
                  kind_ == ProxyMode::Kind::tproxy};
  // One that conntrack does not know was not redirected: then the destination is ours.
  if (kind_ == ProxyMode::Kind::transparent) {
    arrival.destination = original_destination(fd, arrival.client.ip.v6).value_or(local);
  }
  return arrival;
}

// Both ends are in this process.
bool Acceptor::is_ours(const Arrival& arrival) const {
  const auto servers = worker_.connected_from(arrival.balancer.value_or(arrival.client));
  return std::ranges::any_of(servers, [&arrival](const Endpoint& server) {
    return server == arrival.proxy || server == arrival.destination;
  });
}

std::string_view Acceptor::refusal(const Arrival& arrival) const {
  if (draining_) return "The proxy is shutting down.";
  if (is_transparent(kind_) && arrival.destination.port == address_.port &&
      is_own_address(arrival.destination.ip)) {
    return "This is a proxy for connections that are redirected to it; yours was not.";
  }
  if (is_ours(arrival)) return "The proxy has connected to itself.";
  if (limits_.sessions != 0 && worker_.session_count() >= limits_.sessions) {
    return "Too many sessions, try again later.";
  }
  if (limits_.sessions_per_client != 0 &&
      worker_.session_count(arrival.client.ip) >= limits_.sessions_per_client) {
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
