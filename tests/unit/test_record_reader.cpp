// read_record is the inverse of append_json, and says what is wrong with a line that is none.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "analyzer/record_json.h"
#include "analyzer/record_reader.h"

using namespace ftpscope;

namespace {

constexpr auto kTwoEndpoints =
    std::to_array<std::string_view>({"192.0.2.1:2000", "[2001:db8::1]:21"});

Endpoint endpoint(std::size_t i) { return parse_endpoint(kTwoEndpoints[i]).value(); }

const Timestamp kTime = Timestamp{} + std::chrono::microseconds(1'795'254'219'123'456);

std::string json(const record::Body& body) {
  std::string line;
  append_json(line, Record{kTime, "s-1", 7, body});
  line.pop_back();
  return line;
}

void check_comes_back(const record::Body& body) {
  const auto line = json(body);
  RecordReader reader;
  const auto record = reader.read(line);
  REQUIRE_MESSAGE(record.has_value(), record.error());
  std::string again;
  append_json(again, **record);
  CHECK(again == line + "\n");
}

std::string error_of(std::string_view line) {
  RecordReader reader;
  const auto record = reader.read(line);
  return record ? "no error" : record.error();
}

}  // namespace

TEST_CASE("every kind of record is read as it was written") {
  const Leg leg{endpoint(0), endpoint(1)};
  const auto lines = std::to_array<std::string_view>({"230-Hi \xff", "230 \u202e", ""});
  const auto endings = std::to_array({Ending::crlf, Ending::lf, Ending::none});
  check_comes_back(record::Session{endpoint(0), endpoint(1), "ftp.example:21", "raw", "pass"});
  check_comes_back(record::Session{endpoint(0), endpoint(1), "ftp.example:21", "raw", "pass",
                                   endpoint(1), endpoint(0)});
  check_comes_back(record::Connected{endpoint(1), endpoint(0)});
  check_comes_back(record::Connected{endpoint(1), endpoint(0), "v2"});
  check_comes_back(
      record::Command{.id = 5, .verb = "NOOP", .argument = {}, .line = {}, .by_proxy = true});
  check_comes_back(record::Reply{.to = 5,
                                 .verb = "NOOP",
                                 .code = 200,
                                 .lines = lines,
                                 .endings = endings,
                                 .latency = Duration(7),
                                 .for_proxy = true});
  check_comes_back(record::Command{.id = 3,
                                   .verb = "CWD",
                                   .argument = "a\xff\0b",
                                   .line = "cwd a\n",
                                   .redacted = false,
                                   .urgent = true});
  check_comes_back(
      record::Command{.id = 4, .verb = "x\xffy", .known = false, .argument = {}, .line = {}});
  check_comes_back(record::Reply{.to = 3,
                                 .verb = "CWD",
                                 .code = 230,
                                 .lines = lines,
                                 .endings = endings,
                                 .latency = Duration(12),
                                 .by_proxy = true,
                                 .redacted = true});
  check_comes_back(record::Reply{.to = {},
                                 .verb = {},
                                 .code = {},
                                 .lines = lines,
                                 .endings = endings,
                                 .latency = {},
                                 .preliminary = true});
  check_comes_back(record::ReplyPart{.to = 0, .code = 220, .lines = lines, .endings = endings});
  check_comes_back(record::Rewrite{5, "PORT", "PORT 1\xff", "PORT 2", "why not"});
  check_comes_back(
      record::ChannelExposed{1, 2, Setup::lpsv, Side::server, endpoint(0), endpoint(1)});
  check_comes_back(record::ChannelOpened{1, 2, Setup::eprt, leg, leg});
  record::Data data{.id = 1,
                    .to = 2,
                    .verb = "RETR",
                    .setup = Setup::epsv,
                    .direction = Direction::upload,
                    .client = leg,
                    .server = leg,
                    .bytes_to_client = 1U << 20U,
                    .bytes_to_server = 5,
                    .exposed = kTime,
                    .connected = kTime - Duration(9),
                    .first_byte = kTime,
                    .last_byte = kTime,
                    .closed = kTime,
                    .closed_first = Side::server,
                    .how = ChannelEnd::session_ended,
                    .strangers = 2,
                    .payload = "payload-1.bin"};
  check_comes_back(data);
  check_comes_back(record::Data{.id = 1,
                                .to = {},
                                .verb = {},
                                .direction = {},
                                .client = {},
                                .server = {},
                                .exposed = kTime,
                                .connected = kTime - Duration(5),
                                .first_byte = {},
                                .last_byte = {},
                                .closed = kTime,
                                .closed_first = {},
                                .payload = {}});
  for (const auto& row : all_findings())
    check_comes_back(record::Finding{row.id, 4, "detail \xfe"});
  check_comes_back(record::Opaque{4});
  check_comes_back(record::Lost{400});
  check_comes_back(record::End{
      .by = Side::client, .how = SessionEnd::not_ftp, .why = "TLS", .duration = Duration(99)});
}

TEST_CASE("a line that is no record is told what is wrong with it") {
  const std::string head = R"({"ts":"2026-11-21T09:43:39.123456Z","session":"s","seq":0,"kind":)";
  CHECK(error_of("").starts_with("not JSON: "));
  CHECK(error_of(R"({"ts":"2026-11-21T09:43:3)").starts_with("not JSON: "));
  CHECK(error_of("[1]") == "a JSON object is expected");
  CHECK(error_of("{}") == "ts: is missing");
  CHECK(error_of(head + R"("telepathy"})") == "kind: 'telepathy' is unknown");
  CHECK(error_of(head + R"("command","id":-1,"verb":"PWD"})") == "id: a whole number is expected");
  CHECK(error_of(head + R"("command","id":4294967296,"verb":"PWD"})") ==
        "id: a whole number is expected");
  CHECK(error_of(head + R"("command","id":1,"verb":{"base64":"A?=="}})") ==
        R"(verb: a text or {"base64": ...} is expected)");
  CHECK(error_of(head +
                 R"("reply","to":1,"verb":"PWD","code":257,"lines":["a","b"],"endings":["lf"]})") ==
        "endings: a list with an ending for each line is expected");
  CHECK(error_of(head + R"("connected","server":"10.0.0.1:21","from":"here"})") ==
        "from: an address with a port is expected");
  CHECK(error_of(head + R"("finding","finding":"FTP-NEW","detail":"","to":null})") ==
        "finding: 'FTP-NEW' is unknown");
  CHECK(
      error_of(
          R"({"ts":"2026-02-30T09:43:39.123456Z","session":"s","seq":0,"kind":"opaque","to":1})") ==
      "ts: a time as 2026-11-21T09:43:39.123456Z is expected");
}

// They would be written as they are, and a line of the log could be made of them, or an escape
// sequence for the terminal.
TEST_CASE("a session's name and the like are one printable word") {
  for (const auto* name : {R"(a\nb)", R"(a\"b)", R"(\u001b[2J)", R"(\\)", "\xc3\xa9"}) {
    CHECK(error_of(R"({"ts":"2026-11-21T09:43:39.123456Z","session":")" + std::string(name) +
                   R"(","seq":0,"kind":"opaque","to":1})") ==
          "session: printable ASCII without quotes and backslashes is expected");
  }
}

