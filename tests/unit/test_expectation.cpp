// What --expect understands, and what it says of a session.
#include <doctest/doctest.h>

#include "analyzer/expectation.h"

using namespace ftpscope;

namespace {

Transaction transaction(std::string verb, std::optional<std::string> argument, int code,
                        const std::string& text) {
  Transaction made;
  made.verb = std::move(verb);
  made.argument = std::move(argument);
  TransactionReply reply;
  reply.code = code;
  reply.raw = text;
  made.replies.push_back(std::move(reply));
  return made;
}

std::vector<SessionTransactions> example() {
  std::vector<SessionTransactions> sessions(2);
  sessions[0].transactions = {
      transaction("greeting", std::nullopt, 220, "220 (vsFTPd 3.0.3)\r\n"),
      transaction("FEAT", std::nullopt, 211, "211-Features:\r\n MLSD\r\n211 End\r\n"),
      transaction("RETR", "/a: b", 226, "226 Done\r\n"),
      transaction("RETR", "x.bin", 550, "550 No \x1b such file\r\n"),
  };
  sessions[1].transactions = {transaction("RETR", "y.bin", 226, "226 Done\r\n")};
  auto cut = transaction("STOR", "z", 150, "150 Go on\r\n");
  sessions[1].transactions.push_back(cut);
  return sessions;
}

// "": it is met.
std::string verdict(std::string_view line) {
  const auto expectation = parse_expectation(line);
  REQUIRE_MESSAGE(expectation, std::string(line));
  CHECK(expectation->source == line);
  return what_happened_instead(*expectation, example()).value_or("");
}

}  // namespace

TEST_CASE("expectations that are met") {
  for (const auto* line :
       {"greeting: 220", "greeting: /vsFTPd 3/", "feat: 211 /^ MLSD$/", "RETR /a: b: 226",
        "RETR /*: 2xx", "RETR y.bin: 226", "RETR y?bin: 226,250", "RETR *.bin: any", "RETR: any",
        "DELE: never", "RETR nothing: never", "STOR: any", "RETR *: 226, 550"}) {
    CHECK_MESSAGE(verdict(line).empty(), line);
  }
}

TEST_CASE("expectations that are not, and what happened instead") {
  CHECK(verdict("RETR *.bin: 226") == "RETR x.bin got \"550 No \\x1b such file\"");
  CHECK(verdict("RETR: 2xx") == "RETR x.bin got \"550 No \\x1b such file\"");
  CHECK(verdict("RETR: never") == "RETR /a: b got \"226 Done\"");
  CHECK(verdict("MLSD: any") == "it was not sent");
  CHECK(verdict("RETR nothing: 226") == "it was not sent");
  CHECK(verdict("STOR z: 226") == "STOR z got no final reply");
  CHECK(verdict("FEAT: 211 /SIZE/") == "FEAT got \"211-Features:\"");
  CHECK(verdict("greeting: 22x /ProFTPD/") == "greeting got \"220 (vsFTPd 3.0.3)\"");
  CHECK(verdict("RETR \\*.bin: any") == "it was not sent");
  CHECK(verdict("RETR a*: any") == "it was not sent");
}

TEST_CASE("what is no expectation") {
  for (const auto* line : {"", "RETR", "RETR 226", ": 226", "RETR: 22", "RETR: x26", "RETR: 226,",
                           "RETR: always", "RETR: 226 or 250", "RETR: /"}) {
    const auto parsed = parse_expectation(line);
    CHECK_MESSAGE(!parsed, line);
  }
  const auto wrong = parse_expectation("RETR: /(/");
  REQUIRE(!wrong);
  CHECK(wrong.error().starts_with("the pattern /(/ is wrong: "));
}

TEST_CASE("a file of them") {
  const auto all = parse_expectations("# the login\nUSER *: 331\n\n  PASS: 230\r\n");
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK((*all)[0].source == "USER *: 331");
  CHECK((*all)[1].source == "PASS: 230");
  const auto wrong = parse_expectations("USER: 331\nPASS\n");
  REQUIRE(!wrong);
  CHECK(wrong.error().starts_with("line 2: 'PASS' is no expectation"));
}

TEST_CASE("a pattern with many stars takes no longer than its length times the text's") {
  std::vector<SessionTransactions> sessions(1);
  sessions[0].transactions = {transaction("RETR", std::string(20'000, 'a'), 226, "226 x\r\n")};
  const auto many = parse_expectation("RETR *a*a*a*a*a*a*a*a*a*a*b: never");
  REQUIRE(many);
  CHECK(!what_happened_instead(*many, sessions));
}

TEST_CASE("a long line is searched to its limit") {
  std::vector<SessionTransactions> sessions(1);
  const auto line = "226 " + std::string(300'000, 'a') + "b\r\n";
  sessions[0].transactions = {transaction("RETR", "x", 226, line)};
  const auto found = parse_expectation("RETR: 226 /a*b/");
  REQUIRE(found);
  CHECK(what_happened_instead(*found, sessions));
}
