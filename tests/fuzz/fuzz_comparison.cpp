// Two sessions from strangers, compared, and what is written about them. Input: a byte for what is
// compared, an expectation, then the two sessions, with 0x1e between them. A session is its
// transactions with 0x1d between them: a line with the command, then the replies; of a transfer its
// payload is the replies' text once more.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "analyzer/comparison.h"
#include "analyzer/comparison_html.h"
#include "analyzer/comparison_json.h"
#include "analyzer/comparison_junit.h"
#include "analyzer/comparison_text.h"
#include "analyzer/verbs.h"
#include "tests/fuzz/check.h"

namespace ftpscope::fuzz {
namespace {

std::optional<int> code_of(std::string_view reply) {
  constexpr std::size_t kDigits = 3;
  const auto digits = reply.substr(0, kDigits);
  const bool coded =
      digits.size() == kDigits && digits.find_first_not_of("0123456789") == digits.npos;
  return coded ? std::optional((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0')
               : std::nullopt;
}

Transaction transaction_of(std::string_view text) {
  Input input(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  Transaction transaction;
  const auto* verb = find_verb(input.until(' '));
  transaction.verb = verb ? verb->name : "";
  transaction.argument = input.until('\n');
  transaction.hidden = transaction.argument == "<hidden>";
  const auto replies = input.rest();
  TransactionReply reply;
  reply.code = code_of(replies);
  reply.raw = replies;
  transaction.replies.push_back(std::move(reply));
  if (verb && is_transfer(verb->meaning)) {
    TransactionData data;
    data.bytes = replies.size();
    data.payload = replies;  // files() gives it back
    transaction.data = std::move(data);
  }
  return transaction;
}

SessionTransactions session_of(std::string_view text) {
  Input input(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  SessionTransactions session;
  session.session = "s";
  while (!input.empty()) session.transactions.push_back(transaction_of(input.until('\x1d')));
  return session;
}

// Every transaction stands in one row, in its order.
void check_rows(const SessionComparison& compared) {
  const auto* a = compared.a->transactions.data();
  const auto* b = compared.b->transactions.data();
  for (const auto& row : compared.rows) {
    check(row.a || row.b, "a row is about something");
    check(!row.a || row.a == a++, "the rows have A in its order");
    check(!row.b || row.b == b++, "the rows have B in its order");
    check(row.a && row.b ? true : !row.differences.empty(), "what is alone differs");
  }
  check(a == compared.a->transactions.data() + compared.a->transactions.size(), "all of A");
  check(b == compared.b->transactions.data() + compared.b->transactions.size(), "all of B");
}

void check_texts(const Comparison& comparison) {
  const auto json = comparison_json(comparison);
  for (std::size_t at = 0; at < json.size();) {
    const auto end = json.find('\n', at);
    check(nlohmann::json::accept(json.substr(at, end - at)), "each line is JSON", json);
    at = end + 1;
  }
  for (const auto& text : {json, comparison_text(comparison, {}), comparison_html(comparison),
                           comparison_text(comparison, {.side_by_side = true, .all = true}),
                           comparison_junit(comparison)}) {
    check(std::ranges::none_of(
              text, [](char c) { return c == '\x7f' || (c >= 0 && c < ' ' && c != '\n'); }),
          "nothing moves the cursor", text);
  }
}

}  // namespace
}  // namespace ftpscope::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ftpscope;
  using namespace ftpscope::fuzz;
  Input input(data, size);
  ComparisonOptions options;
  options.level = static_cast<CompareLevel>(input.byte() % 3);
  options.payload_of_a = [](const std::string& name) { return std::optional(name); };
  options.payload_of_b = options.payload_of_a;
  const auto expected = input.until('\x1e');
  const std::vector a = {session_of(input.until('\x1e'))};
  const std::vector b = {session_of(input.rest())};
  Comparison comparison{"a", "b", compare_in_order(a, b, options), {}};
  check_rows(comparison.sessions[0]);
  check(compare_sessions(a[0], a[0], options).same(), "a session is the same as itself");
  if (expected.find('/') == expected.npos) {  // patterns are std::regex's affair
    if (const auto expectation = parse_expectation(expected)) {
      comparison.expectations = check_expectations(std::span(&*expectation, 1), b);
    }
  }
  check_texts(comparison);
  return 0;
}
