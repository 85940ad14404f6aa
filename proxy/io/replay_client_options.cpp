#include "proxy/io/replay_client_options.h"

#include "proxy/io/comparison_options.h"
#include "proxy/io/expectation_options.h"
#include "proxy/io/option_kinds.h"

namespace ftpscope {

namespace {

constexpr auto kFooter = R"(Examples:
  ftpscope replay client rec/ --server 127.0.0.1:21 --user u --password-file p
  ftpscope replay client rec/ --server 127.0.0.1:21 --substitute /home/ann=/srv/ftp --mode passive
  ftpscope replay client rec/ --server 127.0.0.1:21 --expect 'RETR /a: 226' --record new/   # in a CI

Each command waits for its reply and each transfer for its data. The login is the one given here, never that of
the recording; data connections are agreed on anew. TLS is not played.
Exit codes: 0 the server does the same, 1 it does not (what differs is printed), 2 wrong usage, or it could not be
played at all (the sentence on stderr says why), 3 an expectation is not met.)";

void check_one_line(const std::string& name, const std::string& value) {
  if (value.find_first_of(std::string("\r\n\0", 3)) == value.npos) return;
  throw CLI::ValidationError(name, "may not have a line end in it");
}

void add_login(CLI::App& app, ReplayClientOptions& options) {
  const auto group = "Login";
  const auto user = [&options](const std::string& text) {
    check_one_line("--user", text);
    options.login.user = text;
  };
  app.add_option_function<std::string>("--user", user, "who logs in")
      ->default_str(options.login.user)
      ->type_name("NAME")
      ->group(group);
  app.add_option("--password-file", options.password_file,
                 "the first line of this file is the password (default: anonymous@)")
      ->type_name("FILE")
      ->group(group);
}

void add_playing(CLI::App& app, ReplayClientOptions& options) {
  const auto group = "Playing";
  app.add_option("--session", options.session,
                 "the session whose name ends so, as in 000002 (default: the first)")
      ->type_name("NAME")
      ->group(group);
  add_substitutions(app, options.substitutions,
                    "put TO for FROM in every argument and every text that is expected;\n"
                    "as often as needed")
      ->group(group);
  add_choice(app, "--mode", options.replay.mode,
             {{"recorded", DataMode::as_recorded},
              {"passive", DataMode::passive},
              {"active", DataMode::active},
              {"extended", DataMode::extended}},
             "data connections: as recorded; PASV for PORT; PORT for PASV;\n"
             "EPSV for PASV and EPRT for PORT")
      ->group(group);
  app.add_flag("--pipelined", options.replay.pipelined,
               "commands that were sent ahead leave as early as they did")
      ->group(group);
  add_data_ports(app, options.data_ports)->group(group);
  app.add_flag("--allow-remote", options.allow_remote, "the server may be another machine")
      ->group(group);
  app.add_flag("--allow-write", options.allow_write,
               "on another machine: STOR, DELE and whatever else changes something may be sent")
      ->group(group);
}

void add_output(CLI::App& app, ReplayClientOptions& options) {
  const auto group = "Output";
  app.add_option("--log", options.log, "write the session to this file; - is stdout")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--record", options.record,
                 "make this folder a recording of it (captures/README.md)")
      ->type_name("DIR")
      ->group(group);
  app.add_flag("-q,--quiet", options.quiet, "do not print the dialogue")->group(group);
  add_comparison_output(app, options.output);
}

void add_limits(CLI::App& app, ReplayClientOptions& options) {
  const auto group = "Limits";
  add_seconds(app, "--connect-timeout", options.connect_timeout, "until the server answers")
      ->group(group);
  add_seconds(app, "--reply-timeout", options.replay.reply_timeout, "until a reply is whole")
      ->group(group);
  add_seconds(app, "--data-connect-timeout", options.data.connect, "until a data connection stands")
      ->group(group);
  add_seconds(app, "--stall-timeout", options.data.stall, "a data connection moves no byte")
      ->group(group);
  constexpr std::size_t kMany = 1U << 30U;
  add_count(app, "--max-reply", options.replay.limits.reply_max, "bytes of a reply", 64, kMany)
      ->group(group);
  add_record_limits(app, options.record_limits, group);
}

void add_options(CLI::App& client, ReplayClientOptions& options) {
  client
      .add_option("RECORDING", options.recording, "a folder with a session.jsonl, or a session log")
      ->required();
  add_address(client, "--server", options.server, 21,
              "the server to play it to (port 21 if none is given)");
  add_login(client, options);
  add_playing(client, options);
  add_comparison(client, options.comparison);
  add_expectations(client, options.expectations);
  add_output(client, options);
  add_limits(client, options);
}

}  // namespace

CLI::App* add_replay_client(CLI::App& replay, ReplayClientOptions& options) {
  return add_command(replay, "client", "be the client of a recorded session, for a real server",
                     kFooter, [&options](CLI::App& client) { add_options(client, options); });
}

}  // namespace ftpscope
