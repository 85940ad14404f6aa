#include "tests/bench/load_server.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <string>
#include <unordered_map>

#include "tests/bench/load_socket.h"

namespace ftpscope::bench {

namespace {

constexpr std::uint64_t kLargeFile = 1U << 20U;

struct Session {
  Socket control;
  Socket passive;
  std::string input;
};

class Server {
 public:
  explicit Server(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener_.fd());
  }

  void run() {
    std::array<epoll_event, 256> ready{};
    while (true) {
      const int count = epoll_wait(epoll_.fd(), ready.data(), static_cast<int>(ready.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = ready[static_cast<std::size_t>(i)].data.fd;
        fd == listener_.fd() ? greet() : read(fd);
      }
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event);
  }

  void greet() {
    auto control = accept_from(listener_);
    const int fd = control.fd();
    send_all(control, "220 ready\r\n");
    watch(fd);
    sessions_[fd].control = std::move(control);
  }

  void read(int fd) {
    auto& session = sessions_[fd];
    std::array<char, 4096> buffer{};
    const auto count = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count <= 0) {
      // A transfer's process may still have the connection, and then closing is not enough.
      epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, fd, nullptr);
      sessions_.erase(fd);
      return;
    }
    session.input.append(buffer.data(), static_cast<std::size_t>(count));
    std::string replies;
    std::size_t at = 0;
    for (auto end = session.input.find("\r\n"); end != std::string::npos;
         end = session.input.find("\r\n", at)) {
      replies += answer(session, std::string_view(session.input).substr(at, end - at));
      at = end + 2;
    }
    session.input.erase(0, at);
    if (replies.empty()) return;
    send(fd, replies.data(), replies.size(), MSG_NOSIGNAL);  // one who has gone does not read it
  }

  std::string answer(Session& session, std::string_view line) {
    const auto verb = line.substr(0, line.find(' '));
    const auto argument = line.substr(std::min(verb.size() + 1, line.size()));
    if (verb == "NOOP" || verb == "TYPE") return "200 okay\r\n";
    if (verb == "USER") return "331 password\r\n";
    if (verb == "PASS") return "230 logged in\r\n";
    if (verb == "PASV") return listen_for(session);
    if (verb == "RETR") return retrieve(session, argument);
    if (verb == "STOR") return store(session, argument);
    return verb == "QUIT" ? "221 bye\r\n" : "502 not here\r\n";
  }

  static std::string listen_for(Session& session) {
    session.passive = listen_at(0);
    const auto port = port_of(session.passive);
    return "227 Entering Passive Mode (127,0,0,1," + std::to_string(port / 256) + "," +
           std::to_string(port % 256) + ").\r\n";
  }

  std::string retrieve(Session& session, std::string_view name) const {
    std::uint64_t bytes = 0;
    std::from_chars(name.data(), name.data() + name.size(), bytes);
    const auto move = [&] {
      send_all(session.control, "150 here it comes\r\n");
      payload_.send(accept_from(session.passive), bytes);
      session.passive = Socket();
      return std::string("226 done\r\n");
    };
    return bytes < kLargeFile ? move() : apart(session, move);
  }

  std::string store(Session& session, std::string_view name) const {
    const auto check = name == "compare" ? Payload::Check::compare : Payload::Check::count;
    return apart(session, [&] {
      send_all(session.control, "150 go on\r\n");
      const auto received = payload_.receive(accept_from(session.passive), check);
      return "226 " + std::to_string(received.bytes) + (received.same ? " good" : " BAD") + "\r\n";
    });
  }

  // A process for one transfer, which answers itself: nothing is left to be said here.
  template <class Move>
  static std::string apart(Session& session, Move move) {
    if (fork() == 0) {
      send_all(session.control, move());
      _exit(0);
    }
    session.passive = Socket();
    return {};
  }

  Socket listener_;
  Socket epoll_;
  Payload payload_;
  std::unordered_map<int, Session> sessions_;
};

}  // namespace

void serve(int listener) {
  std::signal(SIGPIPE, SIG_IGN);  // sendfile() to one who has gone
  std::signal(SIGCHLD, SIG_IGN);  // nobody waits for a transfer
  Server(listener).run();
}

}  // namespace ftpscope::bench
