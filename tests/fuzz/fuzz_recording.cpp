// A recording from a stranger (threats.md S33, S34), read and played: whatever its log and its
// timing say, payloads stay in their folder, a reply is as many lines as the log says, and every
// session comes to rest. Input: a byte each for match, unmatched and speed, then the log, the
// timing and what the client does, with 0x1e between them. Of the last each byte says one of the
// recorded commands (and `0xf0` on, what becomes of a data connection); behind 0x1e come lines of
// its own.
#include <algorithm>
#include <utility>

#include "proxy/server_replay.h"
#include "tests/fuzz/check.h"

namespace ftpscope::fuzz {
namespace {

class Client final : public replay::Effects {
 public:
  Client(const ReplayScript& script, const ReplayOptions& options)
      : machine_(script, options, IpAddress::v4(192, 0, 2, 9), *this) {
    feed(replay::Connected{});
  }

  void say(std::string_view line) {
    waits_for_it();
    if (machine_.wants()) feed(replay::Received{line});
  }
  void end_data(bool well) {
    if (!std::exchange(moving_, false)) return;
    if (well) {
      feed(replay::DataEnded{"1 byte instead of 2"});
    } else {
      feed(replay::DataFailed{true});
    }
  }
  // What is to come by itself comes; in the end nothing does.
  void waits_for_it() {
    constexpr int kMost = 100'000;
    for (int i = 0; machine_.deadline() && !machine_.wants(); ++i) {
      check(i < kMost, "a session comes to rest");
      now_ = std::max(now_, *machine_.deadline());
      feed(replay::TimerFired{});
      if (moving_) return;
    }
  }
  void leave() {
    end_data(true);
    waits_for_it();
    for (int i = 0; machine_.deadline(); ++i) {
      check(i < 1000, "a silent session ends");
      now_ = std::max(now_, *machine_.deadline());
      feed(replay::TimerFired{});
      end_data(true);
    }
    check(machine_.finished() || moving_, "a silent session ends");
  }

 private:
  void feed(const replay::Event& event) {
    machine_.handle(event, now_);
    if (std::exchange(opening_, false)) {
      feed(replay::PassiveOpened{{IpAddress::v4(192, 0, 2, 1), 50000}});
    }
  }

  void send(std::string_view bytes) override {
    check(!finished_, "nothing is said behind the end", bytes);
    const bool own = bytes.starts_with("500 Not in") || bytes.starts_with("421 Not in") ||
                     bytes.starts_with("257 \"");
    if (own && bytes.find("\r\n") == bytes.size() - 2) {
      check(std::ranges::none_of(bytes.substr(0, bytes.size() - 2),
                                 [](char c) { return c >= 0 && c < ' '; }),
            "our own words are one plain line", bytes);
    }
  }
  void finish(bool) override { check(!std::exchange(finished_, true), "a session ends once"); }
  void open_passive() override { opening_ = true; }
  void connect_active(std::uint16_t port) override { check(port >= 1024, "no service is hit"); }
  void send_payload(const ScriptPayload& payload, const replay::Transfer& transfer) override {
    check(payload.file.empty() || is_payload_name(payload.file), "a payload stays in its folder");
    check(transfer.skip <= payload.bytes, "nothing is left out that is not there");
    moving_ = true;
  }
  void receive_payload(const ScriptPayload&, const replay::Transfer&) override { moving_ = true; }
  void close_data() override { moving_ = false; }
  void tell(FindingId, CommandId, std::string_view) override {}

  ServerReplay machine_;
  Timestamp now_{};
  bool opening_ = false;
  bool moving_ = false;
  bool finished_ = false;
};

void check_script(const ReplayScript& script) {
  for (const auto& exchange : script.exchanges) {
    for (const auto& reply : exchange.replies) {
      check(!reply.pieces.empty() && reply.pieces.back().end == reply.raw.size(),
            "the pieces are the reply", reply.raw);
      check(std::ranges::is_sorted(reply.pieces, {}, &ScriptPiece::end), "in their order");
    }
  }
  check(script.own <= script.exchanges.size(), "own exchanges are exchanges");
}

void play(const ReplayScript& script, const ReplayOptions& options, std::string_view deeds,
          std::string_view lines) {
  Client client(script, options);
  constexpr unsigned char kEnds = 0xf0;
  for (const char deed : deeds) {
    const auto number = static_cast<unsigned char>(deed);
    if (number >= kEnds) {
      client.end_data(number % 2 == 0);
      continue;
    }
    if (number % 4 == 0) client.say("EPSV\r\n");
    if (script.exchanges.empty()) continue;
    const auto& exchange = script.exchanges[number % script.exchanges.size()];
    client.say(exchange.verb + " " + exchange.argument + "\r\n");
  }
  client.say(lines);
  client.leave();
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  const ReplayOptions options{static_cast<Match>(input.byte() % 3),
                              static_cast<Unmatched>(input.byte() % 3),
                              static_cast<double>(input.byte() % 3)};
  const auto log = input.until('\x1e');
  const auto timing = input.until('\x1e');
  const auto script = read_script(log, timing);
  if (!script) {
    check(!script.error().empty(), "an error is a sentence");
    return 0;
  }
  check_script(*script);
  const auto deeds = input.until('\x1e');
  play(*script, options, deeds, input.rest());
  return 0;
}
