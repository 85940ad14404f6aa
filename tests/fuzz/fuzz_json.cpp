// The log's writer: whatever bytes a record holds, its line is JSON, holds no control byte, and
// gives the bytes back when it is read, by nlohmann::json and by our own reader. Input: a byte for
// the kind, some for the numbers, then texts between 0x1e.
#include <ctime>
#include <nlohmann/json.hpp>
#include <vector>

#include "analyzer/json_text.h"
#include "analyzer/record_json.h"
#include "analyzer/record_reader.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/log_check.h"

namespace ftpscope::fuzz {
namespace {

using nlohmann::json;

struct Texts {
  explicit Texts(Input& input) {
    while (!input.empty() && all.size() < 32) all.emplace_back(input.until('\x1e'));
    for (const auto& text : all) views.emplace_back(text);
  }
  [[nodiscard]] std::string_view operator[](std::size_t i) const {
    return i < views.size() ? views[i] : std::string_view{};
  }
  std::vector<std::string> all;
  std::vector<std::string_view> views;
};

// The fields that may only hold UTF-8 (host names and our own words).
std::string_view utf8_or(std::string_view text, std::string_view otherwise) {
  std::string quoted;
  append_json_bytes(quoted, text);
  return quoted.starts_with('"') ? text : otherwise;
}

void expect(const json& line, const char* key, std::string_view bytes) {
  check(line.contains(key), "the field is there", key);
  check(bytes_of(line[key]) == bytes, "the bytes come back", line.dump());
}

void check_time(std::string_view text, Timestamp time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const auto seconds = static_cast<std::time_t>(second.time_since_epoch().count());
  std::tm calendar{};
  gmtime_r(&seconds, &calendar);
  char expected[64];
  const auto written = std::strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &calendar);
  std::snprintf(expected + written, sizeof expected - written, ".%06dZ",
                static_cast<int>((time - second).count()));
  check(text == expected, "a time in RFC 3339", text);
}

std::string write(const Record& record) {
  std::string line;
  append_json(line, record);
  check_log_line(line);
  RecordReader reader;
  const auto read = reader.read(std::string_view(line).substr(0, line.size() - 1));
  check(read.has_value(), "our own reader reads it", line);
  std::string again;
  append_json(again, **read);
  check(again == line, "read and written again it is the same line", line);
  return line;
}

struct Fields {
  Record record;
  Texts texts;
  std::uint64_t number;
  std::uint8_t flags;
  [[nodiscard]] bool flag(unsigned bit) const { return (flags >> bit & 1U) != 0; }
};

void check_command(Fields f) {
  record::Command body;
  body.id = static_cast<CommandId>(f.number);
  body.verb = f.texts[0];
  body.known = f.flag(0);
  if (f.flag(1)) body.argument = f.texts[1];
  if (f.flag(2)) body.line = f.texts[2];
  body.redacted = f.flag(3);
  body.urgent = f.flag(4);
  f.record.body = body;
  const auto line = json::parse(write(f.record));
  expect(line, "verb", body.verb);
  check(line.contains("argument") == body.argument.has_value(), "an argument only if there is one");
  if (body.argument) expect(line, "argument", *body.argument);
  if (body.line) expect(line, "line", *body.line);
  check(line["id"] == body.id, "the id");
}

void check_reply(Fields f) {
  record::Reply body;
  if (f.flag(0)) body.to = static_cast<CommandId>(f.number);
  if (f.flag(0)) body.verb = "RETR";
  if (f.flag(1)) body.code = static_cast<int>(f.number % 1000);
  body.lines = f.texts.views;
  std::vector<Ending> endings;
  for (const auto text : body.lines) endings.push_back(static_cast<Ending>(text.size() % 3));
  body.endings = endings;
  body.preliminary = f.flag(2);
  body.by_proxy = f.flag(3);
  body.redacted = f.flag(4);
  if (f.flag(5)) body.latency = Duration(static_cast<std::int64_t>(f.number));
  f.record.body = body;
  const auto line = json::parse(write(f.record));
  check(line["lines"].size() == body.lines.size(), "every line of the reply");
  for (std::size_t i = 0; i < body.lines.size(); ++i) {
    check(bytes_of(line["lines"][i]) == body.lines[i], "the bytes of a line come back");
  }
}

void check_rewrite(Fields f) {
  record::Rewrite body;
  if (f.flag(0)) body.to = static_cast<CommandId>(f.number);
  body.what = f.texts[0];
  body.before = f.texts[1];
  body.after = f.texts[2];
  body.why = utf8_or(f.texts[3], "why");
  f.record.body = body;
  const auto line = json::parse(write(f.record));
  expect(line, "what", body.what);
  expect(line, "before", body.before);
  expect(line, "after", body.after);
  expect(line, "why", body.why);
}

void check_finding(Fields f) {
  record::Finding body;
  body.id = static_cast<FindingId>(f.number % static_cast<std::uint64_t>(FindingId::count_));
  if (f.flag(0)) body.to = static_cast<CommandId>(f.number);
  body.detail = f.texts[0];
  f.record.body = body;
  expect(json::parse(write(f.record)), "detail", body.detail);
}

void check_end(Fields f) {
  record::End body;
  if (f.flag(0)) body.by = f.flag(1) ? Side::client : Side::server;
  body.how = static_cast<SessionEnd>(f.number % 8);
  body.why = f.texts[0];
  body.commands = body.bytes_from_client = body.data_to_client = f.number;
  body.duration = Duration(static_cast<std::int64_t>(f.number >> 1U));
  f.record.body = body;
  const auto line = json::parse(write(f.record));
  expect(line, "why", body.why);
  check(line["commands"] == body.commands, "a count");
}

void check_session(Fields f) {
  record::Session body;
  body.server = utf8_or(f.texts[0], "ftp.example.org:21");
  body.lines = "raw";
  body.tls = "pass";
  body.client.port = static_cast<std::uint16_t>(f.number);
  f.record.body = body;
  expect(json::parse(write(f.record)), "server", body.server);
}

void check_data(Fields f) {
  record::Data body;
  body.id = static_cast<ChannelId>(f.number);
  if (f.flag(0)) body.to = static_cast<CommandId>(f.number);
  if (f.flag(0)) body.verb = "STOR";
  if (f.flag(1)) body.direction = Direction::upload;
  if (f.flag(2)) body.client = Leg{};
  body.bytes_to_client = f.number >> 2U;
  body.exposed = body.closed = f.record.time;
  if (f.flag(3)) body.connected = f.record.time;
  if (f.flag(4))
    body.last_byte = f.record.time + Duration(static_cast<std::int64_t>(f.number >> 24U));
  body.how = static_cast<ChannelEnd>(f.number % 7);
  f.record.body = body;
  const auto line = json::parse(write(f.record));
  check(line["bytes"] == body.bytes_to_client, "the payload");
  if (!line["rate"].is_null()) {
    const auto exact = static_cast<long double>(body.bytes_to_client) * 1e6L /
                       static_cast<long double>((*body.last_byte - *body.connected).count());
    const auto rate = static_cast<long double>(line["rate"].get<std::uint64_t>());
    check(exact >= 1.8e19L || (rate <= exact * 1.000001L + 1 && rate >= exact * 0.999999L - 1),
          "bytes a second");
  }
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  const auto kind = input.byte();
  const auto flags = input.byte();
  const auto number = input.number(8);
  constexpr std::uint64_t kYear9999 = 253402300800U;
  const Timestamp time{std::chrono::microseconds(number % (kYear9999 * 1000000U))};
  Texts texts(input);
  Fields fields{Record{time, "0001", number, {}}, std::move(texts), number, flags};
  std::string written;
  append_time(written, time);
  check_time(written, time);
  switch (kind % 7) {
    case 0: check_command(std::move(fields)); break;
    case 1: check_reply(std::move(fields)); break;
    case 2: check_rewrite(std::move(fields)); break;
    case 3: check_finding(std::move(fields)); break;
    case 4: check_end(std::move(fields)); break;
    case 5: check_session(std::move(fields)); break;
    case 6: check_data(std::move(fields)); break;
  }
  return 0;
}
