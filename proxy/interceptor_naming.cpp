// --mode forward: the proxy greets, the client names a server, by its login or before; then the
// server greets, and the session goes on as with any other server. Until then it is the proxy that
// answers. The command that named a server waits for it; when the server cannot be had, that
// command is told so and the client may name another.
#include <utility>

#include "analyzer/excerpt.h"
#include "analyzer/redaction.h"
#include "analyzer/report_text.h"
#include "proxy/interceptor.h"
#include "proxy/login_name.h"

namespace ftpscope {

namespace {

constexpr std::string_view kForward = "--mode forward";

// What a command gets while no server is there to answer it.
std::string own_answer(const Command& command) {
  if (command.meaning() == Meaning::quit) return "221 Goodbye.\r\n";
  if (command.name == "NOOP") return "200 No server is named yet.\r\n";
  if (command.name == "HELP") {
    return "214-Name the server that you want in one of these ways:\r\n"
           " USER name@server  USER name@server:port  USER name@[IPv6]:port\r\n"
           " SITE server[:port]  OPEN server[:port]  HOST server; then USER name\r\n"
           "214 Then it is as if you were connected there.\r\n";
  }
  // RFC 2228 5: 431 says that it may be asked again later; TLS is between the client and the
  // server.
  if (command.meaning() == Meaning::authenticate) {
    return "431 Name the server first: HOST server, then AUTH.\r\n";
  }
  if (command.meaning() == Meaning::password) return "503 USER name@server[:port] first.\r\n";
  // FEAT as well: the features are the server's. lftp asks again when it is logged in.
  return "530 Log in first: USER name@server[:port].\r\n";
}

}  // namespace

CommandFate Interceptor::on_naming_command(const Command& command, CommandId id) {
  const auto named = named_by(command);
  if (!named) {
    const bool leaves = command.meaning() == Meaning::quit;
    if (leaves) naming_->step = Naming::Step::leaving;
    return CommandFate{.wait = leaves, .answer = own_answer(command)};
  }
  if (!*named) return CommandFate{.answer = "501 " + named->error() + "\r\n"};
  if (++naming_->named > InterceptorOptions::kServersNamedMax) {
    refuse(SessionEnd::limit, "421 Too many servers named.\r\n", "too many servers named");
    return {};
  }
  const auto& [server, user, proxy_user] = **named;
  naming_->step = Naming::Step::connecting;
  naming_->command = id;
  naming_->server = server_name_ = to_text(server);
  naming_->line.clear();
  if (user) keep_login(command, *user);
  effects_.connect_server(server);
  return CommandFate{.wait = true};
}

// USER as it is to be said when the server has greeted.
void Interceptor::keep_login(const Command& command, const std::string& user) {
  auto said = command;
  said.argument = user;
  naming_->line = canonical_line(said);
  const bool hidden = !options_.limits.log_secrets && hides_argument(command, state_.logged_in);
  naming_->before = hidden ? kHidden : command.line.raw;
  naming_->after = hidden ? std::string(kHidden) : naming_->line;
}

// The client has been greeted already: what the server says is in the log and goes no further.
bool Interceptor::on_greeting(const Reply& reply, const PendingCommand* answered,
                              std::string_view raw) {
  const auto to = answered ? std::optional(answered->id) : std::nullopt;
  record_rewrite({to, "greeting", raw, {}, kForward});
  if (!answered || reply.preliminary()) return false;
  if (*reply.code < 300 && !reply.unfinished) {
    naming_->step = Naming::Step::taken;
  } else {
    turn_away("says " + printable(excerpt(reply.lines.back())));
  }
  return true;  // settle_naming() goes on, when this reply has been handled
}

void Interceptor::turn_away(std::string_view why) {
  naming_->step = Naming::Step::turned_away;
  naming_->why = dialogue_.masked(why);
}

// True: that is all. Else one side has gone for good.
bool Interceptor::on_closed_while_naming(Side side) {
  if (side == Side::server) {
    turn_away("closed the connection without a greeting");
    return true;
  }
  begin_end(side, SessionEnd::fin, {});
  closed_ = {true, true};
  return true;
}

// The command that named the server gets this reply, and the client may name another.
void Interceptor::ask_again(std::string reply) {
  naming_->step = Naming::Step::asking;
  dialogue_.answer(naming_->command, std::move(reply));
  dialogue_.resume(Side::client, now());
}

// Goes on from what the event has brought; the client's next commands may bring more.
void Interceptor::settle_naming() {
  while (naming_ && !closing_) {
    switch (naming_->step) {
      case Naming::Step::asking:
      case Naming::Step::connecting:
      case Naming::Step::greeting: return;
      case Naming::Step::taken: take_server(); break;
      case Naming::Step::turned_away: drop_server(); break;
      case Naming::Step::leaving:
        begin_end(Side::client, SessionEnd::fin, {});
        dialogue_.stop();
        closed_ = {true, true};
        break;
    }
  }
}

void Interceptor::take_server() {
  const auto taken = std::move(*naming_);
  naming_.reset();
  if (taken.line.empty()) {
    dialogue_.answer(taken.command, "220 Connected to " + taken.server + ": USER name.\r\n");
  } else {
    recorder_.emit(record::Rewrite{taken.command, "USER", taken.before, taken.after, kForward});
    effects_.send(Side::server, taken.line);
  }
  dialogue_.resume_both(now());
}

void Interceptor::drop_server() {
  recorder_.finding(FindingId::server_turned_away, naming_->command,
                    naming_->server + " " + naming_->why);
  server_connected_ = false;
  state_.server_ip = {};
  line_since_[static_cast<std::size_t>(Side::server)].reset();
  effects_.drop_server();
  dialogue_.disconnected();
  ask_again("530 " + naming_->server + " " + naming_->why + "\r\n");
}

}  // namespace ftpscope
