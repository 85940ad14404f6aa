#include "proxy/io/destination_options.h"
#include "proxy/io/explain_login_command.h"
#include "proxy/io/option_kinds.h"

namespace ftpscope {

namespace {

constexpr auto kFooter =
    R"(LOGIN is what a client gives as its user name, or a whole command: USER, SITE, OPEN, HOST.
The name is looked up as the proxy would; nothing is connected to. Which addresses are the proxy's own is
known only when it runs.

Examples:
  ftpscope explain-login 'bob@ftp.example:2121'
  ftpscope explain-login 'bob@[2001:db8::1]' --deny-server 2001:db8::/32
  ftpscope explain-login 'SITE ftp.example' --json | jq .connects

Exit codes: 0 it would be connected to, 1 it would not (what is printed says why), 2 wrong usage.)";

}  // namespace

CLI::App* add_explain_login(CLI::App& app, ExplainLoginOptions& options) {
  const auto add_options = [&options](CLI::App& command) {
    command.add_option("LOGIN", options.login, "as in bob@ftp.example:2121")->required();
    add_destinations(command, options.destinations, "Policy");
    command.add_flag("--json", options.json, "as JSON, one object");
  };
  return add_command(app, "explain-login",
                     "tell which server a login names, and whether it may be connected to", kFooter,
                     add_options);
}

}  // namespace ftpscope
