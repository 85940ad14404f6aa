// A recording read into a script, and the script played to a client.
#include <doctest/doctest.h>

#include <string>

#include "proxy/server_replay.h"

using namespace ftpscope;
using namespace std::chrono_literals;

namespace {

const auto kClient = IpAddress::v4(192, 0, 2, 9);
const auto kClientV6 = parse_ip("2001:db8::9").value();

// A log's lines, the fields that every line has put in front.
std::string log_of(std::initializer_list<std::string_view> lines) {
  std::string log;
  for (const auto line : lines) {
    log.append(R"({"ts":"2026-11-21T09:43:39.123456Z","session":"s","seq":0,)")
        .append(line)
        .append("}\n");
  }
  return log;
}

constexpr std::string_view kHello =
    R"("kind":"reply","to":0,"verb":"greeting","code":220,"lines":["220 Hi"])";

std::string command(int id, std::string_view verb, std::string_view argument) {
  auto text =
      R"("kind":"command","id":)" + std::to_string(id) + R"(,"verb":")" + std::string(verb) + '"';
  if (!argument.empty()) text += R"(,"argument":")" + std::string(argument) + '"';
  if (argument == "<hidden>") text += R"(,"redacted":true)";
  return text;
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

std::string demo() {
  return log_of({kHello,
                 command(1, "USER", "ann"),
                 reply(1, 331, "Password?"),
                 command(2, "PASS", "<hidden>"),
                 reply(2, 230, "In"),
                 command(3, "PASV", ""),
                 reply(3, 227, "=10,0,0,1,4,5 ok"),
                 command(4, "RETR", "a"),
                 reply(4, 150, "Here"),
                 reply(4, 226, "Done"),
                 data(4, "download", "payload-1.bin"),
                 command(5, "STOR", "b"),
                 reply(5, 150, "Send"),
                 reply(5, 226, "Got it"),
                 data(5, "upload", "payload-2.bin"),
                 command(6, "NOOP", ""),
                 reply(6, 200, "one"),
                 command(7, "NOOP", ""),
                 reply(7, 200, "two"),
                 command(8, "RETR", "none"),
                 reply(8, 550, "No"),
                 command(9, "QUIT", ""),
                 reply(9, 221, "Bye")});
}

// A client of the replayed server: what it gets, and what the driver is told to do, as text.
class Player final : public replay::Effects {
 public:
  explicit Player(const std::string& log, const IpAddress& client = kClient)
      : script_(read_script(log).value()), machine_(script_, client, *this) {
    greeting = after(replay::Connected{});
  }

  std::string greeting;

  std::string say(std::string_view line) { return after(replay::Received{line}); }
  std::string after(const replay::Event& event) {
    done_.clear();
    machine_.handle(event, now_ += 1ms);
    return done_;
  }
  std::string passive(std::string_view line, const Endpoint& address) {
    const auto asked = say(line);
    return asked == "[open passive]" ? after(replay::PassiveOpened{address}) : asked;
  }
  void passes(Duration time) { now_ += time; }
  [[nodiscard]] const ServerReplay& machine() const { return machine_; }

 private:
  void send(std::string_view bytes) override { done_ += bytes; }
  void finish() override { done_ += "[finish]"; }
  void open_passive() override { done_ += "[open passive]"; }
  void connect_active(std::uint16_t port) override {
    done_ += "[connect " + std::to_string(port) + "]";
  }
  void send_payload(const ScriptPayload& p) override { done_ += "[send " + p.file + "]"; }
  void receive_payload() override { done_ += "[receive]"; }
  void close_data() override { done_ += "[close data]"; }

  Timestamp now_{};
  std::string done_;
  ReplayScript script_;
  ServerReplay machine_;
};

const Endpoint kHere{IpAddress::v4(127, 0, 0, 1), 4660};
const Endpoint kHereV6{parse_ip("::1").value(), 4660};

}  // namespace

TEST_CASE("any name and password logs in, in the words of the recording") {
  Player p(demo());
  CHECK(p.greeting == "220 Hi\r\n");
  CHECK(p.say("USER bob\r\n") == "331 Password?\r\n");
  CHECK(p.say("PASS anything\r\n") == "230 In\r\n");
}

TEST_CASE("a client that does something again gets the last answer again") {
  Player p(demo());
  CHECK(p.say("NOOP\r\n") == "200 one\r\n");
  CHECK(p.say("noop\n") == "200 two\r\n");
  CHECK(p.say("NOOP\r\n") == "200 two\r\n");
}

TEST_CASE(
    "what is not in the recording gets a standard answer, or 502 that names what comes next") {
  Player p(demo());
  CHECK(p.say("TYPE I\r\n") == "200 The type is set.\r\n");
  CHECK(p.say("SYST\r\n") == "215 UNIX Type: L8\r\n");
  CHECK(p.say("AUTH TLS\r\n") == "534 A recording is played without TLS.\r\n");
  CHECK(p.say("SIZE a\x1b[2J\r\n") ==
        "502 Not in this recording: \"SIZE a\\x1b[2J\"; it goes on with \"USER ann\".\r\n");
  p.say("QUIT\r\n");
  Player bare(log_of({kHello}));
  CHECK(bare.say("USER x\r\n") == "331 Any password will do.\r\n");
  CHECK(bare.say("DELE x\r\n") ==
        "502 Not in this recording: \"DELE x\", which is at its end.\r\n");
  CHECK(bare.say("QUIT\r\nNOOP\r\n") == "221 Goodbye.\r\n[finish]");
}

