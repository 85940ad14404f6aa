#include "proxy/io/live_session.h"

#include <algorithm>
#include <utility>

#include "proxy/io/kernel_path.h"
#include "proxy/io/socket_address.h"
#include "proxy/io/transparent_socket.h"

namespace ftpscope {

namespace {

// After the last word a peer may still be sending. Closing at once would answer that with RST,
// which can make the peer's kernel drop the last word unread; so we read on for a while.
constexpr Duration kLastWordLinger = std::chrono::seconds(2);

constexpr std::size_t kDescriptorsOfLegs = 2;

}  // namespace

void LiveSession::start(Worker& worker, ServerLocator& locator, Newcomer newcomer) {
  auto* session = new LiveSession(worker, locator, worker.new_session_id());
  session->client_.adopt(std::move(newcomer.tcp));
  const auto& arrival = session->arrival_ = newcomer.arrival;
  session->refused_ = !newcomer.refused.empty();
  if (session->admitted()) worker.use_descriptors(kDescriptorsOfLegs);
  worker.enlist(*session);
  session->feed(event::ClientConnected{arrival.client, arrival.proxy, locator.name(arrival),
                                       locator.login_names_server() && session->admitted(),
                                       arrival.balancer, arrival.reached});
  if (session->admitted()) {
    session->take_early(newcomer.early);
    return;
  }
  session->feed(event::ClientRefused{newcomer.refused, newcomer.finding, newcomer.detail});
  if (!worker.has_room_for_refusal()) session->abort();
}

LiveSession::LiveSession(Worker& worker, ServerLocator& locator, std::string id)
    : worker_(worker),
      locator_(locator),
      machine_(worker.options().interceptor, worker.pipeline(), std::move(id), *this, *this,
               &worker.server_memory()) {}

void LiveSession::feed(const Event& event) {
  auto* kernel = worker_.kernel_path();
  const bool behind = !channels_.empty() && std::holds_alternative<event::Received>(event);
  if (kernel && behind && !handling_) kernel->catch_up();
  if (gone_) return;
  if (handling_) {
    errands().events.push_back(event);
    return;
  }
  handling_ = true;
  handle(event);
  for (std::size_t i = 0; errands_ && i < errands_->events.size(); ++i) {
    const auto next = errands_->events[i];
    handle(next);
  }
  errands_.reset();
  handling_ = false;
  update_reading();
  update_due();
  close_if_said();
}

void LiveSession::handle(const Event& event) {
  const auto* received = std::get_if<event::Received>(&event);
  const bool unwanted = received && received->from == Side::client && !machine_.wants(Side::client);
  if (received) record_read(*received);
  if (received && received->from == Side::server && !machine_.state().greeted) {
    worker_.forget_connection(*this);
  }
  const bool connected = std::holds_alternative<event::ServerConnected>(event);
  if (connected) send_proxy_header();
  machine_.handle(event, worker_.now());
  if (connected) hand_over_early();
  read_ahead_ = (read_ahead_ || unwanted) && !machine_.wants(Side::client);
  if (errands_ && !errands_->actions.empty()) carry_out();
}

// Before all else that the server gets, and in one write with what the machine has for it.
void LiveSession::send_proxy_header() {
  const auto version = worker_.options().balancing.to_server;
  if (!version) return;
  send(Side::server,
       proxy_header(*version, {arrival_.client, arrival_.reached.value_or(arrival_.destination)}));
}

// What came in one read with its PROXY header: a client is not read before there is a server,
// unless its login names that.
void LiveSession::take_early(std::string_view bytes) {
  if (bytes.empty()) return;
  if (machine_.wants(Side::client)) {
    feed(event::Received{Side::client, bytes});
  } else {
    early_ = bytes;
  }
}

void LiveSession::hand_over_early() {
  if (early_.empty()) return;
  const auto early = std::exchange(early_, {});
  const event::Received received{Side::client, early};
  record_read(received);
  machine_.handle(received, worker_.now());
}

void LiveSession::record_read(const event::Received& received) {
  auto* recording = worker_.recording();
  if (!recording || machine_.state().opaque) return;
  auto& place = places_[static_cast<std::size_t>(received.from)];
  place.pass(received.bytes);
  recording->files().add(ControlRead{name(), worker_.now(), received.from, place});
}

void LiveSession::carry_out() {
  if (outgoing_) {
    worker_.flush_log();  // before the bytes that it describes
    write_out();          // before an end
  }
  while (errands_ && !errands_->actions.empty()) {
    for (const auto& action : std::exchange(errands_->actions, {})) action(*this);
  }
}

LiveSession::Errands& LiveSession::errands() {
  if (!errands_) errands_ = std::make_unique<Errands>();
  return *errands_;
}

void LiveSession::write_out() {
  if (!outgoing_) return;
  auto outgoing = std::move(outgoing_);
  for (const auto to : {Side::server, Side::client}) {
    const auto i = static_cast<std::size_t>(to);
    leg(to).write(outgoing->bytes[i], outgoing->urgent[i]);
  }
  worker_.recycle(std::move(outgoing));
  if (handling_) return;  // what follows is done behind the event
  update_reading();
  close_if_said();
}

// Effects: bytes are gathered until the loop's turn ends, and are written all at once then, behind
// the log. What else is to be done is done at once, after the bytes before it.

Outgoing& LiveSession::outgoing() {
  if (!outgoing_) {
    outgoing_ = worker_.new_outgoing();
    worker_.write_out_later(*this);
  }
  return *outgoing_;
}

void LiveSession::send(Side to, std::string_view bytes) {
  outgoing().bytes[static_cast<std::size_t>(to)].append(bytes);
}

void LiveSession::send_urgent(Side to, std::string_view bytes, std::size_t urgent) {
  const auto i = static_cast<std::size_t>(to);
  if (outgoing().urgent[i]) {  // there is one mark in a write
    worker_.flush_log();
    write_out();
  }
  auto& out = outgoing().bytes[i];
  outgoing().urgent[i] = out.size() + urgent;
  out.append(bytes);
}

void LiveSession::connect_server(const std::optional<HostPort>& named) {
  if (refused_) return;
  errands().actions.emplace_back([named](LiveSession& session) {
    session.look_for(named ? std::vector{*named}
                           : session.locator_.servers_for(session.arrival_, session.worker_.now()));
  });
}

void LiveSession::drop_server() {
  errands().actions.emplace_back([](LiveSession& session) { session.server_.close(); });
}

void LiveSession::finish(Side to) {
  errands().actions.emplace_back([to](LiveSession& session) { session.leg(to).finish(); });
}

void LiveSession::reset(Side to) {
  errands().actions.emplace_back([to](LiveSession& session) { session.leg(to).reset(); });
}

void LiveSession::expose(const Exposure& exposure) {
  errands().actions.emplace_back(
      [exposure](LiveSession& session) { session.open_channel(exposure); });
}

void LiveSession::connect_channel(ChannelId channel, Side side, const Endpoint& target) {
  errands().actions.emplace_back(
      [channel, side, target](LiveSession& session) { session.go(channel, side, target); });
}

void LiveSession::close_channel(ChannelId channel, ChannelEnd how) {
  errands().actions.emplace_back([channel, how](LiveSession& session) {
    auto* found = session.find_channel(channel);
    // The peer has come after all, and the target is being connected to: that has its own timeout.
    const bool too_late = found && how == ChannelEnd::never_connected && found->connecting();
    if (found && !too_late) found->close(how, std::nullopt);
  });
}

void LiveSession::watch_channel(ChannelId channel, Duration quiet) {
  errands().actions.emplace_back([channel, quiet](LiveSession& session) {
    if (auto* found = session.find_channel(channel)) found->watch(quiet, session.worker_.now());
  });
}

void LiveSession::end_session() {
  errands().actions.emplace_back([](LiveSession& session) {
    session.close_due_ = session.worker_.now() + kLastWordLinger;
    session.connector_.reset();
    session.client_.finish();
    session.server_.finish();
  });
}

void LiveSession::record(const Record& record) { worker_.record(record); }

// The server's side.

void LiveSession::look_for(std::vector<HostPort> servers) {
  connector_ = std::make_unique<ServerConnector>(worker_.loop(), worker_.options().connect_timeout);
  connector_->connect(
      std::move(servers),
      {.screen = [this](const auto& server, auto& found) { return locator_.screen(server, found); },
       .make_socket = [this](void* owner) { return make_server_tcp(owner); },
       .from = [this](const auto& ours, const auto& theirs) { return may_connect(ours, theirs); },
       .passed_over = [this](const auto& failure) { on_passed_over(failure); },
       .done = [this](auto reached) { on_server(std::move(reached)); }});
}

// The server sees the client, where we stand for it.
UvPtr<uv_tcp_t> LiveSession::make_server_tcp(void* owner) {
  if (!is_foreign(Side::server)) return make_tcp(worker_.loop(), owner);
  return make_tcp_from(worker_.loop(), owner, {arrival_.client.ip, true});
}

// From the client's own port it would be the client's connection over again, for the router's
// conntrack.
bool LiveSession::may_connect(const Endpoint& ours, const Endpoint& theirs) {
  worker_.forget_connection(*this);
  server_local_ = ours;
  worker_.remember_connection(*this, theirs);
  return !is_foreign(Side::server) || ours.port != arrival_.client.port;
}

void LiveSession::on_passed_over(const ServerConnector::Failure& failure) {
  locator_.unreachable(failure.server, worker_.now());
  const bool forbidden = failure.kind == ServerConnector::Failure::Kind::screened;
  feed(event::ServerPassedOver{to_text(failure.server), to_sentence(failure), forbidden});
}

void LiveSession::on_server(
    std::expected<ServerConnector::Reached, ServerConnector::Failure> server) {
  worker_.bury(std::shared_ptr<ServerConnector>(std::move(connector_)));  // it is calling us
  if (!server) {
    locator_.unreachable(server.error().server, worker_.now());
    if (server.error().kind == ServerConnector::Failure::Kind::screened) {
      feed(event::ServerForbidden{server.error().why});
    } else {
      feed(event::ServerUnreachable{server.error().why});
    }
    return;
  }
  locator_.reached(server->server);
  configure_control(server->tcp, worker_.options().tcp_keepalive);
  server_.adopt(std::move(server->tcp));
  const auto header = worker_.options().balancing.to_server;
  feed(event::ServerConnected{server->address, server_local_, to_text(server->server),
                              header ? name_of(*header) : std::string_view{}});
}

// Time, reading, and the end.

void LiveSession::on_leg_written() {
  if (gone_) return;
  update_reading();
  close_if_said();
}

void LiveSession::on_due() {
  const auto now = worker_.now();
  if (close_due_ && now >= *close_due_) {
    client_.close();
    server_.close();
  }
  for (std::size_t i = 0; i < channels_.size(); ++i) channels_[i]->on_due(now);
  bury_closed_channels();
  const auto deadline = machine_.deadline();
  if (deadline && now >= *deadline) feed(event::TimerFired{});
  if (gone_) return;
  update_due();
  close_if_said();
}

void LiveSession::abort() {
  carry_out();
  client_.close();
  server_.close();
  close_due_ = worker_.now();
  close_if_said();
}

void LiveSession::update_due() {
  if (gone_) return;
  auto due = machine_.deadline();
  const auto sooner = [&due](std::optional<Timestamp> other) {
    if (other && (!due || *other < *due)) due = other;
  };
  sooner(close_due_);
  for (const auto& channel : channels_) {
    sooner(channel->told() ? std::optional(Timestamp::min()) : channel->due());
  }
  worker_.set_due(*this, due);
}

// A side is read while the machine wants its bytes and the other side takes them. The client also
// once more than that, into the machine's hold: or nobody would see that it has gone, while a reply
// is waited for.
void LiveSession::update_reading() {
  if (gone_) return;
  for (const auto side : {Side::client, Side::server}) {
    const bool room = to_be_written(other(side)) <= WorkerOptions::kControlQueueHigh;
    const bool ahead = side == Side::client && server_.open() && !read_ahead_;
    leg(side).read(close_due_ || ((machine_.wants(side) || ahead) && room));
  }
}

std::size_t LiveSession::to_be_written(Side to) const {
  const auto& leg = to == Side::client ? client_ : server_;
  return leg.queued() + (outgoing_ ? outgoing_->bytes[static_cast<std::size_t>(to)].size() : 0);
}

bool LiveSession::all_said() const {
  if (outgoing_) return false;
  const auto said = [](const ControlLeg& leg) {
    return !leg.open() || (leg.queued() == 0 && leg.ended());
  };
  return said(client_) && said(server_);
}

// The machine is done and nobody is left to be heard out: the session goes.
void LiveSession::close_if_said() {
  if (gone_ || handling_ || !close_due_ || !all_said()) return;
  gone_ = true;
  client_.close();
  server_.close();
  for (auto& channel : channels_) channel->close(ChannelEnd::session_ended, std::nullopt);
  for (auto& channel : channels_) worker_.bury(std::move(channel));
  channels_.clear();
  if (admitted()) worker_.give_descriptors(kDescriptorsOfLegs);
  worker_.bury(std::shared_ptr<LiveSession>(this));
  worker_.delist(*this);
}

}  // namespace ftpscope
