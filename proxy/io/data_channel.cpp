#include "proxy/io/data_channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "proxy/io/live_session.h"
#include "proxy/io/socket_address.h"
#include "proxy/io/transparent_socket.h"

namespace ftpscope {

DataChannel::DataChannel(LiveSession& session, ChannelId id)
    : worker_(session.worker()), session_(session), id_(id) {
  legs_[0].side = Side::client;
  legs_[1].side = Side::server;
  for (auto& leg : legs_) leg.channel = this;
}

bool DataChannel::reserve() {
  const auto descriptors = WorkerOptions::kDescriptorsOfChannel +
                           (worker_.recording() ? WorkerOptions::kDescriptorsOfPayloads : 0);
  if (!worker_.take_descriptors(descriptors)) return false;
  descriptors_ = descriptors;
  return true;
}

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
  return local_endpoint(descriptor(facing.listener.tcp())).port;
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
  const auto local = local_endpoint(descriptor(tcp));
  const auto meant = original_destination(descriptor(tcp));
  // When both sides come, the machine knows only what the last one was told.
  const bool comparable = other_of(leg).target.has_value();
  if (comparable && meant && *meant != local) session_.feed(event::PeerRedirected{id(), *meant});
  leg.listener.reset();
  if (leg.side == Side::client) drop_waits();
  leg.tcp = std::move(tcp);
  leg.tcp->data = &leg;
  leg.early = early;
  on_leg_stands(leg, {peer, local});
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

void DataChannel::start_relay() {
  relaying_ = true;
  last_progress_ = worker_.now();
  totals_.connected = last_progress_;
  session_.feed(event::ChannelOpened{id(), *totals_.client, *totals_.server});
  for (auto& leg : legs_) {
    if (closed_) return;
    keep_alive(leg.tcp, worker_.options().tcp_keepalive);
    if (!leg.early.empty()) forward(leg, std::exchange(leg.early, {}));
  }
  for (auto& leg : legs_) {
    if (!closed_ && !disk_since_ && other_of(leg).queue.empty()) read_start(leg);
  }
}

void DataChannel::read_start(Leg& from) {
  uv_read_start(
      stream(from.tcp),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto& worker = static_cast<Leg*>(handle->data)->channel->worker_;
        *buffer = worker.read_buffer(worker.options().relay_buffer);
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        auto& leg = *static_cast<Leg*>(handle->data);
        leg.channel->on_read(leg, count, *buffer);
      });
}

void DataChannel::on_read(Leg& from, ssize_t count, const uv_buf_t& buffer) {
  if (count > 0) {
    forward(from, {buffer.base, static_cast<std::size_t>(count)});
  } else if (count == UV_EOF) {
    on_end(from);
  } else if (count < 0) {
    on_broken(from);
  }
}

void DataChannel::forward(Leg& from, std::string_view bytes) {
  last_progress_ = worker_.now();
  if (!totals_.first_byte) totals_.first_byte = last_progress_;
  totals_.last_byte = last_progress_;
  from.received += bytes.size();
  record(from, bytes);
  auto& to = other_of(from);
  auto buffer = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  const int written = uv_try_write(stream(to.tcp), &buffer, 1);
  if (written < 0 && written != UV_EAGAIN) {
    on_broken(to);
    return;
  }
  const auto taken = static_cast<std::size_t>(std::max(written, 0));
  if (taken < bytes.size()) queue(to, bytes.substr(taken));
}

// The other side is slower: what it could not take waits, and its source is not read meanwhile.
void DataChannel::queue(Leg& to, std::string_view bytes) {
  uv_read_stop(stream(other_of(to).tcp));
  to.queue.assign(bytes);
  auto write = std::make_unique<uv_write_t>();
  auto buffer = uv_buf_init(to.queue.data(), static_cast<unsigned>(to.queue.size()));
  const auto written = [](uv_write_t* request, int status) {
    const std::unique_ptr<uv_write_t> done(request);
    if (auto* leg = owner_of<Leg>(done->handle)) leg->channel->on_written(*leg, status);
  };
  if (uv_write(write.get(), stream(to.tcp), &buffer, 1, written) < 0) {
    on_broken(to);
    return;
  }
  static_cast<void>(write.release());  // the callback has it now
}

void DataChannel::on_written(Leg& to, int status) {
  if (status < 0) {
    on_broken(to);
    return;
  }
  last_progress_ = worker_.now();
  to.queue = std::string();
  auto& from = other_of(to);
  if (from.ended) {
    pass_end(from);
  } else if (!disk_since_) {
    read_start(from);
  }
}

// --- recording ---

void DataChannel::record(Leg& from, std::string_view bytes) {
  auto* recording = worker_.recording();
  if (!recording) return;
  auto& writer = from.recorded;
  if (!writer) {
    writer = std::make_shared<PayloadWriter>(*recording,
                                             DataTaker::Source{session_.name(), id(), from.side});
  }
  writer->add(bytes, last_progress_ - *totals_.connected);
  if (!recording->full() || disk_since_) return;
  disk_since_ = last_progress_;
  for (auto& leg : legs_) uv_read_stop(stream(leg.tcp));
  recording->wait_for_room(this, [this] { resume_reading(); });
  session_.channel_waits();
}

