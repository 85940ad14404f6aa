#include "proxy/io/analyze_options.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "proxy/io/expectation_options.h"
#include "proxy/io/option_kinds.h"

namespace ftpscope {

namespace {

constexpr auto kFooter = R"(Examples:
  ftpscope analyze customer.pcapng
  ftpscope analyze customer.pcapng --json > s.jsonl && ftpscope report s.jsonl -o s.html
  tcpdump -w - -i eth0 tcp | ftpscope analyze - --only findings
  ftpscope analyze session.jsonl --fail-on error        # in a CI
  ftpscope explain FTP-227-PRIVATE-ADDRESS              # what a finding means

FTP is recognised on port 21, on the ports given by --ftp-port, and by its dialogue on any other.
Exit codes: 0 analysed, 1 not all of the input could be analysed (the sentence on stderr says why),
2 wrong usage, 3 there is a finding that --fail-on names, or an expectation is not met.)";

void add_output(CLI::App& app, AnalyzeOptions& options) {
  app.add_flag("--json", options.json, "print the records, one JSON object a line, as the log has")
      ->group("Output");
  const auto only = [&options](const std::string&) { options.ladder.only_findings = true; };
  app.add_option_function<std::string>("--only", only,
                                       "print nothing but what findings are about, and these")
      ->check(CLI::IsMember({"findings"}).description(""))
      ->type_name("findings")
      ->group("Output");
  app.add_option("--session", options.ladder.session,
                 "print only the sessions whose name ends so, as in 000002")
      ->type_name("NAME")
      ->group("Output");
  add_count(app, "--width", options.ladder.width, "columns of a line", 60, 1000)->group("Output");
  app.add_flag("-v,--verbose", options.ladder.verbose, "print notes too")->group("Output");
  const auto colour = [&options](const std::string& text) {
    if (text != "auto") options.ladder.colour = text == "always";
  };
  app.add_option_function<std::string>("--colour", colour, "auto: on a terminal")
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""))
      ->default_str("auto")
      ->type_name("auto|always|never")
      ->group("Output");
  app.add_flag("--log-secrets", options.limits.dialogue.log_secrets, "keep passwords")
      ->group("Output");
  const auto fail_on = [&options](const std::string& text) {
    options.fail_on = text == "error" ? Severity::error : Severity::warning;
  };
  app.add_option_function<std::string>("--fail-on", fail_on,
                                       "exit with 3 when there is a finding of this severity")
      ->check(CLI::IsMember({"warning", "error"}).description(""))
      ->type_name("warning|error")
      ->group("Output");
}

void add_capture(CLI::App& app, AnalyzeOptions& options) {
  app.add_option("--ftp-port", options.limits.ftp_ports,
                 "ports of FTP servers (default 21); others are known by their dialogue")
      ->type_name("PORT")
      ->group("Captures");
  app.add_option("--filter", options.filter, "look only at these packets, as in 'host 192.0.2.1'")
      ->type_name("PCAP-FILTER")
      ->group("Captures");
  auto* extract =
      app.add_option("--extract", options.extract,
                     "save what the data connections carried in this folder, under safe names")
          ->type_name("DIR")
          ->group("Captures");
  app.add_option("--record", options.record,
                 "make this folder a recording, for replay and diff (captures/README.md)")
      ->type_name("DIR")
      ->group("Captures")
      ->excludes(extract);
}

void add_limits(CLI::App& app, AnalyzeOptions& options) {
  constexpr std::size_t kMany = 100'000'000;
  constexpr std::size_t kShortestLine = 64;
  auto& limits = options.limits;
  add_count(app, "--max-flows", limits.flows_max, "connections remembered at once", 16, kMany)
      ->group("Limits");
  add_count(app, "--max-open-sessions", limits.sessions_max,
            "FTP sessions that have not ended, at once", 1, kMany)
      ->group("Limits");
  add_count(app, "--max-line", limits.dialogue.line_max, "bytes of a line", kShortestLine, kMany)
      ->group("Limits");
  add_count(app, "--max-reply", limits.dialogue.reply_max, "bytes of a reply", kShortestLine, kMany)
      ->group("Limits");
  add_count(app, "--max-reply-lines", limits.dialogue.reply_lines_max, "lines of a reply", 1, kMany)
      ->group("Limits");
  add_count(app, "--extract-max", options.extraction.bytes_max, "bytes saved by --extract", 1,
            std::size_t{1} << 50U)
      ->group("Limits");
  add_record_limits(app, options.record_limits, "Limits");
}

void settle_terminal(AnalyzeOptions& options) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  options.ladder.colour = terminal && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.ladder.width = size.ws_col;
  }
}

void add_options(CLI::App& analyze, AnalyzeOptions& options) {
  analyze
      .add_option("INPUT", options.input,
                  "a capture (pcap, pcapng) or a session log; - is standard input")
      ->required();
  settle_terminal(options);
  add_output(analyze, options);
  add_capture(analyze, options);
  add_expectations(analyze, options.expectations);
  add_limits(analyze, options);
}

}  // namespace

CLI::App* add_analyze(CLI::App& app, AnalyzeOptions& options) {
  return add_command(app, "analyze",
                     "tell from a capture or a session log what went wrong, and whose fault it is",
                     kFooter, [&options](CLI::App& analyze) { add_options(analyze, options); });
}

}  // namespace ftpscope
