// What is printed of a comparison: as text, in columns, as JSON, as JUnit's XML.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "analyzer/comparison.h"
#include "analyzer/comparison_html.h"
#include "analyzer/comparison_json.h"
#include "analyzer/comparison_junit.h"
#include "analyzer/comparison_text.h"
#include "analyzer/markup_text.h"

using namespace ftpscope;
using namespace std::chrono_literals;

namespace {

Transaction made(CommandId id, std::string verb, std::optional<std::string> argument,
                 const std::string& reply) {
  Transaction transaction;
  transaction.id = id;
  transaction.verb = std::move(verb);
  transaction.argument = std::move(argument);
  TransactionReply answer;
  answer.code = std::stoi(reply.substr(0, 3));
  answer.raw = reply + "\r\n";
  answer.time = transaction.sent + 1500us;
  transaction.replies.push_back(std::move(answer));
  return transaction;
}

// Seven NOOPs, and then what differs.
SessionTransactions session(const std::string& name, const std::string& final_text) {
  SessionTransactions made_up;
  made_up.session = name;
  made_up.server = "ftp:21";
  for (CommandId id = 0; id < 7; ++id) {
    made_up.transactions.push_back(made(id, "NOOP", std::nullopt, "200 Zzz"));
  }
  made_up.transactions.push_back(made(7, "RETR", "<&\x1b\xff", final_text));
  return made_up;
}

struct Example {
  std::vector<SessionTransactions> a = {session("a1", "226 Done"), session("a2", "226 Done")};
  std::vector<SessionTransactions> b = {session("b1", "550 No")};
  Comparison comparison;

  Example() {
    b[0].transactions.push_back(made(8, "QUIT", std::nullopt, "221 Bye"));
    comparison.name_a = "old";
    comparison.name_b = "new";
    comparison.sessions = compare_in_order(a, b, {});
    comparison.expectations = {{"RETR: 226", "RETR x got \"550 No\""}, {"QUIT: any", std::nullopt}};
  }
};

}  // namespace

TEST_CASE("a comparison as text") {
  const Example example;
  CHECK(
      comparison_text(example.comparison, {}) ==
      "--- old, a1, server ftp:21\n"
      "+++ new, b1, server ftp:21\n"
      "  ... 5 the same\n"
      "  NOOP  200\n"
      "  NOOP  200\n"
      "! RETR <&\\x1b\\xff  550\n"
      "    code\n"
      "    - 226\n"
      "    + 550\n"
      "    text\n"
      "    - 226 Done\n"
      "    + 550 No\n"
      "+ QUIT  221\n"
      "\n"
      "--- old, a2, server ftp:21\n"
      "+++ new, no session\n"
      "session\n"
      "- a2, server ftp:21\n"
      "\n"
      "not as expected: RETR: 226: RETR x got \"550 No\"\n"
      "9 transactions, 2 differ: 1 command, 1 code, 1 text, 1 session; 1 of 2 expectations met\n");
}

TEST_CASE("a comparison in columns") {
  const Example example;
  ComparisonTextOptions options;
  options.side_by_side = true;
  options.width = 43;
  const auto text = comparison_text(example.comparison, options);
  CHECK(text.find("NOOP  200              NOOP  200\n"
                  "NOOP  200              NOOP  200\n"
                  "RETR <&\\x1b\\xff  226 | RETR <&\\x1b\\xff  550\n"
                  "    226              |     550\n"
                  "    226 Done         |     550 No\n"
                  "                     > QUIT  221\n") != std::string::npos);
}

TEST_CASE("nothing differs") {
  const auto one = std::vector{session("a1", "226 Done")};
  const Comparison comparison{"x", "y", compare_in_order(one, one, {}), {}};
  CHECK(comparison.same());
  CHECK(comparison_text(comparison, {}) == "8 transactions, no difference\n");
  ComparisonTextOptions all;
  all.all = true;
  CHECK(comparison_text(comparison, all).find("  NOOP  200\n") != std::string::npos);
}

TEST_CASE("colours are there when they are asked for, and only then") {
  const Example example;
  ComparisonTextOptions options;
  CHECK(comparison_text(example.comparison, options).find('\x1b') == std::string::npos);
  options.colour = true;
  CHECK(comparison_text(example.comparison, options).find('\x1b') != std::string::npos);
}

TEST_CASE("a comparison as JSON Lines") {
  const Example example;
  const auto text = comparison_json(example.comparison);
  std::vector<nlohmann::json> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(nlohmann::json::parse(text.substr(at, end - at)));
    at = end + 1;
  }
  REQUIRE(lines.size() == 1 + 9 + 1 + 2 + 1);
  CHECK(lines[0]["kind"] == "sessions");
  CHECK(lines[0]["b"] == "b1");
  CHECK(lines[1]["same"] == true);
  const auto& row = lines[8];
  CHECK(row["kind"] == "transaction");
  CHECK(row["a"]["verb"] == "RETR");
  CHECK(row["a"]["argument"]["base64"] == "PCYb/w==");
  CHECK(row["b"]["codes"] == nlohmann::json::array({550}));
  CHECK(row["b"]["latency_us"] == 1500);
  CHECK(row["differences"][0] == nlohmann::json({{"aspect", "code"}, {"a", "226"}, {"b", "550"}}));
  CHECK(lines[9]["a"].is_null());
  CHECK(lines[10]["b"].is_null());
  CHECK(lines[11]["met"] == false);
  CHECK(lines[12]["instead"].is_null());
  CHECK(lines[13]["kind"] == "summary");
  CHECK(lines[13]["differ"] == 2);
  CHECK(lines[13]["differences"]["session"] == 1);
}

TEST_CASE("a comparison as JUnit's XML") {
  const Example example;
  const auto text = comparison_junit(example.comparison);
  CHECK(
      text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<testsuites name=\"old | new\" tests=\"13\" failures=\"4\">\n"));
  CHECK(text.find("<testcase classname=\"a1, server ftp:21 | b1, server ftp:21\" "
                  "name=\"7 RETR &lt;&amp;\\x1b\\xff\" time=\"0.001500\">\n"
                  "      <failure message=\"differs in code, text\">") != std::string::npos);
  CHECK(text.find("<failure message=\"RETR x got &quot;550 No&quot;\"/>") != std::string::npos);
}

TEST_CASE("a comparison as a page") {
  const Example example;
  const auto text = comparison_html(example.comparison);
  CHECK(text.find("<title>old and new</title>") != std::string::npos);
  CHECK(text.find("<summary>6 the same</summary>") != std::string::npos);
  CHECK(text.find("RETR &lt;&amp;\\x1b\\xff") != std::string::npos);
  CHECK(text.find("<pre class=\"a wire\">226 Done</pre>") != std::string::npos);
  CHECK(text.find("<pre class=\"b wire\">550 No</pre>") != std::string::npos);
  CHECK(text.find("no session") != std::string::npos);
  CHECK(text.find("RETR x got &quot;550 No&quot;") != std::string::npos);
  CHECK(text.find("{{") == std::string::npos);
  CHECK(text.find("<script") == std::string::npos);
}

TEST_CASE("text for markup") {
  CHECK(markup_text("a<b>&\"c'") == "a&lt;b&gt;&amp;&quot;c&apos;");
  CHECK(markup_text("\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf") ==
        "\xef\xbf\xbd\\xef\\xbf\\xbe\\xef\\xbf\\xbf");
}
