#include "proxy/io/client_data.h"

#include <algorithm>
#include <utility>

namespace ftpscope {

namespace {

struct Write {
  uv_write_t request{};
  std::shared_ptr<void> bytes;  // stay until the kernel has them
};

}  // namespace

ClientData::ClientData(Context context)
    : context_(std::move(context)),
      socket_(context_.worker.loop(), context_.peers, [this](int status) { on_socket(status); }) {}

ClientData::~ClientData() {
  if (auto* recording = context_.worker.recording()) recording->forget(this);
  if (writer_) writer_->abandon();
}

void ClientData::connect(std::uint16_t port) { hopeless_ = socket_.connect(port) != 0; }

void ClientData::on_socket(int status) {
  if (over_) return;
  if (status != 0) {
    end(status == UV_ECONNREFUSED ? ChannelEnd::refused : ChannelEnd::connect_failed, std::nullopt);
    return;
  }
  totals_.leg = socket_.leg();
  totals_.connected = context_.worker.now();
  socket_.tcp()->data = this;
  context_.tell(play::DataConnected{*totals_.leg});
  start_if_ready();
}

void ClientData::receive(const play::Reading& reading, std::shared_ptr<PayloadWriter> writer) {
  reading_ = reading;
  writer_ = std::move(writer);
  if (reading.listing) listing_.emplace();
  begin(Job::receive);
}

void ClientData::send(const std::string& folder, const ScriptPayload& payload,
                      std::shared_ptr<PayloadWriter> writer) {
  writer_ = std::move(writer);
  if (source_.open(folder, payload)) {
    begin(Job::send);
  } else {
    close();
  }
}

void ClientData::begin(Job job) {
  if (over_) return;
  job_ = job;
  if (hopeless_) {
    end(ChannelEnd::connect_failed, std::nullopt);
    return;
  }
  watch(context_.timeouts.connect);
  start_if_ready();
}

void ClientData::start_if_ready() {
  if (!socket_.connected() || over_) return;
  switch (job_) {
    case Job::none: return;
    case Job::receive: start_reading(); return;
    case Job::send: send_chunk(); return;
  }
}

// --- receiving ---

void ClientData::start_reading() {
  watch(context_.timeouts.stall);
  stop_where_told();
  if (over_ || paused_) return;
  uv_read_start(
      stream(socket_.tcp()),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto* data = static_cast<ClientData*>(handle->data);
        *buffer = data->context_.worker.read_buffer(data->readable());
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        static_cast<ClientData*>(handle->data)->on_read(count, buffer->base);
      });
}

// Up to the byte at which something is to happen.
std::size_t ClientData::readable() const {
  std::uint64_t count = kChunk;
  for (const auto limit : {reading_.pause_after, reading_.close_after}) {
    if (limit && *limit > totals_.bytes) count = std::min(count, *limit - totals_.bytes);
  }
  return static_cast<std::size_t>(count);
}

void ClientData::on_read(ssize_t count, const char* bytes) {
  if (count == 0) return;
  if (count < 0) {
    end(is_reset(count, socket_.tcp()) ? ChannelEnd::rst : ChannelEnd::fin, Side::server);
    return;
  }
  watch(context_.timeouts.stall);
  take({bytes, static_cast<std::size_t>(count)});
  stop_where_told();
  if (!over_ && !paused_ && waits_for_disk()) uv_read_stop(stream(socket_.tcp()));
}

void ClientData::take(std::string_view bytes) {
  totals_.moved(bytes.size(), context_.worker.now());
  if (writer_) writer_->add(bytes, *totals_.last_byte - *totals_.connected);
  hash_.add(bytes);
  if (!listing_) return;
  listing_->append(bytes);
  if (listing_->size() > kListingMax) listing_.reset();
}

void ClientData::stop_where_told() {
  if (reading_.close_after && totals_.bytes >= *reading_.close_after) {
    end(ChannelEnd::fin, Side::client);
  } else if (reading_.pause_after && totals_.bytes >= *reading_.pause_after) {
    reading_.pause_after.reset();
    paused_ = true;
    uv_read_stop(stream(socket_.tcp()));
    context_.tell(play::DataPaused{});
  }
}

void ClientData::resume() {
  reading_.pause_after.reset();
  if (!std::exchange(paused_, false) || over_ || waiting_) return;
  start_reading();
}

// --- the disk ---

bool ClientData::waits_for_disk() {
  auto* recording = context_.worker.recording();
  if (!writer_ || !recording->full()) return false;
  waiting_ = true;
  recording->wait_for_room(this, [this] { go_on(); });
  watch_disk();
  return true;
}

void ClientData::go_on() {
  waiting_ = false;
  if (over_ || paused_) return;
  start_if_ready();
}

// --- sending ---

void ClientData::send_chunk() {
  watch(context_.timeouts.stall);
  if (!chunk_) chunk_ = std::make_shared<std::vector<char>>(kChunk);
  const auto count = source_.read(chunk_->data(), chunk_->size());
  if (count <= 0) {
    // All has been taken by the kernel, which delivers it behind the close as well.
    end(ChannelEnd::fin, Side::client);
    return;
  }
  take({chunk_->data(), static_cast<std::size_t>(count)});
  auto write = std::make_unique<Write>();
  write->bytes = chunk_;
  write->request.data = write.get();
  auto buffer = uv_buf_init(chunk_->data(), static_cast<unsigned>(count));
  const int status = uv_write(
      &write->request, stream(socket_.tcp()), &buffer, 1, [](uv_write_t* request, int result) {
        const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
        if (auto* data = owner_of<ClientData>(request->handle)) data->on_sent(result);
      });
  if (status == 0) {
    static_cast<void>(write.release());  // the callback has it now
  } else {
    end(ChannelEnd::rst, Side::server);
  }
}

void ClientData::on_sent(int status) {
  if (status != 0) {
    end(ChannelEnd::rst, Side::server);
  } else if (!waits_for_disk()) {
    send_chunk();
  }
}

// --- the end ---

void ClientData::watch(Duration time) {
  if (!timer_) timer_ = make_timer(context_.worker.loop(), this);
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<ClientData*>(timer->data)->on_timer(); },
      static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(time).count()), 0);
}

void ClientData::watch_disk() {
  disk_had_ = context_.worker.recording()->taken();
  watch(LiveRecording::kPatience);
}

void ClientData::on_timer() {
  if (over_ || waiting_) {
    if (context_.worker.recording()->taken() != disk_had_) {
      watch_disk();
      return;
    }
    context_.worker.recording()->forget(this);
    if (!writer_->finished()) writer_->give_up(LiveRecording::kStuck);
    if (!over_) go_on();
    return;
  }
  const bool stalled = socket_.connected();
  end(stalled ? ChannelEnd::timeout : ChannelEnd::never_connected, std::nullopt);
}

void ClientData::close() {
  const bool stood = socket_.connected();
  end(stood ? ChannelEnd::session_ended : ChannelEnd::never_connected,
      stood ? std::optional(Side::client) : std::nullopt);
}

void ClientData::end(ChannelEnd how, std::optional<Side> closed_first) {
  if (std::exchange(over_, true)) return;
  socket_.close();
  totals_.how = how;
  totals_.closed_first = closed_first;
  if (totals_.bytes == 0) {
    tell_over();
    return;
  }
  totals_.sha256 = hash_.finish();
  if (!writer_) {
    tell_over();
    return;
  }
  watch_disk();
  writer_->finish([this] {
    totals_.taken = writer_->taken();
    tell_over();
  });
}

void ClientData::tell_over() {
  timer_.reset();
  context_.tell(play::DataOver{totals_});
}

}  // namespace ftpscope
