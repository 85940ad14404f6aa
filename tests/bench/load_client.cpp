#include "tests/bench/load_client.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

namespace ftpscope::bench {

namespace {

constexpr std::uint64_t kSmallFile = 1024;

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The port in "227 ... (h1,h2,h3,h4,p1,p2).": its last two numbers.
std::uint16_t port_in(std::string_view reply) {
  std::array<unsigned, 6> numbers{};
  const auto open = reply.find('(');
  const char* at = reply.data() + (open == reply.npos ? reply.size() : open);
  const char* const end = reply.data() + reply.size();
  for (auto& number : numbers) {
    if (at == end) fail("cannot read the address in: " + std::string(reply));
    at = std::from_chars(at + 1, end, number).ptr;
  }
  return static_cast<std::uint16_t>(numbers[4] * 256 + numbers[5]);
}

Client logged_in(std::uint16_t port) {
  auto client = connect_client(port);
  if (!client.login()) fail("refused: " + client.reply());
  return client;
}

void download(Client& client, Socket data, const Payload& payload, std::uint64_t bytes) {
  client.send("RETR " + std::to_string(bytes) + "\r\n");
  client.expect("150");
  const auto received = payload.receive(data, Payload::Check::count);
  client.expect("226");
  if (received.bytes != bytes) fail("the download is incomplete");
}

void upload(Client& client, Socket data, const Payload& payload, std::uint64_t bytes) {
  client.send("STOR count\r\n");
  client.expect("150");
  payload.send(data, bytes);
  data = Socket();
  client.expect("226 " + std::to_string(bytes));
}

double percentile(std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(share * last)];
}

}  // namespace

void Client::send(std::string_view command) { send_all(control_, command); }

void Client::read_reply() {
  auto end = input_.find("\r\n");
  while (end == std::string::npos) {
    std::array<char, 4096> buffer{};
    const auto count = recv(control_.fd(), buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      fail(std::string("expected a reply, but the connection ") +
           (count == 0 ? "ended" : std::string("failed: ") + std::strerror(errno)));
    }
    input_.append(buffer.data(), static_cast<std::size_t>(count));
    end = input_.find("\r\n");
  }
  line_.assign(input_, 0, end);
  input_.erase(0, end + 2);
}

void Client::expect(std::string_view code) {
  read_reply();
  if (!line_.starts_with(code)) fail("expected " + std::string(code) + ", got: " + line_);
}

bool Client::login() {
  read_reply();
  if (line_.starts_with("421")) return false;
  if (!line_.starts_with("220")) fail("expected a greeting, got: " + line_);
  send("USER bench\r\n");
  expect("331");
  send("PASS bench\r\n");
  expect("230");
  return true;
}

Socket Client::open_passive() {
  send("PASV\r\n");
  expect("227");
  auto data = connect_to(port_in(line_));
  if (!data) fail(std::string("no data connection: ") + std::strerror(errno));
  return std::move(*data);
}

Client connect_client(std::uint16_t port) {
  auto control = connect_to(port);
  if (!control) fail(std::string("no connection: ") + std::strerror(errno));
  return Client(std::move(*control));
}

std::vector<Client> log_in(std::uint16_t port, std::size_t count) {
  std::vector<Client> clients;
  const Stopwatch watch;
  while (clients.size() < count && watch.seconds() < kLoginSeconds) {
    auto client = connect_client(port);
    if (!client.login()) break;
    clients.push_back(std::move(client));
  }
  return clients;
}

bool copies_are_equal(std::uint16_t port, const Payload& payload, std::uint64_t bytes) {
  auto client = logged_in(port);
  auto data = client.open_passive();
  client.send("RETR " + std::to_string(bytes) + "\r\n");
  client.expect("150");
  const auto received = payload.receive(data, Payload::Check::compare);
  client.expect("226");
  data = client.open_passive();
  client.send("STOR compare\r\n");
  client.expect("150");
  payload.send(data, bytes);
  data = Socket();
  client.expect("226");
  const auto good = "226 " + std::to_string(bytes) + " good";
  return received.same && received.bytes == bytes && client.reply() == good;
}

double run_transfers(std::uint16_t port, const Payload& payload, const Transfers& transfers) {
  const auto transfer = transfers.direction == Direction::download ? download : upload;
  auto clients = log_in(port, transfers.count);
  if (clients.size() < transfers.count) fail("a login was refused");
  std::vector<Socket> data;
  data.reserve(clients.size());
  for (auto& client : clients) data.push_back(client.open_passive());
  const Stopwatch watch;
  std::vector<std::thread> threads;
  threads.reserve(clients.size());
  for (std::size_t i = 0; i < clients.size(); ++i) {
    threads.emplace_back(
        [&, i] { transfer(clients[i], std::move(data[i]), payload, transfers.bytes); });
  }
  for (auto& thread : threads) thread.join();
  return watch.seconds();
}

Paced run_commands(std::vector<Client>& clients, double seconds) {
  const Socket epoll(epoll_create1(EPOLL_CLOEXEC));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, clients[i].fd(), &event);
  }
  std::vector<double> sent(clients.size());  // when
  std::vector<double> taken_us;
  std::array<epoll_event, 256> ready{};
  const Stopwatch watch;
  const auto send = [&](std::size_t i) {
    sent[i] = watch.seconds();
    clients[i].send("NOOP\r\n");
  };
  for (std::size_t i = 0; i < clients.size(); ++i) send(i);
  for (auto waiting = clients.size(); waiting > 0;) {
    const int count = epoll_wait(epoll.fd(), ready.data(), static_cast<int>(ready.size()),
                                 kTimeoutSeconds * 1000);
    if (count <= 0) fail("no reply to NOOP");
    for (int k = 0; k < count; ++k) {
      const auto i = ready[static_cast<std::size_t>(k)].data.u64;
      clients[i].expect("200");
      taken_us.push_back((watch.seconds() - sent[i]) * 1e6);
      watch.seconds() < seconds ? send(i) : void(--waiting);
    }
  }
  Paced result{.count = taken_us.size(), .seconds = watch.seconds()};
  std::ranges::sort(taken_us);
  result.p50_us = percentile(taken_us, 0.50);
  result.p99_us = percentile(taken_us, 0.99);
  return result;
}

Paced run_sessions(std::uint16_t port, const Payload& payload, std::size_t parallel,
                   double seconds) {
  const Stopwatch watch;
  Paced result;
  while (result.seconds < seconds) {
    std::vector<Client> clients;
    std::vector<Socket> data;
    clients.reserve(parallel);
    data.reserve(parallel);
    const auto all = [&](std::string_view command, std::string_view code) {
      if (!command.empty()) {
        for (auto& client : clients) client.send(command);
      }
      for (auto& client : clients) client.expect(code);
    };
    for (std::size_t i = 0; i < parallel; ++i) clients.push_back(connect_client(port));
    all({}, "220");
    all("USER bench\r\n", "331");
    all("PASS bench\r\n", "230");
    all("TYPE I\r\n", "200");
    for (auto& client : clients) data.push_back(client.open_passive());
    all("RETR " + std::to_string(kSmallFile) + "\r\n", "150");
    for (const auto& socket : data) {
      const auto received = payload.receive(socket, Payload::Check::compare);
      if (received.bytes != kSmallFile || !received.same) fail("a small file was changed");
    }
    all({}, "226");
    all("QUIT\r\n", "221");
    result.count += parallel;
    result.seconds = watch.seconds();
  }
  return result;
}

}  // namespace ftpscope::bench
