#include "proxy/io/proxy_options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "proxy/io/destination_options.h"
#include "proxy/io/option_kinds.h"

namespace ftpscope {

namespace {

constexpr auto kProxyFooter = R"(Examples:
  ftpscope proxy --listen 127.0.0.1:2121 --server ftp.example.org --log session.jsonl
  jq 'select(.kind=="reply" and .code>=400)' session.jsonl

  A NAT in front: tell clients the outside address, open only these ports in the firewall
  ftpscope proxy --listen :21 --server 10.0.0.5 --advertise 192.0.2.1 --data-ports 40000-40999

Exit codes: 0 stopped by SIGTERM or SIGINT, 2 wrong usage (the sentence on stderr says what to do).)";

constexpr auto kNatFooter =
    R"(A mode says how clients come to their server. Several at once, each listening at a place of its own:
  reverse:HOST[:PORT][,HOST[:PORT]...]@:21    always this server, or one of these
  forward@:2121                               the login names it: USER bob@ftp.example.org
  transparent@:8021, transparent:tproxy@:8021 where the client wanted to go before it was redirected to us

Examples:
  ftpscope nat --mode reverse:10.0.0.5@:21 --advertise 192.0.2.1 --data-ports 40000-40999
  ftpscope nat --mode reverse:10.0.0.5@:21 --advertise 10.0.0.0/8=peer --advertise @/run/outside-ip
  ftpscope nat --mode forward@:2121 --log sessions.jsonl --quiet
  curl ftp://bob%40ftp.example.org@127.0.0.1:2121/

Each line is made canonical or refused (--lines raw: as it comes).
Exit codes: 0 stopped by SIGTERM or SIGINT, 2 wrong usage (the sentence on stderr says what to do).)";

void add_rights(CLI::App& app, ProxyOptions& options) {
  app.add_option("--user", options.user,
                 "started as root: become this user once the ports are open,\n"
                 "with no other rights than the modes need")
      ->type_name("NAME");
}

void add_balance(CLI::App& app, BalanceOptions& options) {
  add_choice(app, "--balance", options.balance,
             {{"first-up", Balance::first_up},
              {"round-robin", Balance::round_robin},
              {"client", Balance::client}},
             "of several servers: the first that can be reached, each in its turn,\n"
             "or a client address stays with its server");
}

void add_output(CLI::App& app, ProxyArguments& arguments) {
  auto& options = arguments.options;
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
  app.add_flag("-v,--verbose", arguments.verbose,
               "print notes, exposed addresses and latencies too")
      ->group("Output")
      ->excludes(quiet);
  app.add_option("--colour", arguments.colour, "colour the dialogue; auto: on a terminal")
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
  add_address_rules(app, "--data-address", policy.data_address,
                    "where data connections go; [NETWORK=]RULE, as below:\n"
                    "peer: to the control connection's other end;\n"
                    "keep: to the host that PORT or 227 names")
      ->group(group);
  add_destinations(app, options.destinations, group);
  add_choice(app, "--server-data", policy.server_data,
             {{"same", ServerData::same},
              {"passive", ServerData::passive},
              {"active", ServerData::active},
              {"pasv", ServerData::pasv},
              {"epsv", ServerData::epsv},
              {"lpsv", ServerData::lpsv},
              {"port", ServerData::port},
              {"eprt", ServerData::eprt},
              {"lprt", ServerData::lprt}},
             "what the server is asked for, whatever the client speaks: as the client (same),\n"
             "we connect to it (passive), it connects to us (active), or one command")
      ->group(group);
  add_data_ports(app, options.worker.data_ports)->group(group);
  add_choice(app, "--data-path", options.worker.data_path,
             {{"relay", DataPathKind::relay}, {"kernel", DataPathKind::kernel}},
             "relay: the proxy moves the bytes of data connections;\n"
             "kernel: nftables translates them, where it can (needs CAP_NET_ADMIN)")
      ->group(group);
  add_port_map(app, options.worker.port_map)->group(group);
  add_source_port(app, options.worker.active_source_port)->group(group);
  add_address_rules(app, "--advertise", policy.advertise,
                    "the address that clients are told in 227. [NETWORK=]RULE: for clients\n"
                    "of this network only; repeatable, the first that fits decides.\n"
                    "peer: the one at which they reached us; keep: the server's own;\n"
                    "public:X, X is an address, a name, @FILE or interface:NAME;\n"
                    "if-unroutable: as peer, if they can reach that; map:A=B: B instead of A")
      ->group(group);
  add_address_rules(app, "--advertise-server", policy.advertise_server,
                    "the same, told to the server in PORT and EPRT;\n"
                    "peer: the one from which we reached it")
      ->group(group);
  add_seconds(app, "--resolve-interval", options.resolve_interval,
              "how often names in these rules are looked up again; 0: never")
      ->group(group);
}

