// The options of `ftpscope diff`.
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "proxy/io/diff_command.h"
#include "proxy/io/expectation_options.h"
#include "proxy/io/option_kinds.h"

namespace ftpscope {

namespace {

constexpr auto kDiffFooter = R"(Examples:
  ftpscope diff rec-old/ rec-new/
  ftpscope diff good.pcap bad.pcap --side-by-side
  ftpscope diff rec/ session.jsonl --compare code --junit result.xml --expect 'RETR /a: 226'

What is compared, and what is left out by default: captures/README.md.
Exit codes: 0 the same, 1 something differs, 2 an input cannot be read (the sentence on stderr says
why) or wrong usage, 3 an expectation is not met.)";

void set_sessions(DiffOptions& options, const std::string& text) {
  const auto comma = text.find(',');
  options.session_a = text.substr(0, comma);
  options.session_b = comma == text.npos ? options.session_a : text.substr(comma + 1);
}

void set_slower_than(ComparisonOptions& options, std::string text) {
  if (text.ends_with('x')) text.pop_back();
  double factor = 0;
  const bool number = CLI::detail::lexical_cast(text, factor);
  constexpr double kMost = 1e6;
  if (!number || !(factor >= 1) || factor > kMost) {
    throw CLI::ValidationError("--slower-than", "needs a factor of 1 or more, as in 2x");
  }
  options.slower_than = factor;
}

void add_comparison(CLI::App& app, ComparisonOptions& options) {
  const auto level = [&options](const std::string& text) {
    options.level = text == "code"   ? CompareLevel::code
                    : text == "text" ? CompareLevel::text
                                     : CompareLevel::exact;
  };
  app.add_option_function<std::string>(
         "--compare", level,
         "code: the codes of replies; text: their texts too, but no times,\n"
         "addresses, counts and speeds; exact: every byte")
      ->check(CLI::IsMember({"code", "text", "exact"}).description(""))
      ->default_str("text")
      ->type_name("code|text|exact")
      ->group("Comparison");
  const auto slower = [&options](const std::string& text) { set_slower_than(options, text); };
  app.add_option_function<std::string>(
         "--slower-than", slower, "a reply that takes this many times as long in B is a difference")
      ->type_name("FACTOR")
      ->group("Comparison");
}

void add_output(CLI::App& app, DiffOptions& options) {
  auto* json =
      app.add_flag("--json", options.json, "print one JSON object a line")->group("Output");
  app.add_flag("--side-by-side", options.text.side_by_side, "print A and B in two columns")
      ->excludes(json)
      ->group("Output");
  app.add_flag("--all", options.text.all, "print what is the same too")->group("Output");
  app.add_option("--junit", options.junit, "write JUnit XML to this file, for a CI; - is stdout")
      ->type_name("FILE")
      ->group("Output");
  app.add_option("--html", options.html, "write a page with both, side by side; - is stdout")
      ->type_name("FILE")
      ->group("Output");
  add_count(app, "--width", options.text.width, "columns of a line", 60, 1000)->group("Output");
  const auto colour = [&options](const std::string& text) {
    if (text != "auto") options.text.colour = text == "always";
  };
  app.add_option_function<std::string>("--colour", colour, "auto: on a terminal")
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""))
      ->default_str("auto")
      ->type_name("auto|always|never")
      ->group("Output");
}

}  // namespace

CLI::App* add_diff(CLI::App& app, DiffOptions& options) {
  auto* diff = app.add_subcommand(
      "diff",
      "compare the sessions of two recordings, logs or captures, transaction by transaction");
  diff->footer(kDiffFooter);
  const auto* what = "a recording (a folder), a session log or a capture; - is standard input";
  diff->add_option("A", options.a, what)->required();
  diff->add_option("B", options.b, what)->required();
  const auto sessions = [&options](const std::string& text) { set_sessions(options, text); };
  diff->add_option_function<std::string>(
          "--session", sessions,
          "compare the session of A whose name ends so, and that of B\n"
          "(default: the first with the first, and so on)")
      ->type_name("NAME[,NAME]");
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  options.text.colour = terminal && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.text.width = size.ws_col;
  }
  add_comparison(*diff, options.comparison);
  add_expectations(*diff, options.expectations);
  add_output(*diff, options);
  diff->add_option("--ftp-port", options.limits.ftp_ports,
                   "of captures: ports of FTP servers (default 21)")
      ->type_name("PORT");
  return diff;
}

}  // namespace ftpscope
