// --keepalive-noop against servers that answer NOOP at once, behind the transfer, with 5yz, or
// never, and clients that pipeline and abort, at random: each client gets the replies to its own
// commands, in their order, and no other.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <utility>

#include "proxy/interceptor.h"

namespace ftpscope {

namespace {

using namespace std::chrono_literals;

enum class Answers { at_once, behind, refuses_at_once, refuses_behind, never };

// What leaves the machine.
class Outlets final : public Effects, public RecordSink {
 public:
  void connect_server(const std::optional<HostPort>&) override {}
  void drop_server() override {}
  void send(Side to, std::string_view bytes) override {
    (to == Side::client ? to_client : to_server).append(bytes);
  }
  void send_urgent(Side to, std::string_view bytes, std::size_t) override { send(to, bytes); }
  void finish(Side) override {}
  void reset(Side) override {}
  void expose(const Exposure&) override {}
  void connect_channel(ChannelId, Side, const Endpoint&) override {}
  void close_channel(ChannelId, ChannelEnd) override {}
  void watch_channel(ChannelId, Duration) override {}
  void end_session() override {}
  void record(const Record& record) override {
    const auto* command = std::get_if<record::Command>(&record.body);
    noops += command && command->by_proxy ? 1 : 0;
  }

  std::string to_client;
  std::string to_server;
  int noops = 0;
};

// Its replies repeat the argument, so that it shows whose they are.
class Server {
 public:
  explicit Server(Answers answers) : answers_(answers) {}

  [[nodiscard]] bool transfers() const { return !file_.empty(); }

  void hear(const std::string& line) {
    const bool noop = line == "NOOP";
    if (noop && answers_ == Answers::never) return;
    if (noop && answers_ == Answers::at_once) return say("200 own");
    if (noop && answers_ == Answers::refuses_at_once) return say("503 own");
    if (transfers() && line != "ABOR") {
      waiting_.push_back(line);
    } else if (transfers()) {
      waiting_.push_back(line);
      end_transfer("426 ");
    } else {
      answer(line);
    }
  }

  void end_transfer(const std::string& code) {
    say(code + std::exchange(file_, {}));
    while (!waiting_.empty() && !transfers()) {
      const auto line = waiting_.front();
      waiting_.pop_front();
      answer(line);
    }
  }

  std::string take() { return std::exchange(said_, {}); }

 private:
  void answer(const std::string& line) {
    const auto argument = line.substr(std::min(line.size(), line.find(' ') + 1));
    if (line == "NOOP") return say(answers_ == Answers::behind ? "200 own" : "500 own");
    if (line == "ABOR") return say("226 ABOR");
    if (line.starts_with("TYPE")) return say("200 " + argument);
    if (line.starts_with("SITE")) return say("500 " + argument);
    if (line.starts_with("CWD")) return say("250 " + argument);
    file_ = argument;
    say("150 " + argument);
  }
  void say(const std::string& reply) { said_ += reply + "\r\n"; }

  Answers answers_;
  std::string file_;  // in transfer
  std::deque<std::string> waiting_;
  std::string said_;
};

class World {
 public:
  World(Answers answers, unsigned seed) : server_(answers), random_(seed) {
    options_.keepalive_noop = 60s;
    options_.timeouts.idle = options_.timeouts.login = Duration{};
    machine_.handle(event::ClientConnected{}, now_);
    machine_.handle(event::ServerConnected{}, now_);
    feed(Side::server, "220 ready\r\n");
    expected_ = "220 ready\r\n";
    for (int i = 0; i < 60; ++i) step();
    settle();
  }

  [[nodiscard]] const std::string& heard() const { return outlets_.to_client; }
  [[nodiscard]] const std::string& expected() const { return expected_; }
  [[nodiscard]] int noops() const { return outlets_.noops; }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  void feed(Side from, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto size = below(2) == 0 ? bytes.size() : 1 + below(bytes.size());
      const std::string piece(bytes.substr(0, size));
      machine_.handle(event::Received{from, piece}, now_);
      bytes.remove_prefix(size);
    }
  }

  // Until nobody has more to say.
  void converse() {
    do {
      for (auto end = heard_by_server(); end != std::string::npos; end = heard_by_server()) {
        const auto line = outlets_.to_server.substr(0, end);
        outlets_.to_server.erase(0, end + 2);
        server_.hear(line);
      }
      feed(Side::server, server_.take());
    } while (heard_by_server() != std::string::npos);
  }
  std::size_t heard_by_server() const { return outlets_.to_server.find("\r\n"); }

  void pass(Duration time) {
    const auto until = now_ + time;
    for (auto due = machine_.deadline(); due && *due <= until; due = machine_.deadline()) {
      now_ = std::max(now_, *due);
      machine_.handle(event::TimerFired{}, now_);
      converse();
    }
    now_ = until;
  }

  [[nodiscard]] bool all_answered() const { return outlets_.to_client.size() == expected_.size(); }

  void say() {
    const auto mark = "c" + std::to_string(++commands_);
    switch (below(4)) {
      case 0: return ask("TYPE " + mark, "200 " + mark);
      case 1: return ask("SITE " + mark, "500 " + mark);
      case 2: return ask("CWD " + mark, "250 " + mark);
      default: break;
    }
    ask("RETR " + mark, "150 " + mark);
    expected_ += "226 " + mark + "\r\n";
  }

  void ask(const std::string& command, const std::string& reply) {
    expected_ += reply + "\r\n";
    feed(Side::client, command + "\r\n");
  }

  // Of the one transfer that runs, when nothing waits behind it: its 226 becomes a 426.
  void abort() {
    const auto end = expected_.rfind("226 c");
    const bool last = end != std::string::npos && expected_.find('\n', end) + 1 == expected_.size();
    if (!server_.transfers() || !last || outlets_.to_client.size() != end) return;
    expected_.replace(end, 3, "426");
    ask("ABOR", "226 ABOR");
  }

  void step() {
    switch (below(8)) {
      case 0:
      case 1:
        if (all_answered() || below(4) == 0) say();
        break;
      case 2:
        if (server_.transfers()) server_.end_transfer("226 ");
        break;
      case 3: abort(); break;
      default: pass(std::chrono::seconds(1 + below(90))); break;
    }
    converse();
  }

  void settle() {
    for (int i = 0; i < 200 && !all_answered(); ++i) {
      if (server_.transfers()) server_.end_transfer("226 ");
      converse();
      pass(10s);
    }
  }

  Server server_;
  std::mt19937 random_;
  Timestamp now_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
  InterceptorOptions options_;
  Pipeline pipeline_;
  Outlets outlets_;
  Interceptor machine_{options_, pipeline_, "20261121T090000.000000Z-000001", outlets_, outlets_};
  std::string expected_;
  int commands_ = 0;
};

}  // namespace

TEST_SUITE_BEGIN("properties");

TEST_CASE("NOOPs of the proxy's own cost no client the step, whatever the server does with them") {
  constexpr unsigned kSeeds = 400;
  for (const auto answers : {Answers::at_once, Answers::behind, Answers::refuses_at_once,
                             Answers::refuses_behind, Answers::never}) {
    int noops = 0;
    for (unsigned seed = 0; seed < kSeeds; ++seed) {
      const World world(answers, seed);
      INFO("answers " << static_cast<int>(answers) << ", seed " << seed);
      CHECK(world.heard() == world.expected());
      noops += world.noops();
    }
    CHECK(noops > static_cast<int>(kSeeds));
  }
}

TEST_SUITE_END();

}  // namespace ftpscope
