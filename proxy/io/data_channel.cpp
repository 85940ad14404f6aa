// The bytes between them, and how it ends. How they come to stand: data_channel_legs.cpp.
#include "proxy/io/data_channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "proxy/io/live_session.h"

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

void DataChannel::start_relay() {
  relaying_ = true;
  last_progress_ = worker_.now();
  totals_.connected = last_progress_;
  session_.feed(event::ChannelOpened{id(), *totals_.client, *totals_.server});
  for (auto& leg : legs_) {
    if (closed_) return;
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
  } else if (count < 0) {
    is_reset(count, from.tcp) ? on_broken(from) : on_end(from);
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
  wait_for_disk(last_progress_);
  for (auto& leg : legs_) uv_read_stop(stream(leg.tcp));
  recording->wait_for_room(this, [this] { resume_reading(); });
  session_.channel_waits();
}

void DataChannel::wait_for_disk(Timestamp now) {
  disk_since_ = now;
  disk_had_ = worker_.recording()->taken();
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
  if (worker_.recording()) wait_for_disk(worker_.now());
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
  if (const auto keep = keep_alive_due()) due = due ? std::min(*due, *keep) : *keep;
  const auto connect = worker_.options().connect_timeout;
  if (connecting() && connect != Duration::zero()) due = last_progress_ + connect;
  if (quiet_) due = due ? std::min(*due, last_progress_ + *quiet_) : last_progress_ + *quiet_;
  return due;
}

std::optional<Timestamp> DataChannel::keep_alive_due() const {
  const bool wanted = relaying_ && !closed_ && worker_.options().tcp_keepalive != 0;
  return wanted && !kept_alive_ ? std::optional(*totals_.connected + kKeepAliveFrom) : std::nullopt;
}

void DataChannel::on_due(Timestamp now) {
  if (disk_since_ && !told_) {
    if (now < *disk_since_ + LiveRecording::kPatience) return;
    const bool stuck = worker_.recording()->taken() == disk_had_;
    stuck ? give_up_recording() : wait_for_disk(now);
    return;
  }
  if (quiet_ && now >= last_progress_ + *quiet_) {
    quiet_.reset();
    session_.feed(event::ChannelQuiet{id()});
  }
  if (const auto keep = keep_alive_due(); keep && now >= *keep) {
    kept_alive_ = true;
    for (auto& leg : legs_) keep_alive(leg.tcp, worker_.options().tcp_keepalive);
  }
  const auto still_due = due();
  if (!still_due || now < *still_due) return;
  relaying_ ? close(ChannelEnd::timeout, std::nullopt)
            : close(ChannelEnd::connect_failed, std::nullopt, "no answer in time");
}

}  // namespace ftpscope
