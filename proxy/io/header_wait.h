// A connection from a load balancer that has not yet said whose it is: reads the PROXY header with
// which it begins. Decides nothing: whoever accepted the connection does.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "analyzer/proxy_header.h"
#include "proxy/io/uv_ptr.h"
#include "proxy/io/worker.h"

namespace ftpscope {

class HeaderWait {
 public:
  // Once: the header is there or cannot come. The wait is still needed by its callback then, so it
  // is to be buried (Worker::bury), not deleted.
  using Tell = std::function<void(HeaderWait&)>;

  HeaderWait(Worker& worker, UvPtr<uv_tcp_t> tcp, Tell tell);
  HeaderWait(const HeaderWait&) = delete;
  HeaderWait& operator=(const HeaderWait&) = delete;
  ~HeaderWait();

  [[nodiscard]] const Endpoint& balancer() const { return balancer_; }
  [[nodiscard]] const ProxyHeaderReading& reading() const { return reading_; }
  // Why it cannot be let in, when `reading` is not complete. Literals.
  struct Refusal {
    FindingId finding = FindingId::count_;
    std::string_view detail;
  };
  [[nodiscard]] Refusal refusal() const;
  // What came behind the header.
  [[nodiscard]] std::string_view early() const;
  UvPtr<uv_tcp_t> take_tcp() { return std::move(tcp_); }
  // Closes it; nothing is told any more.
  void cancel() {
    tcp_.reset();
    timer_.reset();
  }

 private:
  void on_read(ssize_t count, const uv_buf_t& buffer);
  void tell();

  Worker& worker_;
  UvPtr<uv_tcp_t> tcp_;
  UvPtr<uv_timer_t> timer_;
  Tell tell_;
  Endpoint balancer_;
  std::string bytes_;
  ProxyHeaderReading reading_;
  bool closed_ = false;  // it said no more
};

}  // namespace ftpscope