CLI::Option* add_workers(CLI::App& app, std::size_t& workers) {
  static constexpr std::size_t kMost = 256;
  const auto set = [&workers](const std::string& text) {
    if (text == "auto") {
      workers = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMost);
      return;
    }
    std::size_t number = 0;
    if (!CLI::detail::lexical_cast(text, number) || number < 1 || number > kMost) {
      throw CLI::ValidationError("--workers", "'" + text + "' is neither auto nor 1 to 256");
    }
    workers = number;
  };
  return app
      .add_option_function<std::string>(
          "--workers", set,
          "processes that share the clients; auto: one a processor. They divide\n"
          "--max-sessions and --data-ports; the other limits are each one's own")
      ->type_name("N|auto")
      ->default_str("1");
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
  add_workers(app, options.workers)->group(group);
  app.get_option("--max-descriptors")->default_str("");
  add_record_limits(app, options.record_limits, group);
}

void add_timeouts(CLI::App& app, ProxyOptions& options) {
  auto& timeouts = options.worker.interceptor.timeouts;
  const auto group = "Timeouts (0: never)";
  add_seconds(app, "--connect-timeout", options.worker.connect_timeout,
              "until an address of the server or a data target answers")
      ->group(group);
  add_seconds(app, "--server-rest", options.balance.rest,
              "a server that could not be reached is tried last for so long")
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
  add_seconds(app, "--proxy-header-timeout", options.worker.proxy_header_timeout,
              "a balancer's connection until its PROXY header is whole")
      ->group(group);
  add_seconds(app, "--stall-timeout", options.worker.stall_timeout,
              "a data connection moves no byte")
      ->group(group);
  add_seconds(app, "--grace", options.grace, "after SIGTERM, for running transfers to finish")
      ->group(group);
}

void add_balancing(CLI::App& app, ProxyOptions& options) {
  auto& balancing = options.worker.balancing;
  const auto group = "Load balancers";
  const auto accept = [&balancing](const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
      const auto network = parse_network(text);
      if (!network) {
        throw CLI::ValidationError("--accept-proxy",
                                   "'" + text + "' is no network, as in 192.0.2.7 or 10.0.0.0/8");
      }
      balancing.balancers.push_back(*network);
    }
  };
  auto* from = app.add_option_function<std::vector<std::string>>(
                      "--accept-proxy", accept,
                      "connections from there begin with a PROXY header (v1 or v2), which names\n"
                      "the client; nobody else may send one; as often as needed")
                   ->allow_extra_args(false)
                   ->type_name("NETWORK")
                   ->group(group);
  app.add_flag("--accept-proxy-data", balancing.data,
               "data connections come through the balancer as well, with a header")
      ->group(group)
      ->needs(from);
  auto* to =
      add_choice(app, "--send-proxy", balancing.to_server,
                 {{"none", std::nullopt}, {"v1", ProxyVersion::v1}, {"v2", ProxyVersion::v2}},
                 "begin each connection to the server with a PROXY header that names\n"
                 "the client")
          ->group(group);
  app.add_flag("--send-proxy-data", balancing.data_to_server, "data connections to the server too")
      ->group(group)
      ->needs(to);
}

void add_long_sessions(CLI::App& app, ProxyOptions& options) {
  const auto group = "Keeping sessions alive";
  constexpr std::size_t kLongest = 32767;  // tcp(7)
  add_count(app, "--tcp-keepalive", options.worker.tcp_keepalive,
            "a connection that is quiet for so long is probed, control and data;\n0: never", 0,
            kLongest)
      ->type_name("SECONDS")
      ->group(group);
  add_seconds(app, "--keepalive-noop", options.worker.interceptor.keepalive_noop,
              "the server gets a NOOP when its control connection is quiet for so long\n"
              "while a transfer runs; 0: never")
      ->group(group);
}

void settle_terminal(ProxyOptions& options, const ProxyArguments& arguments) {
  if (options.quiet || options.log == "-") return;
  const bool tty = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  const bool colour = arguments.colour == "always" || (arguments.colour == "auto" && tty);
  options.worker.terminal = TextStyle{colour, arguments.verbose};
}

