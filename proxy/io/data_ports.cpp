#include "proxy/io/data_ports.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

namespace ftpscope {

namespace {

// ip-sysctl, ip_local_port_range. Where some of these ports are reserved only the kernel knows
// whether one is free to take.
PortRange ephemeral_ports() {
  std::string reserved;
  std::ifstream("/proc/sys/net/ipv4/ip_local_reserved_ports") >> reserved;
  PortRange range;
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  const bool known = reserved.empty() && file >> range.low >> range.high && range.low <= range.high;
  return known ? range : PortRange{};
}

}  // namespace

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
  if (all_) ephemeral_ = ephemeral_ports();
  for (int port = range.low; !all_ && port <= range.high; ++port) {
    free_.push_back(static_cast<std::uint16_t>(port));
  }
}

std::expected<void, int> DataPorts::listen(uv_loop_t* loop, void* owner, ListenAt where,
                                           uv_connection_cb on_connection, DataListener& listener) {
  if (all_) return listen_anywhere(loop, owner, where, on_connection, listener);
  // Those that were tried stand at the end.
  const auto tries = std::min(kTriesMax, free_.size());
  for (std::size_t tried = 0; tried < tries; ++tried) {
    const auto untried = free_.size() - tried;
    const auto drawn = std::uniform_int_distribution<std::size_t>(0, untried - 1)(random_);
    std::swap(free_[drawn], free_[untried - 1]);
    const auto port = free_[untried - 1];
    where.ports = {port, port};
    where.first = port;
    auto listening = listen_at(loop, owner, where, on_connection);
    if (listening) {
      std::swap(free_[untried - 1], free_.back());
      free_.pop_back();
      listener = DataListener(std::move(*listening), this, port);
      return {};
    }
    if (listening.error() != UV_EADDRINUSE) return std::unexpected(listening.error());
  }
  return std::unexpected(static_cast<int>(UV_EADDRINUSE));
}

std::expected<void, int> DataPorts::listen_anywhere(uv_loop_t* loop, void* owner, ListenAt where,
                                                    uv_connection_cb on_connection,
                                                    DataListener& listener) {
  for (int draws = ephemeral_.low == 0 ? kDrawsMax : 0;; ++draws) {
    std::uint16_t port = 0;  // the kernel searches
    if (draws < kDrawsMax) {
      port = std::uniform_int_distribution<std::uint16_t>(ephemeral_.low, ephemeral_.high)(random_);
    }
    where.ports = {port, port};
    where.first = port;
    auto listening = listen_at(loop, owner, where, on_connection);
    if (listening) {
      listener = DataListener(std::move(*listening), nullptr, port);
      return {};
    }
    if (listening.error() != UV_EADDRINUSE || port == 0) return std::unexpected(listening.error());
  }
}

}  // namespace ftpscope
