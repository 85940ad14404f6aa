#include "analyzer/comparison_text.h"

#include <algorithm>
#include <vector>

#include "analyzer/colour.h"
#include "analyzer/report_text.h"
#include "analyzer/text_table.h"

namespace ftpscope {

namespace {

std::vector<std::string_view> lines_in(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string row_text(const Transaction& transaction) {
  return command_text(transaction) + "  " + codes_text(transaction);
}

class Writer {
 public:
  explicit Writer(const ComparisonTextOptions& options) : options_(options) {}

  void session(const Comparison& comparison, const SessionComparison& compared) {
    const auto title = [&](std::string_view mark, const std::string& name,
                           const SessionTransactions* session, Colour colour) {
      const auto what = session ? session_text(*session) : "no session";
      line(std::string(mark) + " " + printable(name) + ", " + what, colour);
    };
    title("---", comparison.name_a, compared.a, Colour::failure);
    title("+++", comparison.name_b, compared.b, Colour::server);
    for (const auto& difference : compared.differences) one_below_the_other(difference, "");
    rows(compared.rows);
    out_ += '\n';
  }

  void expectations(const std::vector<CheckedExpectation>& expectations) {
    for (const auto& checked : expectations) {
      if (!checked.instead) continue;
      line("not as expected: " + printable(checked.source) + ": " + *checked.instead,
           Colour::failure);
    }
  }

  void totals(const Comparison& comparison) { line(totals_text(comparison), Colour::plain); }

  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view text, Colour colour) {
    out_.append(painted(text, colour, options_.colour)).append("\n");
  }

  // Those without a difference near them are only counted.
  void rows(const std::vector<ComparedTransaction>& all) {
    std::size_t left_out = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!options_.all && !near_difference(all, i)) {
        ++left_out;
        continue;
      }
      tell_left_out(left_out);
      options_.side_by_side ? in_columns(all[i]) : in_lines(all[i]);
    }
    tell_left_out(left_out);
  }
  static bool near_difference(const std::vector<ComparedTransaction>& all, std::size_t at) {
    constexpr auto kContext = ComparisonTextOptions::kContext;
    const auto begin = at < kContext ? 0 : at - kContext;
    const auto end = std::min(at + kContext + 1, all.size());
    return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(begin),
                       all.begin() + static_cast<std::ptrdiff_t>(end),
                       [](const auto& row) { return !row.differences.empty(); });
  }
  void tell_left_out(std::size_t& count) {
    if (count > 0) line("  ... " + std::to_string(count) + " the same", Colour::dim);
    count = 0;
  }

  void in_lines(const ComparedTransaction& row) {
    if (!row.b) return without_other(row);
    if (!row.a) return line("+ " + row_text(*row.b), Colour::server);
    if (row.differences.empty()) return line("  " + row_text(*row.b), Colour::plain);
    line("! " + row_text(*row.b), Colour::changed);
    for (const auto& difference : row.differences) one_below_the_other(difference, "    ");
  }
  // A replay says why.
  void without_other(const ComparedTransaction& row) {
    line("- " + row_text(*row.a), Colour::failure);
    for (const auto& difference : row.differences) {
      if (!difference.b.empty()) line("    + " + difference.b, Colour::server);
    }
  }
  void one_below_the_other(const Difference& difference, const std::string& indent) {
    line(indent + std::string(name_of(difference.aspect)), Colour::dim);
    for (const auto text : lines_in(difference.a)) {
      line(indent + "- " + std::string(text), Colour::failure);
    }
    for (const auto text : lines_in(difference.b)) {
      line(indent + "+ " + std::string(text), Colour::server);
    }
  }

  void in_columns(const ComparedTransaction& row) {
    const auto mark = !row.b ? '<' : !row.a ? '>' : row.differences.empty() ? ' ' : '|';
    columns(row.a ? row_text(*row.a) : "", mark, row.b ? row_text(*row.b) : "",
            mark == ' ' ? Colour::plain : Colour::changed);
    if (!row.a || !row.b) return;
    for (const auto& difference : row.differences) {
      const auto in_a = lines_in(difference.a);
      const auto in_b = lines_in(difference.b);
      for (std::size_t i = 0; i < std::max(in_a.size(), in_b.size()); ++i) {
        const auto told = [&](const auto& lines) {
          return i < lines.size() ? "    " + std::string(lines[i]) : std::string();
        };
        columns(told(in_a), '|', told(in_b), Colour::warning);
      }
    }
  }
  void columns(const std::string& a, char mark, const std::string& b, Colour colour) {
    constexpr std::size_t kBetween = 3;
    const auto width = (std::max(options_.width, 2 * kBetween) - kBetween) / 2;
    auto text = first_columns(a, width);
    text.append(width - std::min(columns_of(text), width), ' ');
    text.append({' ', mark, ' '}).append(first_columns(b, width));
    text.erase(text.find_last_not_of(' ') + 1);
    line(text, colour);
  }

  const ComparisonTextOptions& options_;
  std::string out_;
};

}  // namespace

std::string comparison_text(const Comparison& comparison, const ComparisonTextOptions& options) {
  Writer writer(options);
  for (const auto& session : comparison.sessions) {
    if (options.all || !session.same()) writer.session(comparison, session);
  }
  writer.expectations(comparison.expectations);
  writer.totals(comparison);
  return writer.take();
}

}  // namespace ftpscope
