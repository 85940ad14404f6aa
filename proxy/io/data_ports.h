// Where to listen for data. Which port is next cannot be guessed (RFC 2577 8). With --data-ports:
// one that no listener of ours has, and when none is left that is known without asking the kernel.
// Else one is drawn where the kernel would search: its search gets slow, and then very slow, where
// many connections have ended in the last minute.
#pragma once

#include <cstdint>
#include <expected>
#include <random>
#include <vector>

#include "proxy/io/port_range.h"

namespace ftpscope {

class DataPorts;

// A listener for one data connection. Its port is free again when it goes.
class DataListener {
 public:
  DataListener() = default;
  DataListener(UvPtr<uv_tcp_t> tcp, DataPorts* ports, std::uint16_t port)
      : tcp_(std::move(tcp)), ports_(ports), port_(port) {}
  DataListener(const DataListener&) = delete;
  DataListener& operator=(const DataListener&) = delete;
  DataListener(DataListener&&) = delete;
  DataListener& operator=(DataListener&& other) noexcept;
  ~DataListener() { reset(); }

  void reset();
  explicit operator bool() const { return tcp_ != nullptr; }
  [[nodiscard]] const UvPtr<uv_tcp_t>& tcp() const { return tcp_; }

 private:
  UvPtr<uv_tcp_t> tcp_;
  DataPorts* ports_ = nullptr;  // null: there is no range
  std::uint16_t port_ = 0;
};

class DataPorts {
 public:
  // Ports that are ours to use and that other programs have taken: so many are tried, then there is
  // none. A system call or two each.
  static constexpr std::size_t kTriesMax = 64;
  static constexpr int kDrawsMax = 8;  // without --data-ports; then the kernel searches

  // Without a range low is 0. It outlives its listeners.
  explicit DataPorts(const PortRange& range);

  // `where` but for the port. The error is libuv's; UV_EADDRINUSE: none is free.
  std::expected<void, int> listen(uv_loop_t* loop, void* owner, ListenAt where,
                                  uv_connection_cb on_connection, DataListener& listener);
  [[nodiscard]] std::size_t free() const { return free_.size(); }

 private:
  friend class DataListener;

  std::expected<void, int> listen_anywhere(uv_loop_t* loop, void* owner, ListenAt where,
                                           uv_connection_cb on_connection, DataListener& listener);

  PortRange ephemeral_;  // the kernel's, when there is no range; low is 0: not known
  bool all_ = false;     // no range
  std::vector<std::uint16_t> free_;
  std::random_device random_;
};

}  // namespace ftpscope
