#include "analyzer/flow_tracker.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <ranges>
#include <utility>

#include "analyzer/recorder.h"

namespace ftpscope {

namespace {

TcpSegment syn_of(const TcpSegment& like, std::uint32_t seq) {
  TcpSegment syn;
  syn.from = like.from;
  syn.to = like.to;
  syn.seq = seq;
  syn.flags = TcpSegment::kSyn;
  return syn;
}

}  // namespace

std::size_t FlowTracker::KeyHash::operator()(const Key& key) const {
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15ULL;
  std::uint64_t hash = 0;
  const auto add = [&hash](std::uint64_t value) {
    hash = (hash ^ value) * kSpread;
    hash ^= hash >> 32U;
  };
  for (const auto* end : {&key.low, &key.high}) {
    const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(end->ip.bytes);
    add(halves[0] + end->port);
    if (end->ip.v6) add(halves[1]);
  }
  return hash;
}

FlowTracker::FlowTracker(FlowLimits limits, RecordSink& sink, DataTaker* taker,
                         CertificateNames names_of)
    : limits_(std::move(limits)), sink_(sink), taker_(taker), names_of_(names_of) {}

bool FlowTracker::is_ftp_port(std::uint16_t port) const {
  if (port == limits_.implicit_tls_port) return true;
  return std::ranges::find(limits_.ftp_ports, port) != limits_.ftp_ports.end();
}

void FlowTracker::add(const TcpSegment& segment, Timestamp now) {
  const bool low_first = segment.from < segment.to;
  const Key key = low_first ? Key{segment.from, segment.to} : Key{segment.to, segment.from};
  auto& flow = flow_of(key, segment, now);
  note(flow, key, segment);
  switch (flow.role) {
    case Flow::Role::unknown: add_unknown(flow, key, segment, now); return;
    case Flow::Role::control: add_control(flow, segment, now); return;
    case Flow::Role::data: add_data(flow, segment, now); return;
    case Flow::Role::ignored:
      if (flow.recent) keep(flow, segment, now);
      return;
  }
}

FlowTracker::Flow& FlowTracker::flow_of(const Key& key, const TcpSegment& segment, Timestamp now) {
  auto found = young_.find(key);
  if (found == young_.end()) {
    const bool full = young_.size() >= std::max<std::size_t>(limits_.flows_max / 2, 1);
    if (full || early_total_ > FlowLimits::kEarlyTotalMax) rotate();
    auto node = old_.extract(key);
    const bool known = !node.empty();
    found = known ? young_.insert(std::move(node)).position : young_.try_emplace(key).first;
    if (!known) {
      begin(found->second, key, segment, now);
      return found->second;
    }
  }
  if (is_reused(found->second, key, segment)) {
    drop(found->second, now);
    take_early(found->second);
    found->second = Flow{};
    begin(found->second, key, segment, now);
  }
  return found->second;
}

// Forgets the older generation, but for what belongs to a session.
void FlowTracker::rotate() {
  for (auto it = old_.begin(); it != old_.end();) {
    const auto next = std::next(it);
    if (!it->second.session.expired()) {
      young_.insert(old_.extract(it));
    } else {
      ++forgotten_;
      take_early(it->second);
    }
    it = next;
  }
  old_.clear();
  std::swap(young_, old_);
}

void FlowTracker::begin(Flow& flow, const Key& key, const TcpSegment& segment, Timestamp now) {
  ++flows_seen_;
  flow.first = now;
  const bool answer = segment.syn() && segment.has_ack();
  flow.high_called = key.high == (answer ? segment.to : segment.from);
  if (adopt(flow, key, now)) return;
  flow.recent = true;
  recent_.push_back(key);
  if (recent_.size() > FlowLimits::kRecentMax) forget_recent();
}

FlowTracker::Flow* FlowTracker::find(const Key& key) {
  for (auto* flows : {&young_, &old_}) {
    if (const auto found = flows->find(key); found != flows->end()) return &found->second;
  }
  return nullptr;
}

void FlowTracker::forget_recent() {
  auto* const flow = find(recent_.front());
  recent_.pop_front();
  if (!flow) return;
  flow->recent = false;
  if (flow->role == Flow::Role::ignored) take_early(*flow);
}

void FlowTracker::keep(Flow& flow, const TcpSegment& segment, Timestamp now) {
  if (flow.early_bytes + segment.payload.size() > FlowLimits::kRecentBytesMax) return;
  if (!flow.early) flow.early = std::make_unique<std::vector<EarlySegment>>();
  if (flow.early->size() >= FlowLimits::kEarlySegmentsMax) return;
  flow.early_bytes += segment.payload.size();
  early_total_ += sizeof(EarlySegment) + segment.payload.size();
  flow.early->push_back({segment, std::string(segment.payload), now});
}

std::unique_ptr<std::vector<FlowTracker::EarlySegment>> FlowTracker::take_early(Flow& flow) {
  if (flow.early) early_total_ -= flow.early->size() * sizeof(EarlySegment) + flow.early_bytes;
  flow.early_bytes = 0;
  return std::move(flow.early);
}

// An announcement that stands behind the first packets of the connection that it announces, or that
// is missing, as is known by now.
void FlowTracker::look_back() {
  for (const auto& key : std::views::reverse(recent_)) {
    if (!expected_.awaited(key.low, key.high)) continue;
    auto* const found = find(key);
    if (!found || !found->early) continue;
    auto& flow = *found;
    const bool taken = flow.role == Flow::Role::control || flow.role == Flow::Role::data;
    if (taken || !adopt(flow, key, flow.early->front().time)) continue;
    const auto early = take_early(flow);
    for (auto& [segment, bytes, time] : *early) {
      segment.payload = bytes;
      if (flow.role == Flow::Role::data) add_data(flow, segment, time);
    }
  }
}

void FlowTracker::note(Flow& flow, const Key& key, const TcpSegment& segment) const {
  auto& end = flow.ends[segment.from == key.high ? 1 : 0];
  if (!end.seen) end.first = segment.seq;
  end.seen = true;
  if (!segment.syn()) return;
  if (!end.syn) end.syn = segment.seq;
  flow.high_called = key.high == (segment.has_ack() ? segment.to : segment.from);
}

// The ports of a connection that is over, or that died unseen, serve a new one.
bool FlowTracker::is_reused(const Flow& flow, const Key& key, const TcpSegment& segment) const {
  if (!segment.syn() || segment.has_ack()) return false;
  const auto& end = flow.ends[segment.from == key.high ? 1 : 0];
  if (!end.seen || end.syn == segment.seq) return false;
  // Not a new one: the SYN of this one, behind what came after it.
  const auto behind = static_cast<std::int32_t>(end.first - segment.seq);
  return end.syn || behind <= 0 || behind > FlowLimits::kLateSynMax;
}

void FlowTracker::drop(Flow& flow, Timestamp now) {
  const auto session = flow.session.lock();
  const auto channel = flow.channel.lock();
  if (session && flow.role == Flow::Role::control) end_session(session, now);
  if (session && channel) session->abandon(*channel, now);
}

// Whether it is the connection that a session waits for. Who called may be unknown.
bool FlowTracker::adopt(Flow& flow, const Key& key, Timestamp now) {
  const auto& caller = flow.high_called ? key.high : key.low;
  const auto& listener = flow.high_called ? key.low : key.high;
  return adopt(flow, caller, listener, now) || adopt(flow, listener, caller, now);
}

bool FlowTracker::adopt(Flow& flow, const Endpoint& caller, const Endpoint& listener,
                        Timestamp now) {
  const bool control = is_ftp_port(listener.port) || is_ftp_port(caller.port);
  const auto found = expected_.adopt({caller, listener}, control, now);
  if (!found) return false;
  flow.role = Flow::Role::data;
  flow.session = found->session;
  flow.channel = found->channel;
  return true;
}

void FlowTracker::find_twin(const Flow& flow, const std::shared_ptr<CapturedSession>& session) {
  if (!flow.ends[0].syn || !flow.ends[1].syn) return;
  const auto caller = flow.ends[flow.high_called ? 1 : 0].syn;
  const auto listener = flow.ends[flow.high_called ? 0 : 1].syn;
  auto& known = by_numbers_[{*caller, *listener}];
  const auto other = known.lock();
  if (other && !other->finished() && other != session) session->is_twin_of(*other);
  known = session;
  // Now and then, so that it costs nothing: what is over.
  if (by_numbers_.size() > 2 * sessions_.size() + FlowLimits::kRecentMax) {
    std::erase_if(by_numbers_, [](const auto& entry) { return entry.second.expired(); });
  }
}

void FlowTracker::open_session(Flow& flow, const Key& key, bool high_is_client) {
  const auto& client = high_is_client ? key.high : key.low;
  const auto& server = high_is_client ? key.low : key.high;
  flow.role = Flow::Role::control;  // first: who is ended for it may look for data connections
  make_room(flow.first);
  const auto name = session_name(flow.first, ++sessions_seen_);
  if (std::exchange(flow.recent, false)) std::erase(recent_, key);
  // Not make_shared: there a weak_ptr keeps the memory of the session itself.
  const std::shared_ptr<CapturedSession> session = std::make_unique<CapturedSession>(
      name, CapturedSession::Ends{client, server}, limits_.dialogue, sink_, taker_, names_of_);
  flow.session = session;
  sessions_.emplace(name, session);
  session->on_expecting([this, session = std::weak_ptr(session)] {
    if (const auto there = session.lock()) expected_.learn(there);
    look_back();
  });
  const auto& client_syn = flow.ends[high_is_client ? 1 : 0].syn;
  const auto& server_syn = flow.ends[high_is_client ? 0 : 1].syn;
  using enum CapturedSession::Beginning;
  session->begin(flow.first, limits_.implicit_tls_port == server.port ? encrypted
                             : client_syn                             ? seen
                                                                      : missed);
  find_twin(flow, session);
  TcpSegment way;
  way.from = client;
  way.to = server;
  if (client_syn) session->segment(syn_of(way, *client_syn), Side::client, flow.first);
  std::swap(way.from, way.to);
  if (server_syn) session->segment(syn_of(way, *server_syn), Side::server, flow.first);
  const auto early = take_early(flow);
  for (auto& [segment, bytes, time] : *early) {
    if (flow.role != Flow::Role::control) return;  // one of them was its end
    segment.payload = bytes;
    add_control(flow, segment, time);
  }
}

void FlowTracker::add_control(Flow& flow, const TcpSegment& segment, Timestamp now) {
  const auto session = flow.session.lock();
  if (!session || session->finished()) return;
  session->segment(segment, segment.from == session->ends().client ? Side::client : Side::server,
                   now);
  if (session->over()) let_go(flow, now);
}

void FlowTracker::add_data(Flow& flow, const TcpSegment& segment, Timestamp now) {
  const auto session = flow.session.lock();
  const auto channel = flow.channel.lock();
  const bool open = session && channel && session->data_segment(*channel, segment, now);
  if (!open || session->over()) let_go(flow, now);
}

// The connection is over. The session may be, too.
void FlowTracker::let_go(Flow& flow, Timestamp now) {
  const auto session = flow.session.lock();
  flow.session.reset();
  flow.channel.reset();
  flow.role = Flow::Role::ignored;
  flow.recent = false;
  if (session && session->over()) end_session(session, now);
}

void FlowTracker::end_session(const std::shared_ptr<CapturedSession>& session, Timestamp now) {
  const auto own = sessions_.extract(session->name());  // it lives as long as this
  session->finish(now);
}

void FlowTracker::make_room(Timestamp now) {
  while (sessions_.size() >= std::max<std::size_t>(limits_.sessions_max, 1)) {
    if (quietest_.empty()) find_quietest();
    const auto quiet = std::move(quietest_.back());
    quietest_.pop_back();
    const auto session = quiet.session.lock();
    if (!session || session->last_seen() != quiet.last_seen) continue;  // not quiet any more
    ++forgotten_;
    end_session(session, now);
  }
}

// One sixteenth of the sessions: a look at all of them for each new one would take too long.
void FlowTracker::find_quietest() {
  constexpr std::size_t kPart = 16;
  for (const auto& [name, session] : sessions_)
    quietest_.push_back({session, session->last_seen()});
  const auto some = quietest_.begin() + static_cast<std::ptrdiff_t>(quietest_.size() / kPart + 1);
  std::ranges::partial_sort(quietest_, some, {}, &Quiet::last_seen);
  quietest_.erase(some, quietest_.end());
  std::ranges::reverse(quietest_);
}

void FlowTracker::add(const Unreachable& unreachable, Timestamp now) {
  if (unreachable.syn == false) return;
  const bool low_first = unreachable.from < unreachable.to;
  const Key key =
      low_first ? Key{unreachable.from, unreachable.to} : Key{unreachable.to, unreachable.from};
  auto* const flow = find(key);
  const auto session = flow ? flow->session.lock() : nullptr;
  const auto channel = flow ? flow->channel.lock() : nullptr;
  if (!session || !channel) return;
  session->data_unreachable(*channel, unreachable.reporter, now);
  if (channel->closed) let_go(*flow, now);
}

void FlowTracker::finish(Timestamp now) {
  recognise_rest();
  while (!sessions_.empty()) end_session(sessions_.begin()->second, now);
}

}  // namespace ftpscope
