#include "proxy/io/server_connector.h"

#include <memory>
#include <utility>

#include "proxy/io/socket_address.h"

namespace ftpscope {

void ServerConnector::connect(Veto veto, Tell tell) {
  veto_ = std::move(veto);
  tell_ = std::move(tell);
  look_up(loop_, server_, [this](const auto& found) { on_located(found); });
}

void ServerConnector::on_located(
    const std::expected<std::vector<Endpoint>, std::string_view>& found) {
  if (!found || found->empty()) {
    const auto why = found ? "it has no address" : std::string(found.error());
    end(std::unexpected("cannot find the server '" + server_.host + "': " + why));
  } else if (auto why = veto_(*found); !why.empty()) {
    end(std::unexpected(std::move(why)));
  } else {
    candidates_.assign(found->rbegin(), found->rend());
    timer_ = make_timer(loop_, this);
    connect_next();
  }
}

void ServerConnector::connect_next() {
  tried_ = candidates_.back();
  candidates_.pop_back();
  tcp_ = make_tcp(loop_, this);
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
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(timeout_).count();
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) {
        static_cast<ServerConnector*>(timer->data)->on_connected(UV_ETIMEDOUT);
      },
      static_cast<std::uint64_t>(wait), 0);
}

void ServerConnector::on_connected(int status) {
  uv_timer_stop(timer_.get());
  if (status == 0) {
    end(std::move(tcp_));
    return;
  }
  tcp_.reset();
  if (!candidates_.empty()) {
    connect_next();
  } else {
    end(std::unexpected("cannot connect to " + to_text(tried_) + ": " + uv_strerror(status)));
  }
}

void ServerConnector::end(std::expected<UvPtr<uv_tcp_t>, std::string> result) {
  timer_.reset();
  tell_(std::move(result));
}

}  // namespace ftpscope
