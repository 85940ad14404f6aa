// The options of `ftpscope diff`.
#include "proxy/io/comparison_options.h"
#include "proxy/io/diff_command.h"
#include "proxy/io/expectation_options.h"
#include "proxy/io/option_kinds.h"

namespace ftpscope {

namespace {

constexpr auto kDiffFooter = R"(Examples:
  ftpscope diff rec-old/ rec-new/
  ftpscope diff good.pcap bad.pcap --side-by-side
  ftpscope diff old.pcap new.pcap --substitute old.example=new.example --substitute /a=/srv/a
  ftpscope diff rec/ session.jsonl --compare code --junit result.xml --expect 'RETR /a: 226'

What is compared, and what is left out by default: captures/README.md.
Exit codes: 0 the same, 1 something differs, 2 an input cannot be read (the sentence on stderr says
why) or wrong usage, 3 an expectation is not met.)";

void set_sessions(DiffOptions& options, const std::string& text) {
  const auto comma = text.find(',');
  options.session_a = text.substr(0, comma);
  options.session_b = comma == text.npos ? options.session_a : text.substr(comma + 1);
}

void add_options(CLI::App& diff, DiffOptions& options) {
  const auto* what = "a recording (a folder), a session log or a capture; - is standard input";
  diff.add_option("A", options.a, what)->required();
  diff.add_option("B", options.b, what)->required();
  const auto sessions = [&options](const std::string& text) { set_sessions(options, text); };
  diff.add_option_function<std::string>(
          "--session", sessions,
          "compare the session of A whose name ends so, and that of B\n"
          "(default: the first with the first, and so on)")
      ->type_name("NAME[,NAME]");
  add_comparison(diff, options.comparison);
  add_substitutions(diff, options.substitutions,
                    "put TO for FROM in every argument and every reply of A; as often as needed");
  add_expectations(diff, options.expectations);
  add_comparison_output(diff, options.output);
  diff.add_option("--ftp-port", options.limits.ftp_ports,
                  "of captures: ports of FTP servers (default 21)")
      ->type_name("PORT");
}

}  // namespace

CLI::App* add_diff(CLI::App& app, DiffOptions& options) {
  return add_command(
      app, "diff",
      "compare the sessions of two recordings, logs or captures, transaction by transaction",
      kDiffFooter, [&options](CLI::App& diff) { add_options(diff, options); });
}

}  // namespace ftpscope
