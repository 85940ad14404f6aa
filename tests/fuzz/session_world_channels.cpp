// Data channels: what happens to them, and what the machine does with them.
#include "tests/fuzz/session_addresses.h"
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {

namespace {

constexpr std::uint16_t kClientPort = 30000;  // of connections to us
constexpr std::uint16_t kOwnPort = 30001;     // of connections of ours

}  // namespace

Endpoint World::exposed_address(ChannelId id, Side facing) const {
  const auto first = facing == Side::client ? 40000U : 42000U;
  const auto port = static_cast<std::uint16_t>(first + id % 1000);
  const bool v6 =
      world_.mixed_families ? peer(facing).ip.v6 != world_.exposes_v6 : world_.exposes_v6;
  return v6 ? at("2001:db8:f::7", port) : at("203.0.113.7", port);
}

// What proxy/README.md says of --advertise: 227 and PORT can only name IPv4, all others are told in
// the family of their connection.
Endpoint World::told_address(ChannelId id, Side facing, bool v4_only) const {
  const auto ours = exposed_address(id, facing);
  if (!world_.advertises) return ours;
  const auto port = ours.port;
  if (facing == Side::client)
    return ours.ip.v6 && !v4_only ? at(kTold[1], port) : at(kTold[0], port);
  return ours.ip.v6 && !v4_only ? at(kToldServer[1], port) : at(kToldServer[0], port);
}

void World::expose(bool works, bool oldest) {
  const auto id = pick(oldest, [](const Channel& c) { return c.exposing && !c.closing; });
  if (!id || ended_) return;
  auto& channel = channels_[*id];
  const auto exposing = *std::exchange(channel.exposing, std::nullopt);
  if (!works) {
    const bool is_new = !channel.listens[0] && !channel.listens[1];
    channel.gone = is_new;
    handle(event::ExposeFailed{*id, "no port is free"});
  } else {
    channel.listens[index(exposing.facing)] = true;
    channel.target = exposing.target;
    if (exposing.facing == Side::server) {
      own_lines_.merge(own_address_commands(told_address(*id, Side::server, false)));
      own_lines_.merge(own_address_commands(told_address(*id, Side::server, true)));
    }
    handle(event::Exposed{*id, exposed_address(*id, exposing.facing)});
  }
  if (!world_.exposes_at_once) pump();
}

Leg World::leg_of(ChannelId id, Side side) const {
  const auto& channel = channels_.at(id);
  if (channel.listens[index(side)]) {
    return {{peer(side).ip, kClientPort}, exposed_address(id, side)};
  }
  const auto& target = channel.goes_to[index(side)] ? channel.goes_to[index(side)] : channel.target;
  return {{proxy_.ip, kOwnPort}, target.value()};
}

void World::open_channel(bool oldest) {
  const auto id = pick(oldest, [](const Channel& c) { return c.may_open(); });
  if (!id || ended_) return;
  channels_[*id].opened = true;
  handle(event::ChannelOpened{*id, leg_of(*id, Side::client), leg_of(*id, Side::server)});
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
  const auto id =
      pick(oldest, [](const Channel& c) { return (c.listens[0] || c.listens[1]) && !c.opened; });
  if (id && !ended_) handle(event::StrangerRefused{*id, at("198.51.100.66", 6666)});
}

void World::close_channel_by(bool oldest, ChannelEnd how, Side by) {
  const auto id = pick(oldest, [how](const Channel& c) {
    const bool waits = !c.opened && !c.exposing;
    return how == ChannelEnd::connect_failed ? waits : c.opened;
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

// ---- what the machine does with them

void World::check_target(Side side, const Endpoint& target) const {
  check(target.port >= 1024, "no reserved port is connected to");
  check(target != proxy_, "the proxy does not connect to itself");
  check(target.ip == peer(side).ip || !world_.policy.data_address.rules().empty(),
        "no third host is connected to");
}

void World::expose(const Exposure& exposure) {
  effect("expose");
  check(world_.rewriters, "without rewriters no address is exposed");
  const bool is_new = exposure.channel == channels_.size() + 1;
  const bool to_client = exposure.facing == Side::client;
  check(exposure.expected == peer(exposure.facing).ip, "the expected peer, no other");
  if (exposure.target) {
    check(is_new, "channels are numbered 1, 2, ...");
    check_target(other(exposure.facing), *exposure.target);
  } else {
    // A passive client and an active server (proxy/README.md, "Whatever the client speaks").
    check(may_translate(), "both sides come to us only where set-ups are translated");
    check(is_new != to_client, "the server is told first, then the client, of one channel");
  }
  auto& channel = channels_[exposure.channel];
  check(!channel.gone && !channel.opened && !channel.exposing && !channel.goes_to[1],
        "a channel is exposed once to a side, before it opens");
  check(!channel.listens[index(exposure.facing)], "a channel is exposed once to a side");
  channel.exposing = exposure;
  deeds_ += "expose " + std::string(name_of(exposure.facing)) + " " +
            (exposure.target ? to_text(*exposure.target) : "") + "\n";
}

// An active client and a passive server: to the server at once, to the client when its transfer
// begins.
void World::connect_channel(ChannelId id, Side side, const Endpoint& target) {
  effect("connect_channel");
  check(world_.rewriters && may_translate(), "somebody comes, unless set-ups are translated");
  const bool first = side == Side::server;
  check(first == (id == channels_.size() + 1), "the server is gone to first");
  check_target(side, target);
  auto& channel = channels_[id];
  check(!channel.gone && !channel.goes_to[index(side)], "a side is gone to once");
  channel.goes_to[index(side)] = target;
  deeds_ += "connect " + std::to_string(id) + " " + std::string(name_of(side)) + " " +
            to_text(target) + "\n";
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

}  // namespace ftpscope::fuzz
