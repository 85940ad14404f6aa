// Everything that one run of a comparison has to say: what was compared, session by session, and
// which expectations were met. comparison_text.h, comparison_json.h and comparison_junit.h write
// it.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyzer/expectation.h"
#include "analyzer/transaction_comparison.h"

namespace ftpscope {

struct CheckedExpectation {
  std::string source;
  std::optional<std::string> instead;  // none: it is met
};

std::vector<CheckedExpectation> check_expectations(std::span<const Expectation> expectations,
                                                   std::span<const SessionTransactions> sessions);

struct Comparison {
  std::string name_a;  // as the user calls it
  std::string name_b;
  std::vector<SessionComparison> sessions;
  std::vector<CheckedExpectation> expectations;  // of b

  [[nodiscard]] bool same() const;  // the sessions; expectations are another matter
  [[nodiscard]] bool as_expected() const;
};

// The first of a with the first of b, and so on; what is left has no other side.
std::vector<SessionComparison> compare_in_order(std::span<const SessionTransactions> a,
                                                std::span<const SessionTransactions> b,
                                                const ComparisonOptions& options);

struct ComparisonTotals {
  static constexpr std::size_t kAspects = static_cast<std::size_t>(Aspect::session) + 1;

  std::size_t transactions = 0;
  std::size_t differ = 0;                       // of the transactions
  std::array<std::size_t, kAspects> aspects{};  // differences, by aspect
  std::size_t unmet = 0;                        // expectations
};
ComparisonTotals totals_of(const Comparison& comparison);

// "9 transactions, 2 differ: 1 command, 1 code; 1 of 2 expectations met"
std::string totals_text(const Comparison& comparison);

// "150 226"
std::string codes_text(const Transaction& transaction);
// "20261121T151719.870780Z-000001, server 127.0.0.1:21"
std::string session_text(const SessionTransactions& session);

}  // namespace ftpscope
