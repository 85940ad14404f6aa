// How the two connections of a DataChannel come to stand: who comes to us, and whom we go to.
#include <algorithm>
#include <memory>
#include <utility>

#include "proxy/io/data_channel.h"
#include "proxy/io/live_session.h"
#include "proxy/io/socket_address.h"
#include "proxy/io/transparent_socket.h"

namespace ftpscope {

std::expected<std::uint16_t, std::string_view> DataChannel::listen(const Exposure& exposure,
                                                                   const IpAddress& address) {
  auto& facing = leg(exposure.facing);
  const ListenAt where{.address = address, .foreign = session_.is_foreign(exposure.facing)};
  const auto on_connection = [](uv_stream_t* handle, int result) {
    auto& leg = *static_cast<Leg*>(handle->data);
    leg.channel->on_connection(leg, result);
  };
  const auto listening =
      worker_.data_ports().listen(worker_.loop(), &facing, where, on_connection, facing.listener);
  if (!listening) {
    return std::unexpected(listening.error() == UV_EADDRINUSE ? "no port is free (--data-ports)"
                                                              : uv_strerror(listening.error()));
  }
  facing.expected = exposure.expected;
  other_of(facing).target = exposure.target;
  facing.here = local_endpoint(descriptor(facing.listener.tcp()));
  return facing.here.port;
}

void DataChannel::on_connection(Leg& leg, int status) {
  if (status < 0) {
    close(ChannelEnd::connect_failed, std::nullopt, uv_strerror(status));
    return;
  }
  auto tcp = make_tcp(worker_.loop(), &leg);
  if (uv_accept(stream(leg.listener.tcp()), stream(tcp)) != 0) return;
  const auto peer = peer_endpoint(descriptor(tcp));
  const auto& balancing = worker_.options().balancing;
  if (leg.side == Side::client && balancing.data && balancing.is_balancer(peer.ip)) {
    await_header(std::move(tcp));
  } else if (peer.ip == leg.expected) {
    admit(leg, std::move(tcp), peer, {});
  } else {
    refuse_stranger(std::move(tcp), peer);
  }
}

void DataChannel::refuse_stranger(UvPtr<uv_tcp_t> tcp, const Endpoint& peer) {
  tcp.reset();
  session_.feed(event::StrangerRefused{id(), peer});
}

void DataChannel::await_header(UvPtr<uv_tcp_t> tcp) {
  if (waits_.size() < kHeaderWaitsMax) {
    waits_.push_back(std::make_shared<HeaderWait>(worker_, std::move(tcp),
                                                  [this](HeaderWait& wait) { on_header(wait); }));
  } else {
    session_.feed(event::StrangerRefused{id(), peer_endpoint(descriptor(tcp))});
  }
}

void DataChannel::on_header(HeaderWait& wait) {
  const auto found = std::ranges::find(waits_, &wait, &std::shared_ptr<HeaderWait>::get);
  worker_.bury(std::move(*found));
  waits_.erase(found);
  auto tcp = wait.take_tcp();
  const auto& [state, header, size, why] = wait.reading();
  if (state != ProxyHeaderReading::State::complete) {
    const auto [finding, detail] = wait.refusal();
    session_.feed(event::StrangerRefused{id(), wait.balancer(), finding, detail});
    return;
  }
  const auto peer = header.connection ? header.connection->from : wait.balancer();
  auto& client = leg(Side::client);
  if (peer.ip == client.expected) {
    admit(client, std::move(tcp), peer, wait.early());
  } else {
    refuse_stranger(std::move(tcp), peer);
  }
}

void DataChannel::drop_waits() {
  for (auto& wait : waits_) {
    wait->cancel();
    worker_.bury(std::move(wait));
  }
  waits_.clear();
}

void DataChannel::admit(Leg& leg, UvPtr<uv_tcp_t> tcp, const Endpoint& peer,
                        std::string_view early) {
  // When both sides come, the machine knows only what the last one was told.
  const bool comparable = other_of(leg).target.has_value();
  const auto meant = original_destination(descriptor(tcp), leg.here.ip.v6);
  if (comparable && meant && *meant != leg.here) {
    session_.feed(event::PeerRedirected{id(), *meant});
  }
  leg.listener.reset();
  if (leg.side == Side::client) drop_waits();
  leg.tcp = std::move(tcp);
  leg.tcp->data = &leg;
  leg.early = early;
  on_leg_stands(leg, {peer, leg.here});
}

void DataChannel::connect(Side side, const Endpoint& target) {
  leg(side).target = target;
  connect(leg(side));
}

void DataChannel::connect(Leg& leg) {
  const auto source_port = leg.side == Side::client ? worker_.options().active_source_port : 0;
  // A peer may check that data comes from the address that it knows (RFC 2577 8): the source of our
  // connection is the address at which that side knows us.
  leg.tcp = make_tcp_from(worker_.loop(), &leg,
                          {session_.local_address(leg.side), session_.is_foreign(leg.side),
                           static_cast<std::uint16_t>(source_port)});
  if (source_port != 0 && local_endpoint(descriptor(leg.tcp)).port != source_port) {
    close(ChannelEnd::connect_failed, std::nullopt, "--active-source-port cannot be used");
    return;
  }
  auto request = std::make_unique<uv_connect_t>();
  const auto connected = [](uv_connect_t* done, int result) {
    const std::unique_ptr<uv_connect_t> owned(done);
    if (auto* of = owner_of<Leg>(done->handle)) of->channel->on_connected(*of, result);
  };
  const int status =
      uv_tcp_connect(request.get(), leg.tcp.get(), to_socket_address(*leg.target).get(), connected);
  if (status < 0) {
    close(ChannelEnd::connect_failed, std::nullopt, uv_strerror(status));
    return;
  }
  last_progress_ = worker_.now();        // from here on the stall timeout counts
  static_cast<void>(request.release());  // the callback has it now
  session_.channel_waits();
}

void DataChannel::on_connected(Leg& leg, int status) {
  if (status < 0) {
    close(ChannelEnd::connect_failed, std::nullopt, uv_strerror(status));
    return;
  }
  if (leg.side == Side::server) send_proxy_header(leg);
  on_leg_stands(leg, {local_endpoint(descriptor(leg.tcp)), *leg.target});
}

void DataChannel::on_leg_stands(Leg& leg, const ftpscope::Leg& ends) {
  leg.connected = true;
  (leg.side == Side::client ? totals_.client : totals_.server) = ends;
  auto& other = other_of(leg);
  if (other.connected) {
    start_relay();
  } else if (other.target && !other.tcp) {
    connect(other);
  }
}

bool DataChannel::connecting() const {
  return std::ranges::any_of(legs_, [](const Leg& leg) { return leg.tcp && !leg.connected; });
}

bool DataChannel::awaits_peer() const {
  return std::ranges::any_of(legs_, [](const Leg& leg) { return bool(leg.listener); });
}

// Before a byte of the data. The socket is new, so it takes these few bytes at once.
void DataChannel::send_proxy_header(Leg& to) {
  const auto& balancing = worker_.options().balancing;
  if (!balancing.to_server || !balancing.data_to_server) return;
  uv_tcp_nodelay(to.tcp.get(), 1);  // or the data waits for the header to be acknowledged
  const ftpscope::Leg unknown{{session_.client_address(), 0},
                              {session_.local_address(Side::client), 0}};
  auto header = proxy_header(*balancing.to_server, totals_.client.value_or(unknown));
  auto buffer = uv_buf_init(header.data(), static_cast<unsigned>(header.size()));
  uv_try_write(stream(to.tcp), &buffer, 1);
}

}  // namespace ftpscope
