#include "proxy/io/worker.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "proxy/io/live_recording.h"
#include "proxy/io/live_session.h"
#include "proxy/io/uv_ptr.h"

namespace ftpscope {

namespace {

IpAddress network_of(IpAddress client) {
  constexpr std::ptrdiff_t kPrefixBytes = 8;
  if (client.v6) std::fill(client.bytes.begin() + kPrefixBytes, client.bytes.end(), 0);
  return client;
}

}  // namespace

bool Balancing::is_balancer(const IpAddress& ip) const {
  return std::ranges::any_of(balancers,
                             [&](const Network& network) { return network.contains(ip); });
}

std::size_t Worker::session_count(const IpAddress& client) const {
  const auto found = sessions_of_client_.find(network_of(client));
  return found == sessions_of_client_.end() ? 0 : found->second;
}

void Worker::remember_connection(const LiveSession& session, const Endpoint& server) {
  connections_.emplace(session.server_local(), std::pair(&session, server));
}

void Worker::forget_connection(const LiveSession& session) {
  const auto [first, last] = connections_.equal_range(session.server_local());
  const auto own =
      std::find_if(first, last, [&](const auto& entry) { return entry.second.first == &session; });
  if (own != last) connections_.erase(own);
}

std::vector<Endpoint> Worker::connected_from(const Endpoint& ours) const {
  std::vector<Endpoint> servers;
  const auto [first, last] = connections_.equal_range(ours);
  for (auto at = first; at != last; ++at) servers.push_back(at->second.second);
  return servers;
}

Worker::Worker(uv_loop_t* loop, const WorkerOptions& options, LogFile* log)
    : loop_(loop),
      options_(options),
      pipeline_(options.interceptor.policy),
      log_(log),
      terminal_(STDOUT_FILENO, options.workers > 1),
      buffer_size_(std::max(options.relay_buffer, WorkerOptions::kControlRead)),
      buffer_(std::make_unique_for_overwrite<char[]>(buffer_size_)),
      data_ports_(options.data_ports),
      wall_start_(std::chrono::floor<Duration>(std::chrono::system_clock::now())),
      steady_start_(uv_hrtime()) {
  undertaker_.reset(new uv_check_t);
  uv_check_init(loop_, undertaker_.get());
  undertaker_->data = this;
  turn_.reset(new uv_prepare_t);
  uv_prepare_init(loop_, turn_.get());
  turn_->data = this;
  uv_prepare_start(turn_.get(),
                   [](uv_prepare_t* turn) { static_cast<Worker*>(turn->data)->end_turn(); });
  uv_unref(reinterpret_cast<uv_handle_t*>(turn_.get()));
}

// Just before the loop waits again.
void Worker::end_turn() {
  flush_log();
  for (std::size_t i = 0; i < writing_out_.size(); ++i) {
    if (writing_out_[i]) writing_out_[i]->write_out();
  }
  writing_out_.clear();
}

std::unique_ptr<Outgoing> Worker::new_outgoing() {
  if (spare_.empty()) return std::make_unique<Outgoing>();
  auto outgoing = std::move(spare_.back());
  spare_.pop_back();
  return outgoing;
}

void Worker::recycle(std::unique_ptr<Outgoing> outgoing) {
  if (spare_.size() == Outgoing::kSpare) return;
  for (auto& bytes : outgoing->bytes) {
    bytes.clear();
    if (bytes.capacity() > Outgoing::kKept) bytes = std::string();
  }
  outgoing->urgent = {};
  spare_.push_back(std::move(outgoing));
}

Timestamp Worker::now() const {
  constexpr std::uint64_t kNanosecondsPerMicrosecond = 1000;
  const auto passed = (uv_hrtime() - steady_start_) / kNanosecondsPerMicrosecond;
  return wall_start_ + Duration(static_cast<std::int64_t>(passed));
}

std::string Worker::new_session_id() {
  last_session_ += last_session_ == 0 ? options_.number + 1 : options_.workers;
  return session_name(now(), last_session_);
}

void Worker::record(const Record& record) {
  if (log_) log_->add(record);
  if (recording_) recording_->files().add(record);
  if (options_.terminal) append_text(terminal_text_, record, *options_.terminal);
}

void Worker::flush_log() {
  if (log_) log_->flush(now());
  if (recording_) recording_->files().flush(now());
  if (terminal_text_.empty()) return;
  terminal_.write(terminal_text_);  // what a reader that stopped does not take is not shown
  terminal_text_.clear();
}

uv_buf_t Worker::read_buffer(std::size_t limit) {
  return uv_buf_init(buffer_.get(), static_cast<unsigned>(std::min(limit, buffer_size_)));
}

bool Worker::take_descriptors(std::size_t count) {
  if (!has_room_for(count)) return false;
  descriptors_ += count;
  return true;
}

bool Worker::has_room_for(std::size_t count) const {
  return descriptors_ + count + WorkerOptions::kDescriptorsReserved <= options_.max_descriptors;
}

bool Worker::has_room_for_session() const {
  return has_room_for(WorkerOptions::kDescriptorsPerSession + WorkerOptions::kDescriptorsOfRefusal);
}

bool Worker::has_room_for_refusal() const {
  return sessions_.size() - admitted_ <= WorkerOptions::kRefusalsAtOnce;
}

void Worker::enlist(LiveSession& session) {
  session.set_place(sessions_.size());
  if (session.admitted()) {
    ++admitted_;
    ++sessions_of_client_[network_of(session.client_address())];
  }
  sessions_.push_back({&session, Timestamp::max()});
  if (timer_) return;
  timer_ = make_timer(loop_, this);
  const auto period = static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(WorkerOptions::kTick).count());
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<Worker*>(timer->data)->tick(); }, period,
      period);
}

void Worker::delist(LiveSession& session) {
  forget_connection(session);
  std::ranges::replace(writing_out_, &session, nullptr);
  if (session.admitted()) {
    --admitted_;
    const auto clients = sessions_of_client_.find(network_of(session.client_address()));
    if (--clients->second == 0) sessions_of_client_.erase(clients);
  }
  const auto place = session.place();
  sessions_[place] = sessions_.back();
  sessions_[place].session->set_place(place);
  sessions_.pop_back();
  if (sessions_.empty()) stop_ticking();
  if (on_session_gone) on_session_gone();
}

void Worker::stop_ticking() { timer_.reset(); }

void Worker::bury(std::shared_ptr<void> dead) {
  graveyard_.push_back(std::move(dead));
  if (graveyard_.size() > 1) return;
  uv_check_start(undertaker_.get(),
                 [](uv_check_t* check) { static_cast<Worker*>(check->data)->empty_graveyard(); });
}

void Worker::empty_graveyard() {
  uv_check_stop(undertaker_.get());
  std::exchange(graveyard_, {}).clear();
}

void Worker::shut_down() {
  stop_ticking();
  end_turn();
  empty_graveyard();
  undertaker_.reset();
  turn_.reset();
}

void Worker::set_due(const LiveSession& session, std::optional<Timestamp> due) {
  sessions_[session.place()].due = due.value_or(Timestamp::max());
}

void Worker::tick() {
  const auto time = now();
  // A session may leave the list while it is told: its place is then taken by the last one.
  for (auto i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size() && sessions_[i].due <= time) sessions_[i].session->on_due();
  }
}

void Worker::each_session(void (*visit)(LiveSession&)) {
  for (auto i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size()) visit(*sessions_[i].session);
  }
}

}  // namespace ftpscope
