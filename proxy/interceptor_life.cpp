// How a session of the Interceptor begins, what it waits for and for how long, and how it ends.
#include <algorithm>
#include <utility>

#include "proxy/interceptor.h"

namespace ftpscope {

namespace {

std::optional<Timestamp> earlier(std::optional<Timestamp> a, std::optional<Timestamp> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

std::optional<Timestamp> after(Timestamp since, Duration timeout) {
  if (timeout == Duration::zero()) return std::nullopt;
  return since + timeout;
}

}  // namespace

void Interceptor::on(const event::ClientConnected& event) {
  started_ = last_activity_ = last_work_ = now();
  state_.client_ip = event.client.ip;
  state_.proxy = event.proxy;
  server_name_ = event.server;
  recorder_.emit(record::Session{event.client, event.proxy, server_name_,
                                 name_of(options_.policy.lines), name_of(options_.policy.tls),
                                 event.balancer, event.reached});
  if (event.login_names_server) {
    naming_ = std::make_unique<Naming>();
    say("220 Which server? Log in with USER name@server[:port], or say SITE server first.\r\n");
  } else {
    effects_.connect_server(std::nullopt);
  }
}

void Interceptor::on(const event::ClientRefused& event) {
  if (event.finding) recorder_.finding(*event.finding, std::nullopt, event.detail);
  refuse(SessionEnd::refused, "421 " + std::string(event.why) + "\r\n", event.why);
}

void Interceptor::on(const event::ServerConnected& event) {
  server_connected_ = true;
  last_activity_ = now();
  server_ = event.server;
  state_.server_ip = event.server.ip;
  state_.refused_setups = memory_ ? memory_->refused_setups(event.server) : SetupSet{};
  greeting_since_ = naming_ ? now() : started_;
  if (naming_) naming_->step = Naming::Step::greeting;
  recorder_.emit(record::Connected{event.server, event.from, event.name, event.proxy_header});
  dialogue_.connected(now());
}

void Interceptor::on(const event::ServerPassedOver& event) {
  const auto id = event.forbidden ? FindingId::server_forbidden : FindingId::server_unreachable;
  recorder_.finding(id, std::nullopt, event.server + ": " + event.why);
}

void Interceptor::on(const event::ServerForbidden& event) {
  if (!naming_) return;
  recorder_.finding(FindingId::server_forbidden, naming_->command,
                    naming_->server + ": " + event.why);
  // Where the name points to is not the client's to know.
  ask_again("530 This proxy does not connect to " + naming_->server + ".\r\n");
}

void Interceptor::on(const event::ServerUnreachable& event) {
  if (naming_) {
    recorder_.finding(FindingId::server_unreachable, naming_->command,
                      naming_->server + ": " + event.why);
    ask_again("530 Cannot reach " + naming_->server + ": " + event.why + ".\r\n");
    return;
  }
  const auto reply = "421 Cannot reach the server " + server_name_ + ": " + event.why + "\r\n";
  refuse(SessionEnd::connect_failed, reply, event.why);
}

void Interceptor::on(const event::Closed& event) {
  if (event.reset && event.side == Side::server && naming_)
    return turn_away("reset the connection");
  if (event.reset) {
    recorder_.finding(FindingId::control_reset, std::nullopt, name_of(event.side));
    begin_end(event.side, SessionEnd::rst, "the control connection was reset");
    abandon();
    if (!closed_[static_cast<std::size_t>(other(event.side))]) effects_.reset(other(event.side));
    closed_ = {true, true};
    return;
  }
  if (event.side == Side::client) {
    client_ended_ = true;
    last_activity_ = now();
  }
  dialogue_.closed(event.side, now());
}

// Everything that this side sent has been handled, and it will send no more.
void Interceptor::on_closed(Side side) {
  if (naming_ && on_closed_while_naming(side)) return;
  begin_end(side, SessionEnd::fin, {});
  closed_[static_cast<std::size_t>(side)] = true;
  const auto moving = [](const Channel& channel) {
    return channel.opened &&
           !(channel.direction == Direction::upload ? channel.drained_from_client
                                                    : channel.drained_from_server);
  };
  if (std::ranges::any_of(channels_, moving)) {
    recorder_.finding(FindingId::quit_with_transfer, std::nullopt, name_of(side));
  }
  effects_.finish(other(side));
  drop_waiting_channel(ChannelEnd::session_ended);
}

void Interceptor::on_violation(Violation violation, std::string_view detail) {
  switch (violation) {
    case Violation::line_too_long:
      refuse(SessionEnd::limit,
             detail == "the client's" ? "500 The line is too long.\r\n"
                                      : "421 The server sent a line that is too long.\r\n",
             "line too long");
      return;
    case Violation::reply_too_long:
      refuse(SessionEnd::limit, "421 The server's reply does not end.\r\n", "reply too long");
      return;
    case Violation::too_many_unknown:
      refuse(SessionEnd::limit, "421 Too many unknown commands before login.\r\n",
             "too many unknown commands");
      return;
    case Violation::proxy_header:
      refuse(SessionEnd::refused, "421 No PROXY header is taken from your address.\r\n",
             row_of(FindingId::proxy_header_unasked).title);
      return;
    // No word to someone who does not speak FTP: an answer would be read as that protocol's.
    case Violation::not_ftp: refuse(SessionEnd::not_ftp, {}, detail); return;
  }
}

void Interceptor::on(const event::TimerFired&) {
  dialogue_.tick(now());
  check_deadlines();
}

void Interceptor::on(const event::ShutdownAsked& event) {
  draining_ = true;
  if (event.now) {
    refuse(SessionEnd::shutdown, "421 The proxy is shutting down.\r\n", "shutdown");
    return;
  }
  check_deadlines();
}

// Something is going on that an idle or drain rule must not cut: data, or a command without its
// reply.
bool Interceptor::busy() const {
  const bool data = std::ranges::any_of(
      channels_, [](const Channel& channel) { return channel.opened || channel.transfer; });
  return data || (server_connected_ && state_.greeted && !dialogue_.pending().empty());
}

std::optional<Timestamp> Interceptor::idle_deadline() const {
  const bool data = std::ranges::any_of(channels_, &Channel::opened);
  if (data) return std::nullopt;
  // The client has gone, and the server says nothing to what is left of it.
  if (client_ended_) return last_activity_ + InterceptorOptions::kCloseLinger;
  if (options_.timeouts.idle == Duration::zero()) return std::nullopt;
  // NOOP is activity, but not for ever (threats.md S37).
  return std::min(last_activity_ + options_.timeouts.idle,
                  last_work_ + std::max(InterceptorOptions::kNoopIdleMax, options_.timeouts.idle));
}

// Behind the proxy's last word, and behind the 226, there is nothing to keep alive.
std::optional<Timestamp> Interceptor::noop_due() const {
  if (closing_ || held_ || !dialogue_.may_say_noop()) return std::nullopt;
  return after(last_exchange_, options_.keepalive_noop);
}

void Interceptor::say_noop() {
  last_exchange_ = now();
  effects_.send(Side::server, dialogue_.say_noop(now()));
}

std::optional<Timestamp> Interceptor::deadline() const {
  if (ended_) return std::nullopt;
  auto due = dialogue_.deadline();
  // With both sides closed nothing is waited for but data, and the driver watches that.
  if (closing_) return closed_[0] && closed_[1] ? due : earlier(due, closing_->linger_until);
  const auto& timeouts = options_.timeouts;
  if (server_connected_ && !state_.greeted) {
    due = earlier(due, after(greeting_since_, timeouts.greeting));
  }
  if (!state_.logged_in && !state_.opaque) due = earlier(due, after(started_, timeouts.login));
  for (const auto& since : line_since_) {
    if (since) due = earlier(due, after(*since, timeouts.line));
  }
  for (const auto& channel : channels_) due = earlier(due, channel.expires);
  if (draining_ && !busy()) due = earlier(due, now());
  due = earlier(due, noop_due());
  return earlier(due, idle_deadline());
}

void Interceptor::check_deadlines() {
  const auto passed = [this](std::optional<Timestamp> due) { return due && now() >= *due; };
  const auto& timeouts = options_.timeouts;
  if (closing_) {
    if (passed(closing_->linger_until)) closed_ = {true, true};
    return;
  }
  for (auto& channel : channels_) {
    if (!passed(channel.expires)) continue;
    channel.expires.reset();
    effects_.close_channel(channel.id, ChannelEnd::never_connected);
  }
  if (passed(noop_due())) say_noop();
  if (draining_ && !busy()) {
    refuse(SessionEnd::shutdown, "421 The proxy is shutting down.\r\n", "shutdown");
  } else if (server_connected_ && !state_.greeted &&
             passed(after(greeting_since_, timeouts.greeting))) {
    if (naming_) {
      turn_away("sent no greeting in time");
    } else {
      time_out(FindingId::timeout_greeting, "421 The server sent no greeting in time.\r\n");
    }
  } else if (!state_.logged_in && !state_.opaque && passed(after(started_, timeouts.login))) {
    time_out(FindingId::timeout_login, "421 No login in time.\r\n");
  } else if (std::ranges::any_of(line_since_, [&](const auto& since) {
               return since && passed(after(*since, timeouts.line));
             })) {
    time_out(FindingId::timeout_line, "421 A line was not finished in time.\r\n");
  } else if (client_ended_ && passed(idle_deadline())) {
    begin_end(Side::client, SessionEnd::fin, "the server did not answer what it had sent");
    dialogue_.stop();
    closed_ = {true, true};
  } else if (passed(idle_deadline())) {
    time_out(FindingId::timeout_idle, "421 Idle for too long.\r\n");
  }
}

void Interceptor::time_out(FindingId finding, std::string_view text) {
  recorder_.finding(finding, std::nullopt, {});
  refuse(SessionEnd::timeout, text, row_of(finding).title);
}

// The proxy ends the session: a last word to the client (none once the session is encrypted), then
// both sides are closed.
void Interceptor::refuse(SessionEnd how, std::string_view reply, std::string_view why) {
  begin_end(std::nullopt, how, why);
  abandon();
  const bool hears = !closed_[static_cast<std::size_t>(Side::server)];  // else it has had its FIN
  if (!reply.empty() && !state_.opaque && hears) say(reply);
  closed_ = {true, true};
}

// A reply of the proxy's own that no command has asked for.
void Interceptor::say(std::string_view reply) {
  ReplyAssembler assembler;
  LineSplitter lines;
  lines.feed(reply);
  while (const auto text = lines.next()) assembler.add(*text, true);
  const auto& own = assembler.reply();
  recorder_.emit(record::Reply{.to = std::nullopt,
                               .verb = {},
                               .code = own.code,
                               .lines = own.lines,
                               .endings = own.endings,
                               .latency = std::nullopt,
                               .by_proxy = true});
  effects_.send(Side::client, reply);
}

// Nothing that waits may go out any more: not behind a reset, and not behind the proxy's last word.
void Interceptor::abandon() {
  dialogue_.stop();
  held_.reset();
  exposing_.reset();
  setting_up_.reset();
}

void Interceptor::begin_end(std::optional<Side> by, SessionEnd how, std::string_view why) {
  if (closing_) return;
  closing_ = std::make_unique<Closing>(by, how, now() + InterceptorOptions::kCloseLinger,
                                       std::string(why));
}

// The session is over when both control connections are, and no data is moving any more.
void Interceptor::end_if_done() {
  if (ended_ || !closed_[0] || !closed_[1]) return;
  const bool orderly = closing_->how == SessionEnd::fin;
  for (const auto& channel : channels_) {
    if (!orderly || !channel.opened) {
      effects_.close_channel(channel.id, ChannelEnd::session_ended);
    }
  }
  if (channels_.empty()) end();
}

void Interceptor::end() {
  ended_ = true;
  recorder_.emit(record::End{.by = closing_->by,
                             .how = closing_->how,
                             .why = closing_->why,
                             .commands = recorder_.commands(),
                             .replies = recorder_.replies(),
                             .channels = last_channel_,
                             .findings = recorder_.findings(),
                             .bytes_from_client = said_[static_cast<std::size_t>(Side::client)],
                             .bytes_from_server = said_[static_cast<std::size_t>(Side::server)],
                             .data_to_client = data_to_[static_cast<std::size_t>(Side::client)],
                             .data_to_server = data_to_[static_cast<std::size_t>(Side::server)],
                             .duration = now() - started_});
  effects_.end_session();
}

}  // namespace ftpscope
