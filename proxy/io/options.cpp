#include "proxy/io/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "proxy/io/analyze_options.h"
#include "proxy/io/option_kinds.h"
#include "proxy/io/replay_client_options.h"

namespace ftpscope {

namespace {

constexpr auto kProxyFooter = R"(Examples:
  ftpscope proxy --listen 127.0.0.1:2121 --server ftp.example.org --log session.jsonl
  jq 'select(.kind=="reply" and .code>=400)' session.jsonl

  A NAT in front: tell clients the outside address, open only these ports in the firewall
  ftpscope proxy --listen :21 --server 10.0.0.5 --advertise 192.0.2.1 --data-ports 40000-40999

Exit codes: 0 stopped by SIGTERM or SIGINT, 2 wrong usage (the sentence on stderr says what to do).)";

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

struct Terminal {
  bool verbose = false;
  std::string colour = "auto";
};

void add_output(CLI::App& app, ProxyOptions& options, Terminal& terminal) {
  auto& limits = options.worker.interceptor.limits;
  app.add_option("--log", options.log,
                 "write every record to this file, one JSON object a line; - is stdout")
      ->type_name("FILE")
      ->group("Output");
  app.add_option("--record", options.record,
                 "make this folder a recording: log and payloads (captures/README.md)")
      ->type_name("DIR")
      ->group("Output");
  app.add_flag("--log-secrets", limits.log_secrets, "keep passwords in the log and on the terminal")
      ->group("Output");
  auto* quiet =
      app.add_flag("-q,--quiet", options.quiet, "do not print the dialogue")->group("Output");
  app.add_flag("-v,--verbose", terminal.verbose, "print notes, exposed addresses and latencies too")
      ->group("Output")
      ->excludes(quiet);
  app.add_option("--colour", terminal.colour, "colour the dialogue; auto: on a terminal")
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""))
      ->capture_default_str()
      ->type_name("auto|always|never")
      ->group("Output");
}

void add_policy(CLI::App& app, ProxyOptions& options) {
  auto& policy = options.worker.interceptor.policy;
  const auto group = "Policy";
  add_choice(app, "--lines", policy.lines, {{"raw", Lines::raw}, {"strict", Lines::strict}},
             "raw: what needs no rewriting passes byte for byte;\n"
             "strict: one canonical line for each, ambiguous ones are refused")
      ->group(group);
  add_choice(app, "--tls", policy.tls, {{"pass", Tls::pass}, {"refuse", Tls::refuse}},
             "pass: AUTH TLS goes through, the session is opaque from then on;\n"
             "refuse: AUTH gets 534, and FEAT does not promise it")
      ->group(group);
  add_choice(app, "--data-address", policy.data_address,
             {{"peer", DataAddress::peer}, {"stated", DataAddress::stated}},
             "where data connections go: to the control connection's peer,\n"
             "or to the address that PORT or 227 states")
      ->group(group);
  add_data_ports(app, options.worker.data_ports)->group(group);
  app.add_option("--advertise", options.advertise,
                 "the address that clients are told in 227;\n"
                 "auto: the one at which they reached us")
      ->capture_default_str()
      ->type_name("ADDRESS|NAME|auto")
      ->group(group);
  app.add_option("--advertise-server", options.advertise_server,
                 "the address that the server is told in PORT and EPRT")
      ->capture_default_str()
      ->type_name("ADDRESS|NAME|auto")
      ->group(group);
}

void add_limits(CLI::App& app, ProxyOptions& options) {
  auto& limits = options.worker.interceptor.limits;
  auto& worker = options.worker;
  constexpr std::size_t kMany = 1U << 30U;
  const auto group = "Limits";
  add_count(app, "--max-line", limits.line_max,
            "longest line, bytes; a longer one ends the session (500, 421)", 64, kMany)
      ->group(group);
  add_count(app, "--max-reply", limits.reply_max,
            "longest multi-line reply, bytes; a longer one ends the session (421)", 64, kMany)
      ->group(group);
  add_count(app, "--max-reply-lines", limits.reply_lines_max, "the same in lines", 1, kMany)
      ->group(group);
  add_count(app, "--max-in-flight", limits.in_flight_max,
            "commands without their final reply; then the client waits", 2, kMany)
      ->group(group);
  add_count(app, "--max-unknown-before-login", limits.unknown_before_login_max,
            "unknown commands before login; this one ends the session", 1, kMany)
      ->group(group);
  add_count(app, "--max-sessions", options.accept.sessions,
            "sessions at a time, more get 421; 0: no limit", 0, kMany)
      ->group(group);
  add_count(app, "--max-sessions-per-client", options.accept.sessions_per_client,
            "the same for one client address (a /64 of IPv6); 0: no limit", 0, kMany)
      ->group(group);
  add_count(app, "--max-descriptors", worker.max_descriptors,
            "open files, 2 to 5 a session (default: the ulimit);\nmore sessions get 421, more data "
            "connections 425",
            32, kMany)
      ->group(group);
  add_count(app, "--relay-buffer", worker.relay_buffer,
            "bytes read at once from a data connection,\nand most that waits for a slow receiver",
            4096, kMany)
      ->group(group);
  app.get_option("--max-descriptors")->default_str("");
  add_record_limits(app, options.record_limits, group);
}

