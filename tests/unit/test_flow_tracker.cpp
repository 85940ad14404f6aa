#include "analyzer/flow_tracker.h"

#include <doctest/doctest.h>

#include "tests/unit/wire.h"

using namespace ftpscope;
using namespace ftpscope::unit;
using namespace std::chrono_literals;

namespace {

constexpr auto kCaller = Wire::kCaller;
constexpr auto kListener = Wire::kListener;
constexpr auto kData = "198.51.100.2:51201";  // 200*256 + 1
constexpr auto kPasv = "227 Entering Passive Mode (198,51,100,2,200,1).\r\n";

// RETR with five bytes, from the connection on.
void download(Wire& wire, Connection& control, Connection& data) {
  wire.ask(control, "RETR a\r\n", "150 Go.\r\n");
  wire.say(data, kListener, "hello");
  wire.close(data, kListener);
  wire.say(control, kListener, "226 Done.\r\n");
}

void quit(Wire& wire, Connection& control) {
  wire.ask(control, "QUIT\r\n", "221 Bye.\r\n");
  wire.close(control, kListener);
}

}  // namespace

TEST_CASE("passive and active, the whole story") {
  Wire wire;
  auto control = wire.login();
  wire.ask(control, "PASV\r\n", kPasv);
  auto data = wire.open("192.0.2.1:40001", kData);
  download(wire, control, data);
  wire.ask(control, "PORT 192,0,2,1,200,2\r\n", "200 Fine.\r\n");
  wire.say(control, kCaller, "STOR b\r\n");
  auto active = wire.open("198.51.100.2:20", "192.0.2.1:51202");
  wire.say(control, kListener, "150 Go.\r\n");
  wire.say(active, kListener, "up!");
  wire.close(active, kListener);
  wire.say(control, kListener, "226 Done.\r\n");
  quit(wire, control);
  const auto& told = wire.finish();
  CHECK(told.all("opened") == "1 pasv, 2 port");
  CHECK(told.all("data") == "1 RETR down=5 up=0 fin by server, 2 STOR down=0 up=3 fin by client");
  CHECK(told.all("end") == "fin by server");
  CHECK(wire.tracker.flows() == 3);
  CHECK(wire.tracker.forgotten() == 0);
}

