// The data channels of a LiveSession: who moves their bytes, and where they are reached.
#include <algorithm>
#include <utility>

#include "proxy/io/data_channel.h"
#include "proxy/io/kernel_channel.h"
#include "proxy/io/kernel_path.h"
#include "proxy/io/live_session.h"

namespace ftpscope {

DataPath* LiveSession::find_channel(ChannelId id) {
  const auto found = std::ranges::find_if(
      channels_, [id](const auto& channel) { return channel->id() == id && !channel->closed(); });
  return found == channels_.end() ? nullptr : found->get();
}

DataChannel* LiveSession::find_relayed(ChannelId id) {
  return dynamic_cast<DataChannel*>(find_channel(id));
}

// Null: no descriptor is free for one.
DataChannel* LiveSession::make_channel(ChannelId id) {
  auto channel = std::make_unique<DataChannel>(*this, id);
  if (!channel->reserve()) return nullptr;
  auto* made = channel.get();
  channels_.push_back(std::move(channel));
  return made;
}

void LiveSession::open_channel(const Exposure& exposure) {
  const auto why_relayed = worker_.kernel_path() ? open_kernel_channel(exposure) : "";
  if (worker_.kernel_path() && why_relayed.empty()) return;
  auto* channel = find_relayed(exposure.channel);
  const bool is_new = !channel;
  if (is_new) channel = make_channel(exposure.channel);
  if (!channel) {
    feed(event::ExposeFailed{exposure.channel, "no descriptor is free (--max-descriptors)"});
    return;
  }
  const auto port = channel->listen(exposure, local_address(exposure.facing));
  if (!port) {
    feed(event::ExposeFailed{exposure.channel, port.error()});
    if (!is_new) return;
    worker_.bury(std::move(channels_.back()));
    channels_.pop_back();
    return;
  }
  feed(event::Exposed{exposure.channel, told(exposure.facing, *port), DataPathKind::relay,
                      why_relayed});
}

// Empty: it is open. Else why it must be relayed.
std::string_view LiveSession::open_kernel_channel(const Exposure& exposure) {
  if (arrival_.destination.ip != arrival_.proxy.ip || is_foreign(Side::client)) {
    return "the client does not know of the proxy (--mode transparent)";
  }
  if (!exposure.target || find_channel(exposure.channel)) return "both sides connect to the proxy";
  if (exposure.facing == Side::server && worker_.options().active_source_port != 0) {
    return "data must come to clients from --active-source-port";
  }
  const auto& balancing = worker_.options().balancing;
  if (balancing.data || balancing.data_to_server) return "data connections have a PROXY header";
  const bool awaited = std::ranges::any_of(
      channels_, [](const auto& open) { return !open->closed() && open->awaits_peer(); });
  if (awaited) return "another data connection of the session is still awaited";
  auto channel = std::make_unique<KernelChannel>(*worker_.kernel_path(), *this, exposure);
  const auto port = channel->open();
  if (!port) return port.error();
  channels_.push_back(std::move(channel));
  feed(event::Exposed{exposure.channel, told(exposure.facing, *port), DataPathKind::kernel});
  return {};
}

void LiveSession::go(ChannelId id, Side side, const Endpoint& target) {
  auto* channel = find_relayed(id);
  const bool is_new = side == Side::server;  // the client is gone to when the server has been
  if (is_new) channel = make_channel(id);
  if (channel) {
    channel->connect(side, target);
  } else if (is_new) {
    ChannelTotals none;
    none.how = ChannelEnd::connect_failed;
    feed(event::ChannelClosed{id, none, "no descriptor is free (--max-descriptors)"});
  }
}

// A port of ours, where that side believes the other one to be: a client that was redirected to us
// knows only the address that it connected to, and so does one whose data connections come through
// its balancer.
Endpoint LiveSession::told(Side side, std::uint16_t port) const {
  if (side == Side::server) return {server_local_.ip, port};
  const bool through_balancer = worker_.options().balancing.data && arrival_.reached;
  return {through_balancer ? arrival_.reached->ip : arrival_.destination.ip,
          worker_.options().port_map.told(port)};
}

void LiveSession::bury_closed_channels() {
  for (auto& channel : channels_) {
    if (channel->told()) worker_.bury(std::move(channel));
  }
  std::erase(channels_, nullptr);
}

}  // namespace ftpscope