void add_options(CLI::App& command, ProxyArguments& arguments) {
  auto& options = arguments.options;
  options.worker.max_descriptors = 0;
  add_modes(command, arguments);
  add_balance(command, options.balance);
  add_rights(command, options);
  add_output(command, arguments);
  add_policy(command, options);
  add_limits(command, options);
  add_timeouts(command, options);
  add_balancing(command, options);
  add_long_sessions(command, options);
  command.callback([&arguments, &command] {
    if (!command.get_subcommands().empty()) return;  // that one is to be carried out
    check_modes(arguments.options);
    settle_terminal(arguments.options, arguments);
  });
}

}  // namespace

void add_modes(CLI::App& app, ProxyArguments& arguments) {
  auto& options = arguments.options;
  const auto listen = [&options](const std::string& text) {
    auto parsed = parse_host_port(text, 0);
    if (!parsed) throw CLI::ValidationError("--listen", parsed.error());
    options.listen = std::move(*parsed);
  };
  app.add_option_function<std::string>(
         "--listen", listen, "where clients connect; :2121 is every address, port 0 any port")
      ->type_name("ADDRESS:PORT");
  const auto server = [&options](const std::string& text) {
    if (text.contains(',')) {
      throw CLI::ValidationError("--server", "is one server; of several: --mode reverse:" + text);
    }
    auto parsed = parse_host_port(text, ProxyMode::kFtpPort);
    if (!parsed) throw CLI::ValidationError("--server", parsed.error());
    options.modes.push_back({ProxyMode::Kind::reverse, {std::move(*parsed)}, {}});
  };
  app.add_option_function<std::string>("--server", server,
                                       "where the FTP server is (port 21 if none is given):\n"
                                       "short for --mode reverse:HOST[:PORT]")
      ->type_name("HOST[:PORT]");
  const auto mode = [&options](const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
      auto parsed = parse_proxy_mode(text);
      if (!parsed) throw CLI::ValidationError("--mode", parsed.error());
      options.modes.push_back(std::move(*parsed));
    }
  };
  app.add_option_function<std::vector<std::string>>(
         "--mode", mode,
         "how clients come to a server: reverse:HOST[:PORT][,HOST[:PORT]...],\n"
         "forward, transparent, transparent:tproxy, transparent:tproxy-nat;\n"
         "as often as needed")
      ->allow_extra_args(false)
      ->type_name("KIND[:SERVERS][@ADDRESS:PORT]");
}

void check_modes(const ProxyOptions& options) {
  if (options.modes.empty()) {
    throw CLI::ValidationError("--mode", "is required, or --server: which server clients get");
  }
  const auto listens_here = [](const ProxyMode& mode) { return !mode.listen; };
  const auto here = std::ranges::count_if(options.modes, listens_here);
  if (here > 0 && !options.listen) {
    throw CLI::ValidationError("--listen", "is required: a mode does not say where it listens");
  }
  const auto redirected = [](const ProxyMode& mode) {
    return mode.kind == ProxyMode::Kind::transparent;
  };
  if (std::ranges::any_of(options.modes, redirected) && options.worker.data_ports.low == 0) {
    throw CLI::ValidationError("--data-ports",
                               "is required with --mode transparent: by their ports, passive data "
                               "connections are redirected as well (ftpscope nat rules)");
  }
  if (here > 1) {
    throw CLI::ValidationError("--mode",
                               "needs places to listen: of several modes each but one "
                               "needs its own, as in forward@:2121");
  }
  const auto by_login = [](const ProxyMode& mode) { return mode.kind == ProxyMode::Kind::forward; };
  const auto& rules = options.destinations;
  const bool restricts = !rules.allow.empty() || !rules.deny.empty();
  if (restricts && std::ranges::none_of(options.modes, by_login)) {
    throw CLI::ValidationError(rules.allow.empty() ? "--deny-server" : "--allow-server",
                               "is for --mode forward: no other lets a login name the server");
  }
}

CLI::App* add_proxy(CLI::App& app, ProxyArguments& arguments) {
  return add_command(
      app, "proxy", "stand between clients and a server: show, log and relay every session",
      kProxyFooter, [&arguments](CLI::App& proxy) { add_options(proxy, arguments); });
}

CLI::App* add_nat(CLI::App& app, ProxyArguments& arguments) {
  arguments.options.worker.interceptor.policy.lines = Lines::strict;
  return add_command(app, "nat",
                     "take FTP through NAT, firewalls and load balancers: proxy with the defaults "
                     "of a gateway",
                     kNatFooter, [&arguments](CLI::App& nat) { add_options(nat, arguments); });
}

}  // namespace ftpscope
