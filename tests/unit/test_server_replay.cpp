// A recording read into a script, and the script played to a client.
#include <doctest/doctest.h>

#include <string>
#include <vector>

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
      : Player(read_script(log).value(), {}, client) {}
  Player(ReplayScript script, const ReplayOptions& options, const IpAddress& client = kClient)
      : script_(std::move(script)), options_(options), machine_(script_, options_, client, *this) {
    greeting = after(replay::Connected{});
  }

  std::string greeting;
  std::string findings;
  std::vector<std::string> writes;

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
  // What is done until then, each with the milliseconds at which it is.
  std::string until(Duration time) {
    std::string all;
    const auto start = now_;
    while (const auto due = machine_.deadline()) {
      if (*due > start + time) break;
      now_ = std::max(now_, *due);
      done_.clear();
      machine_.handle(replay::TimerFired{}, now_);
      const auto passed = std::chrono::floor<std::chrono::milliseconds>(now_ - start).count();
      all += "@" + std::to_string(passed) + " " + done_;
      if (machine_.finished()) return all;
    }
    now_ = start + time;
    return all;
  }
  [[nodiscard]] const ServerReplay& machine() const { return machine_; }

 private:
  void send(std::string_view bytes) override {
    done_ += bytes;
    writes.emplace_back(bytes);
  }
  void finish(bool reset) override { done_ += reset ? "[reset]" : "[finish]"; }
  void open_passive() override { done_ += "[open passive]"; }
  void connect_active(std::uint16_t port) override {
    done_ += "[connect " + std::to_string(port) + "]";
  }
  void send_payload(const ScriptPayload& p, std::uint64_t skip, double) override {
    done_ += "[send " + p.file + (skip > 0 ? " from " + std::to_string(skip) : "") + "]";
  }
  void receive_payload(const ScriptPayload&) override { done_ += "[receive]"; }
  void tell(FindingId finding, CommandId to, std::string_view detail) override {
    findings.append(row_of(finding).name).append(" to ").append(std::to_string(to));
    findings.append(": ").append(detail).append("\n");
  }
  void close_data() override { done_ += "[close data]"; }

  Timestamp now_{};
  std::string done_;
  ReplayScript script_;
  ReplayOptions options_;
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
        "500 Not in this recording: \"SIZE a\\x1b[2J\"; it goes on with \"USER ann\".\r\n");
  p.say("QUIT\r\n");
  Player bare(log_of({kHello}));
  CHECK(bare.say("USER x\r\n") == "331 Any password will do.\r\n");
  CHECK(bare.say("DELE x\r\n") ==
        "500 Not in this recording: \"DELE x\", which is at its end.\r\n");
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

namespace {

std::string at(std::string_view second, std::string_view line) {
  return R"({"ts":"2026-11-21T09:00:)" + std::string(second) + R"(0Z","session":"s","seq":0,)" +
         std::string(line) + "}\n";
}

std::string read_to(std::string_view second, int line, int byte, std::string_view from = "server") {
  return R"({"kind":"read","session":"s","ts":"2026-11-21T09:00:)" + std::string(second) +
         R"(0Z","from":")" + std::string(from) + R"(","line":)" + std::to_string(line) +
         R"(,"byte":)" + std::to_string(byte) + "}\n";
}

ReplayScript script_of(const std::string& log, const std::string& timing = {}) {
  return read_script(log, timing).value();
}

}  // namespace

TEST_CASE("strict: the recorded commands in their order, but for the data connections") {
  Player p(script_of(demo()), {.match = Match::strict});
  CHECK(p.say("PASS x\r\n") ==
        "500 Not in this recording: \"PASS x\"; it goes on with \"USER ann\".\r\n");
  CHECK(p.findings == "FTP-REPLAY-UNMATCHED to 1: \"PASS x\"; it goes on with \"USER ann\".\n");
  CHECK(p.say("USER bob\r\n") == "331 Password?\r\n");
  CHECK(p.say("PASS y\r\n") == "230 In\r\n");
  CHECK(p.say("TYPE I\r\n").starts_with("500 Not in"));  // no standard answers here
  CHECK(p.passive("EPSV\r\n", kHere).starts_with("229 "));
  CHECK(p.say("STOR b\r\n").ends_with("it goes on with \"RETR a\".\r\n"));
  CHECK(p.say("RETR a\r\n") == "150 Here\r\n[send payload-1.bin]");
  CHECK(p.after(replay::DataEnded{}) == "226 Done\r\n");
  CHECK(p.say("RETR a\r\n").starts_with("500 "));  // a second time it was not asked
  CHECK(p.say("QUIT\r\n") == "221 Goodbye.\r\n[finish]");
}

