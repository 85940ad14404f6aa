#include "tests/fuzz/session_world.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "analyzer/record_json.h"
#include "tests/fuzz/log_check.h"
#include "tests/fuzz/second_reader.h"

namespace ftpscope::fuzz {

namespace {

InterceptorOptions options_of(const WorldOptions& world) {
  InterceptorOptions options;
  options.policy = world.policy;
  options.limits.log_secrets = world.log_secrets;
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

Endpoint at(const char* ip, std::uint16_t port) { return {*parse_ip(ip), port}; }

std::string commas(const std::vector<unsigned>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

// RFC 959 4.1.2, RFC 2428 2, RFC 1639 2: the only address commands that may reach the server.
std::set<std::string> own_address_commands(const Endpoint& endpoint) {
  std::vector<unsigned> host(endpoint.ip.bytes.begin(),
                             endpoint.ip.bytes.begin() + (endpoint.ip.v6 ? 16 : 4));
  const unsigned high = endpoint.port / 256U;
  const unsigned low = endpoint.port % 256U;
  std::set<std::string> lines;
  const auto family = std::string(endpoint.ip.v6 ? "2" : "1");
  lines.insert("EPRT |" + family + "|" + to_text(endpoint.ip) + "|" +
               std::to_string(endpoint.port) + "|");
  auto numbers = host;
  numbers.insert(numbers.end(), {high, low});
  if (!endpoint.ip.v6) lines.insert("PORT " + commas(numbers));
  numbers = {endpoint.ip.v6 ? 6U : 4U, static_cast<unsigned>(host.size())};
  numbers.insert(numbers.end(), host.begin(), host.end());
  numbers.insert(numbers.end(), {2, high, low});
  lines.insert("LPRT " + commas(numbers));
  return lines;
}

bool mentions(const nlohmann::json& value, std::string_view text) {
  if (value.is_object() && value.size() == 1 && value.contains("base64")) {
    return bytes_of(value).find(text) != std::string::npos;
  }
  if (value.is_string()) return value.get<std::string>().find(text) != std::string::npos;
  return std::ranges::any_of(
      value, [&](const auto& inner) { return value.is_structured() && mentions(inner, text); });
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

bool is_plain(std::string_view line) {
  return std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

}  // namespace

World::World(const WorldOptions& options)
    : world_(options),
      options_(options_of(options)),
      pipeline_(options.rewriters ? Pipeline(options.policy) : Pipeline()),
      machine_(options_, pipeline_, "fuzz-1", *this, *this) {
  const char* none = nullptr;
  const auto* host = options.one_host ? (options.v6 ? "::1" : "127.0.0.1") : none;
  client_ = at(host ? host : options.v6 ? "2001:db8::10" : "192.0.2.10", 50000);
  proxy_ = at(host ? host : options.v6 ? "2001:db8::1" : "192.0.2.1", 2121);
  server_ = at(host ? host : options.v6 ? "2001:db8::21" : "198.51.100.21", 2100);
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

void World::start(bool connect) {
  handle(event::ClientConnected{client_, proxy_, "ftp.example.org:21"});
  check(connecting_, "the server is connected to");
  if (connect) server_connected();
}

void World::server_connected() {
  if (connected_ || ended_) return;
  connected_ = true;
  handle(event::ServerConnected{server_, {proxy_.ip, 40001}});
  pump();
}

void World::server_unreachable() {
  if (connected_) return;
  connected_ = true;
  handle(event::ServerUnreachable{"connection refused"});
}

void World::refused() { handle(event::ClientRefused{"Too many sessions."}); }

void World::send(Side from, std::string_view bytes, bool urgent) {
  if (closed_[index(from)] || bytes.empty()) return;
  fed_ += bytes.size();
  waiting_[index(from)].push_back({std::string(bytes), urgent});
  pump();
}

void World::close(Side side) {
  closed_[index(side)] = true;
  pump();
}

void World::break_off(Side side) {
  if (close_told_[index(side)] || !connected_) return;
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
    if (world_.exposes_at_once) expose(true, true);
    if (deliver(Side::client)) continue;
    if (deliver(Side::server)) continue;
    return;
  }
}

bool World::deliver(Side side) {
  const bool gives = machine_.wants(side) || (world_.eager && connected_);
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
  auto urgent = chunk.urgent;
  const auto size = world_.byte_by_byte ? 1 : chunk.bytes.size();
  for (std::size_t begin = 0; begin < chunk.bytes.size() && !ended_; begin += size) {
    const auto bytes =
        chunk.bytes.substr(begin, size);  // gone after the call, as a socket's buffer
    read_[index(side)] += bytes;
    const bool said = std::ranges::any_of(commands_, [](const Logged& command) {
      return command.raw.find(kSentinel) != std::string::npos;
    });
    early_echo_ =
        early_echo_ || (!said && read_[index(Side::server)].find(kSentinel) != std::string::npos);
    handle(event::Received{side, bytes, std::exchange(urgent, false)});
    check_held(side, size);
  }
  return true;
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
  const auto until = now_ + time;
  int at_once = 0;  // timers that were due again as soon as they had fired
  for (int fired = 0; fired < 200 && !ended_; ++fired) {
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
  now_ = std::max(now_, until);
}

// ---- channels

template <class Fits>
std::optional<ChannelId> World::pick(bool oldest, Fits fits) const {
  std::optional<ChannelId> found;
  for (const auto& [id, channel] : channels_) {
    if (channel.gone || !fits(channel)) continue;
    found = id;
    if (oldest) break;
  }
  return found;
}

Endpoint World::exposed_address(ChannelId id) const {
  const auto port = static_cast<std::uint16_t>(40000 + id % 1000);
  return world_.exposes_v6 ? at("2001:db8:f::7", port) : at("203.0.113.7", port);
}

void World::expose(bool works, bool oldest) {
  const auto id = pick(oldest, [](const Channel& c) { return !c.exposed && !c.closing; });
  if (!id || ended_) return;
  if (!works) {
    channels_[*id].gone = true;
    handle(event::ExposeFailed{*id, "no port is free"});
  } else {
    channels_[*id].exposed = true;
    const auto address = exposed_address(*id);
    if (channels_[*id].exposure.facing == Side::server)
      own_lines_.merge(own_address_commands(address));
    handle(event::Exposed{*id, address});
  }
  if (!world_.exposes_at_once) pump();
}

void World::open_channel(bool oldest) {
  const auto id = pick(oldest, [](const Channel& c) { return c.exposed && !c.opened; });
  if (!id || ended_) return;
  auto& channel = channels_[*id];
  channel.opened = true;
  const Leg to_us{{channel.exposure.expected, 30000}, exposed_address(*id)};
  const Leg from_us{{proxy_.ip, 30001}, channel.exposure.target.value()};
  const bool client = channel.exposure.facing == Side::client;
  handle(event::ChannelOpened{*id, client ? to_us : from_us, client ? from_us : to_us});
  pump();
}

void World::drain_channel(bool oldest, Side from) {
  const auto id =
      pick(oldest, [from](const Channel& c) { return c.opened && !c.drained[index(from)]; });
  if (!id || ended_) return;
  channels_[*id].drained[index(from)] = true;
  handle(event::ChannelDrained{*id, from});
  pump();
}

void World::quiet_channel(bool oldest) {
  const auto id = pick(oldest, [](const Channel& c) { return c.quiet_at.has_value(); });
  if (!id || ended_) return;
  channels_[*id].quiet_at.reset();
  handle(event::ChannelQuiet{*id});
  pump();
}

void World::stranger(bool oldest) {
  const auto id = pick(oldest, [](const Channel& c) { return c.exposed && !c.opened; });
  if (id && !ended_) handle(event::StrangerRefused{*id, at("198.51.100.66", 6666)});
}

void World::close_channel_by(bool oldest, ChannelEnd how, Side by) {
  const auto id = pick(oldest, [how](const Channel& c) {
    return how == ChannelEnd::connect_failed ? c.exposed && !c.opened : c.opened;
  });
  if (!id || ended_) return;
  deliver_closed(*id, how, by);
  pump();
}

void World::close_what_is_closing() {
  while (!ended_) {
    const auto id = pick(true, [](const Channel& c) { return c.closing.has_value(); });
    if (!id) return;
    deliver_closed(*id, *channels_[*id].closing, std::nullopt);
  }
}

void World::deliver_closed(ChannelId id, ChannelEnd how, std::optional<Side> by) {
  auto& channel = channels_[id];
  channel.gone = true;
  ChannelTotals totals;
  totals.how = how;
  totals.closed_first = by;
  if (channel.opened) {
    totals.client = totals.server = Leg{client_, server_};
    totals.connected = totals.first_byte = totals.last_byte = now_;
    totals.bytes_to_client = id;
  }
  handle(event::ChannelClosed{id, totals, "connection refused"});
}

// ---- what the machine does to the world

void World::effect(std::string_view name) {
  check(in_handle_, "effects happen while an event is handled", name);
  check(!ended_, "no effect after the end", name);
}

void World::connect_server(const std::optional<HostPort>&) {
  effect("connect_server");
  check(!connecting_, "the server is connected to once");
  connecting_ = true;
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

void World::expose(const Exposure& exposure) {
  effect("expose");
  check(exposure.channel == channels_.size() + 1, "channels are numbered 1, 2, ...");
  check(world_.rewriters, "without rewriters no address is exposed");
  const bool to_client = exposure.facing == Side::client;
  check(exposure.expected == (to_client ? client_.ip : server_.ip), "the expected peer, no other");
  const auto target = exposure.target.value();
  check(target.port >= 1024, "no reserved port is connected to");
  check(target != proxy_, "the proxy does not connect to itself");
  const bool peer = target.ip == (to_client ? server_.ip : client_.ip);
  check(peer || !world_.policy.data_address.rules().empty(), "no third host is connected to");
  channels_[exposure.channel].exposure = exposure;
  deeds_ += "expose " + to_text(target) + "\n";
}

void World::connect_channel(ChannelId, Side, const Endpoint&) {
  effect("connect_channel");
  check(false, "with --server-data same somebody comes to the proxy");
}

void World::close_channel(ChannelId id, ChannelEnd how) {
  effect("close_channel");
  const auto found = channels_.find(id);
  check(found != channels_.end() && !found->second.gone, "only a channel that is there is closed");
  if (!found->second.closing) {
    found->second.closing = how;
    deeds_ += "close " + std::to_string(id) + " " + std::string(name_of(how)) + "\n";
  }
}

void World::watch_channel(ChannelId id, Duration quiet) {
  effect("watch_channel");
  const auto found = channels_.find(id);
  check(found != channels_.end() && !found->second.gone, "only a channel that is there is watched");
  check(quiet > Duration::zero(), "quiet takes some time");
  found->second.quiet_at = now_ + quiet;
}

void World::end_session() {
  effect("end_session");
  check(end_logged_, "the end is logged before it is done");
  ended_ = true;
  for (const auto& [id, channel] : channels_) {
    check(channel.gone || channel.closing, "no channel outlives its session", std::to_string(id));
  }
}

// ---- what is sent, compared with what was read and with the log

// The n-th line of the client (from 0), with its ending, cut by hand.
std::string World::client_line(std::size_t number) const {
  const auto& all = read_[index(Side::client)];
  std::size_t begin = 0;
  for (std::size_t i = 0;; ++i) {
    const auto end = all.find('\n', begin);
    const auto line = all.substr(begin, end == all.npos ? all.npos : end - begin + 1);
    if (i == number) return line;
    if (end == all.npos) return {};
    begin = end + 1;
  }
}

void World::sent_to_server(std::string_view bytes) {
  if (opaque_) {
    check(read_[index(Side::client)].compare(consumed_, bytes.size(), bytes) == 0,
          "opaque bytes pass unchanged", bytes);
    consumed_ += bytes.size();
    return;
  }
  check(!commands_.empty(), "nothing of our own is sent to the server", bytes);
  auto& command = commands_.back();
  check(!command.sent, "a command is sent once", bytes);
  check(!command.answered_by_proxy, "a command is sent or answered", bytes);
  command.sent = bytes;
  const bool known = bytes == command.raw ||
                     std::ranges::find(command.rewritten, bytes) != command.rewritten.end();
  const bool hidden = std::ranges::find(command.rewritten, "<hidden>") != command.rewritten.end();
  check(known || hidden, "a command is sent as it came or as the log says", bytes);
  if (!world_.rewriters) check(bytes == command.raw, "without rewriters nothing changes", bytes);
}

void World::sent_to_client(std::string_view bytes) {
  if (!own_replies_.empty()) {
    check(bytes == own_replies_.front(), "a reply of ours is sent as it is logged", bytes);
    own_replies_.pop_front();
    return;
  }
  if (!can_follow_replies_) return;
  const auto& all = read_[index(Side::server)];
  std::string before(bytes);
  if (reply_rewrite_ && reply_rewrite_->second == bytes) before = reply_rewrite_->first;
  reply_rewrite_.reset();
  check(all.compare(echoed_, before.size(), before) == 0, "replies pass byte for byte, in order",
        bytes);
  echoed_ += before.size();
}

// ---- the log

void World::record(const Record& record) {
  check(in_handle_ && !end_logged_, "nothing is logged after the end");
  check(record.seq == next_seq_++, "seq has no gaps");
  check(record.session == "fuzz-1", "a session keeps its name");
  check(record.time >= last_time_ && record.time == now_, "time does not go back");
  last_time_ = record.time;
  std::string line;
  append_json(line, record);
  log_bytes_ += line.size();
  check_log_line(line);
  const bool coded = line.find("base64") != std::string::npos;
  if (line.find(kSentinel) != std::string::npos ||
      (coded && mentions(nlohmann::json::parse(line), kSentinel))) {
    secret_seen_ = line;
  }
  note_for_comparison(record);
  std::visit(
      [this](const auto& body) {
        if constexpr (requires { logged(body); }) logged(body);
      },
      record.body);
}

// The record without what depends on segments: whether bytes came together with the AUTH before
// them.
void World::note_for_comparison(Record record) {
  if (!world_.eager) return;
  record.seq = 0;
  if (auto* end = std::get_if<record::End>(&record.body)) {
    end->findings = end->bytes_from_client = end->bytes_from_server = 0;
  }
  const auto* finding = std::get_if<record::Finding>(&record.body);
  if (finding && finding->id == FindingId::tls_plaintext_behind_auth) return;
  append_json(comparable_log_, record);
}

void World::logged(const record::Command& body) {
  check(!opaque_, "no command is read from an encrypted session");
  check(body.id == commands_.size() + 1, "commands are numbered 1, 2, ...");
  Logged command;
  command.raw = client_line(commands_.size());
  check(!command.raw.empty(), "a command is a line that came");
  consumed_ += command.raw.size();
  command.verb = body.verb;
  if (body.argument) command.argument = *body.argument;
  command.redacted = body.redacted;
  if (!body.redacted) {
    const auto line =
        body.line ? std::string(*body.line)
                  : command.verb + (command.argument ? " " + *command.argument : "") + "\r\n";
    check(line == command.raw, "the log gives the line back", command.raw);
  }
  commands_.push_back(std::move(command));
  check_in_flight();
}

void World::check_in_flight() const {
  std::size_t waiting = greetings_ == 0 ? 1 : 0;
  for (std::size_t i = last_answered_ > 0 ? last_answered_ - 1 : 0; i < commands_.size(); ++i) {
    const bool silent = commands_[i].verb.empty() || commands_[i].verb == "ABOR";
    if (commands_[i].final_replies == 0 && !silent) ++waiting;
  }
  check(waiting <= options_.limits.in_flight_max, "commands in flight are bounded");
}

void World::logged(const record::Reply& body) {
  check(body.lines.size() == body.endings.size() || body.by_proxy, "each line has its ending");
  if (body.by_proxy) {
    std::string text;
    for (const auto line : body.lines) text.append(line).append("\r\n");
    own_replies_.push_back(text);
  }
  if (!body.to) return;
  check(body.code.has_value(), "what answers a command has a code");
  const bool final = *body.code < 100 || *body.code > 199;
  check(*body.to <= commands_.size(), "a reply answers a command that was logged");
  auto& finals = *body.to == 0 ? greetings_ : commands_[*body.to - 1].final_replies;
  check(finals == 0, "one final reply a command");
  if (final) ++finals;
  check(*body.to >= last_answered_, "replies answer in order");
  last_answered_ = *body.to;
  if (!body.by_proxy || *body.to == 0) return;
  auto& command = commands_[*body.to - 1];
  check(!command.sent, "what the server has is not answered by us", command.raw);
  command.answered_by_proxy = true;
}

void World::logged(const record::Rewrite& body) {
  check(world_.rewriters, "without rewriters nothing is rewritten");
  const bool differs =
      body.before != body.after || body.before.find("<hidden>") != body.before.npos;
  check(differs || body.what != "line", "a canonical line is another line", body.before);
  const bool of_command = !commands_.empty() && body.to == commands_.size() &&
                          !commands_.back().sent &&
                          (body.before == commands_.back().raw || body.before == "<hidden>");
  if (of_command) {
    commands_.back().rewritten.emplace_back(body.after);
    return;
  }
  for (const auto text : {body.before, body.after}) {
    if (text.find("<hidden>") != text.npos) can_follow_replies_ = false;
  }
  if (reply_rewrite_ && reply_rewrite_->second == body.before) {  // first an address, then its line
    reply_rewrite_->second = body.after;
  } else {
    reply_rewrite_.emplace(body.before, body.after);
  }
}

void World::logged(const record::Finding& body) {
  using enum FindingId;
  violated_ = violated_ || body.id == line_too_long || body.id == reply_too_long ||
              body.id == not_ftp || body.id == too_many_unknown;
}

void World::logged(const record::Opaque&) {
  opaque_ = true;
  opaque_from_ = sent_[index(Side::server)].size();
}

void World::logged(const record::End& body) {
  end_logged_ = true;
  end_ = body;
  check(body.commands == commands_.size(), "the end counts the commands");
  check(body.channels == channels_.size(), "the end counts the channels");
  check(body.bytes_from_client == read_[0].size() && body.bytes_from_server == read_[1].size(),
        "the end counts the bytes");
}

// ---- the end

void World::finish() {
  for (std::size_t i = 0; i <= channels_.size(); ++i) expose(true, true);
  if (!connected_ && !ended_) server_unreachable();
  close(Side::client);
  close(Side::server);
  pump();
  for (int round = 0; round < 60 && !ended_; ++round) {
    expose(true, true);
    quiet_channel(true);
    if (round >= 3) close_channel_by(true, ChannelEnd::fin, Side::server);
    const bool open = pick(true, [](const Channel& c) {
                        return c.opened || !c.exposed || c.closing;
                      }).has_value();
    check(ended_ || open || machine_.deadline(), "who waits has a timer");
    pass_time(std::chrono::seconds(round < 3 ? 5 : 20));
  }
  check(ended_ && end_logged_, "a session ends when both peers have gone");
  // threats.md S31. A line of one byte may cost a record and a finding or two.
  check(log_bytes_ <= 4096 * (1 + channels_.size() * 2) + 2000 * fed_, "the log is no bomb");
  check_forwarded();
  check_second_reader();
  check_no_address_passes();
  check_secret();
  check_transparent();
}

// A command that nobody could misread is passed on, whatever stands around it.
void World::check_forwarded() const {
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    const auto& command = commands_[i];
    if (command.sent || command.answered_by_proxy) continue;
    const bool last = i + 1 == commands_.size();
    auto text = std::string_view(command.raw);
    const bool whole = text.ends_with("\r\n");
    if (whole) text.remove_suffix(2);
    const auto read = read_command(text);
    const bool ours = is_one_of(read.verb, {"PORT", "EPRT", "LPRT", "AUTH", "PASV", "LPSV"});
    check(last || !whole || ours || !is_plain(text), "a plain command is passed on", command.raw);
  }
}

// The bytes that went to the server, read by somebody else, are the commands in the log that were
// passed on.
void World::check_second_reader() const {
  const auto& all = sent_[index(Side::server)];
  auto stream = opaque_ ? all.substr(0, opaque_from_) : all;
  std::vector<const Logged*> passed;
  for (const auto& command : commands_) {
    if (command.sent) passed.push_back(&command);
  }
  if (!passed.empty() && !passed.back()->sent->ends_with('\n')) {
    passed
        .pop_back();  // whether the beginning of a line is a command, servers decide for themselves
    stream.resize(stream.rfind('\n') + 1);
  }
  std::vector<ReadCommand> read;
  if (world_.rewriters) {
    read = commands_of(stream, Telnet::rfc855);
    check(commands_of(stream, Telnet::bsd).size() == read.size(),
          "every server counts the same lines");
  } else {  // no rewriter guards the lines: a Telnet command may lie across two of them
    for (const auto& line : lines_of(stream)) {
      const bool has_cr = line.ends_with('\r');
      const auto text =
          without_telnet(std::string_view(line).substr(0, line.size() - has_cr), Telnet::rfc855);
      read.push_back(read_command(text + (has_cr ? "\r" : "")));
    }
  }
  check(read.size() == passed.size(), "the server reads as many commands as were logged", stream);
  for (std::size_t i = 0; i < read.size(); ++i) {
    const auto& logged = *passed[i];
    if (logged.verb == "<hidden>") continue;
    const auto verb = upper(logged.verb);
    check(read[i].verb == verb, "the server reads the verb that was logged", *logged.sent);
    const bool changed =
        std::ranges::any_of(logged.rewritten, [&](const auto& r) { return r == *logged.sent; }) &&
        is_one_of(verb, {"PORT", "EPRT", "LPRT"});
    if (logged.redacted || changed) continue;
    check(read[i].has_argument == logged.argument.has_value() &&
              read[i].argument == logged.argument.value_or(""),
          "the server reads the argument that was logged", *logged.sent);
  }
}

void World::check_no_address_passes() const {
  if (!world_.rewriters) return;
  const auto& all = sent_[index(Side::server)];
  const auto stream = std::string_view(all).substr(0, opaque_ ? opaque_from_ : all.size());
  for (const auto& line : address_commands_for_anyone(stream)) {
    check(own_lines_.contains(line), "no address command but ours reaches the server", line);
  }
  if (world_.policy.lines == Lines::raw) return;
  for (const auto& line : lines_of(stream)) {
    check(line.ends_with('\r') || stream.ends_with(line), "strict: each line ends with CRLF", line);
    check(line.find('\r') + 1 >= line.size() && line.find('\0') == line.npos,
          "strict: no bare CR and no NUL", line);
  }
}

// The sentinel is in the session as a secret and nothing else: then the log does not have it.
void World::check_secret() const {
  if (world_.log_secrets) return;
  std::size_t secrets = 0;
  std::size_t other_words = 0;
  for (const auto& line : lines_of(read_[index(Side::client)])) {
    const auto text = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    const auto command = read_command(without_telnet(text, Telnet::rfc855));
    const bool harmless = is_one_of(
        command.verb, {"USER", "AUTH", "FEAT", "HOST", "OPTS", "LANG", "CLNT", "SYST", "HELP",
                       "NOOP", "QUIT", "PBSZ", "PROT", "STAT", "ABOR", "REIN", "TYPE", "MODE",
                       "STRU", "PASV", "EPSV", "LPSV", "PORT", "EPRT", "LPRT", "OPEN"});
    if (line.find(kSentinel) == line.npos) {
      other_words += (harmless && is_plain(text)) || !command.has_argument ? 0 : 1;
      continue;
    }
    const bool password = is_one_of(command.verb, {"PASS", "ACCT", "ADAT"});
    if (!password && (was_logged_in_ || harmless)) return;
    secrets += line == "PASS " + std::string(kSentinel) + "\r" ? 1 : 2;
  }
  const auto& replies = read_[index(Side::server)];
  const auto echo = replies.find(kSentinel);
  // An echo is known for one while the password is the last secret that was given, and in one
  // piece.
  if (echo != replies.npos && (secrets != 1 || other_words > 0 || opaque_)) return;
  if (early_echo_) return;
  // Strict puts the word together that Telnet, NUL or CR had taken apart.
  const bool strict = world_.policy.lines == Lines::strict;
  const auto lines = lines_of(replies);
  const bool odd = std::ranges::any_of(lines, [](const std::string& line) {
    return line.find('\r') < line.size() - 1 || line.find_first_of({"\0\xff", 2}) != line.npos;
  });
  if (strict && odd) return;
  check(secret_seen_.empty(), "no secret reaches the log", secret_seen_);
}

void World::check_transparent() const {
  const auto& [from_client, from_server] = read_;
  const auto& to_server = sent_[index(Side::server)];
  if (world_.rewriters) return;
  check(from_client.starts_with(to_server), "what reaches the server is what the client sent");
  const bool own_end = end_.how != SessionEnd::fin || timer_ended_it_ || violated_;
  if (own_end) return;
  // What waits for a reply that cannot come any more, the server having gone, is not passed on.
  std::size_t unanswered = greetings_ == 0 ? 1 : 0;
  bool barrier = false;
  for (std::size_t i = last_answered_ > 0 ? last_answered_ - 1 : 0; i < commands_.size(); ++i) {
    unanswered += commands_[i].final_replies == 0 ? 1 : 0;
    barrier = barrier || (commands_[i].final_replies == 0 && commands_[i].verb == "AUTH");
  }
  const bool in_vain = barrier || unanswered >= options_.limits.in_flight_max;
  check(in_vain || to_server == from_client, "nothing of the client is lost", to_server);
  check(sent_[index(Side::client)] == from_server, "nothing of the server is lost");
}

}  // namespace ftpscope::fuzz