void DataChannel::resume_reading() {
  if (closed_) return;
  disk_since_.reset();
  last_progress_ = worker_.now();  // nobody stalled but our disk
  for (auto& leg : legs_) {
    if (!leg.ended && other_of(leg).queue.empty()) read_start(leg);
  }
}

void DataChannel::give_up_recording() {
  worker_.recording()->forget(this);
  for (auto& leg : legs_) {
    if (leg.recorded && !leg.recorded->finished()) leg.recorded->give_up(LiveRecording::kStuck);
  }
  if (!closed_) resume_reading();
}

void DataChannel::tell_when_recorded() {
  for (const auto& leg : legs_) {
    if (leg.recorded && !leg.recorded->finished()) return;
  }
  if (std::exchange(told_, true)) return;
  for (const auto& leg : legs_) {
    if (leg.recorded) totals_.taken[static_cast<std::size_t>(leg.side)] = leg.recorded->taken();
  }
  worker_.give_descriptors(std::exchange(descriptors_, 0));
  session_.feed(event::ChannelClosed{id(), totals_, why_});
}

DataChannel::~DataChannel() {
  worker_.give_descriptors(descriptors_);
  if (auto* recording = worker_.recording()) recording->forget(this);
  for (auto& leg : legs_) {
    if (leg.recorded) leg.recorded->abandon();
  }
}

void DataChannel::on_end(Leg& from) {
  from.ended = true;
  uv_read_stop(stream(from.tcp));
  if (!totals_.closed_first) totals_.closed_first = from.side;
  if (other_of(from).queue.empty()) pass_end(from);
}

// All that `from` sent has been delivered: its FIN follows.
void DataChannel::pass_end(Leg& from) {
  auto& to = other_of(from);
  if (to.finished) return;
  to.finished = true;
  const bool both = from.finished;  // closing sends the FIN then
  if (!both) shutdown(descriptor(to.tcp), SHUT_WR);
  session_.feed(event::ChannelDrained{id(), from.side});
  if (!closed_ && both) close(ChannelEnd::fin, totals_.closed_first);
}

// A reset is passed on as a reset: a stream that was cut must not look like one that ended.
void DataChannel::on_broken(Leg& leg) {
  close(ChannelEnd::rst, totals_.closed_first ? totals_.closed_first : std::optional(leg.side));
}

void DataChannel::close_leg(Leg& leg, bool reset) {
  if (!leg.tcp) return;
  if (reset) {
    const linger none{1, 0};
    setsockopt(descriptor(leg.tcp), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }
  leg.tcp.reset();
}

void DataChannel::close(ChannelEnd how, std::optional<Side> first, std::string_view why) {
  if (closed_) return;
  closed_ = true;
  const bool reset = how != ChannelEnd::fin;
  drop_waits();
  for (auto& leg : legs_) {
    leg.listener.reset();
    close_leg(leg, reset);
  }
  totals_.bytes_to_client = leg(Side::server).received;
  totals_.bytes_to_server = leg(Side::client).received;
  totals_.closed_first = first;
  totals_.how = how;
  why_ = why;
  disk_since_ = worker_.now();
  for (auto& leg : legs_) {
    if (leg.recorded) leg.recorded->finish([this] { tell_when_recorded(); });
  }
  tell_when_recorded();
  if (!told_) session_.channel_waits();
}

void DataChannel::watch(Duration quiet, Timestamp now) {
  quiet_ = quiet;
  last_progress_ = std::max(last_progress_, now);
}

std::optional<Timestamp> DataChannel::due() const {
  if (told_) return std::nullopt;
  if (disk_since_) return *disk_since_ + LiveRecording::kPatience;
  const auto stall = worker_.options().stall_timeout;
  std::optional<Timestamp> due;
  if (relaying_ && stall != Duration::zero()) due = last_progress_ + stall;
  const auto connect = worker_.options().connect_timeout;
  if (connecting() && connect != Duration::zero()) due = last_progress_ + connect;
  if (quiet_) due = due ? std::min(*due, last_progress_ + *quiet_) : last_progress_ + *quiet_;
  return due;
}

void DataChannel::on_due(Timestamp now) {
  if (disk_since_ && !told_) {
    if (now >= *disk_since_ + LiveRecording::kPatience) give_up_recording();
    return;
  }
  if (quiet_ && now >= last_progress_ + *quiet_) {
    quiet_.reset();
    session_.feed(event::ChannelQuiet{id()});
  }
  const auto still_due = due();
  if (!still_due || now < *still_due) return;
  relaying_ ? close(ChannelEnd::timeout, std::nullopt)
            : close(ChannelEnd::connect_failed, std::nullopt, "no answer in time");
}

}  // namespace ftpscope
