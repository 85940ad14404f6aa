#include "analyzer/comparison.h"

#include <algorithm>

#include "analyzer/report_text.h"

namespace ftpscope {

std::vector<CheckedExpectation> check_expectations(std::span<const Expectation> expectations,
                                                   std::span<const SessionTransactions> sessions) {
  std::vector<CheckedExpectation> checked;
  for (const auto& expectation : expectations) {
    checked.push_back({expectation.source, what_happened_instead(expectation, sessions)});
  }
  return checked;
}

bool Comparison::same() const { return std::ranges::all_of(sessions, &SessionComparison::same); }

bool Comparison::as_expected() const {
  return std::ranges::none_of(expectations,
                              [](const auto& checked) { return checked.instead.has_value(); });
}

std::vector<SessionComparison> compare_in_order(std::span<const SessionTransactions> a,
                                                std::span<const SessionTransactions> b,
                                                const ComparisonOptions& options) {
  std::vector<SessionComparison> all;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size() && i < b.size()) {
      all.push_back(compare_sessions(a[i], b[i], options));
    } else if (i < a.size()) {
      all.push_back({&a[i], nullptr, {{Aspect::session, session_text(a[i]), ""}}, {}});
    } else {
      all.push_back({nullptr, &b[i], {{Aspect::session, "", session_text(b[i])}}, {}});
    }
  }
  return all;
}

ComparisonTotals totals_of(const Comparison& comparison) {
  ComparisonTotals totals;
  const auto count = [&](const std::vector<Difference>& differences) {
    for (const auto& difference : differences) {
      ++totals.aspects[static_cast<std::size_t>(difference.aspect)];
    }
  };
  for (const auto& session : comparison.sessions) {
    count(session.differences);
    totals.transactions += session.rows.size();
    for (const auto& row : session.rows) {
      count(row.differences);
      if (!row.differences.empty()) ++totals.differ;
    }
  }
  for (const auto& checked : comparison.expectations) {
    if (checked.instead) ++totals.unmet;
  }
  return totals;
}

std::string totals_text(const Comparison& comparison) {
  const auto totals = totals_of(comparison);
  std::string aspects;
  for (std::size_t i = 0; i < totals.aspects.size(); ++i) {
    if (totals.aspects[i] == 0) continue;
    if (!aspects.empty()) aspects += ", ";
    aspects.append(std::to_string(totals.aspects[i])).append(" ");
    aspects.append(name_of(static_cast<Aspect>(i)));
  }
  auto text = std::to_string(totals.transactions);
  text.append(totals.transactions == 1 ? " transaction, " : " transactions, ");
  text += aspects.empty() ? "no difference" : std::to_string(totals.differ) + " differ: " + aspects;
  const auto all = comparison.expectations.size();
  if (all == 0) return text;
  return text.append("; ")
      .append(std::to_string(all - totals.unmet))
      .append(" of ")
      .append(std::to_string(all))
      .append(" expectations met");
}

std::string codes_text(const Transaction& transaction) {
  std::string codes;
  for (const auto& reply : transaction.replies) {
    if (!codes.empty()) codes += ' ';
    codes += reply.code ? std::to_string(*reply.code) : "no code";
  }
  return codes.empty() ? "no reply" : codes;
}

std::string session_text(const SessionTransactions& session) {
  auto text = printable(session.session);
  if (!session.server.empty()) text.append(", server ").append(printable(session.server));
  return text;
}

}  // namespace ftpscope
