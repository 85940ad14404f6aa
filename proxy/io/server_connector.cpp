#include "proxy/io/server_connector.h"

#include <algorithm>
#include <utility>

#include "proxy/io/socket_address.h"

namespace ftpscope {

void ServerConnector::connect(std::vector<HostPort> servers, Hooks hooks) {
  hooks_ = std::move(hooks);
  std::ranges::reverse(servers);
  servers_ = std::move(servers);
  timer_ = make_timer(loop_, this);
  next();
}

void ServerConnector::next() { candidates_.empty() ? next_server() : next_address(); }

void ServerConnector::next_server() {
  if (servers_.empty()) {
    fail({Failure::Kind::not_found, HostPort{}, Endpoint{}, "no server is known"});
    return;
  }
  server_ = std::move(servers_.back());
  servers_.pop_back();
  start_timer();
  looking_up_ = std::make_shared<bool>(true);
  const std::weak_ptr<bool> awaited = looking_up_;
  look_up(loop_, server_, [this, awaited](const auto& found) {
    if (!awaited.expired()) on_located(found);
  });
}

void ServerConnector::on_located(
    const std::expected<std::vector<Endpoint>, std::string_view>& found) {
  looking_up_.reset();
  if (!found || found->empty()) {
    fail(
        {Failure::Kind::not_found, server_, {}, found ? "no address" : std::string(found.error())});
    return;
  }
  auto addresses = *found;
  addresses.resize(std::min(addresses.size(), kAddressesMax));
  const auto why = hooks_.screen ? hooks_.screen(server_, addresses) : std::string{};
  candidates_.assign(addresses.rbegin(), addresses.rend());
  if (why.empty()) {
    next_address();
  } else {
    fail({Failure::Kind::screened, server_, {}, why});
  }
}

void ServerConnector::next_address() {
  tried_ = candidates_.back();
  candidates_.pop_back();
  tcp_ = hooks_.make_socket ? hooks_.make_socket(this) : make_tcp(loop_, this);
  auto request = std::make_unique<uv_connect_t>();
  const auto address = to_socket_address(tried_);
  const int status =
      uv_tcp_connect(request.get(), tcp_.get(), address.get(), [](uv_connect_t* done, int result) {
        const std::unique_ptr<uv_connect_t> owned(done);
        auto* connector = owner_of<ServerConnector>(done->handle);
        if (connector) connector->on_connected(result);
      });
  if (status != 0) {
    on_connected(status);
    return;
  }
  static_cast<void>(request.release());  // the callback has it now
  start_timer();
  if (!hooks_.from || hooks_.from(local_endpoint(descriptor(tcp_)), tried_)) return;
  candidates_.push_back(tried_);
  next_address();
}

void ServerConnector::start_timer() {
  if (timeout_ == Duration::zero()) return;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(timeout_).count();
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) { static_cast<ServerConnector*>(timer->data)->on_timeout(); },
      static_cast<std::uint64_t>(wait), 0);
}

void ServerConnector::on_timeout() {
  if (looking_up_) {
    looking_up_.reset();
    fail({Failure::Kind::not_found, server_, {}, uv_strerror(UV_ETIMEDOUT)});
  } else {
    on_connected(UV_ETIMEDOUT);
  }
}

void ServerConnector::on_connected(int status) {
  if (status == 0) {
    timer_.reset();
    hooks_.done(Reached{std::move(tcp_), std::move(server_), tried_});
    return;
  }
  tcp_.reset();
  fail({Failure::Kind::not_connected, server_, tried_, uv_strerror(status)});
}

void ServerConnector::fail(Failure failure) {
  uv_timer_stop(timer_.get());
  if (candidates_.empty() && servers_.empty()) {
    timer_.reset();
    hooks_.done(std::unexpected(std::move(failure)));
    return;
  }
  if (hooks_.passed_over) hooks_.passed_over(failure);
  next();
}

std::string to_sentence(const ServerConnector::Failure& failure) {
  switch (failure.kind) {
    case ServerConnector::Failure::Kind::not_found:
      return "cannot find the server '" + failure.server.host + "': " + failure.why;
    case ServerConnector::Failure::Kind::screened: return failure.why;
    case ServerConnector::Failure::Kind::not_connected:
      return "cannot connect to " + to_text(failure.address) + ": " + failure.why;
  }
  return {};
}

}  // namespace ftpscope
