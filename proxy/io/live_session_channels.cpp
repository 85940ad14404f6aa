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

void LiveSession::open_channel(const Exposure& exposure) {
  const auto why_relayed = worker_.kernel_path() ? open_kernel_channel(exposure) : "";
  if (worker_.kernel_path() && why_relayed.empty()) return;
  auto channel = std::make_unique<DataChannel>(*this, exposure);
  const auto port = channel->listen(local_address(exposure.facing));
  if (!port) {
    feed(event::ExposeFailed{exposure.channel, port.error()});
    worker_.bury(std::move(channel));
    return;
  }
  channels_.push_back(std::move(channel));
  feed(event::Exposed{
      exposure.channel, {address_told(exposure.facing), *port}, DataPathKind::relay, why_relayed});
}

// Empty: it is open. Else why it must be relayed.
std::string_view LiveSession::open_kernel_channel(const Exposure& exposure) {
  if (arrival_.destination.ip != arrival_.proxy.ip || is_foreign(Side::client)) {
    return "the client does not know of the proxy (--mode transparent)";
  }
  const auto& balancing = worker_.options().balancing;
  if (balancing.data || balancing.data_to_server) return "data connections have a PROXY header";
  const bool awaited = std::ranges::any_of(
      channels_, [](const auto& open) { return !open->closed() && !open->peer_came(); });
  if (awaited) return "another data connection of the session is still awaited";
  auto channel = std::make_unique<KernelChannel>(*worker_.kernel_path(), *this, exposure);
  const auto port = channel->open();
  if (!port) return port.error();
  channels_.push_back(std::move(channel));
  feed(event::Exposed{
      exposure.channel, {address_told(exposure.facing), *port}, DataPathKind::kernel});
  return {};
}

// Where that side believes the other one to be: a client that was redirected to us knows only the
// address that it connected to, and so does one whose data connections come through its balancer.
const IpAddress& LiveSession::address_told(Side side) const {
  if (side == Side::server) return server_local_.ip;
  const bool through_balancer = worker_.options().balancing.data && arrival_.reached;
  return through_balancer ? arrival_.reached->ip : arrival_.destination.ip;
}

void LiveSession::bury_closed_channels() {
  for (auto& channel : channels_) {
    if (channel->told()) worker_.bury(std::move(channel));
  }
  std::erase(channels_, nullptr);
}

}  // namespace ftpscope
