// One control connection of a session: a TCP stream that reads into the loop's buffer, writes what
// can be written at once and queues the rest, and carries TCP urgent data (RFC 959 4.1.3: ABOR)
// across.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/uv_ptr.h"
#include "proxy/machine.h"

namespace ftpscope {

// No delay, urgent data in line, keep-alive (seconds; 0: none). Of a connection that stands, or of
// a listener: what that accepts has its options (Linux copies them), without a system call.
void configure_control(const UvPtr<uv_tcp_t>& tcp, unsigned keepalive);

// Whose connection it is.
class ControlLegOwner {
 public:
  // The loop's read buffer.
  virtual uv_buf_t read_buffer(std::size_t limit) = 0;
  // Received and Closed.
  virtual void feed(const Event& event) = 0;
  virtual void on_leg_written() = 0;

 protected:
  ~ControlLegOwner() = default;
};

class ControlLeg {
 public:
  ControlLeg(ControlLegOwner& owner, Side side) : owner_(owner), side_(side) {}
  ControlLeg(const ControlLeg&) = delete;
  ControlLeg& operator=(const ControlLeg&) = delete;

  // Takes a connected (or connecting) handle; its data pointer is set to this leg.
  void adopt(UvPtr<uv_tcp_t> tcp);

  [[nodiscard]] bool open() const { return tcp_ != nullptr; }
  [[nodiscard]] int fd() const { return descriptor(tcp_); }
  [[nodiscard]] bool ended() const { return ended_; }  // the peer sent its last byte
  [[nodiscard]] std::size_t queued() const {
    return queue_ ? queue_->in_flight + queue_->waiting.size() : 0;
  }

  void read(bool wanted);
  // `urgent`: this byte of them goes as TCP urgent data.
  void write(std::string_view bytes, std::optional<std::size_t> urgent);
  void finish();  // FIN, after what is queued
  void close();
  void reset();

 private:
  struct Write;
  struct Queue {
    std::size_t in_flight = 0;          // bytes given to libuv
    std::string waiting;                // behind them
    std::optional<std::size_t> urgent;  // of these, goes as TCP urgent data
  };

  void start_reading();
  void queue(std::string_view bytes, std::optional<std::size_t> urgent);
  void flush_waiting();
  std::size_t try_write(std::string_view bytes);
  void finish_now();
  void on_read(ssize_t count, const uv_buf_t& buffer);
  void on_written(int status);

  ControlLegOwner& owner_;
  UvPtr<uv_tcp_t> tcp_;
  Side side_;
  bool reading_ = false;
  bool ended_ = false;
  bool urgent_next_ = false;  // the next byte read is at the urgent mark
  bool finish_when_written_ = false;
  bool finished_ = false;
  std::unique_ptr<Queue> queue_;  // while the peer takes no more
};

}  // namespace ftpscope
