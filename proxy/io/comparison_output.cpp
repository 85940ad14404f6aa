#include "proxy/io/comparison_output.h"

#include "analyzer/comparison_html.h"
#include "analyzer/comparison_json.h"
#include "analyzer/comparison_junit.h"
#include "proxy/io/output_file.h"

namespace ftpscope {

std::optional<std::string> write_comparison(const Comparison& comparison,
                                            const ComparisonOutput& output) {
  std::optional<std::string> error;
  if (!output.junit.empty()) {
    error = write_output("the JUnit file", output.junit, comparison_junit(comparison));
  }
  if (!error && !output.html.empty()) {
    error = write_output("the page", output.html, comparison_html(comparison));
  }
  if (error || output.junit == "-" || output.html == "-") return error;
  const auto text =
      output.json ? comparison_json(comparison) : comparison_text(comparison, output.text);
  return write_output("the result", "-", text);
}

}  // namespace ftpscope
