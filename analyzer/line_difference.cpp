#include "analyzer/line_difference.h"

#include "analyzer/session_alignment.h"

namespace ftpscope {

std::string joined(const Lines& lines) {
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < ComparisonOptions::kLinesTold; ++i) {
    if (i > 0) text += '\n';
    text += lines[i];
  }
  if (lines.size() > ComparisonOptions::kLinesTold) {
    text.append("\nand ")
        .append(std::to_string(lines.size() - ComparisonOptions::kLinesTold))
        .append(" more");
  }
  return text;
}

std::optional<Difference> lines_that_differ(Aspect aspect, const Lines& a, const Lines& b,
                                            const Lines& keys_a, const Lines& keys_b) {
  if (keys_a == keys_b) return std::nullopt;
  KeyNumbers numbers;
  const auto in_a = numbers.of(keys_a);
  const auto in_b = numbers.of(keys_b);
  Lines only_a;
  Lines only_b;
  for (const auto& pair : align(in_a, in_b)) {
    if (!pair.b) only_a.push_back(a[*pair.a]);
    if (!pair.a) only_b.push_back(b[*pair.b]);
  }
  return Difference{aspect, joined(only_a), joined(only_b)};
}

}  // namespace ftpscope