// simdjson takes these two, or the first of them.
TEST_CASE("half of a surrogate pair is no text, and the first of two fields of a name counts") {
  const std::string head = R"({"ts":"2026-11-21T09:43:39.123456Z","session":"s","seq":0,"kind":)";
  for (const auto* half : {R"(\udc00)", R"(\ud83d)", R"(\uDC00 \ud83d\ude00)"}) {
    CHECK(error_of(head + R"("lost","records_lost":1,"x":")" + half + R"("})")
              .starts_with("not JSON: "));
  }
  RecordReader reader;
  const auto line = head + R"("command","id":1,"verb":"CWD","argument":"\ud83d\ude00","id":2})";
  const auto record = reader.read(line);
  REQUIRE(record);
  const auto& command = std::get<record::Command>((*record)->body);
  CHECK(command.argument == "\U0001f600");
  CHECK(command.id == 1);
}

TEST_CASE("what is too large or too deep is no record, and the reader goes on") {
  const std::string head = R"({"ts":"2026-11-21T09:43:39.123456Z","session":"s","seq":0,"kind":)";
  RecordReader reader;
  const auto error = [&reader](const std::string& line) { return reader.read(line).error(); };
  const std::string deep(2000, '[');
  CHECK(error(head + R"("lost","records_lost":1,"x":)" + deep + std::string(2000, ']') + "}") ==
        "not JSON: a number in it is too large, or it is nested too deeply");
  CHECK(error(head + R"("lost","records_lost":123456789012345678901})") ==
        "not JSON: a number in it is too large, or it is nested too deeply");
  CHECK(error(std::string(RecordReader::kLineMax + 1, ' ')) == "the line is too long");
  CHECK(error(head + R"("command","id":1,"verb":"\xff"})").starts_with("not JSON: "));
  CHECK(error(head + R"("tls"})") == "alpn: is missing");
  CHECK(reader.read(head + R"("lost","records_lost":1})"));
}

TEST_CASE("fields of a later version are skipped") {
  CHECK(RecordReader().read(
      R"({"ts":"2026-11-21T09:43:39.123456Z","session":"s","seq":0,"kind":"opaque","to":1,"x":[]})"));
}
