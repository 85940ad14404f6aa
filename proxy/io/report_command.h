// `ftpscope report`: a session log as an HTML page (analyzer/report_html.h).
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace ftpscope {

struct ReportOptions {
  std::string log;     // a file, a folder with a session.jsonl, or "-": standard input
  std::string output;  // empty: beside the log, with .html for its ending; "-": standard output
  std::string title;   // empty: from the log's name
};

CLI::App* add_report(CLI::App& app, ReportOptions& options);

// The exit code. Says what it wrote, and errors as one sentence.
int run_report(const ReportOptions& options);

}  // namespace ftpscope
