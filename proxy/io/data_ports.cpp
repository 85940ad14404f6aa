#include "proxy/io/data_ports.h"

#include <algorithm>
#include <utility>

namespace ftpscope {

DataListener& DataListener::operator=(DataListener&& other) noexcept {
  if (this == &other) return *this;
  reset();
  tcp_ = std::move(other.tcp_);
  ports_ = std::exchange(other.ports_, nullptr);
  port_ = other.port_;
  return *this;
}

void DataListener::reset() {
  tcp_.reset();  // libuv closes the socket at once
  if (auto* ports = std::exchange(ports_, nullptr)) ports->free_.push_back(port_);
}

DataPorts::DataPorts(const PortRange& range) : all_(range.low == 0) {
  for (int port = range.low; !all_ && port <= range.high; ++port) {
    free_.push_back(static_cast<std::uint16_t>(port));
  }
}

std::expected<void, int> DataPorts::listen(uv_loop_t* loop, void* owner, ListenAt where,
                                           uv_connection_cb on_connection, DataListener& listener) {
  // Those that were tried stand at the end.
  const auto tries = all_ ? 1 : std::min<std::size_t>(kTriesMax, free_.size());
  for (std::size_t tried = 0; tried < tries; ++tried) {
    std::uint16_t port = 0;
    if (!all_) {
      const auto untried = free_.size() - tried;
      const auto drawn = std::uniform_int_distribution<std::size_t>(0, untried - 1)(random_);
      std::swap(free_[drawn], free_[untried - 1]);
      port = free_[untried - 1];
    }
    where.ports = {port, port};
    where.first = port;
    auto listening = listen_at(loop, owner, where, on_connection);
    if (listening) {
      if (!all_) {
        std::swap(free_[free_.size() - 1 - tried], free_.back());
        free_.pop_back();
      }
      listener = DataListener(std::move(*listening), all_ ? nullptr : this, port);
      return {};
    }
    if (listening.error() != UV_EADDRINUSE) return std::unexpected(listening.error());
  }
  return std::unexpected(static_cast<int>(UV_EADDRINUSE));
}

}  // namespace ftpscope
