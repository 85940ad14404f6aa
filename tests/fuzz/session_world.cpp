// What happens to the machine: its peers speak and go, time passes. And what it does to them.
#include "tests/fuzz/session_world.h"

#include <algorithm>
#include <utility>

#include "tests/fuzz/session_addresses.h"

namespace ftpscope::fuzz {

namespace {

InterceptorOptions options_of(const WorldOptions& world) {
  InterceptorOptions options;
  options.policy = world.policy;
  options.limits.log_secrets = world.log_secrets;
  if (world.noops) options.keepalive_noop = std::chrono::seconds(10);
  if (world.small_limits) {
    options.limits.line_max = 64;
    options.limits.reply_max = 256;
    options.limits.reply_lines_max = 6;
    options.limits.in_flight_max = 4;
    options.limits.unknown_before_login_max = 2;
  }
  if (!world.timeouts)
    options.timeouts = {Duration(0), Duration(0), Duration(0), Duration(0), Duration(0)};
  return options;
}

}  // namespace

World::World(const WorldOptions& options)
    : world_(options),
      options_(options_of(options)),
      pipeline_(options.rewriters ? Pipeline(options.policy) : Pipeline()),
      machine_(options_, pipeline_, "fuzz-1", *this, *this, &memory_) {
  const bool server_v6 = options.v6 != options.mixed_families;
  const auto host = [&](bool v6, const char* v6_host, const char* v4_host) {
    if (options.one_host) return v6 ? "::1" : "127.0.0.1";
    return v6 ? v6_host : v4_host;
  };
  client_ = at(host(options.v6, "2001:db8::10", "192.0.2.10"), 50000);
  proxy_ = at(host(options.v6, "2001:db8::1", "192.0.2.1"), 2121);
  server_ = at(host(server_v6, "2001:db8::21", "198.51.100.21"), 2100);
  if (options.knows_refusal) {
    memory_.refuses(server_, Setup::epsv);
    refused_.insert("EPSV");
  }
}

// ---- what happens to the machine

void World::handle(const Event& event) {
  check(!in_handle_, "events are not nested");
  in_handle_ = true;
  machine_.handle(event, now_);
  in_handle_ = false;
  was_logged_in_ = was_logged_in_ || machine_.state().logged_in;
  check(machine_.ended() == ended_ && ended_ == end_logged_, "the end: said, logged and done");
  check(own_replies_.empty(), "a reply of ours is sent when it is logged");
  if (ended_) {
    timer_ended_it_ = timer_ended_it_ || in_timer_;
    check(!machine_.deadline() && !machine_.wants(Side::client) && !machine_.wants(Side::server),
          "a session that has ended wants nothing");
  }
}

void World::start() {
  const bool named = world_.login_names_server;
  handle(event::ClientConnected{client_, proxy_, named ? "" : "ftp.example.org:21", named});
  check(connecting_ != named, "a server is connected to when it is known which");
  pump();
}

void World::server_connected() {
  if (connected_ || !connecting_ || ended_) return;
  connected_ = true;
  last_exchange_ = now_;
  handle(event::ServerConnected{server_,
                                {{server_.ip.v6 ? *parse_ip("2001:db8::2") : proxy_.ip}, 40001}});
  pump();
}

void World::server_unreachable() {
  if (connected_ || !connecting_ || ended_) return;
  connecting_ = false;
  handle(event::ServerUnreachable{"connection refused"});
  pump();
}

void World::server_forbidden() {
  if (!world_.login_names_server || connected_ || !connecting_ || ended_) return;
  connecting_ = false;
  handle(event::ServerForbidden{"it is 127.0.0.1"});
  pump();
}

void World::server_passed_over() {
  if (connected_ || !connecting_ || ended_) return;
  handle(event::ServerPassedOver{"198.51.100.22:21", "connection refused", false});
}

void World::refused() { handle(event::ClientRefused{"Too many sessions."}); }

void World::send(Side from, std::string_view bytes, bool urgent) {
  const bool nobody = from == Side::server && world_.login_names_server && !connected_;
  if (closed_[index(from)] || bytes.empty() || nobody) return;
  fed_ += bytes.size();
  waiting_[index(from)].push_back({std::string(bytes), urgent});
  pump();
}

void World::close(Side side) {
  if (side == Side::server && world_.login_names_server && !connected_) return;
  closed_[index(side)] = true;
  pump();
}

void World::break_off(Side side) {
  const bool there = connected_ || (world_.login_names_server && side == Side::client);
  if (close_told_[index(side)] || !there) return;
  closed_[index(side)] = close_told_[index(side)] = true;
  waiting_[index(side)].clear();
  violated_ = true;
  handle(event::Closed{side, true});
  pump();
}

void World::shutdown() { handle(event::ShutdownAsked{}); }

// What a driver does: it reads from a side when, and only when, the machine wants it to. (An eager
// one gives all that it has: as if the bytes that must wait had come in one segment with those
// before them.)
void World::pump() {
  while (!ended_) {
    close_what_is_closing();
    if (world_.connects_at_once && connecting_ && !connected_) return server_connected();
    if (world_.exposes_at_once) expose(true, true);
    if (deliver(Side::client)) continue;
    if (deliver(Side::server)) continue;
    return;
  }
}

bool World::deliver(Side side) {
  const bool there = connected_ || (world_.login_names_server && side == Side::client);
  const bool gives = machine_.wants(side) || (world_.eager && there);
  if (ended_ || !gives) return false;
  auto& waiting = waiting_[index(side)];
  if (waiting.empty()) {
    if (!closed_[index(side)] || close_told_[index(side)]) return false;
    close_told_[index(side)] = true;
    handle(event::Closed{side, false});
    return true;
  }
  const auto chunk = std::move(waiting.front());
  waiting.pop_front();
  deliver(side, chunk);
  return true;
}

void World::deliver(Side side, const Chunk& chunk) {
  auto urgent = chunk.urgent;
  const auto size = world_.byte_by_byte ? 1 : chunk.bytes.size();
  const auto server = named_;  // a server that was dropped says no more
  for (std::size_t begin = 0; begin < chunk.bytes.size() && !ended_; begin += size) {
    if (side == Side::server && (!connected_ || named_ != server)) return;
    const auto bytes =
        chunk.bytes.substr(begin, size);  // gone after the call, as a socket's buffer
    read_[index(side)] += bytes;
    const bool said = std::ranges::any_of(commands_, [](const Logged& command) {
      return command.raw.find(kSentinel) != std::string::npos;
    });
    early_echo_ =
        early_echo_ || (!said && read_[index(Side::server)].find(kSentinel) != std::string::npos);
    if (side == Side::server) last_exchange_ = now_;
    handle(event::Received{side, bytes, std::exchange(urgent, false)});
    check_held(side, size);
  }
}

void World::check_held(Side side, std::size_t last_chunk) const {
  if (ended_ || !machine_.wants(side)) return;   // the rest of the chunk waits inside
  if (close_told_[index(Side::server)]) return;  // what waits in vain is read, and dropped
  const auto& limits = options_.limits;
  const bool client = side == Side::client;
  const auto most = client ? limits.line_max : limits.line_max * 2 + limits.reply_max;
  const auto done = client ? consumed_ : echoed_;
  const bool known = client || (can_follow_replies_ && !world_.rewriters);
  check(!known || read_[index(side)].size() - done <= most + last_chunk, "what is held is bounded");
}

void World::fire_timer() {
  in_timer_ = true;
  handle(event::TimerFired{});
  in_timer_ = false;
}

void World::pass_time(Duration time) {
  constexpr int kMost = 200;  // timers in one step
  const auto until = now_ + time;
  int at_once = 0;  // timers that were due again as soon as they had fired
  int fired = 0;
  for (; fired < kMost && !ended_; ++fired) {
    pump();
    auto due = machine_.deadline();
    std::optional<ChannelId> quiet;
    for (const auto& [id, channel] : channels_) {
      if (channel.gone || !channel.quiet_at || (due && *channel.quiet_at > *due)) continue;
      due = channel.quiet_at;
      quiet = id;
    }
    if (!due || *due > until) break;
    now_ = std::max(now_, *due);
    if (quiet) {
      channels_[*quiet].quiet_at.reset();
      handle(event::ChannelQuiet{*quiet});
      continue;
    }
    fire_timer();
    pump();
    const bool again = !ended_ && machine_.deadline() && *machine_.deadline() <= now_;
    at_once = again ? at_once + 1 : 0;
    check(at_once < 3, "no timer spins");
  }
  if (fired == kMost) return;  // there is more to come before that time
  now_ = std::max(now_, until);
  check_noops_given_up();
}

// ---- what the machine does to the world

void World::effect(std::string_view name) {
  check(in_handle_, "effects happen while an event is handled", name);
  check(!ended_, "no effect after the end", name);
}

void World::connect_server(const std::optional<HostPort>& named) {
  effect("connect_server");
  check(!connecting_ && !connected_, "one server at a time");
  check(named.has_value() == world_.login_names_server, "the server that the way in leads to");
  connecting_ = true;
  deeds_ += "connect " + (named ? to_text(*named) : std::string()) + "\n";
  if (named) check_named(*named);
}

void World::send(Side to, std::string_view bytes) {
  effect("send");
  check(!finished_[index(to)], "nothing is sent behind a FIN", bytes);
  sent_[index(to)] += bytes;
  to == Side::server ? sent_to_server(bytes) : sent_to_client(bytes);
}

void World::send_urgent(Side to, std::string_view bytes, std::size_t urgent) {
  check(to == Side::server && urgent < bytes.size(), "the urgent byte is one of those sent", bytes);
  deeds_ += "urgent " + std::to_string(sent_[index(to)].size() + urgent) + "\n";
  send(to, bytes);
}

void World::finish(Side to) {
  effect("finish");
  check(!std::exchange(finished_[index(to)], true), "one FIN a side");
  deeds_ += "finish " + std::string(name_of(to)) + "\n";
}

void World::reset(Side to) {
  effect("reset");
  finished_[index(to)] = true;
  deeds_ += "reset " + std::string(name_of(to)) + "\n";
}

void World::end_session() {
  effect("end_session");
  check(end_logged_, "the end is logged before it is done");
  ended_ = true;
  for (const auto& [id, channel] : channels_) {
    check(channel.gone || channel.closing, "no channel outlives its session", std::to_string(id));
  }
}

}  // namespace ftpscope::fuzz
