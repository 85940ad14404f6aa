// What both ends of the load need: loopback sockets, and a payload whose every byte can be checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ftpscope::bench {

// "load: WHY" on stderr, exit code 1, at once: threads may run.
[[noreturn]] void fail(const std::string& why);

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& moved) noexcept : fd_(std::exchange(moved.fd_, -1)) {}
  Socket& operator=(Socket&& moved) noexcept {
    std::swap(fd_, moved.fd_);
    return *this;
  }
  ~Socket();

  [[nodiscard]] int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// 127.0.0.1, blocking, with a time-out: nothing here waits for ever.
inline constexpr int kTimeoutSeconds = 20;
Socket listen_at(std::uint16_t port);  // 0: any
Socket accept_from(const Socket& listener);
std::optional<Socket> connect_to(std::uint16_t port);  // none: refused
std::uint16_t port_of(const Socket& socket);
void send_all(const Socket& socket, std::string_view bytes);

// A pseudo-random pattern, repeated. Sending it costs no copy in the sender (sendfile), and
// receiving it unchecked none in the receiver (MSG_TRUNC): the proxy's share is as large as it
// gets.
class Payload {
 public:
  Payload();
  void send(const Socket& socket, std::uint64_t bytes) const;

  enum class Check { count, compare };
  struct Received {
    std::uint64_t bytes = 0;
    bool same = true;  // as far as it was compared
  };
  [[nodiscard]] Received receive(const Socket& socket, Check check) const;  // until the stream ends

 private:
  std::string pattern_;
  int memory_;  // a memfd with the pattern, open as long as the process
};

}  // namespace ftpscope::bench