TEST_CASE("what matches nothing: closed, or the nearest") {
  Player closes(script_of(demo()), {.unmatched = Unmatched::close});
  CHECK(closes.say("DELE x\r\n") ==
        "421 Not in this recording: \"DELE x\"; it goes on with \"USER ann\".\r\n[finish]");
  Player nearest(script_of(demo()), {.unmatched = Unmatched::nearest});
  CHECK(nearest.say("DELE x\r\n").starts_with("500 "));
  nearest.passive("PASV\r\n", kHere);
  CHECK(nearest.say("RETR other\r\n") == "150 Here\r\n[send payload-1.bin]");
  CHECK(nearest.after(replay::DataEnded{}) == "226 Done\r\n");
  CHECK(nearest.findings.find("to 3: \"RETR other\"") != std::string::npos);
  CHECK(nearest.say("RETR third\r\n") == "550 No\r\n");  // the next one
}

TEST_CASE("by state: path, type and offset, in any order and as often as asked") {
  const auto log =
      log_of({kHello,
              command(1, "USER", "a"),
              reply(1, 230, "In"),
              command(2, "PWD", ""),
              R"("kind":"reply","to":2,"verb":"x","code":257,"lines":["257 \"/home\""])",
              command(3, "CWD", "one"),
              reply(3, 250, "one"),
              command(4, "LIST", "-l"),
              reply(4, 150, "first"),
              reply(4, 226, "first"),
              data(4, "download", "list-1"),
              command(5, "CWD", "../two/deep"),
              reply(5, 250, "two"),
              command(6, "LIST", ""),
              reply(6, 150, "second"),
              reply(6, 226, "second"),
              data(6, "download", "list-2"),
              command(7, "TYPE", "I"),
              reply(7, 200, "I"),
              command(8, "RETR", "f"),
              reply(8, 150, "f"),
              reply(8, 226, "f"),
              data(8, "download", "f.bin"),
              command(9, "DELE", "f"),
              reply(9, 550, "no")});
  Player p(script_of(log), {.match = Match::state});
  const auto get = [&](std::string_view line) {
    p.passive("EPSV\r\n", kHere);
    auto said = p.say(line);
    return said.ends_with("]") ? said + p.after(replay::DataEnded{}) : said;
  };
  CHECK(get("LIST /home/two/deep\r\n") == "150 second\r\n[send list-2]226 second\r\n");
  CHECK(get("LIST -a two/../one/\r\n") == "150 first\r\n[send list-1]226 first\r\n");
  CHECK(p.say("CWD /home/two\r\n") == "250 There.\r\n");  // on the way to what is recorded
  CHECK(p.say("CWD /nowhere\r\n").starts_with("500 "));
  CHECK(p.say("PWD\r\n") == "257 \"/home/two\"\r\n");
  CHECK(p.say("SIZE deep/f\r\n") == "213 3\r\n");
  CHECK(get("RETR deep/f\r\n") == "150 f\r\n[send f.bin]226 f\r\n");
  CHECK(p.say("REST 2\r\n") == "350 From there.\r\n");
  CHECK(get("RETR /home/two/deep/f\r\n") == "150 f\r\n[send f.bin from 2]226 f\r\n");
  CHECK(get("RETR /home/two/deep/f\r\n") == "150 f\r\n[send f.bin]226 f\r\n");
  CHECK(p.say("CDUP\r\n") == "250 One up.\r\n");
  CHECK(p.say("CWD one\r\n") == "250 one\r\n");
  CHECK(get("LIST\r\n") == "150 first\r\n[send list-1]226 first\r\n");
  CHECK(p.say("DELE ../two/deep/f\r\n") == "550 no\r\n");
}

TEST_CASE("a reply comes in the pieces and with the pauses of the recording") {
  const auto log =
      at("00.00000",
         R"("kind":"session","schema":1,"client":"192.0.2.9:1","proxy":null,"server":"s","lines":null,"tls":null)") +
      at("00.00000", R"("kind":"connected","server":"192.0.2.1:21","from":"192.0.2.9:1")") +
      at("02.50000",
         R"("kind":"reply","to":0,"verb":"greeting","code":220,"lines":["220-Hi","220 Go"])") +
      at("10.00000", command(1, "NOOP", "")) + at("10.50000", reply(1, 200, "Yes")) +
      at("20.00000", command(2, "RETR", "a")) + at("20.10000", reply(2, 150, "Here")) +
      at("24.20000", reply(2, 226, "Done")) + at("24.00000", data(2, "download", "p")) +
      at("30.00000", command(3, "QUIT", "")) + at("30.10000", reply(3, 221, "Bye"));
  const auto timing = read_to("00.50000", 0, 4) + read_to("02.50000", 2, 0) +
                      read_to("05.00000", 1, 0, "client") + read_to("10.50000", 3, 0) +
                      // 150 and 226 in one read, though the log has them at other times
                      read_to("20.10000", 4, 2) + read_to("20.30000", 5, 0) +
                      read_to("30.10000", 6, 0);
  auto script = script_of(log, timing);
  {
    Player fast(script, {});
    CHECK(fast.writes == std::vector<std::string>{"220-", "Hi\r\n220 Go\r\n"});
  }
  Player p(script, {.speed = 1});
  CHECK(p.greeting == "");
  CHECK_FALSE(p.machine().wants());
  CHECK(p.until(3s) == "@500 220-@2500 Hi\r\n220 Go\r\n");
  CHECK(p.say("NOOP\r\n") == "");
  CHECK(p.until(400ms) == "");
  CHECK(p.until(200ms) == "@100 200 Yes\r\n");
  p.passive("EPSV\r\n", kHere);
  CHECK(p.say("RETR a\r\n") == "");
  CHECK(p.until(1s).starts_with("@100 150 Here\r\n"));
  Player twice(script, {.speed = 2});
  CHECK(twice.until(3s) == "@250 220-@1250 Hi\r\n220 Go\r\n");
}

