// One data connection on its way: listens for a peer, or connects to it. What goes over it is its
// owner's affair.
#pragma once

#include <cstdint>
#include <functional>

#include "analyzer/record.h"
#include "proxy/io/port_range.h"
#include "proxy/io/uv_ptr.h"

namespace ftpscope {

class DataSocket {
 public:
  struct Peers {
    IpAddress here;   // our end of the control connection
    IpAddress there;  // nobody else may connect
  };
  // 0, or why it failed (a status of libuv's). Once; never from inside listen() or connect().
  using Tell = std::function<void(int status)>;

  DataSocket(uv_loop_t* loop, const Peers& peers, Tell tell)
      : loop_(loop), peers_(peers), tell_(std::move(tell)) {}
  DataSocket(const DataSocket&) = delete;
  DataSocket& operator=(const DataSocket&) = delete;

  // The lowest port of the range that is free; any, when the range is empty. 0: there is none.
  [[nodiscard]] std::uint16_t listen(const PortRange& range);
  // Not 0: it cannot even begin, and nothing will be told.
  [[nodiscard]] int connect(std::uint16_t port);

  [[nodiscard]] bool connected() const { return connected_; }
  // While it is connected.
  [[nodiscard]] const UvPtr<uv_tcp_t>& tcp() const { return tcp_; }
  // Who connected, and to where.
  [[nodiscard]] Leg leg() const;
  void close();

 private:
  void on_connection(int status);
  void on_connected(int status);

  uv_loop_t* loop_;
  Peers peers_;
  Tell tell_;
  UvPtr<uv_tcp_t> listener_;
  UvPtr<uv_tcp_t> tcp_;
  bool connected_ = false;
  bool accepted_ = false;
};

}  // namespace ftpscope
