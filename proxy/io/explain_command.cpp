#include "proxy/io/explain_command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "analyzer/explain_text.h"
#include "analyzer/report_text.h"

namespace ftpscope {

namespace {

constexpr int kNoSuchFinding = 2;

PageStyle terminal_style() {
  PageStyle style;
  if (isatty(STDOUT_FILENO) != 1) return style;
  style.colour = std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  return style;
}

void complain(const std::string& text) {
  std::string sentence = "ftpscope: there is no finding '" + printable(text) + "'";
  const auto names = similar_names(text);
  for (std::size_t i = 0; i < names.size(); ++i) {
    sentence.append(i == 0 ? ", perhaps " : " or ").append(names[i]);
  }
  std::cerr << sentence << " (ftpscope explain lists them all)\n";
}

std::string text_of(const std::vector<FindingRows>& found, const PageStyle& style) {
  std::string out;
  for (const auto& rows : found) {
    if (!out.empty()) out.append("\n");
    if (rows.size() == 1) {
      append_page(out, *rows[0], style);
    } else {
      append_list(out, rows, style);
    }
  }
  return out;
}

std::string for_machines(const std::vector<FindingRows>& found, bool markdown) {
  std::string out;
  for (const auto& rows : found) {
    if (markdown) append_markdown(out, rows);
    if (markdown) continue;
    for (const auto* row : rows) append_json_line(out, *row);
  }
  return out;
}

}  // namespace

int run_explain(const ExplainOptions& options) {
  std::vector<FindingRows> found;
  for (const auto& text : options.findings) {
    found.push_back(find_rows(text));
    if (!found.back().empty()) continue;
    complain(text);
    return kNoSuchFinding;
  }
  if (options.findings.empty()) found.push_back(every_row());
  std::cout << (options.json || options.markdown ? for_machines(found, options.markdown)
                                                 : text_of(found, terminal_style()));
  std::cout.flush();
  return 0;
}

}  // namespace ftpscope
