#include "analyzer/comparison_junit.h"

#include <array>
#include <cstdio>

#include "analyzer/markup_text.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

std::string seconds(Duration duration) {
  constexpr double kSecond = 1e6;
  std::array<char, 32> text{};
  const auto length = std::snprintf(text.data(), text.size(), "%.6f",
                                    static_cast<double>(duration.count()) / kSecond);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string attribute(std::string_view name, std::string_view value) {
  return std::string(" ").append(name).append("=\"").append(markup_text(value)).append("\"");
}

// The lines of each side, as diff has them.
std::string body_of(const Difference& difference) {
  std::string text(name_of(difference.aspect));
  const auto add = [&](std::string_view mark, std::string_view lines) {
    while (!lines.empty()) {
      const auto end = std::min(lines.find('\n'), lines.size());
      text.append("\n").append(mark).append(lines.substr(0, end));
      lines.remove_prefix(std::min(end + 1, lines.size()));
    }
  };
  add("- ", difference.a);
  add("+ ", difference.b);
  return text.append("\n");
}

struct Case {
  std::string name;
  std::optional<Duration> time;
  std::vector<Difference> differences;
};

std::string case_text(const std::string& suite, const Case& test) {
  auto text = "    <testcase" + attribute("classname", suite) + attribute("name", test.name);
  if (test.time) text += attribute("time", seconds(*test.time));
  if (test.differences.empty()) return text + "/>\n";
  std::string what;
  std::string body;
  for (const auto& difference : test.differences) {
    if (!what.empty()) what += ", ";
    what += name_of(difference.aspect);
    body += body_of(difference);
  }
  return text + ">\n      <failure" + attribute("message", "differs in " + what) + ">" +
         markup_text(body) + "</failure>\n    </testcase>\n";
}

struct Counts {
  std::size_t tests = 0;
  std::size_t failures = 0;
};

std::string counts_text(const Counts& counts) {
  return attribute("tests", std::to_string(counts.tests)) +
         attribute("failures", std::to_string(counts.failures));
}

std::string suite_text(const std::string& name, const std::vector<std::string>& cases,
                       Counts counts, Counts& all) {
  counts.tests = cases.size();
  all.tests += counts.tests;
  all.failures += counts.failures;
  auto text = "  <testsuite" + attribute("name", name) + counts_text(counts) + ">\n";
  for (const auto& one : cases) text += one;
  return text + "  </testsuite>\n";
}

std::string session_suite(const SessionComparison& session, Counts& all) {
  const auto name = [](const SessionTransactions* one) {
    return one ? session_text(*one) : std::string("no session");
  };
  const auto suite = name(session.a) + " | " + name(session.b);
  std::vector<std::string> cases;
  Counts counts;
  const auto add = [&](const Case& test) {
    if (!test.differences.empty()) ++counts.failures;
    cases.push_back(case_text(suite, test));
  };
  add({"the session as a whole", std::nullopt, session.differences});
  for (std::size_t i = 0; i < session.rows.size(); ++i) {
    const auto& row = session.rows[i];
    const auto& shown = row.b ? *row.b : *row.a;
    add({std::to_string(i) + " " + command_text(shown), shown.latency(), row.differences});
  }
  return suite_text(suite, cases, counts, all);
}

std::string expectation_suite(const std::vector<CheckedExpectation>& expectations, Counts& all) {
  std::vector<std::string> cases;
  Counts counts;
  for (const auto& checked : expectations) {
    auto text = "    <testcase" + attribute("classname", "expectations") +
                attribute("name", printable(checked.source));
    if (checked.instead) {
      ++counts.failures;
      text +=
          ">\n      <failure" + attribute("message", *checked.instead) + "/>\n    </testcase>\n";
    } else {
      text += "/>\n";
    }
    cases.push_back(std::move(text));
  }
  return suite_text("expectations", cases, counts, all);
}

}  // namespace

std::string comparison_junit(const Comparison& comparison) {
  Counts all;
  std::string suites;
  for (const auto& session : comparison.sessions) suites += session_suite(session, all);
  if (!comparison.expectations.empty()) suites += expectation_suite(comparison.expectations, all);
  const auto name = printable(comparison.name_a) + " | " + printable(comparison.name_b);
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + attribute("name", name) +
         counts_text(all) + ">\n" + suites + "</testsuites>\n";
}

}  // namespace ftpscope
