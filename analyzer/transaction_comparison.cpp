#include "analyzer/transaction_comparison.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <map>

#include "analyzer/data_comparison.h"
#include "analyzer/line_difference.h"
#include "analyzer/reply_mask.h"
#include "analyzer/report_text.h"
#include "analyzer/session_alignment.h"
#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

int comparable_code(int code, CompareLevel level) {
  constexpr int kAlreadyOpen = 125;
  constexpr int kAboutToOpen = 150;
  return code == kAlreadyOpen && level != CompareLevel::exact ? kAboutToOpen : code;
}

std::string codes_of(const Transaction& transaction, CompareLevel level) {
  std::string codes;
  for (const auto& reply : transaction.replies) {
    if (!codes.empty()) codes += ' ';
    codes += reply.code ? std::to_string(comparable_code(*reply.code, level)) : "no code";
  }
  return codes.empty() ? "no reply" : codes;
}

struct ReplyLines {
  Lines shown;
  Lines keys;
};

ReplyLines lines_of(const Transaction& transaction, CompareLevel level) {
  ReplyLines lines;
  for (const auto& reply : transaction.replies) {
    std::string_view rest = reply.raw;
    while (!rest.empty()) {
      const auto end = std::min(rest.find('\n'), rest.size() - 1) + 1;
      const auto whole = rest.substr(0, end);
      auto line = whole;
      rest.remove_prefix(end);
      while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
      const bool exact = level == CompareLevel::exact;
      lines.shown.push_back(printable(exact ? whole : line));
      lines.keys.push_back(exact ? std::string(whole)
                                 : masked_line(transaction.verb, reply.code, line));
    }
  }
  return lines;
}

