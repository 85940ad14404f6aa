// Data channels in the Interceptor: which transfer a channel serves, and which reply waits for its
// bytes.
#include <algorithm>
#include <utility>

#include "proxy/interceptor.h"

namespace ftpscope {

Interceptor::Channel& Interceptor::add_channel(CommandId setup_command, Setup setup) {
  auto& channel = channels_.emplace_back();
  channel.id = ++last_channel_;
  channel.setup_command = setup_command;
  channel.setup = setup;
  channel.exposed = now();
  return channel;
}

Interceptor::Channel* Interceptor::find_channel(ChannelId id) {
  const auto found = std::ranges::find(channels_, id, &Channel::id);
  return found == channels_.end() ? nullptr : &*found;
}

// The channel that the next transfer will use: the newest that serves none yet.
Interceptor::Channel* Interceptor::waiting_channel() {
  if (channels_.empty() || channels_.back().transfer) return nullptr;
  return &channels_.back();
}

void Interceptor::renew(Channel& channel) {
  if (channel.opened || options_.timeouts.data_connect == Duration::zero()) return;
  channel.expires = now() + options_.timeouts.data_connect;
}

// A newer PASV or PORT makes an unused one useless (RFC 959 4.1.2). One that is in use goes on.
void Interceptor::drop_waiting_channel(ChannelEnd how) {
  if (const auto* channel = waiting_channel()) effects_.close_channel(channel->id, how);
}

void Interceptor::begin_transfer(const Command& command, CommandId id) {
  auto* channel = waiting_channel();
  if (!channel) return;
  channel->transfer = id;
  channel->verb = command.name;
  channel->direction =
      command.meaning() == Meaning::download ? Direction::download : Direction::upload;
  renew(*channel);
  if (channel->client) effects_.connect_channel(channel->id, Side::client, *channel->client);
  channel->client.reset();
}

// The server's 226 and its data come on two connections: whichever is read first, the client must
// get the data first (RFC 959 5.4). In the block modes the data connection may stay open, so there
// the end of the data cannot be waited for. What the kernel translates has not waited here, so it
// is on its way as it would be without us, and so is its 226.
bool Interceptor::must_wait_for_data(const PendingCommand& answered, const Reply& reply) {
  const bool completed = *reply.code >= 200 && *reply.code < 300;
  if (!completed || answered.meaning() != Meaning::download) return false;
  if (state_.mode == 'B' || state_.mode == 'C') return false;
  const auto channel = std::ranges::find(channels_, std::optional(answered.id), &Channel::transfer);
  if (channel == channels_.end() || channel->drained_from_server) return false;
  if (channel->path == DataPathKind::kernel) return false;
  held_ = std::make_unique<HeldReply>(std::string(), answered.id, channel->id);
  effects_.watch_channel(channel->id, channel->opened ? InterceptorOptions::kDataQuiet
                                                      : InterceptorOptions::kConnectQuiet);
  return true;
}

// A final reply that does not wait: what it means for the channel of its command.
void Interceptor::settle_transfer(const PendingCommand& answered, const Reply& reply) {
  if (reply.preliminary()) return;
  const bool completed = *reply.code < 400;
  if (answered.meaning() == Meaning::port && !completed) {
    const auto channel = std::ranges::find(channels_, answered.id, &Channel::setup_command);
    if (channel != channels_.end()) effects_.close_channel(channel->id, ChannelEnd::replaced);
    return;
  }
  const auto channel = std::ranges::find(channels_, std::optional(answered.id), &Channel::transfer);
  if (channel == channels_.end()) return;
  if (!completed && !channel->opened) {
    channel->transfer.reset();  // RETR of a missing file: the next RETR may use the same channel
    channel->direction.reset();
  }
  // Of what the kernel translates, we hear of the end later than its receiver does.
  const bool seen = channel->path == DataPathKind::relay && !channel->drained_from_client;
  const bool early =
      completed && answered.meaning() == Meaning::upload && seen && state_.mode == 'S';
  if (early) recorder_.finding(FindingId::reply_before_data_end, answered.id, channel->verb);
}

void Interceptor::release_held_reply() {
  if (!held_) return;
  const auto held = std::move(held_);
  send_reply(held->raw, held->command);
  dialogue_.resume(Side::server, now());
}

const IpAddress& Interceptor::expected_by(const Channel& channel) const {
  return channel.facing == Side::client ? state_.client_ip : state_.server_ip;
}

void Interceptor::on(const event::StrangerRefused& event) {
  auto* channel = find_channel(event.channel);
  if (!channel) return;
  if (event.finding) {
    if (++channel->strangers > InterceptorOptions::kStrangersTold) return;
    recorder_.finding(*event.finding, channel->setup_command, event.detail);
    return;
  }
  const auto& stranger = event.stranger.ip;
  if (channel->stranger && *channel->stranger != stranger) channel->strangers_differ = true;
  channel->stranger = stranger;
  if (++channel->strangers > InterceptorOptions::kStrangersTold) return;
  auto detail = to_text(event.stranger);
  const auto& expected = expected_by(*channel);
  if (neighbours(stranger, expected)) {
    detail +=
        ", a neighbour of the " + std::string(name_of(channel->facing)) + ", " + to_text(expected);
  }
  recorder_.finding(FindingId::data_stranger, channel->setup_command, detail);
}

// Who was expected did not come, and somebody else did, always from one address: most likely it is
// the same machine, or the NAT in front of it.
void Interceptor::tell_other_address(const Channel& channel, const event::ChannelClosed& closed) {
  const bool nobody_else = closed.totals.how == ChannelEnd::never_connected;
  if (!nobody_else || !channel.stranger || channel.strangers_differ) return;
  recorder_.finding(FindingId::data_other_address, channel.setup_command,
                    to_text(*channel.stranger) + ", the " + std::string(name_of(channel.facing)) +
                        " is " + to_text(expected_by(channel)));
}

// A NAT that forwards to us what we tell is as it should be. When the peer was sent from elsewhere,
// somebody has changed our line on its way: the FTP helper of the same kernel. A 229 tells no host.
void Interceptor::on(const event::PeerRedirected& event) {
  const auto* channel = find_channel(event.channel);
  if (!channel) return;
  const bool host = channel->setup == Setup::epsv || event.meant.ip == channel->told.ip;
  if (host && event.meant.port == channel->told.port) return;
  recorder_.finding(
      FindingId::double_rewrite, channel->setup_command,
      to_text(channel->told) + " was told, " + to_text(event.meant) + " was connected to");
}

void Interceptor::on(const event::ChannelOpened& event) {
  auto* channel = find_channel(event.channel);
  if (!channel) return;
  channel->opened = true;
  channel->expires.reset();
  recorder_.emit(record::ChannelOpened{channel->id, channel->setup_command, channel->setup,
                                       event.client, event.server});
  if (held_ && held_->channel == event.channel) {
    effects_.watch_channel(event.channel, InterceptorOptions::kDataQuiet);
  }
}

void Interceptor::on(const event::ChannelDrained& event) {
  auto* channel = find_channel(event.channel);
  if (!channel) return;
  (event.from == Side::client ? channel->drained_from_client : channel->drained_from_server) = true;
  last_activity_ = last_work_ = now();
  if (event.from == Side::server && held_ && held_->channel == event.channel) release_held_reply();
}

void Interceptor::on(const event::ChannelQuiet& event) {
  if (!held_ || held_->channel != event.channel) return;
  const auto* channel = find_channel(event.channel);
  if (channel) {
    recorder_.finding(FindingId::reply_before_data_end, held_->command,
                      channel->opened ? "the data connection is still open" : "nobody connected");
  }
  release_held_reply();
}

void Interceptor::on(const event::ChannelClosed& event) {
  const auto found = std::ranges::find(channels_, event.channel, &Channel::id);
  if (found == channels_.end()) return;
  const auto channel = *found;
  channels_.erase(found);
  last_activity_ = last_work_ = now();
  data_to_[static_cast<std::size_t>(Side::client)] += event.totals.bytes_to_client;
  data_to_[static_cast<std::size_t>(Side::server)] += event.totals.bytes_to_server;
  tell_other_address(channel, event);
  record_data(channel, event);
  if (held_ && held_->channel == channel.id) release_held_reply();
  // It was to be exposed to the other side as well.
  const bool half = exposing_ && !exposing_->is_new && exposing_->channel == channel.id;
  if (half) fail_exposing(FindingId::data_connect_failed, event.why);
}

void Interceptor::record_data(const Channel& channel, const event::ChannelClosed& closed) {
  const auto& totals = closed.totals;
  record::Data data{.id = channel.id,
                    .to = channel.transfer,
                    .verb = channel.verb,
                    .setup = channel.setup,
                    .direction = channel.direction,
                    .client = totals.client,
                    .server = totals.server,
                    .bytes_to_client = totals.bytes_to_client,
                    .bytes_to_server = totals.bytes_to_server,
                    .exposed = channel.exposed,
                    .connected = totals.connected,
                    .first_byte = totals.first_byte,
                    .last_byte = totals.last_byte,
                    .closed = now(),
                    .closed_first = totals.closed_first,
                    .how = totals.how,
                    .why = closed.why,
                    .strangers = channel.strangers,
                    .path = channel.path};
  describe(totals.taken, data);
  recorder_.emit(data);
}

}  // namespace ftpscope
