#include "proxy/io/replay_session.h"

#include <algorithm>
#include <utility>

#include "proxy/io/control_leg.h"
#include "proxy/io/socket_address.h"

namespace ftpscope {

struct ReplaySession::Write {
  uv_write_t request{};
  std::string bytes;
};

ReplaySession::ReplaySession(const Context& context, std::string id, UvPtr<uv_tcp_t> client)
    : context_(context),
      tcp_(std::move(client)),
      timer_(make_timer(context.worker.loop(), this)),
      client_(peer_endpoint(descriptor(tcp_))),
      here_(local_endpoint(descriptor(tcp_))),
      observer_(DialogueLimits{}, std::move(id), *this),
      machine_(context.recording.script, context.options, client_.ip, *this),
      started_(context.worker.now()) {
  tcp_->data = this;
  configure_control(tcp_, 0);
}

void ReplaySession::start() {
  auto& recorder = observer_.recorder();
  recorder.at(started_);
  recorder.emit(record::Session{client_, std::nullopt, to_text(here_), {}, {}});
  recorder.emit(record::Connected{here_, client_});  // the server is here
  observer_.connected(started_);
  feed(replay::Connected{});
}

// --- what the machine asks for ---

void ReplaySession::send(std::string_view bytes) {
  out_.emplace_back(bytes);
  totals_.bytes_from_server += bytes.size();
  observer_.received(Side::server, bytes, false, now());
}

void ReplaySession::finish(bool reset) {
  finishing_ = true;
  resetting_ = reset;
  start_timer(kLingerMilliseconds);
  close_data(ChannelEnd::session_ended);
}

void ReplaySession::new_data() {
  close_data();
  const DataSocket::Peers peers{here_.ip, client_.ip};
  data_ = std::make_shared<ReplayData>(context_.worker, peers,
                                       [this](const replay::Event& event) { on_data(event); });
}

void ReplaySession::open_passive() {
  new_data();
  const auto port = data_->listen();
  if (port != 0) {
    feed(replay::PassiveOpened{Endpoint{here_.ip, port}});
  } else {
    close_data();
    feed(replay::PassiveFailed{});
  }
}

void ReplaySession::connect_active(std::uint16_t port) {
  new_data();
  data_->connect(port);
}

void ReplaySession::use_data(const replay::Transfer& transfer, Direction direction) {
  const auto channel = static_cast<ChannelId>(++totals_.channels);
  use_ = {channel, transfer.to, transfer.verb, direction, transfer.setup, transfer.exposed};
}

void ReplaySession::send_payload(const ScriptPayload& payload, const replay::Transfer& transfer) {
  use_data(transfer, Direction::download);
  data_->send(context_.recording.folder, payload, transfer);
}

void ReplaySession::receive_payload(const ScriptPayload& recorded,
                                    const replay::Transfer& transfer) {
  use_data(transfer, Direction::upload);
  data_->receive(context_.recording.folder, recorded);
}

void ReplaySession::tell(FindingId finding, CommandId to, std::string_view detail) {
  observer_.recorder().at(now());
  observer_.recorder().finding(finding, to, detail);
}

// What became of it is told before the reply that follows it.
void ReplaySession::close_data(ChannelEnd how) {
  if (!data_) return;
  data_->close(how);
  if (const auto use = std::exchange(use_, std::nullopt)) {
    const auto& moved = data_->totals();
    const bool download = use->direction == Direction::download;
    (download ? totals_.data_to_client : totals_.data_to_server) += moved.bytes;
    observer_.recorder().at(now());
    observer_.recorder().emit(data_record(*use, moved, now()));
  }
  context_.worker.bury(std::move(data_));  // one of its methods may be running
}

void ReplaySession::on_data(const replay::Event& event) {
  close_data();
  feed(event);
}

void ReplaySession::record(const Record& record) { context_.worker.record(record); }

// --- what happens ---

void ReplaySession::feed(const replay::Event& event) {
  if (!tcp_) return;
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
void ReplaySession::settle() {
  context_.worker.flush_log();
  write_out();
  half_close_if_said();
  if (!tcp_) return;
  update_reading();
  update_timer();
}

void ReplaySession::write_out() {
  for (auto& bytes : std::exchange(out_, {})) write(std::move(bytes));
}

// By itself: the client is to get it in a segment of its own.
void ReplaySession::write(std::string bytes) {
  auto write = std::make_unique<Write>();
  write->bytes = std::move(bytes);
  write->request.data = write.get();
  auto buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  const int status =
      uv_write(&write->request, stream(tcp_), &buffer, 1, [](uv_write_t* request, int) {
        const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
        // A broken connection shows when it is read.
        if (auto* session = owner_of<ReplaySession>(request->handle)) session->on_written();
      });
  if (status == 0) static_cast<void>(write.release());  // the callback has it now
}

void ReplaySession::on_written() {
  half_close_if_said();
  if (tcp_) update_reading();
}

void ReplaySession::half_close_if_said() {
  if (!finishing_ || uv_stream_get_write_queue_size(stream(tcp_)) > 0) return;
  if (resetting_) {
    const linger none{1, 0};
    setsockopt(descriptor(tcp_), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    end(SessionEnd::rst, Side::server);
    return;
  }
  shutdown(descriptor(tcp_), SHUT_WR);
}

void ReplaySession::update_reading() {
  const bool room = uv_stream_get_write_queue_size(stream(tcp_)) < kReplyQueueMax;
  const bool wanted = finishing_ || (room && machine_.wants());
  if (wanted == reading_) return;
  reading_ = wanted;
  wanted ? start_reading() : static_cast<void>(uv_read_stop(stream(tcp_)));
}

void ReplaySession::start_reading() {
  uv_read_start(
      stream(tcp_),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto* session = static_cast<ReplaySession*>(handle->data);
        *buffer = session->context_.worker.read_buffer(WorkerOptions::kControlRead);
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        static_cast<ReplaySession*>(handle->data)->on_read(count, *buffer);
      });
}

void ReplaySession::on_read(ssize_t count, const uv_buf_t& buffer) {
  if (count == 0) return;
  if (count < 0) {
    const bool reset = is_reset(count, tcp_);
    end(reset ? SessionEnd::rst : SessionEnd::fin,
        finishing_ && !reset ? Side::server : Side::client);
    return;
  }
  if (finishing_) return;  // it has been told goodbye
  const std::string_view bytes(buffer.base, static_cast<std::size_t>(count));
  totals_.bytes_from_client += bytes.size();
  observer_.received(Side::client, bytes, false, now());
  feed(replay::Received{bytes});
}

void ReplaySession::update_timer() {
  if (finishing_) return;
  if (const auto due = machine_.deadline()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - now()).count();
    start_timer(static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0)));
  } else {
    uv_timer_stop(timer_.get());
  }
}

void ReplaySession::start_timer(std::uint64_t milliseconds) {
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<ReplaySession*>(timer->data)->on_timer(); },
      milliseconds, 0);
}

void ReplaySession::on_timer() {
  if (finishing_) {
    end(SessionEnd::fin, Side::server);
  } else {
    feed(replay::TimerFired{});
  }
}

void ReplaySession::end(SessionEnd how, std::optional<Side> by) {
  if (!tcp_) return;
  close_data(ChannelEnd::session_ended);
  tcp_.reset();
  timer_.reset();
  auto& recorder = observer_.recorder();
  observer_.closed(by.value_or(Side::server), now());
  totals_.by = by;
  totals_.how = how;
  totals_.captured = true;  // there is no proxy
  totals_.commands = recorder.commands();
  totals_.replies = recorder.replies();
  totals_.findings = recorder.findings();
  totals_.duration = now() - started_;
  recorder.emit(totals_);
  context_.worker.flush_log();
  context_.on_gone(*this);
}

}  // namespace ftpscope