void add_timeouts(CLI::App& app, ProxyOptions& options) {
  auto& timeouts = options.worker.interceptor.timeouts;
  const auto group = "Timeouts (0: never)";
  add_seconds(app, "--connect-timeout", options.worker.connect_timeout,
              "until the server or a data target answers")
      ->group(group);
  add_seconds(app, "--greeting-timeout", timeouts.greeting,
              "from connecting until the server's greeting")
      ->group(group);
  add_seconds(app, "--login-timeout", timeouts.login, "from connecting until the login succeeds")
      ->group(group);
  add_seconds(app, "--line-timeout", timeouts.line, "from the first byte of a line to its last")
      ->group(group);
  add_seconds(app, "--idle-timeout", timeouts.idle, "without a command, reply or data connection")
      ->group(group);
  add_seconds(app, "--data-connect-timeout", timeouts.data_connect,
              "a listening data port waits for its peer")
      ->group(group);
  add_seconds(app, "--stall-timeout", options.worker.stall_timeout,
              "a data connection moves no byte")
      ->group(group);
  add_seconds(app, "--grace", options.grace, "after SIGTERM, for running transfers to finish")
      ->group(group);
}

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

void add_replay_server(CLI::App& app, ReplayServerOptions& options) {
  auto* server =
      app.add_subcommand("server", "be the server of a recorded session, for any client");
  server->footer(kReplayServerFooter);
  server
      ->add_option("RECORDING", options.recording,
                   "a folder with a session.jsonl, or a session log")
      ->required();
  add_address(*server, "--listen", options.listen, 0, "where clients connect; port 0: any");
  server->add_option("--log", options.log, "write the replayed sessions to this file; - is stdout")
      ->type_name("FILE");
  server->add_flag("-q,--quiet", options.quiet, "do not print the dialogue");
  add_replay_policy(*server, options);
}

void settle_terminal(ProxyOptions& options, const Terminal& terminal) {
  if (options.quiet || options.log == "-") return;
  const bool tty = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  const bool colour = terminal.colour == "always" || (terminal.colour == "auto" && tty);
  options.worker.terminal = TextStyle{colour, terminal.verbose};
}

}  // namespace

Request parse_command_line(int argc, char** argv) {
  CLI::App app("See what FTP clients and servers say to each other, and make it work.", "ftpscope");
  constexpr std::size_t kOptionColumn = 34;
  app.get_formatter()->column_width(kOptionColumn);
  app.set_version_flag("--version", "ftpscope " FTPSCOPE_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  ProxyOptions options;
  Terminal terminal;
  options.worker.max_descriptors = 0;
  auto* proxy = app.add_subcommand(
      "proxy", "stand between clients and a server: show, log and relay every session");
  proxy->footer(kProxyFooter);
  add_address(*proxy, "--listen", options.listen, 0,
              "where clients connect; :2121 is every address, port 0 any port");
  add_address(*proxy, "--server", options.server, 21,
              "where the FTP server is (port 21 if none is given)");
  add_output(*proxy, options, terminal);
  add_policy(*proxy, options);
  add_limits(*proxy, options);
  add_timeouts(*proxy, options);
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
                         : replay_client->parsed() ? "replay client "
                         : replay->parsed()        ? "replay server "
                         : analyze->parsed()       ? "analyze "
                         : explain->parsed()       ? "explain "
                         : report->parsed()        ? "report "
                         : diff->parsed()          ? "diff "
                                                   : "";
    std::cerr << "ftpscope: " << error.what() << " (ftpscope " << command << "--help tells more)\n";
    return kExitUsage;
  }
  if (replay_client->parsed()) return client_options;
  if (replay->parsed()) return replay_options;
  if (analyze->parsed()) return analyze_options;
  if (explain->parsed()) return explain_options;
  if (report->parsed()) return report_options;
  if (diff->parsed()) return diff_options;
  settle_terminal(options, terminal);
  return options;
}

}  // namespace ftpscope