TEST_CASE("the same ports again are another connection: control and data") {
  Wire wire;
  for (std::uint32_t round = 0; round < 3; ++round) {
    auto control = wire.login("192.0.2.1:40000", "198.51.100.2:21", 1000 + round * 100'000);
    wire.ask(control, "PASV\r\n", kPasv);
    auto data = wire.open("192.0.2.1:40001", kData, 7000 + round * 100'000);
    download(wire, control, data);
    if (round < 2) quit(wire, control);  // the third just stops
  }
  const auto& told = wire.finish();
  CHECK(told.all("session") ==
        "192.0.2.1:40000 198.51.100.2:21, 192.0.2.1:40000 198.51.100.2:21, "
        "192.0.2.1:40000 198.51.100.2:21");
  CHECK(told.all("data") ==
        "1 RETR down=5 up=0 fin by server, 1 RETR down=5 up=0 fin by server, "
        "1 RETR down=5 up=0 fin by server");
  CHECK(told.all("end") == "fin by server, fin by server, open");
}

TEST_CASE("a reused port is seen when its connection was remembered for long, too") {
  FlowLimits limits;
  limits.flows_max = 16;
  Wire wire(limits);
  auto first = wire.login();
  wire.add(first.segment(kCaller, TcpSegment::kRst | TcpSegment::kAck));
  wire.login("192.0.2.1:50000");
  for (int i = 0; i < 8; ++i) {  // until the younger generation is the older
    wire.open("192.0.2.7:" + std::to_string(2000 + i), "203.0.113.1:80");
  }
  auto again = wire.login("192.0.2.1:50000", "198.51.100.2:21", 900'000);
  quit(wire, again);
  const auto& told = wire.finish();
  CHECK(told.all("end") == "rst by client, open, fin by server");
  CHECK(told.all("overlap").empty());
  CHECK(told.all("gap").empty());
}

TEST_CASE("a session is known in mid-session, by port, whichever side is seen first") {
  for (const bool client_first : {true, false}) {
    CAPTURE(client_first);
    Wire wire;
    Connection control{endpoint("192.0.2.1:40000"), endpoint("198.51.100.2:21")};
    if (client_first) wire.say(control, kCaller, "NOOP\r\n");
    wire.say(control, kListener, "200 Fine.\r\n");
    wire.ask(control, "PWD\r\n", "257 \"/\"\r\n");
    const auto& told = wire.finish();
    CHECK(told.all("session") == "192.0.2.1:40000 198.51.100.2:21");
    CHECK(told.has("FTP-CAPTURE-MID-STREAM"));
    CHECK(told.all("command") == (client_first ? "NOOP, PWD" : "PWD"));
  }
}

TEST_CASE("a session on another port is known by its dialogue, whichever side is seen first") {
  for (const bool client_first : {true, false}) {
    CAPTURE(client_first);
    Wire wire;
    Connection control{endpoint("192.0.2.1:40000"), endpoint("198.51.100.2:3333")};
    if (client_first) wire.say(control, kCaller, "CWD a\r\n");
    wire.say(control, kListener, "250 There.\r\n");
    wire.ask(control, "PASV\r\n", kPasv);
    auto data = wire.open("192.0.2.1:40001", kData);
    download(wire, control, data);
    const auto& told = wire.finish();
    CHECK(told.all("session") == "192.0.2.1:40000 198.51.100.2:3333");
    CHECK(told.all("data") == "1 RETR down=5 up=0 fin by server");
  }
}

TEST_CASE("what is no FTP is no session, on any port but FTP's") {
  Wire wire;
  auto http = wire.open("192.0.2.1:40000", "198.51.100.2:80");
  wire.ask(http, "POST / HTTP/1.1\r\n\r\nUSER joe\r\nPASV\r\n", kPasv);
  auto smtp = wire.open("192.0.2.1:40001", "198.51.100.2:25");
  wire.say(smtp, kListener, "220 mail ESMTP\r\n");
  wire.ask(smtp, "EHLO x\r\n", "250 mail\r\n");
  auto endless = wire.open("192.0.2.1:40002", "198.51.100.2:26");
  for (int i = 0; i < 3000; ++i) wire.say(endless, kListener, "220 ready\r\n");
  wire.say(endless, kCaller, "USER joe\r\n");
  CHECK(wire.finish().lines.empty());
  CHECK(wire.tracker.sessions() == 0);
}

TEST_CASE("ports of FTP servers can be named") {
  FlowLimits limits;
  limits.ftp_ports = {2121};
  Wire wire(limits);
  auto odd = wire.open("192.0.2.1:40000", "198.51.100.2:2121");
  wire.say(odd, kListener, "SSH-2.0\r\n");
  CHECK(wire.finish().all("session") == "192.0.2.1:40000 198.51.100.2:2121");
}

TEST_CASE("two sessions of the same hosts do not take each other's data") {
  Wire wire;
  auto one = wire.login("192.0.2.1:40000");
  auto two = wire.login("192.0.2.1:40010");
  wire.ask(one, "PASV\r\n", kPasv);
  wire.ask(two, "PASV\r\n", "227 Entering Passive Mode (198,51,100,2,200,9).\r\n");
  auto second = wire.open("192.0.2.1:40002", "198.51.100.2:51209");
  auto first = wire.open("192.0.2.1:40001", kData);
  wire.ask(two, "RETR b\r\n", "150 Go.\r\n");
  wire.say(second, kListener, "two");
  wire.close(second, kListener);
  wire.say(two, kListener, "226 Done.\r\n");
  download(wire, one, first);
  const auto& told = wire.finish();
  CHECK(told.all("data") == "1 RETR down=3 up=0 fin by server, 1 RETR down=5 up=0 fin by server");
}

TEST_CASE("a data connection whose first packets stand before what announces it") {
  Wire wire;
  auto control = wire.login();
  wire.say(control, kCaller, "PASV\r\n");
  auto data = wire.open("192.0.2.1:40001", kData);
  wire.say(data, kListener, "hello");
  wire.say(control, kListener, kPasv);
  wire.ask(control, "RETR a\r\n", "150 Go.\r\n");
  wire.close(data, kListener);
  wire.say(control, kListener, "226 Done.\r\n");
  const auto& told = wire.finish();
  CHECK(told.all("opened") == "1 pasv");
  CHECK(told.all("data") == "1 RETR down=5 up=0 fin by server");
}

TEST_CASE(
    "a NAT's address in the text: the data is found at the control peer's, and at the text's") {
  for (const auto* const listener : {"198.51.100.2:51201", "10.1.2.3:51201"}) {
    CAPTURE(listener);
    Wire wire;
    auto control = wire.login();
    wire.ask(control, "PASV\r\n", "227 Entering Passive Mode (10,1,2,3,200,1).\r\n");
    auto data = wire.open("192.0.2.1:40001", listener);
    download(wire, control, data);
    const auto& told = wire.finish();
    CHECK(told.all("data") == "1 RETR down=5 up=0 fin by server");
    CHECK(told.has("FTP-227-PRIVATE-ADDRESS"));
    CHECK_FALSE(told.has("FTP-DATA-OTHER-HOST"));
  }
}

TEST_CASE("a port that is stolen: the thief's connection is a channel too, and told") {
  Wire wire;
  auto control = wire.login();
  wire.ask(control, "PASV\r\n", kPasv);
  auto thief = wire.open("203.0.113.66:6666", kData);
  auto data = wire.open("192.0.2.1:40001", kData);
  wire.ask(control, "RETR a\r\n", "150 Go.\r\n");
  wire.say(thief, kListener, "hello");
  wire.close(thief, kListener);
  wire.close(data, kListener);
  wire.say(control, kListener, "226 Done.\r\n");
  const auto& told = wire.finish();
  CHECK(told.has("FTP-DATA-OTHER-HOST"));
  CHECK(told.has("FTP-DATA-SEVERAL"));
  CHECK(told.all("opened") == "1 pasv, 2 pasv");
}

TEST_CASE("a connection to an announced port that is nobody's is not a session's data") {
  Wire wire;
  auto control = wire.login();
  wire.ask(control, "PASV\r\n", kPasv);
  wire.open("203.0.113.66:6666", "203.0.113.77:51201");
  CHECK(wire.finish().all("opened").empty());
}

TEST_CASE("an announcement is forgotten after a while") {
  for (const bool late : {false, true}) {
    CAPTURE(late);
    Wire wire;
    auto control = wire.login();
    wire.ask(control, "PASV\r\n", kPasv);
    wire.now += late ? CapturedSession::kAnnouncedFor + 1s : CapturedSession::kAnnouncedFor - 1s;
    wire.open("192.0.2.1:40001", kData);
    CHECK(wire.finish().all("opened") == (late ? "" : "1 pasv"));
  }
}

TEST_CASE("what a session announced ends with it") {
  Wire wire;
  auto control = wire.login();
  wire.ask(control, "PASV\r\n", kPasv);
  wire.add(control.segment(kCaller, TcpSegment::kRst | TcpSegment::kAck));
  wire.open("192.0.2.1:40001", kData);
  const auto& told = wire.finish();
  CHECK(told.all("opened").empty());
  CHECK(told.all("end") == "rst by client");
}

TEST_CASE("a reset in the handshake, and data all the same") {
  Wire wire;
  Connection control{endpoint("192.0.2.1:40000"), endpoint("198.51.100.2:21")};
  wire.add(control.segment(kCaller, TcpSegment::kSyn));
  wire.add(control.segment(kListener, TcpSegment::kRst | TcpSegment::kAck));
  wire.say(control, kCaller, "USER joe\r\n");
  wire.say(control, kCaller, "PASS x\r\n");
  CHECK(wire.finish().all("end") == "rst by server");
}

TEST_CASE("sessions: of too many, the one that is silent for longest is ended") {
  FlowLimits limits;
  limits.sessions_max = 40;
  Wire wire(limits);
  std::vector<Connection> all;
  for (int i = 0; i < 40; ++i) all.push_back(wire.login("192.0.2.1:" + std::to_string(40000 + i)));
  for (auto& control : all) {  // all but two speak again
    if (&control != &all[7] && &control != &all[30]) wire.ask(control, "NOOP\r\n", "200 Fine.\r\n");
  }
  CHECK(wire.tracker.forgotten() == 0);
  wire.login("192.0.2.1:50000");
  wire.login("192.0.2.1:50001");
  CHECK(wire.tracker.forgotten() == 2);
  CHECK(wire.told.all("end") == "open, open");
  for (auto& control : all) wire.ask(control, "PWD\r\n", "257 \"/\"\r\n");
  const auto told = wire.finish().all("command");
  std::size_t said = 0;
  for (auto at = told.find("PWD"); at != std::string::npos; at = told.find("PWD", at + 1)) ++said;
  CHECK(said == 38);
}

TEST_CASE("connections: of too many, the older ones are forgotten, but none of a session") {
  FlowLimits limits;
  limits.flows_max = 16;
  Wire wire(limits);
  auto control = wire.login();
  for (int i = 0; i < 100; ++i) {
    wire.open("192.0.2.7:" + std::to_string(2000 + i), "203.0.113.1:80");
  }
  CHECK(wire.tracker.forgotten() > 80);
  wire.ask(control, "PASV\r\n", kPasv);
  auto data = wire.open("192.0.2.1:40001", kData);
  download(wire, control, data);
  quit(wire, control);
  const auto& told = wire.finish();
  CHECK(told.all("data") == "1 RETR down=5 up=0 fin by server");
  CHECK(told.all("end") == "fin by server");
}

TEST_CASE("the recent ones that an announcement is looked for among are limited") {
  for (const std::size_t between : {FlowLimits::kRecentMax - 1, FlowLimits::kRecentMax}) {
    Wire wire;
    auto control = wire.login();
    wire.say(control, kCaller, "PASV\r\n");
    auto data = wire.open("192.0.2.1:40001", kData);
    wire.say(data, kListener, "hello");
    for (std::size_t i = 0; i < between; ++i) {
      wire.open("192.0.2.7:" + std::to_string(2000 + i), "203.0.113.1:80");
    }
    wire.say(control, kListener, kPasv);
    CHECK(wire.finish().all("opened") == (between < FlowLimits::kRecentMax ? "1 pasv" : ""));
  }
}

TEST_CASE("early bytes are kept up to a limit, of each connection and of all") {
  Wire wire;
  const std::string replies = "220-" + std::string(3000, 'x');
  constexpr std::size_t kMany = 3 * FlowLimits::kEarlyTotalMax / 3000;
  for (std::size_t i = 0; i < kMany; ++i) {
    Connection open{
        {IpAddress::v4(10, 0, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)),
         40000},
        endpoint("198.51.100.2:3333")};
    wire.say(open, kListener, replies);
  }
  CHECK(wire.tracker.forgotten() > kMany / 3);
  CHECK(wire.tracker.flows() == kMany);
  CHECK(wire.finish().lines.empty());
}

TEST_CASE("an ICMP message ends the data channel that it is about") {
  Wire wire;
  auto control = wire.login();
  wire.ask(control, "PASV\r\n", kPasv);
  Connection data{endpoint("192.0.2.1:40001"), endpoint(kData)};
  wire.add(data.segment(kCaller, TcpSegment::kSyn));
  Unreachable unreachable;
  unreachable.reporter = parse_ip("203.0.113.1").value();
  unreachable.from = data.caller;
  unreachable.to = data.listener;
  unreachable.syn = true;
  wire.tracker.add(unreachable, wire.now);
  const auto& told = wire.finish();
  CHECK(told.has("FTP-DATA-UNREACHABLE"));
  CHECK(told.all("data") == "1 - down=0 up=0 refused");
}
