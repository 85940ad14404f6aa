// Sessions as FlowTracker makes them: how they end, and packets in an odd order.
#include "analyzer/captured_session.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "tests/unit/wire.h"

using namespace ftpscope;
using namespace ftpscope::unit;
using namespace std::chrono_literals;

namespace {

constexpr auto kCaller = Wire::kCaller;
constexpr auto kListener = Wire::kListener;
constexpr auto kData = "198.51.100.2:51201";
constexpr auto kPasv = "227 Entering Passive Mode (198,51,100,2,200,1).\r\n";

}  // namespace

TEST_CASE("endings: who closed first and how, half-closed, reset, one direction only") {
  struct Row {
    const char* what;
    std::vector<std::pair<bool, unsigned>> segments;  // who, flags
    std::string end;
  };
  constexpr auto kFin = TcpSegment::kFin | TcpSegment::kAck;
  constexpr auto kRst = TcpSegment::kRst | TcpSegment::kAck;
  const std::vector<Row> rows = {
      {"nothing", {}, "open"},
      {"the server first", {{kListener, kFin}, {kCaller, kFin}}, "fin by server"},
      {"the client first", {{kCaller, kFin}, {kListener, kFin}}, "fin by client"},
      {"half-closed", {{kCaller, kFin}}, "fin by client"},
      {"reset", {{kListener, kRst}}, "rst by server"},
      {"reset behind a FIN of the other's", {{kCaller, kFin}, {kListener, kRst}}, "rst by client"},
      {"reset behind both FINs",
       {{kCaller, kFin}, {kListener, kFin}, {kListener, kRst}},
       "fin by client"},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.what));
    Wire wire;
    auto control = wire.login();
    for (const auto& [who, flags] : row.segments) wire.add(control.segment(who, flags));
    CHECK(wire.finish().all("end") == row.end);
  }
  Wire wire;
  Connection control{endpoint("192.0.2.1:40000"), endpoint("198.51.100.2:21")};
  for (const auto* const line : {"USER joe\r\n", "PASS x\r\n", "PWD\r\n", "NOOP\r\n"}) {
    wire.say(control, kCaller, line);
  }
  const auto& told = wire.finish();
  CHECK(told.has("FTP-CAPTURE-ONE-WAY"));
  CHECK(told.all("command") == "USER joe, PASS <hidden>, PWD, NOOP");
}

TEST_CASE("a half-closed session goes on") {
  Wire wire;
  auto control = wire.login();
  wire.say(control, kCaller, "PWD\r\nQUIT\r\n");
  wire.add(control.segment(kCaller, TcpSegment::kFin | TcpSegment::kAck));
  wire.say(control, kListener, "257 \"/\"\r\n221 Bye.\r\n");
  wire.add(control.segment(kListener, TcpSegment::kFin | TcpSegment::kAck));
  const auto& told = wire.finish();
  CHECK(told.all("reply") == "220, 331, 230, 200, 257, 221");
  CHECK(told.all("end") == "fin by client");
}

TEST_CASE("data that is over before its command is seen is that command's all the same") {
  for (const bool late : {false, true}) {
    CAPTURE(late);
    Wire wire;
    auto control = wire.login();
    wire.ask(control, "PASV\r\n", kPasv);
    auto data = wire.open("192.0.2.1:40001", kData);
    wire.say(data, kListener, "hello");
    wire.close(data, kListener);
    if (late) wire.now += CapturedSession::kCommandLate + 1s;
    wire.ask(control, "RETR a\r\n", "150 Go.\r\n");
    wire.say(control, kListener, "226 Done.\r\n");
    const auto& told = wire.finish();
    CHECK(told.all("data") ==
          (late ? "1 - down=5 up=0 fin by server" : "1 RETR down=5 up=0 fin by server"));
  }
}

TEST_CASE("a SYN behind the first packets of its connection") {
  for (const bool ftp_port : {true, false}) {
    CAPTURE(ftp_port);
    const std::string server = ftp_port ? "198.51.100.2:21" : "198.51.100.2:3333";
    Wire wire;
    Connection control{endpoint("192.0.2.1:40000"), endpoint(server)};
    const auto syn = control.segment(kCaller, TcpSegment::kSyn);
    const auto answer = control.segment(kListener, TcpSegment::kSyn | TcpSegment::kAck);
    const auto ack = control.segment(kCaller, TcpSegment::kAck);
    const auto greeting = control.segment(kListener, TcpSegment::kAck, "220 Ready.\r\n");
    for (const auto& segment : {greeting, ack, answer, syn}) wire.add(segment);
    wire.ask(control, "USER joe\r\n", "331 Password.\r\n");
    const auto& told = wire.finish();
    CHECK(told.all("session") == "192.0.2.1:40000 " + server);
    CHECK(told.all("reply") == "220, 331");
    CHECK_FALSE(told.has("FTP-CAPTURE-MID-STREAM"));
  }
}
