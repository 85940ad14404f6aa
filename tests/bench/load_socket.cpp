#include "tests/bench/load_socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace ftpscope::bench {

namespace {

constexpr std::size_t kPattern = (16U << 20U) + 13;  // no multiple of any buffer's size
constexpr std::size_t kChunk = 1U << 20U;
constexpr int kBacklog = 4096;

Socket new_socket() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) fail(std::string("no socket: ") + std::strerror(errno));
  const timeval timeout{kTimeoutSeconds, 0};
  setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  return socket;
}

void set_no_delay(const Socket& socket) {
  const int on = 1;
  setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

}  // namespace

void fail(const std::string& why) {
  std::cerr << "load: " << why << '\n';
  std::_Exit(1);
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

Socket listen_at(std::uint16_t port) {
  auto socket = new_socket();
  const int on = 1;
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = loopback(port);
  if (bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(socket.fd(), kBacklog) != 0) {
    fail(std::string("cannot listen: ") + std::strerror(errno));
  }
  return socket;
}

Socket accept_from(const Socket& listener) {
  Socket socket(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) fail(std::string("nobody connected: ") + std::strerror(errno));
  set_no_delay(socket);
  return socket;
}

std::optional<Socket> connect_to(std::uint16_t port) {
  auto socket = new_socket();
  const auto address = loopback(port);
  if (connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::nullopt;
  }
  set_no_delay(socket);
  return socket;
}

std::uint16_t port_of(const Socket& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void send_all(const Socket& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) fail(std::string("cannot send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

Payload::Payload() : pattern_(kPattern, '\0'), memory_(memfd_create("payload", MFD_CLOEXEC)) {
  std::uint64_t state = 1;
  for (char& byte : pattern_) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(state >> 56U);
  }
  if (write(memory_, pattern_.data(), pattern_.size()) != static_cast<ssize_t>(pattern_.size())) {
    fail("no memory for the payload");
  }
}

void Payload::send(const Socket& socket, std::uint64_t bytes) const {
  off_t at = 0;
  while (bytes > 0) {
    const auto left = std::min<std::uint64_t>(bytes, kPattern - static_cast<std::uint64_t>(at));
    const auto sent = sendfile(socket.fd(), memory_, &at, left);
    if (sent <= 0) fail(std::string("cannot send data: ") + std::strerror(errno));
    bytes -= static_cast<std::uint64_t>(sent);
    if (static_cast<std::uint64_t>(at) == kPattern) at = 0;
  }
}

Payload::Received Payload::receive(const Socket& socket, Check check) const {
  Received received;
  std::string buffer(check == Check::compare ? kChunk : 0, '\0');
  while (true) {
    const auto at = received.bytes % kPattern;
    const auto wanted = std::min(kChunk, kPattern - at);
    const auto count = check == Check::compare ? recv(socket.fd(), buffer.data(), wanted, 0)
                                               : recv(socket.fd(), nullptr, kChunk, MSG_TRUNC);
    if (count < 0) fail(std::string("cannot receive data: ") + std::strerror(errno));
    if (count == 0) return received;
    const auto size = static_cast<std::size_t>(count);
    if (check == Check::compare && std::memcmp(buffer.data(), pattern_.data() + at, size) != 0) {
      received.same = false;
    }
    received.bytes += size;
  }
}

}  // namespace ftpscope::bench
