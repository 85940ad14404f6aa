// A recording read into a script. How it is played: tests/transcripts/server_replay.
#include <doctest/doctest.h>

#include <string>

#include "proxy/server_replay.h"

using namespace ftpscope;

namespace {

// A log's lines, the fields that every line has put in front.
std::string log_of(std::initializer_list<std::string_view> lines, std::string_view session = "s") {
  std::string log;
  for (const auto line : lines) {
    log.append(R"({"ts":"2026-11-21T09:43:39.123456Z","session":")")
        .append(session)
        .append(R"(","seq":0,)")
        .append(line)
        .append("}\n");
  }
  return log;
}

constexpr std::string_view kHello =
    R"("kind":"reply","to":0,"verb":"greeting","code":220,"lines":["220 Hi"])";

std::string command(int id, std::string_view verb, std::string_view argument) {
  return R"("kind":"command","id":)" + std::to_string(id) + R"(,"verb":")" + std::string(verb) +
         R"(","argument":")" + std::string(argument) + '"';
}

std::string reply(int to, int code, std::string_view text) {
  return R"("kind":"reply","to":)" + std::to_string(to) + R"(,"verb":"x","code":)" +
         std::to_string(code) + R"(,"lines":[")" + std::to_string(code) + " " + std::string(text) +
         R"("])";
}

std::string data(int to, std::string_view direction, std::string_view payload) {
  return R"("kind":"data","id":1,"to":)" + std::to_string(to) +
         R"(,"verb":"x","setup":"pasv","direction":")" + std::string(direction) +
         R"(","bytes":3,"bytes_to_client":3,"bytes_to_server":4,"exposed":"2026-11-21T09:43:39.123456Z",)"
         R"("connected":"2026-11-21T09:43:39.123456Z","how":"fin","strangers":0,"payload":")" +
         std::string(payload) + '"';
}

// What a client of the replayed server gets.
class Client final : public replay::Effects {
 public:
  explicit Client(ReplayScript script)
      : script_(std::move(script)),
        machine_(script_, options_, IpAddress::v4(192, 0, 2, 9), *this) {
    machine_.handle(replay::Connected{}, {});
  }

  std::string say(std::string_view line) {
    heard_.clear();
    machine_.handle(replay::Received{line}, {});
    return heard_;
  }

 private:
  void send(std::string_view bytes) override { heard_ += bytes; }
  void finish(bool) override {}
  void open_passive() override {}
  void connect_active(std::uint16_t) override {}
  void send_payload(const ScriptPayload&, const replay::Transfer&) override {}
  void receive_payload(const ScriptPayload&, const replay::Transfer&) override {}
  void close_data() override {}
  void tell(FindingId, CommandId, std::string_view) override {}

  std::string heard_;
  ReplayScript script_;
  ReplayOptions options_;
  ServerReplay machine_;
};

}  // namespace

TEST_CASE("several sessions: the first is played, and what only others have is found there") {
  const auto log = log_of({kHello, command(1, "USER", "ann"), reply(1, 331, "Password?")}) +
                   log_of({kHello, command(1, "USER", "x"), reply(1, 331, "Other"),
                           command(2, "SIZE", "z"), reply(2, 213, "9")},
                          "t");
  Client first(read_script(log).value());
  CHECK(first.say("USER q\r\n") == "331 Password?\r\n");
  CHECK(first.say("SIZE z\r\n") == "213 9\r\n");
  Client second(read_script(log, {}, "t").value());
  CHECK(second.say("USER q\r\n") == "331 Other\r\n");
  CHECK(read_script(log, {}, "none").error() == "it has no session whose name ends in 'none'");
}

TEST_CASE("ten thousand commands at once are answered one behind the other") {
  Client client(
      read_script(log_of({kHello, command(1, "NOOP", ""), reply(1, 200, "Yes")})).value());
  std::string all;
  for (int i = 0; i < 10'000; ++i) all += "NOOP\r\n";
  CHECK(client.say(all).size() == 10'000 * std::string_view("200 Yes\r\n").size());
}

TEST_CASE("a recording that cannot be played is told why") {
  const auto error = [](const std::string& log) { return read_script(log).error(); };
  CHECK(error("") == "it has no session in which a server speaks");
  CHECK(error(log_of({kHello}) + "nonsense\n").starts_with("line 2: not JSON: "));
  CHECK(
      error(log_of(
          {R"("kind":"reply","to":0,"verb":"greeting","code":220,"lines":["220 a\r\n220 b"])"})) ==
      "a line of a reply has a line end in it");
  for (const auto* name : {"../x", "a/b", ".x", "a b"}) {
    CHECK(error(log_of({kHello, command(1, "RETR", "a"), data(1, "download", name)})) ==
          "'" + std::string(name) + "' is not the plain name of a payload file");
  }
}
