// threats.md S29: nothing in a log line can break it, move a cursor or turn text around; all can be
// read back.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "analyzer/json_text.h"
#include "analyzer/record_json.h"

using namespace ftpscope;
using namespace std::string_view_literals;

namespace {

std::string as_json(std::string_view bytes) {
  std::string out;
  append_json_bytes(out, bytes);
  return out;
}

std::string from_base64_text(const std::string& text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6U | static_cast<unsigned>(kAlphabet.find(c));
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> static_cast<unsigned>(count -= 8) & 0xffU);
  }
  return bytes;
}

std::string decoded(const std::string& json) {
  const auto value = nlohmann::json::parse(json);
  return value.is_string() ? value.get<std::string>() : from_base64_text(value["base64"]);
}

void check_safe(const std::string& json) {
  CHECK(std::ranges::none_of(json, [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  for (const auto bad :
       {"\x7f"sv, "\xc2\x80"sv, "\xc2\x9b"sv, "\xc2\x9f"sv, "\xe2\x80\xa8"sv, "\xe2\x80\xa9"sv,
        "\xe2\x80\xae"sv, "\xe2\x80\x8f"sv, "\xe2\x81\xa6"sv, "\xd8\x9c"sv}) {
    CHECK(json.find(bad) == json.npos);
  }
}

}  // namespace

TEST_CASE("what is escaped") {
  CHECK(as_json("plain text") == "\"plain text\"");
  CHECK(as_json("") == "\"\"");
  CHECK(as_json("a\"b\\c") == R"("a\"b\\c")");
  CHECK(as_json("\x1b]0;x\x07") == R"("\u001b]0;x\u0007")");
  CHECK(as_json("a\0b"sv) == R"("a\u0000b")");
  CHECK(as_json("\x7f") == R"("\u007f")");
  CHECK(as_json("\xc2\x9b") == R"("\u009b")");
  CHECK(as_json("\xe2\x80\xa8") == R"("\u2028")");
  CHECK(as_json("\xe2\x80\xae") == R"("\u202e")");
  CHECK(as_json("资料") == "\"资料\"");
  CHECK(as_json("\xf0\x9f\x93\x81") == "\"\xf0\x9f\x93\x81\"");
}

TEST_CASE("what is not UTF-8 is base64") {
  CHECK(as_json("\xff") == R"({"base64":"/w=="})");
  for (const auto bytes : {"\xff\xf4"sv, "\xc0\xaf"sv, "\xed\xa0\x80"sv, "\xf5\x80\x80\x80"sv,
                           "abc\x80"sv, "\xe2\x80"sv}) {
    const auto json = as_json(bytes);
    CHECK(json.starts_with("{\"base64\":"));
    CHECK(decoded(json) == bytes);
  }
}

TEST_CASE("attacks on the log come back as they were, and are harmless in it") {
  for (const auto bytes :
       {"\"},{\"event\":\"login_ok"sv, "a\r\nb"sv, "\x1b[2J"sv,
        "\x9b"
        "2J"sv,
        "\xc2\x9b"
        "2J"sv,
        "\xe2\x80\xae"
        "txt.exe"sv,
        "a\0b"sv, "\\u0000"sv, "\xef\xbb\xbf"sv, "\xef\xbf\xbe"sv, "\xe2\x81\xa6x\xe2\x81\xa9"sv}) {
    const auto json = as_json(bytes);
    INFO(json);
    check_safe(json);
    CHECK(decoded(json) == bytes);
  }
}

TEST_CASE("any bytes come back") {
  std::mt19937 random(29);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes;
    const bool mostly_text = i % 2 == 0;
    for (auto length = random() % 30; length > 0; --length) {
      bytes += static_cast<char>(mostly_text ? random() % 128 : random());
    }
    const auto json = as_json(bytes);
    check_safe(json);
    CHECK(decoded(json) == bytes);
  }
}

TEST_CASE("base64 (RFC 4648 10)") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
}

TEST_CASE("times") {
  using namespace std::chrono;
  const auto text = [](Timestamp time) {
    std::string out;
    append_time(out, time);
    return out;
  };
  const Timestamp noon = sys_days{year{2026} / 11 / 21} + hours(12);
  CHECK(text(Timestamp{}) == "1970-01-01T00:00:00.000000Z");
  CHECK(text(noon) == "2026-11-21T12:00:00.000000Z");
  CHECK(text(noon + microseconds(1)) == "2026-11-21T12:00:00.000001Z");
  CHECK(text(noon + microseconds(999'999)) == "2026-11-21T12:00:00.999999Z");
  CHECK(text(noon + seconds(1)) == "2026-11-21T12:00:01.000000Z");
  CHECK(text(noon - microseconds(1)) == "2026-11-21T11:59:59.999999Z");
  CHECK(text(sys_days{year{2028} / 2 / 29}) == "2028-02-29T00:00:00.000000Z");
}
