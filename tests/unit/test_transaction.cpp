// A log's records as transactions.
#include <doctest/doctest.h>

#include <string>

#include "analyzer/log_reader.h"
#include "analyzer/transaction.h"

using namespace ftpscope;
using namespace std::chrono_literals;

namespace {

// Builds a log: one line a second.
class Log {
 public:
  Log& line(std::string_view fields, std::string_view session = "s") {
    const auto second = std::to_string(10 + lines_++);
    text_.append(R"({"ts":"2026-11-21T09:43:)" + second + R"(.000000Z","session":")")
        .append(session)
        .append(R"(","seq":0,)")
        .append(fields)
        .append("}\n");
    return *this;
  }
  Log& begin(std::string_view session = "s") {
    return line(R"("kind":"session","schema":1,"client":"192.0.2.9:4000","proxy":"192.0.2.1:21",)"
                R"("server":"ftp:21","lines":"raw","tls":"pass")",
                session);
  }
  Log& command(int id, std::string_view verb, std::string_view more = "",
               std::string_view session = "s") {
    return line(R"("kind":"command","id":)" + std::to_string(id) + R"(,"verb":")" +
                    std::string(verb) + '"' + std::string(more),
                session);
  }
  Log& reply(std::string_view to, int code, std::string_view session = "s") {
    const auto text = std::to_string(code);
    return line(R"("kind":"reply","to":)" + std::string(to) + R"(,"verb":"x","code":)" + text +
                    (code < 200 ? R"(,"preliminary":true)" : "") + R"(,"lines":[")" + text +
                    R"( x"])",
                session);
  }
  [[nodiscard]] std::vector<SessionTransactions> read() const {
    TransactionCollector collector;
    LogReader log;
    log.read(text_, [&](const Record& record) { collector.record(record); });
    REQUIRE(log.bad_lines() == 0);
    return collector.take();
  }

 private:
  std::string text_;
  int lines_ = 0;
};

}  // namespace

TEST_CASE("replies, data and findings stand with their command") {
  const auto sessions =
      Log()
          .begin()
          .reply("0", 220)
          .command(1, "PASS", R"(,"argument":"<hidden>","redacted":true)")
          .reply("1", 230)
          .command(2, "RETR", R"(,"argument":"a","line":"retr a\r\n")")
          .reply("2", 150)
          .line(
              R"("kind":"data","id":1,"to":2,"verb":"RETR","setup":"epsv","direction":"download",)"
              R"("bytes":3,"bytes_to_client":3,"bytes_to_server":0,)"
              R"("exposed":"2026-11-21T09:43:12.000000Z","connected":"2026-11-21T09:43:13.000000Z",)"
              R"("last_byte":"2026-11-21T09:43:14.000000Z","how":"rst","strangers":0,"closed_first":"server",)"
              R"("payload":"p.bin","sha256":"00ff")")
          .reply("2", 226)
          .reply("null", 226)
          .line(R"("kind":"finding","finding":"FTP-REPLY-SECOND-FINAL","to":2,"detail":"RETR")")
          .read();
  REQUIRE(sessions.size() == 1);
  CHECK(sessions[0].server == "ftp:21");
  const auto& list = sessions[0].transactions;
  REQUIRE(list.size() == 3);
  CHECK(list[0].verb == "greeting");
  CHECK(list[0].code() == 220);
  CHECK(list[1].hidden);
  CHECK(list[1].latency() == 1s);
  const auto& transfer = list[2];
  CHECK(transfer.argument == "a");
  CHECK(transfer.line == "retr a\r\n");
  REQUIRE(transfer.replies.size() == 3);
  CHECK(transfer.replies[0].preliminary());
  CHECK(transfer.replies[0].raw == "150 x\r\n");
  CHECK(transfer.code() == 226);
  CHECK_FALSE(transfer.replies[2].asked);
  CHECK(transfer.latency() == 3s);
  REQUIRE(transfer.data);
  CHECK(transfer.data->setup == Setup::epsv);
  CHECK(transfer.data->bytes == 3);
  CHECK(transfer.data->payload == "p.bin");
  CHECK(transfer.data->sha256 == "00ff");
  CHECK(transfer.data->how == ChannelEnd::rst);
  CHECK(transfer.data->closed_first == Side::server);
  CHECK(transfer.data->duration == 1s);
  REQUIRE(transfer.findings.size() == 1);
  CHECK(transfer.findings[0].id == FindingId::reply_second_final);
}

TEST_CASE("what was sent before its turn says behind what, and whether in mid-transfer") {
  const auto sessions = Log()
                            .begin()
                            .reply("0", 220)
                            .command(1, "CWD")
                            .command(2, "RETR")
                            .reply("1", 250)
                            .reply("2", 150)
                            .command(3, "ABOR")
                            .reply("2", 426)
                            .reply("3", 226)
                            .command(4, "NOOP")
                            .read();
  const auto& list = sessions.at(0).transactions;
  CHECK_FALSE(list[1].behind);
  CHECK(list[2].behind == 1);
  CHECK_FALSE(list[2].in_transfer);
  CHECK(list[3].behind == 2);
  CHECK(list[3].in_transfer);
  CHECK_FALSE(list[4].behind);
  CHECK_FALSE(list[4].code());
  CHECK_FALSE(list[4].latency());
}

TEST_CASE("interleaved sessions are taken apart, in the order in which they began") {
  const auto sessions = Log()
                            .begin("b")
                            .begin("a")
                            .reply("0", 220, "a")
                            .command(1, "NOOP", "", "b")
                            .command(1, "QUIT", "", "a")
                            .read();
  REQUIRE(sessions.size() == 2);
  CHECK(sessions[0].session == "b");
  CHECK(sessions[0].transactions.at(1).verb == "NOOP");
  CHECK(sessions[1].transactions.at(0).code() == 220);
  CHECK(sessions[1].transactions.at(1).verb == "QUIT");
}

TEST_CASE("records that refer to nothing do no harm") {
  const auto sessions = Log().reply("null", 421).reply("9", 226).command(1, "NOOP").read();
  REQUIRE(sessions.size() == 1);
  REQUIRE(sessions[0].transactions.size() == 1);
  CHECK(sessions[0].transactions[0].replies.empty());
}
