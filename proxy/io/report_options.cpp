// The options of `ftpscope report`.
#include "proxy/io/option_kinds.h"
#include "proxy/io/report_command.h"

namespace ftpscope {

namespace {

constexpr auto kReportFooter =
    R"(The page is one file: it needs no network and no server, and opens in any browser, also at the other
side. It holds all that the log holds. Passwords are in it only if they are in the log (--log-secrets).

Examples:
  ftpscope report session.jsonl                      writes session.html
  ftpscope analyze customer.pcapng --json | ftpscope report - -o customer.html

Exit codes: 0 the page is written, 2 it is not (the sentence on stderr says why).)";

}  // namespace

CLI::App* add_report(CLI::App& app, ReportOptions& options) {
  const auto add_options = [&options](CLI::App& report) {
    report
        .add_option("LOG", options.log,
                    "a session log, or a folder with a session.jsonl; - is standard input")
        ->required();
    report
        .add_option("-o,--output", options.output,
                    "where to write the page; - is stdout (default: LOG with .html)")
        ->type_name("PAGE");
    report.add_option("--title", options.title, "the page's title (default: the log's name)")
        ->type_name("TEXT");
  };
  return add_command(app, "report",
                     "write a log as an HTML page: sessions, diagrams, findings explained",
                     kReportFooter, add_options);
}

}  // namespace ftpscope
