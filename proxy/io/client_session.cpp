#include "proxy/io/client_session.h"

#include <algorithm>
#include <utility>

#include "proxy/io/socket_address.h"

namespace ftpscope {

ClientSession::ClientSession(Context context, UvPtr<uv_tcp_t> server)
    : context_(std::move(context)),
      timer_(make_timer(context_.worker.loop(), this)),
      here_(local_endpoint(descriptor(server))),
      server_(peer_endpoint(descriptor(server))),
      id_(session_name(context_.worker.now(), 1)),
      machine_(context_.script, context_.options, id_, *this, *this) {
  configure_control(server, context_.worker.options().tcp_keepalive);
  leg_.adopt(std::move(server));
}

void ClientSession::start() {
  leg_.read(true);
  feed(play::Connected{server_, here_});
}

SessionTransactions ClientSession::take_played() {
  auto sessions = collector_.take();
  if (sessions.empty()) return {};
  for (auto& transaction : sessions.front().transactions) {
    if (!transaction.data) continue;
    // Of all that moved, however much of it was recorded.
    transaction.data->sha256 = hashes_[transaction.data->channel];
    transaction.data->unrecorded = 0;
  }
  return std::move(sessions.front());
}

std::optional<std::string> ClientSession::listing_of(ChannelId channel) const {
  const auto found = listings_.find(channel);
  return found == listings_.end() ? std::nullopt : std::optional(found->second);
}

// --- what the machine asks for ---

void ClientSession::send(std::string_view bytes, std::optional<std::size_t> urgent) {
  if (urgent) urgent_ = out_.size() + *urgent;
  out_ += bytes;
}

void ClientSession::new_data() {
  auto tell = [this](const play::Event& event) { on_data(event); };
  data_ = std::make_shared<ClientData>(ClientData::Context{
      context_.worker, {here_.ip, server_.ip}, context_.timeouts, std::move(tell)});
}

void ClientSession::listen_data() {
  new_data();
  if (const auto port = data_->listen(context_.data_ports)) {
    feed(play::Listening{Endpoint{here_.ip, port}});
  } else {
    data_.reset();
    feed(play::ListenFailed{});
  }
}

void ClientSession::connect_data(std::uint16_t port) {
  new_data();
  data_->connect(port);
}

// Null: the session is not recorded.
std::shared_ptr<PayloadWriter> ClientSession::writer_of(ChannelId channel, Side from) {
  channel_ = channel;
  auto* recording = context_.worker.recording();
  if (!recording) return nullptr;
  return std::make_shared<PayloadWriter>(*recording, DataTaker::Source{id_, channel, from});
}

// What the client says is as good as read: it is written with one write.
void ClientSession::record_read(Side from, std::string_view bytes) {
  auto* recording = context_.worker.recording();
  if (!recording || bytes.empty()) return;
  auto& place = places_[static_cast<std::size_t>(from)];
  place.pass(bytes);
  recording->files().add(ControlRead{id_, now(), from, place});
}

void ClientSession::receive(const play::Reading& reading) {
  data_->receive(reading, writer_of(reading.channel, Side::server));
}

void ClientSession::resume_data() {
  if (data_) data_->resume();
}

void ClientSession::send_payload(const ScriptPayload& payload, ChannelId channel) {
  if (!data_) return;
  data_->send(context_.folder, payload, writer_of(channel, Side::client));
}

void ClientSession::close_data() {
  if (data_) data_->close();
}

void ClientSession::on_data(const play::Event& event) {
  const auto* over = std::get_if<play::DataOver>(&event);
  if (!over) {
    feed(event);
    return;
  }
  const auto totals = over->totals;
  hashes_[channel_] = totals.sha256;
  if (data_->listing()) listings_[channel_] = *data_->listing();
  context_.worker.bury(std::move(data_));  // one of its methods is running
  feed(play::DataOver{totals});
}

void ClientSession::record(const Record& record) {
  context_.worker.record(record);
  collector_.record(record);
}

// --- what happens ---

void ClientSession::feed(const Event& event) {
  if (const auto* received = std::get_if<event::Received>(&event)) {
    record_read(Side::server, received->bytes);
    feed(play::Received{received->bytes});
  } else if (const auto* closed = std::get_if<event::Closed>(&event)) {
    feed(play::Closed{closed->reset});
  }
}

void ClientSession::feed(const play::Event& event) {
  if (machine_.finished()) return;
  events_.push_back(event);
  if (std::exchange(handling_, true)) return;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    const auto next = events_[i];
    machine_.handle(next, now());
  }
  events_.clear();
  handling_ = false;
  settle();
}

// After all that an event caused: the log first, then the bytes that it tells of.
void ClientSession::settle() {
  record_read(Side::client, out_);
  context_.worker.flush_log();
  leg_.write(std::exchange(out_, {}), std::exchange(urgent_, std::nullopt));
  if (finishing_) leg_.finish();
  if (!ended_) {
    update_timer();
    return;
  }
  leg_.close();
  timer_.reset();
  context_.on_over();
}

void ClientSession::update_timer() {
  const auto due = machine_.deadline();
  if (!due) {
    uv_timer_stop(timer_.get());
    return;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - now()).count();
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) {
        static_cast<ClientSession*>(timer->data)->feed(play::Event(play::TimerFired{}));
      },
      static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0)), 0);
}

}  // namespace ftpscope