TEST_CASE("what came together goes with one write, and a last line has no end if it had none") {
  const auto log =
      at("00.00000", kHello) + at("01.00000", command(1, "NOOP", "")) +
      at("01.10000", reply(1, 200, "a")) +
      at("01.10000",
         R"("kind":"reply","to":null,"verb":null,"code":200,"lines":["200 b"],"endings":["none"])");
  Player p(script_of(log, read_to("00.00000", 1, 0) + read_to("01.10000", 2, 5)), {});
  p.writes.clear();
  CHECK(p.say("NOOP\r\n") == "200 a\r\n200 b");
  CHECK(p.writes == std::vector<std::string>{"200 a\r\n200 b"});
}

TEST_CASE("what the server did unasked, long after: only with pauses, and only if nobody speaks") {
  const auto log =
      at("00.00000", kHello) + at("01.00000", command(1, "NOOP", "")) +
      at("01.10000", reply(1, 200, "Yes")) +
      at("09.10000", R"("kind":"reply","to":null,"verb":null,"code":421,"lines":["421 Timeout"])") +
      at("09.10000",
         R"("kind":"end","by":"server","how":"rst","why":"","commands":1,"replies":2,"channels":0,"findings":0,"bytes_from_client":0,"bytes_from_server":0,"data_to_client":0,"data_to_server":0,"duration_us":1)");
  Player fast(script_of(log), {});
  CHECK(fast.say("NOOP\r\n") == "200 Yes\r\n");
  CHECK(fast.say("NOOP\r\n") == "200 Yes\r\n");
  Player waits(script_of(log), {.speed = 1});
  waits.say("NOOP\r\n");
  CHECK(waits.until(20s) == "@100 200 Yes\r\n@8100 421 Timeout\r\n[finish]");
  Player speaks(script_of(log), {.speed = 1});
  speaks.say("NOOP\r\n");
  CHECK(speaks.until(5s) == "@100 200 Yes\r\n");
  CHECK(speaks.say("NOOP\r\n") == "");
  CHECK(speaks.until(1s) == "@100 200 Yes\r\n");
}

TEST_CASE("a server that resets the connection does it again") {
  const auto log =
      at("00.00000", kHello) + at("01.00000", command(1, "DELE", "x")) +
      at("01.20000",
         R"("kind":"end","by":"server","how":"rst","why":"","commands":1,"replies":2,"channels":0,"findings":0,"bytes_from_client":0,"bytes_from_server":0,"data_to_client":0,"data_to_server":0,"duration_us":1)");
  Player p(script_of(log), {});
  CHECK(p.say("NOOP\r\n") == "200 Yes.\r\n");
  CHECK(p.say("DELE x\r\n") == "[reset]");
}

TEST_CASE("an upload that differs is told") {
  Player p(demo());
  p.say("NOOP\r\n");
  p.passive("PASV\r\n", kHere);
  p.say("STOR b\r\n");
  CHECK(p.after(replay::DataEnded{"2 bytes instead of 4"}) == "226 Got it\r\n");
  CHECK(p.findings == "FTP-REPLAY-UPLOAD-DIFFERS to 3: \"STOR b\": 2 bytes instead of 4\n");
}

TEST_CASE("several sessions: the first is played, and what only others have is found there") {
  auto log = demo();
  auto other = log_of({kHello, command(1, "USER", "x"), reply(1, 331, "Other"),
                       command(2, "SIZE", "z"), reply(2, 213, "9")});
  for (auto at = other.find("\"s\""); at != std::string::npos; at = other.find("\"s\""))
    other.replace(at, 3, "\"t\"");
  Player p(script_of(log + other), {});
  CHECK(p.say("USER q\r\n") == "331 Password?\r\n");
  CHECK(p.say("SIZE z\r\n") == "213 9\r\n");
  Player second(read_script(log + other, {}, "t").value(), {});
  CHECK(second.say("USER q\r\n") == "331 Other\r\n");
  CHECK(read_script(log, {}, "none").error() == "it has no session whose name ends in 'none'");
}

TEST_CASE("ten thousand commands at once are answered one behind the other") {
  Player p(demo());
  std::string all;
  for (int i = 0; i < 10'000; ++i) all += "NOOP\r\n";
  CHECK(p.say(all).size() == 10'000 * std::string_view("200 two\r\n").size());
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
