// log -> read -> Observer gives the same records again.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "analyzer/log_reader.h"
#include "analyzer/log_replay.h"
#include "analyzer/record_json.h"
#include "proxy/interceptor.h"

using namespace ftpscope;
using namespace std::chrono_literals;

namespace {

class LogText final : public RecordSink {
 public:
  void record(const Record& record) override { append_json(text, record); }
  std::string text;
};

class NoEffects final : public Effects {
 public:
  void connect_server(const std::optional<HostPort>&) override {}
  void drop_server() override {}
  void send(Side, std::string_view) override {}
  void send_urgent(Side, std::string_view, std::size_t) override {}
  void finish(Side) override {}
  void reset(Side) override {}
  void expose(const Exposure&) override {}
  void connect_channel(ChannelId, Side, const Endpoint&) override {}
  void close_channel(ChannelId, ChannelEnd) override {}
  void watch_channel(ChannelId, Duration) override {}
  void end_session() override {}
};

// A session through an Interceptor; time passes by a millisecond an event.
class LoggedSession {
 public:
  static inline const Pipeline kNoRewriters;

  // `pipeline` is to outlive it.
  explicit LoggedSession(const Pipeline& pipeline = kNoRewriters, bool log_secrets = false) {
    options_.limits.log_secrets = log_secrets;
    machine_.emplace(options_, pipeline, "s-1", log_, effects_);
    handle(event::ClientConnected{parse_endpoint("192.0.2.9:4000").value(),
                                  parse_endpoint("192.0.2.1:21").value(), "ftp.example.org:21"});
    handle(event::ServerConnected{parse_endpoint("198.51.100.2:21").value(),
                                  parse_endpoint("192.0.2.1:4001").value()});
  }
  LoggedSession& client(std::string_view bytes, bool urgent = false) {
    return handle(event::Received{Side::client, bytes, urgent});
  }
  LoggedSession& server(std::string_view bytes) {
    return handle(event::Received{Side::server, bytes});
  }
  LoggedSession& closed(Side side) { return handle(event::Closed{side}); }
  LoggedSession& passes(Duration time) {
    now_ += time;
    return handle(event::TimerFired{});
  }
  LoggedSession& login() {
    return server("220 Hi\r\n")
        .client("USER a\r\n")
        .server("331 Password?\r\n")
        .client("PASS geheim\r\n")
        .server("230 In\r\n");
  }
  [[nodiscard]] const std::string& log() const { return log_.text; }

 private:
  LoggedSession& handle(const Event& event) {
    now_ += 1ms;
    machine_->handle(event, now_);
    return *this;
  }

