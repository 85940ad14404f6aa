// FTP clients that cost as little as possible, and the work that is measured: each function does
// some of it against one port of this machine and says how fast it went. What goes wrong ends the
// program.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load_socket.h"

namespace ftpscope::bench {

class Client {
 public:
  explicit Client(Socket control) : control_(std::move(control)) {}

  void send(std::string_view command);  // CRLF included
  void expect(std::string_view code);   // the next reply; its text is reply() until the next call
  [[nodiscard]] const std::string& reply() const { return line_; }
  [[nodiscard]] int fd() const { return control_.fd(); }
  bool login();  // from the greeting on; false: refused with a 421
  Socket open_passive();

 private:
  void read_reply();

  Socket control_;
  std::string input_;
  std::string line_;
};

Client connect_client(std::uint16_t port);

// Logged in; fewer than `count` when one is refused, or it takes longer than kLoginSeconds.
inline constexpr double kLoginSeconds = 10;
std::vector<Client> log_in(std::uint16_t port, std::size_t count);

// Every byte of a download and an upload, compared; false: the file was changed on its way.
bool copies_are_equal(std::uint16_t port, const Payload& payload, std::uint64_t bytes);

// Seconds that so many transfers of `bytes` took at once, logins not included.
enum class Direction { download, upload };
struct Transfers {
  Direction direction;
  std::size_t count;
  std::uint64_t bytes;  // of each
};
double run_transfers(std::uint16_t port, const Payload& payload, const Transfers& transfers);

struct Paced {
  std::uint64_t count = 0;
  double seconds = 0;
  double p50_us = 0;  // of one command
  double p99_us = 0;
};

// NOOP, wait, NOOP, ...: each client for itself, all at once.
Paced run_commands(std::vector<Client>& clients, double seconds);

// Whole sessions, `parallel` of them in step: login, TYPE, PASV, RETR of 1 KB, QUIT.
Paced run_sessions(std::uint16_t port, const Payload& payload, std::size_t parallel,
                   double seconds);

}  // namespace ftpscope::bench