// 125 and 150 have different texts too.
void drop_mark_lines(ReplyLines& lines) {
  const auto is_mark = [](const std::string& line) {
    return line.starts_with("125") || line.starts_with("150");
  };
  for (std::size_t i = lines.keys.size(); i-- > 0;) {
    if (!is_mark(lines.keys[i])) continue;
    lines.keys.erase(lines.keys.begin() + static_cast<std::ptrdiff_t>(i));
    lines.shown.erase(lines.shown.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

bool has_code(const Transaction& transaction, int code) {
  return std::ranges::any_of(transaction.replies,
                             [&](const TransactionReply& reply) { return reply.code == code; });
}

std::optional<Difference> text_difference(const Transaction& a, const Transaction& b,
                                          CompareLevel level) {
  auto in_a = lines_of(a, level);
  auto in_b = lines_of(b, level);
  constexpr int kAlreadyOpen = 125;
  if (level != CompareLevel::exact && has_code(a, kAlreadyOpen) != has_code(b, kAlreadyOpen)) {
    drop_mark_lines(in_a);
    drop_mark_lines(in_b);
  }
  return lines_that_differ(Aspect::text, in_a.shown, in_b.shown, in_a.keys, in_b.keys);
}

bool same_command(const Transaction& a, const Transaction& b, CompareLevel level) {
  if (a.verb != b.verb) return false;
  if (a.hidden || b.hidden) return true;
  if (level == CompareLevel::exact) return a.argument == b.argument && a.line == b.line;
  return comparison_key(a) == comparison_key(b);
}

std::optional<Difference> command_difference(const Transaction& a, const Transaction& b,
                                             CompareLevel level) {
  if (same_command(a, b, level)) return std::nullopt;
  const auto shown = [&](const Transaction& t) {
    return level == CompareLevel::exact && t.line ? printable(*t.line) : command_text(t);
  };
  return Difference{Aspect::command, shown(a), shown(b)};
}

std::optional<Difference> time_difference(const Transaction& a, const Transaction& b,
                                          const ComparisonOptions& options) {
  const auto in_a = a.latency();
  const auto in_b = b.latency();
  if (!options.slower_than || !in_a || !in_b) return std::nullopt;
  const bool slower = static_cast<double>(in_b->count()) >
                      *options.slower_than * static_cast<double>(in_a->count());
  if (!slower || *in_b - *in_a < ComparisonOptions::kTimeNoise) return std::nullopt;
  return Difference{Aspect::time, human_duration(*in_a), human_duration(*in_b)};
}

using Findings = std::vector<TransactionFinding>;

// Told by who reads packets or payloads, and by nobody else: no word on client and server.
bool depends_on_observer(FindingId id) {
  constexpr auto kOfACapture = std::to_array(
      {FindingId::capture_damaged, FindingId::capture_overlap, FindingId::capture_mid_stream,
       FindingId::capture_one_way, FindingId::capture_data_missing, FindingId::capture_limit,
       FindingId::middlebox_rewrote, FindingId::mlsd_syntax});
  return std::ranges::find(kOfACapture, id) != kOfACapture.end();
}

// Each with its detail, as far as the other side has fewer of its kind.
Lines findings_beyond(const Findings& findings, const Findings& others, Severity least) {
  std::map<FindingId, std::size_t> left;
  for (const auto& finding : others) ++left[finding.id];
  Lines beyond;
  for (const auto& finding : findings) {
    if (row_of(finding.id).severity < least) continue;
    if (least > Severity::note && depends_on_observer(finding.id)) continue;
    if (auto& count = left[finding.id]; count > 0) {
      --count;
    } else {
      beyond.push_back(finding_text({finding.id, std::nullopt, finding.detail}));
    }
  }
  return beyond;
}

// Some notes depend on who was faster.
std::optional<Difference> finding_difference(const Findings& a, const Findings& b,
                                             CompareLevel level) {
  const auto least = level == CompareLevel::exact ? Severity::note : Severity::warning;
  const auto gone = findings_beyond(a, b, least);
  const auto fresh = findings_beyond(b, a, least);
  if (gone.empty() && fresh.empty()) return std::nullopt;
  return Difference{Aspect::finding, joined(gone), joined(fresh)};
}

// Both set up a data connection, each in its own way: their replies cannot be the same.
bool set_up_differently(const Transaction& a, const Transaction& b) {
  return a.verb != b.verb && a.code() && b.code() && *a.code() / 100 == 2 && *b.code() / 100 == 2;
}

std::vector<Difference> session_differences(const SessionTransactions& a,
                                            const SessionTransactions& b,
                                            const ComparisonOptions& options) {
  std::vector<Difference> differences;
  if (a.opaque != b.opaque) {
    const auto text = [](bool opaque) { return opaque ? "becomes TLS" : "stays in clear"; };
    differences.push_back({Aspect::session, text(a.opaque), text(b.opaque)});
  }
  if (auto found = finding_difference(a.findings, b.findings, options.level))
    differences.push_back(*found);
  return differences;
}

}  // namespace

std::string_view name_of(Aspect aspect) {
  switch (aspect) {
    case Aspect::command: return "command";
    case Aspect::code: return "code";
    case Aspect::text: return "text";
    case Aspect::data: return "data";
    case Aspect::time: return "time";
    case Aspect::finding: return "finding";
    case Aspect::session: return "session";
  }
  return "";
}

std::string command_text(const Transaction& transaction) {
  auto text = transaction.verb.empty() ? "(empty line)" : printable(transaction.verb);
  if (transaction.argument) text.append(" ").append(printable(*transaction.argument));
  return text;
}

std::vector<Difference> differences_of(const Transaction& a, const Transaction& b,
                                       const ComparisonOptions& options) {
  std::vector<Difference> differences;
  const auto add = [&](std::optional<Difference> found) {
    if (found) differences.push_back(std::move(*found));
  };
  add(command_difference(a, b, options.level));
  if (!set_up_differently(a, b)) {
    const auto codes_a = codes_of(a, options.level);
    const auto codes_b = codes_of(b, options.level);
    if (codes_a != codes_b) add(Difference{Aspect::code, codes_a, codes_b});
    if (options.level != CompareLevel::code) add(text_difference(a, b, options.level));
  }
  add(data_difference(a, b, options));
  add(time_difference(a, b, options));
  add(finding_difference(a.findings, b.findings, options.level));
  return differences;
}

bool SessionComparison::same() const {
  return differences.empty() &&
         std::ranges::all_of(rows, [](const auto& row) { return row.differences.empty(); });
}

SessionComparison compare_sessions(const SessionTransactions& a, const SessionTransactions& b,
                                   const ComparisonOptions& options) {
  SessionComparison comparison{&a, &b, session_differences(a, b, options), {}};
  for (const auto& pair : align_transactions(a.transactions, b.transactions)) {
    ComparedTransaction row;
    if (pair.a) row.a = &a.transactions[*pair.a];
    if (pair.b) row.b = &b.transactions[*pair.b];
    if (row.a && row.b) {
      row.differences = differences_of(*row.a, *row.b, options);
    } else {
      row.differences.push_back(
          {Aspect::command, row.a ? command_text(*row.a) : "", row.b ? command_text(*row.b) : ""});
    }
    comparison.rows.push_back(std::move(row));
  }
  return comparison;
}

}  // namespace ftpscope
