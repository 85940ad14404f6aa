#include "proxy/io/explain_command.h"
#include "proxy/io/option_kinds.h"

namespace ftpscope {

namespace {

constexpr auto kFooter = R"(Examples:
  ftpscope explain                       all findings
  ftpscope explain FTP-REPLY-MISSING     one of them; FTP- and the case of letters do not matter
  ftpscope explain 227                   all with 227 in their names
  ftpscope explain --json | jq -r 'select(.severity=="error") | .finding'

Exit codes: 0, 2 there is no such finding.)";

}  // namespace

CLI::App* add_explain(CLI::App& app, ExplainOptions& options) {
  const auto add_options = [&options](CLI::App& explain) {
    explain.add_option("FINDING", options.findings, "names of findings, or parts of names")
        ->type_name("");
    auto* json = explain.add_flag("--json", options.json, "as JSON, one object a line");
    explain.add_flag("--markdown", options.markdown, "as the table in analyzer/README.md")
        ->excludes(json);
  };
  return add_command(app, "explain", "tell what a finding means and what to do about it", kFooter,
                     add_options);
}

}  // namespace ftpscope
