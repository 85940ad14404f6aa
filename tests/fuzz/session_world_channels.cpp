// Data channels: what happens to them, and what the machine does with them.
#include "tests/fuzz/session_addresses.h"
#include "tests/fuzz/session_world.h"

namespace ftpscope::fuzz {

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

}  // namespace ftpscope::fuzz
