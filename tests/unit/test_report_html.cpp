// The HTML report's packing: what of a log stands in the page, and how. What the page makes of it
// is tested in a browser (tests/browser).
#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "analyzer/record_json.h"
#include "analyzer/report_html.h"

using namespace ftpscope;
using nlohmann::json;

namespace {

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

// What stands in <script type="application/json" id="...">.
std::string data_of(std::string_view page, std::string_view id) {
  const auto open = R"(<script type="application/json" id=")" + std::string(id) + "\">";
  const auto start = page.find(open);
  REQUIRE(start != page.npos);
  const auto data = page.substr(start + open.size());
  return std::string(data.substr(0, data.find("</script")));
}

std::string demo_log() {
  const std::ifstream file(FTPSCOPE_CAPTURES "/demo/session.jsonl", std::ios::binary);
  REQUIRE(file);
  std::ostringstream log;
  log << file.rdbuf();
  return log.str();
}

std::string line(std::string_view rest) {
  return R"({"ts":"2026-11-21T09:00:00.000000Z","session":"s","seq":0,)" + std::string(rest) + "}";
}

}  // namespace

TEST_CASE("each record's JSON is in the page exactly once, and in its order") {
  const auto log = demo_log();
  const auto page = html_page({"demo", log});
  CHECK(page.bad_lines == 0);
  CHECK(page.records == count(log, "\n"));
  const auto data = data_of(page.text, "log");
  std::istringstream lines(log);
  std::istringstream found(data.substr(1));  // behind the tag's LF
  for (std::string text, kept; std::getline(lines, text);) {
    CAPTURE(text);
    REQUIRE(std::getline(found, kept));
    CHECK(json::parse(kept) == json::parse(text));
    CHECK(count(page.text, kept) == 1);
    if (text.find('<') == text.npos) CHECK(kept == text);
  }
  CHECK(found.peek() == std::istringstream::traits_type::eof());
}

TEST_CASE("the same log gives the same page") {
  const auto log = demo_log();
  CHECK(html_page({"a", log}).text == html_page({"a", log}).text);
}

TEST_CASE("nothing in a log can end the data or begin markup") {
  const auto hostile = std::to_array<std::string_view>(
      {"</script>", "</ScRiPt >", "<!--", "<script>", "<![CDATA[", "{{log}}", "]]>", "-->"});
  for (const auto text : hostile) {
    CAPTURE(text);
    const auto log = line(R"("kind":"command","id":1,"verb":")" + std::string(text) + "\"") + "\n";
    const auto page = html_page({text, log + std::string(text) + "\n"});
    const auto plain = html_page({"x", line(R"("kind":"x")") + "\nbad\n"});
    CHECK(count(page.text, "<") == count(plain.text, "<"));
    const auto data = data_of(page.text, "log");
    CHECK(data.find('<') == data.npos);
    CHECK(json::parse(data)["verb"] == text);
    CHECK(json::parse(data_of(page.text, "about"))["title"] == text);
    CHECK(json::parse(data_of(page.text, "about"))["bad"][0]["text"] == text);
  }
}

TEST_CASE("the title is text") {
  const auto page = html_page({"a & b <i>\x1b\xff", ""}).text;
  CHECK(count(page, "<title>a &amp; b &lt;i&gt;\\x1b\\xff</title>") == 1);
}

TEST_CASE("unknown kinds and fields are kept, lines that are no records are told") {
  const auto unknown = line(R"("kind":"hologram","depth":{"a":[1,2]})");
  const auto crlf = line(R"("kind":"x")") + "\r";
  const auto log =
      unknown + "\n\nrubbish\n[1]\n{\"kind\":\"x\"}\n\xff\xfe\n" + crlf + "\n{\"ts\":\"2026";
  const auto page = html_page({"x", log});
  CHECK(page.records == 2);
  CHECK(page.bad_lines == 5);
  CHECK(count(page.text, unknown) == 1);
  const auto about = json::parse(data_of(page.text, "about"));
  CHECK(about["torn"] == true);
  CHECK(about["bad_count"] == 5);
  CHECK(about["bad"][0] == json({{"line", 3}, {"text", "rubbish"}}));
  CHECK(about["bad"][3] == json({{"line", 6}, {"text", "\\xff\\xfe"}}));
}

TEST_CASE("of many and long bad lines some are shown") {
  std::string log;
  for (std::size_t i = 0; i < kBadLinesShown + 50; ++i) log += std::string(1000, 'x') + "\n";
  const auto page = html_page({"x", log});
  CHECK(page.bad_lines == kBadLinesShown + 50);
  const auto about = json::parse(data_of(page.text, "about"));
  CHECK(about["torn"] == false);
  CHECK(about["bad"].size() == kBadLinesShown);
  CHECK(about["bad"][0]["text"] == std::string(kBadLineShownMax, 'x'));
}

TEST_CASE("of the findings that occur, and of no others, the explanation is there") {
  const auto& row = row_of(FindingId::pasv_private);
  std::string log;
  Record record{};
  record.session = "s";
  record.body = record::Finding{FindingId::pasv_private, 1, "10.0.0.5:50000"};
  append_json(log, record);
  log += line(R"("kind":"finding","finding":"FTP-OF-TOMORROW")") + "\n";
  const auto about = json::parse(data_of(html_page({"x", log}).text, "about"));
  REQUIRE(about["findings"].size() == 1);
  const auto& told = about["findings"][std::string(row.name)];
  CHECK(told["title"] == row.title);
  CHECK(told["source"] == row.source);
  CHECK(told["seen"] == row.seen);
  CHECK(told["remedy"] == row.remedy);
}

TEST_CASE("the policy names the page's own script and style, and nothing else") {
  const auto page = html_page({"x", ""}).text;
  const auto start = page.find("Content-Security-Policy\" content=\"");
  REQUIRE(start != page.npos);
  const auto policy = page.substr(start, page.find("\">", start) - start);
  CHECK(policy.find("default-src 'none'") != policy.npos);
  CHECK(policy.find("unsafe") == policy.npos);
  CHECK(count(policy, "'sha256-") == 2);
  CHECK(count(page, "{{") == 0);
  // No address to fetch anything from (the namespace of SVG is a name).
  CHECK(count(page, "http") ==
        count(page, "http-equiv") + count(page, "http://www.w3.org/2000/svg"));
}
