#include "proxy/io/options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "proxy/io/analyze_options.h"
#include "proxy/io/option_kinds.h"
#include "proxy/io/proxy_options.h"
#include "proxy/io/replay_client_options.h"

namespace ftpscope {

namespace {

constexpr auto kReplayServerFooter =
    R"(Each client gets the session from its start; any login is taken; data connections work in whatever mode the
client asks for; what it uploads is taken and compared with what was recorded.

Examples:
  ftpscope replay server captures/demo --listen 127.0.0.1:2121
  curl ftp://anyone:secret@127.0.0.1:2121/

  The server of a customer's capture, with its pauses, for one client after the other or many at once
  ftpscope analyze customer.pcapng --record rec
  ftpscope replay server rec --listen :2121 --speed original

Exit codes: 0 stopped by SIGTERM or SIGINT, 2 wrong usage or a recording that cannot be played.)";

constexpr auto kFooter =
    R"(ftpscope COMMAND --help tells more. The documents: README.md, proxy/README.md, analyzer/README.md.)";

void set_speed(double& speed, const std::string& text) {
  speed = text == "fast" ? 0 : text == "original" ? 1 : std::atof(text.c_str());
  const bool number = text != "fast" && (speed >= ReplayOptions::kSlowest && speed <= 1e6);
  if (number || text == "fast") return;
  throw CLI::ValidationError("--speed",
                             "needs original, fast, or a number from 0.001 on: 2 is "
                             "twice as fast as recorded");
}

void add_replay_policy(CLI::App& app, ReplayServerOptions& options) {
  const auto group = "Playing";
  add_choice(app, "--match", options.replay.match,
             {{"verb", Match::verb}, {"strict", Match::strict}, {"state", Match::state}},
             "which recorded answer a command gets. verb: the next unused one to this verb\n"
             "and argument; strict: in the recorded order and no other; state: to this verb,\n"
             "path, type and offset, in any order, as often as asked")
      ->group(group);
  add_choice(app, "--unmatched", options.replay.unmatched,
             {{"reply-500", Unmatched::reply_500},
              {"close", Unmatched::close},
              {"nearest", Unmatched::nearest}},
             "what a command gets that the recording does not have; nearest: the next answer\n"
             "to the same verb")
      ->group(group);
  app.add_option_function<std::string>(
         "--speed", [&options](const std::string& text) { set_speed(options.replay.speed, text); },
         "fast: without pauses; original: with those of the recording, also inside replies,\n"
         "and its data rates; a number: so many times that speed")
      ->type_name("fast|original|N")
      ->default_str("fast")
      ->group(group);
  app.add_option("--session", options.session,
                 "the session to play, by the end of its name (default: the first)")
      ->type_name("NAME")
      ->group(group);
  add_data_ports(app, options.data_ports)->group(group);
  app.add_flag("--unchecked", options.unchecked,
               "begin at once: do not compare the payloads with their SHA-256 first")
      ->group(group);
}

void add_options(CLI::App& server, ReplayServerOptions& options) {
  server
      .add_option("RECORDING", options.recording, "a folder with a session.jsonl, or a session log")
      ->required();
  add_address(server, "--listen", options.listen, 0, "where clients connect; port 0: any");
  server.add_option("--log", options.log, "write the replayed sessions to this file; - is stdout")
      ->type_name("FILE");
  server.add_flag("-q,--quiet", options.quiet, "do not print the dialogue");
  add_count(server, "--log-limit", options.log_limit,
            "bytes of a session.jsonl, and of a timing.jsonl; the memory\n"
            "needed is a few times that",
            1, std::size_t{1} << 40U);
  add_replay_policy(server, options);
}

void add_replay_server(CLI::App& app, ReplayServerOptions& options) {
  add_command(app, "server", "be the server of a recorded session, for any client",
              kReplayServerFooter, [&options](CLI::App& server) { add_options(server, options); });
}

}  // namespace

Request parse_command_line(int argc, char** argv) {
  CLI::App app("See what FTP clients and servers say to each other, and make it work.", "ftpscope");
  constexpr std::size_t kOptionColumn = 34;
  app.get_formatter()->column_width(kOptionColumn);
  app.set_version_flag("--version", "ftpscope " FTPSCOPE_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  ProxyArguments proxy_arguments;
  const auto* proxy = add_proxy(app, proxy_arguments);
  ProxyArguments nat_arguments;
  auto* nat = add_nat(app, nat_arguments);
  NatRulesArguments nat_rules_arguments;
  const auto* nat_rules = add_nat_rules(*nat, nat_rules_arguments);
  ReplayServerOptions replay_options;
  auto* replay = app.add_subcommand("replay", "let a recorded session happen again");
  replay->require_subcommand(1);
  add_replay_server(*replay, replay_options);
  ReplayClientOptions client_options;
  const auto* replay_client = add_replay_client(*replay, client_options);
  AnalyzeOptions analyze_options;
  auto* analyze = add_analyze(app, analyze_options);
  ExplainOptions explain_options;
  const auto* explain = add_explain(app, explain_options);
  ExplainLoginOptions login_options;
  const auto* explain_login = add_explain_login(app, login_options);
  ReportOptions report_options;
  const auto* report = add_report(app, report_options);
  DiffOptions diff_options;
  const auto* diff = add_diff(app, diff_options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for = error.get_exit_code() == 0;  // --help, --version
    if (asked_for) return app.exit(error);
    const auto command = proxy->parsed()           ? "proxy "
                         : nat_rules->parsed()     ? "nat rules "
                         : nat->parsed()           ? "nat "
                         : replay_client->parsed() ? "replay client "
                         : replay->parsed()        ? "replay server "
                         : analyze->parsed()       ? "analyze "
                         : explain->parsed()       ? "explain "
                         : explain_login->parsed() ? "explain-login "
                         : report->parsed()        ? "report "
                         : diff->parsed()          ? "diff "
                                                   : "";
    const bool unknown = command[0] == '\0' && argc > 1 && argv[1][0] != '-';
    const auto what = unknown ? "there is no command '" + std::string(argv[1]) + "'" : error.what();
    std::cerr << "ftpscope: " << what << " (ftpscope " << command << "--help tells more)\n";
    return kExitUsage;
  }
  if (replay_client->parsed()) return client_options;
  if (replay->parsed()) return replay_options;
  if (analyze->parsed()) return analyze_options;
  if (explain->parsed()) return explain_options;
  if (explain_login->parsed()) return login_options;
  if (report->parsed()) return report_options;
  if (diff->parsed()) return diff_options;
  if (nat_rules->parsed()) return nat_rules_arguments;
  if (nat->parsed()) return std::move(nat_arguments.options);
  return std::move(proxy_arguments.options);
}

}  // namespace ftpscope