  Timestamp now_ = Timestamp{} + 1'795'254'219s;
  LogText log_;
  NoEffects effects_;
  InterceptorOptions options_;
  std::optional<Interceptor> machine_;
};

void check_comes_again(const LoggedSession& session) {
  const auto expected = records_to_come_again(session.log());
  CHECK(expected.size() > 0);
  CHECK(records_come_again(session.log()) == expected);
}

bool has(const LoggedSession& session, std::string_view text) {
  return session.log().find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a plain session comes again") {
  LoggedSession s;
  s.login()
      .client("pwd\r\n")
      .server("257 \"/\"\r\n")
      .client("TYPE I\r\nSIZE a\r\n")
      .server("200 I\r\n213 4\r\n");
  s.client("QUIT\r\n").server("221 Bye\r\n").closed(Side::server).closed(Side::client);
  CHECK(has(s, R"("argument":"<hidden>")"));
  check_comes_again(s);
}

TEST_CASE("hidden words stay hidden, and shown ones shown") {
  LoggedSession hiding;
  hiding.server("220 Hi\r\n")
      .client("PASSword\r\n")
      .server("500 What\r\n")
      .client("USER a:geheim@b\r\n");
  hiding.server("331 P\r\n").client("PASS geheim\r\n").server("530 geheim is wrong\r\n");
  CHECK_FALSE(has(hiding, "geheim"));
  check_comes_again(hiding);
  LoggedSession showing(LoggedSession::kNoRewriters, true);
  check_comes_again(showing.login());
  CHECK(has(showing, "geheim"));
}

TEST_CASE("what a hidden text said alone is copied, once") {
  LoggedSession s;
  // A bare CR before a second command; an empty argument; LF alone, told once a session.
  s.server("220 Hi\r\n").client("PASS a\rPORT 1,2,3,4,5,6\n").server("530 No\r\n");
  s.client("PASS \r\n").server("530 No\r\n").client("NOOP\n").server("200 Yes\r\n");
  CHECK(has(s, "FTP-COMMAND-HIDES-ANOTHER"));
  CHECK(has(s, "FTP-LINE-BARE-CR"));
  check_comes_again(s);
  LoggedSession unended;
  unended.server("220 Hi\r\n").client("PASS geheim").closed(Side::client);
  CHECK(has(unended, "FTP-LINE-NO-ENDING"));
  check_comes_again(unended.server("530 No\r\n").closed(Side::server));
}

TEST_CASE("lines that are not as RFC 959 wants them come again") {
  LoggedSession s;
  s.login()
      .client("RETR \xd6\xc3.txt\n")
      .server("550 no \xff\xfd\x01 such\n")
      .client("\r\n")
      .server("500 ?\r\n");
  s.client("cwd\ta\rb\r\n")
      .server("250-Yes\n 250 x\r\n250\r\n")
      .client(
          "\xff\xf4\xff\xf2"
          "ABOR\r\n",
          true);
  s.server("226 Done\r\n226 Done\r\nhello\r\n").client("SITE \xff\xff\r\n").server("200 ok");
  check_comes_again(s.closed(Side::server).closed(Side::client));
}

TEST_CASE("a reply that was sent on in parts comes again in the same parts") {
  LoggedSession s;
  s.login()
      .client("STAT\r\n")
      .server("211-Status\r\n one\n")
      .passes(250ms)
      .server(" two\r\n three\r\n");
  s.server("211 End\r\n")
      .client("HELP\r\n")
      .server("214-Help\r\n 200 x\r\n200 like a final\r\n214 End\r\n");
  CHECK(has(s, R"("reply_part")"));
  check_comes_again(s);
}

TEST_CASE("a reply closed by another code comes again") {
  LoggedSession s;
  s.login().client("RETR a\r\n").server("553-Not allowed\r\n150 Opening\r\n").client("NOOP\r\n");
  check_comes_again(s.server("200 ok\r\n"));
  CHECK(has(s, "FTP-REPLY-OTHER-CODE-END"));
}

TEST_CASE("a greeting that never ends comes again") {
  LoggedSession s;
  s.server("220-Hello\r\n220-there\r\n")
      .passes(1ms)
      .client("USER a\r\n")
      .server("331-Pass")
      .passes(5ms);
  check_comes_again(s.server("word\r\n331 please\r\n").client("PASS b\r\n").server("230 In\r\n"));
  CHECK(has(s, "FTP-REPLY-UNFINISHED"));
}

TEST_CASE("a session that ends in the middle of a reply or line comes again") {
  LoggedSession reply;
  reply.login().client("STAT\r\n").server("211-Status\r\n half").closed(Side::server);
  check_comes_again(reply.client("NOOP\r\n").closed(Side::client));
  LoggedSession line;
  check_comes_again(line.login().client("QUI").closed(Side::client).server("221 x\r\n"));
  LoggedSession part;
  part.login()
      .client("STAT\r\n")
      .server("211-Status\r\n half\r\n")
      .passes(300ms)
      .closed(Side::client);
  check_comes_again(part.closed(Side::server));
}

TEST_CASE("pipelined commands and an opaque session come again") {
  LoggedSession s;
  s.server("220 Hi\r\n")
      .client("FEAT\r\nAUTH TLS\r\n")
      .server("211-F\r\n AUTH\r\n211 E\r\n234 Go\r\n");
  check_comes_again(s.client("\x16\x03\x01").server("\x16\x03\x01"));
  CHECK(has(s, R"("opaque")"));
}

TEST_CASE("what the proxy answered itself comes again as its answer") {
  const Pipeline rewriters(Policy{});
  LoggedSession s(rewriters);
  s.login()
      .client("PWD\r\nPORT 8,8,8,8,4,1\r\nNOOP\r\n")
      .server("257 \"/\"\r\n")
      .server("200 ok\r\n");
  CHECK(has(s, R"("by":"proxy")"));
  check_comes_again(s);
}

TEST_CASE("a torn last line is no problem, a torn line inside is") {
  LoggedSession s;
  s.login();
  const auto torn = s.log() + R"({"ts":"2026-)";
  CHECK(records_come_again(torn) == records_to_come_again(s.log()));
  const auto nowhere = [](const Record&) {};
  LogReader log;
  log.read(torn, nowhere);
  CHECK(log.bad_lines() == 0);
  log.read(torn + "\n" + s.log(), nowhere);
  CHECK(log.bad_lines() == 1);
  const auto line = 2 * std::ranges::count(torn, '\n') + 2;
  CHECK(log.first_problem().starts_with(std::to_string(line) + ": not JSON: "));
}

// The facts of a log, one a line, and its findings.
struct FactsAndFindings {
  std::string facts;
  std::vector<std::string> findings;
};

FactsAndFindings apart(const std::string& records) {
  static const std::regex count(R"("findings":[0-9]+)");
  FactsAndFindings result;
  std::istringstream lines(records);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(R"("kind":"finding")") != line.npos) {
      result.findings.push_back(line);
    } else {
      result.facts += std::regex_replace(line, count, "") + "\n";
    }
  }
  return result;
}

// They were recorded by an older version: rules that have come since may find more.
TEST_CASE("the captures come again") {
  const auto captures = std::filesystem::path(FTPSCOPE_CAPTURES);
  for (const auto* name : {"demo", "misbehaving"}) {
    CAPTURE(name);
    std::ifstream file(captures / name / "session.jsonl", std::ios::binary);
    REQUIRE(file);
    std::ostringstream log;
    log << file.rdbuf();
    const auto expected = apart(records_to_come_again(log.str()));
    const auto actual = apart(records_come_again(log.str()));
    CHECK(expected.facts.size() > 0);
    CHECK(actual.facts == expected.facts);
    for (const auto& finding : expected.findings) {
      CHECK_MESSAGE(std::ranges::count(actual.findings, finding) > 0, finding);
    }
  }
}
