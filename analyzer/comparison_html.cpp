#include "analyzer/comparison_html.h"

#include <algorithm>
#include <array>

#include "analyzer/markup_text.h"
#include "analyzer/page_source.h"
#include "analyzer/page_template.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

std::string element(std::string_view name, std::string_view classes, std::string_view markup) {
  std::string out("<");
  out.append(name);
  if (!classes.empty()) out.append(" class=\"").append(classes).append("\"");
  return out.append(">").append(markup).append("</").append(name).append(">");
}

// The columns: what they are about, A, B.
std::string pair(std::string_view classes, std::string_view label, std::string_view a,
                 std::string_view b) {
  return element("div", "pair " + std::string(classes),
                 element("span", "label", markup_text(label)).append(a).append(b)) +
         "\n";
}

std::string side(const Transaction* transaction) {
  if (!transaction) return element("div", "", "");
  auto text = element("span", "wire", markup_text(command_text(*transaction)));
  for (const auto& reply : transaction->replies) {
    const auto code = reply.code.value_or(0);
    const auto tone = code >= 100 && code < 600 ? std::to_string(code / 100) : "0";
    text.append(" ").append(element("span", "code code-" + tone,
                                    reply.code ? std::to_string(code) : std::string("no code")));
  }
  return element("div", "", text);
}

std::string difference_row(const Difference& difference) {
  return pair("difference", name_of(difference.aspect),
              element("pre", "a wire", markup_text(difference.a)),
              element("pre", "b wire", markup_text(difference.b)));
}

std::string row_text(const ComparedTransaction& row) {
  if (row.differences.empty()) return pair("", "", side(row.a), side(row.b));
  const auto* label = !row.a ? "only B" : !row.b ? "only A" : "differs";
  auto text = pair("differs", label, side(row.a), side(row.b));
  if (!row.a || !row.b) return text;
  for (const auto& difference : row.differences) text += difference_row(difference);
  return text;
}

// Runs of what is the same are folded, but for one on either side.
std::string rows_text(const std::vector<ComparedTransaction>& rows) {
  constexpr std::ptrdiff_t kContext = 1;
  std::string text;
  const auto differs = [](const auto& row) { return !row.differences.empty(); };
  for (auto begin = rows.begin(); begin != rows.end();) {
    auto end = std::find_if(begin, rows.end(), differs);
    const auto head = begin == rows.begin() ? 0 : std::min(kContext, end - begin);
    const auto tail = end == rows.end() ? 0 : std::min(kContext, end - begin - head);
    for (auto row = begin; row != begin + head; ++row) text += row_text(*row);
    std::string folded;
    for (auto row = begin + head; row != end - tail; ++row) folded += row_text(*row);
    const auto count = std::to_string(end - tail - begin - head) + " the same";
    if (!folded.empty()) {
      text += element("details", "", element("summary", "", count) + "\n" + folded) + "\n";
    }
    for (auto row = end - tail; row != end; ++row) text += row_text(*row);
    for (begin = end; begin != rows.end() && differs(*begin); ++begin) text += row_text(*begin);
  }
  return text;
}

std::string session_section(const Comparison& comparison, const SessionComparison& session) {
  const auto title = [](std::string_view letter, const std::string& name,
                        const SessionTransactions* one) {
    const auto what = one ? session_text(*one) : std::string("no session");
    return element(
        "div", "wire",
        element("strong", "", letter) + " " + markup_text(printable(name) + ", " + what));
  };
  auto text = pair("head", "", title("A", comparison.name_a, session.a),
                   title("B", comparison.name_b, session.b));
  for (const auto& difference : session.differences) text += difference_row(difference);
  return element("section", "", "\n" + text + rows_text(session.rows)) + "\n";
}

std::string expectations_text(const std::vector<CheckedExpectation>& expectations) {
  std::string text;
  for (const auto& checked : expectations) {
    if (!checked.instead) continue;
    const auto sentence = "Not as expected: " + printable(checked.source) + ": " + *checked.instead;
    text += element("p", "notice warning", markup_text(sentence)) + "\n";
  }
  return text;
}

}  // namespace

std::string comparison_html(const Comparison& comparison) {
  const auto title =
      markup_text(printable(comparison.name_a) + " and " + printable(comparison.name_b));
  const auto totals = markup_text(totals_text(comparison));
  auto body = expectations_text(comparison.expectations);
  for (const auto& session : comparison.sessions) body += session_section(comparison, session);
  const auto style_source = policy_source(page_source::kStyleSha256);
  const auto own_style_source = policy_source(page_source::kComparisonStyleSha256);
  const auto places = std::to_array<PagePlace>({{"title", title},
                                                {"totals", totals},
                                                {"style-source", style_source},
                                                {"own-style-source", own_style_source},
                                                {"style", page_source::kStyle},
                                                {"own-style", page_source::kComparisonStyle},
                                                {"body", body}});
  return filled_page(page_source::kComparisonPage, places);
}

}  // namespace ftpscope