TEST_CASE("data connections are set up as this client asks") {
  Player p(demo());
  CHECK(p.passive("PASV\r\n", kHere) == "227 (127,0,0,1,18,52) ok\r\n");
  CHECK(p.passive("EPSV\r\n", kHere) == "229 Entering Extended Passive Mode (|||4660|).\r\n");
  CHECK(p.passive("LPSV\r\n", kHere) ==
        "228 Entering Long Passive Mode (4,4,127,0,0,1,2,18,52).\r\n");
  CHECK(p.say("EPSV 2\r\n") == "522 Use protocol 1 (1).\r\n");
  CHECK(p.say("PORT 192,0,2,9,4,1\r\n") ==
        "[close data]200 Data connections go to your port 1025.\r\n");
  CHECK(p.say("EPRT |1|192.0.2.9|1026|\r\n").ends_with("your port 1026.\r\n"));
  CHECK(p.say("PORT 192,0,2,10,4,1\r\n") == "501 The address must be your own.\r\n");
  CHECK(p.say("PORT 192,0,2,9,0,22\r\n") == "501 Ports below 1024 are not allowed.\r\n");
  CHECK(p.say("RETR a\r\n") == "150 Here\r\n[connect 1026][send payload-1.bin]");
  CHECK(p.say("EPSV ALL\r\n") == "");
  CHECK(p.after(replay::DataEnded{}) == "226 Done\r\n200 EPSV ALL is understood.\r\n");
  CHECK(p.passive("PASV\r\n", kHere) == "503 Only EPSV is allowed after EPSV ALL.\r\n");
  Player v6(demo(), kClientV6);
  CHECK(v6.passive("PASV\r\n", kHereV6) ==
        "425 PASV has room for an IPv4 address only, use EPSV.\r\n");
  CHECK(v6.passive("EPSV 2\r\n", kHereV6).starts_with("229 "));
  CHECK(v6.say("EPRT |2|2001:db8::9|1026|\r\n").ends_with("your port 1026.\r\n"));
}

TEST_CASE("the final reply comes behind the data, and the next command behind it") {
  Player p(demo());
  CHECK(p.say("RETR a\r\n") == "425 Say PASV, EPSV, PORT or EPRT first.\r\n");
  p.passive("PASV\r\n", kHere);
  CHECK(p.say("STOR b\r\nNOOP\r\nNOOP\r\n") == "150 Send\r\n[receive]");
  CHECK_FALSE(p.machine().wants());
  CHECK(p.after(replay::DataEnded{}) == "226 Got it\r\n200 one\r\n200 two\r\n");
  CHECK(p.say("RETR none\r\n") == "550 No\r\n");
  p.passive("PASV\r\n", kHere);
  p.say("RETR a\r\n");
  CHECK(p.say("\xff\xf4\xff\xf2"
              "ABOR\r\n") ==
        "[close data]426 The transfer was aborted.\r\n226 No transfer is running any more.\r\n");
  p.passive("EPSV\r\n", kHere);
  p.say("RETR a\r\n");
  CHECK(p.after(replay::DataFailed{false}) == "425 No data connection came about.\r\n");
  p.passive("EPSV\r\n", kHere);
  p.say("RETR a\r\n");
  CHECK(p.after(replay::DataFailed{true}) == "426 The data connection broke.\r\n");
}

TEST_CASE("misbehaviour is played as it was recorded") {
  Player p(log_of(
      {kHello, command(1, "RETR", "a"), reply(1, 150, "Here"), reply(1, 226, "Done"),
       R"("kind":"finding","finding":"FTP-REPLY-BEFORE-DATA-END","to":1,"detail":"")",
       data(1, "download", "p"), command(2, "TYPE", "I"), reply(2, 200, "ok"),
       R"("kind":"reply","to":null,"verb":null,"code":200,"lines":["200 ok"],"endings":["lf"])",
       command(3, "NOOP", ""), reply(3, 421, "Go away"), command(4, "PWD", "")}));
  p.passive("PASV\r\n", kHere);
  CHECK(p.say("RETR a\r\n") == "150 Here\r\n226 Done\r\n[send p]");
  CHECK(p.after(replay::DataEnded{}) == "");
  CHECK(p.say("TYPE I\r\n") == "200 ok\r\n200 ok\n");
  CHECK(p.say("PWD\r\n") == "[finish]");  // the recording was cut off there
}

TEST_CASE("a session that says nothing, or too much in one line, ends") {
  Player idle(demo());
  idle.passes(ServerReplay::kIdleMax - 1s);
  CHECK(idle.after(replay::TimerFired{}) == "");
  idle.passes(2s);
  CHECK(idle.after(replay::TimerFired{}) == "421 Idle for too long.\r\n[finish]");
  Player talker(demo());
  CHECK(talker.say(std::string(ServerReplay::kLineMax + 1, 'a')) ==
        "421 The line is too long.\r\n[finish]");
}

TEST_CASE("a recording that cannot be played is told why") {
  const auto error = [](const std::string& log) { return read_script(log).error(); };
  CHECK(error("") == "it has no session with a server's greeting");
  CHECK(error(log_of({kHello}) + "nonsense\n").starts_with("line 2: not JSON: "));
  for (const auto* name : {"../x", "a/b", ".x", "a b"}) {
    CHECK(error(log_of({kHello, command(1, "RETR", "a"), data(1, "download", name)})) ==
          "'" + std::string(name) + "' is not the plain name of a payload file");
  }
}
