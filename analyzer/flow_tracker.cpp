#include "analyzer/flow_tracker.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <ranges>

#include "analyzer/recorder.h"

namespace ftpscope {

namespace {

// Of one direction, from segments that may be out of order or repeated: enough to recognise it.
std::string joined(std::vector<std::pair<std::uint32_t, std::string_view>> pieces) {
  std::ranges::stable_sort(pieces, [](const auto& a, const auto& b) {
    return static_cast<std::int32_t>(a.first - b.first) < 0;  // sequence numbers wrap
  });
  std::string text;
  std::optional<std::uint32_t> next;
  for (const auto& [seq, bytes] : pieces) {
    const auto at = next.value_or(seq);
    const auto known = static_cast<std::int32_t>(at - seq);
    if (known < 0) break;  // a hole
    const auto skip = std::min(static_cast<std::size_t>(known), bytes.size());
    text.append(bytes.substr(skip));
    next = at + static_cast<std::uint32_t>(bytes.size() - skip);
  }
  return text;
}

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

FlowTracker::FlowTracker(const FlowLimits& limits, RecordSink& sink, DataTaker* taker)
    : limits_(limits), sink_(sink), taker_(taker) {}

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
    if (auto node = old_.extract(key)) {
      found = young_.insert(std::move(node)).position;
    } else {
      found = young_.try_emplace(key).first;
      begin(found->second, key, segment, now);
    }
    if (young_.size() > std::max<std::size_t>(limits_.flows_max / 2, 1)) {
      rotate();
      found = old_.find(key);  // where all the young ones are now
      found = young_.insert(old_.extract(found)).position;
    }
    return found->second;
  }
  if (is_reused(found->second, key, segment)) {
    drop(found->second, now);
    found->second = Flow{};
    begin(found->second, key, segment, now);
  }
  return found->second;
}

// Forgets the older generation, but for what belongs to a session.
void FlowTracker::rotate() {
  for (auto it = old_.begin(); it != old_.end();) {
    const auto next = std::next(it);
    if (it->second.session && !it->second.session->finished()) {
      young_.insert(old_.extract(it));
    } else {
      ++forgotten_;
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

void FlowTracker::forget_recent() {
  const auto key = recent_.front();
  recent_.pop_front();
  for (auto* flows : {&young_, &old_}) {
    const auto found = flows->find(key);
    if (found == flows->end()) continue;
    auto& flow = found->second;
    flow.recent = false;
    if (flow.role == Flow::Role::ignored) flow.early.reset();
  }
}

void FlowTracker::keep(Flow& flow, const TcpSegment& segment, Timestamp now) const {
  if (flow.early_bytes + segment.payload.size() > FlowLimits::kRecentBytesMax) return;
  constexpr std::size_t kSegmentsMax = 64;
  if (!flow.early) flow.early = std::make_unique<std::vector<EarlySegment>>();
  if (flow.early->size() >= kSegmentsMax) return;
  flow.early_bytes += segment.payload.size();
  flow.early->push_back({segment, std::string(segment.payload), now});
}

// An announcement that stands behind the first packets of the connection that it announces, or that
// is missing, as is known by now.
void FlowTracker::look_back() {
  for (const auto& key : std::views::reverse(recent_)) {
    if (!awaited(key)) continue;
    const auto found = young_.find(key);
    if (found == young_.end()) continue;
    auto& flow = found->second;
    const bool taken = flow.role == Flow::Role::control || flow.role == Flow::Role::data;
    if (taken || !flow.early || !adopt(flow, key, flow.early->front().time)) continue;
    const auto early = std::move(flow.early);
    for (auto& [segment, bytes, time] : *early) {
      segment.payload = bytes;
      if (flow.role == Flow::Role::data) add_data(flow, segment, time);
    }
  }
}

bool FlowTracker::awaited(const Key& key) const {
  return announced_.contains(key.low.port) || announced_.contains(key.high.port) ||
         any_.contains(std::minmax(key.low.ip, key.high.ip));
}

void FlowTracker::note(Flow& flow, const Key& key, const TcpSegment& segment) const {
  auto& end = flow.ends[segment.from == key.high ? 1 : 0];
  end.seen = true;
  if (segment.syn() && !end.syn) end.syn = segment.seq;
}

// The ports of a connection that is over, or that died unseen, serve a new one.
bool FlowTracker::is_reused(const Flow& flow, const Key& key, const TcpSegment& segment) const {
  if (!segment.syn() || segment.has_ack()) return false;
  const auto& end = flow.ends[segment.from == key.high ? 1 : 0];
  return end.seen && end.syn != segment.seq;
}

void FlowTracker::drop(Flow& flow, Timestamp now) {
  if (flow.role == Flow::Role::control) end_session(flow.session, now);
  if (flow.role == Flow::Role::data && flow.channel) flow.session->abandon(*flow.channel, now);
}

// Whether it is the connection that a session waits for. Who called may be unknown.
bool FlowTracker::adopt(Flow& flow, const Key& key, Timestamp now) {
  const auto& caller = flow.high_called ? key.high : key.low;
  const auto& listener = flow.high_called ? key.low : key.high;
  return adopt(flow, caller, listener, now) || adopt(flow, listener, caller, now);
}

bool FlowTracker::adopt(Flow& flow, const Endpoint& caller, const Endpoint& listener,
                        Timestamp now) {
  using enum CapturedSession::Fit;
  const auto ask = [&](std::vector<std::weak_ptr<CapturedSession>>& candidates,
                       CapturedSession::Fit fit) {
    std::erase_if(candidates, [](const auto& session) {
      const auto there = session.lock();
      return !there || there->finished();
    });
    for (const auto& candidate : std::views::reverse(candidates)) {
      const auto session = candidate.lock();
      flow.channel = session->adopt(caller, listener, fit, now);
      if (!flow.channel) continue;
      flow.role = Flow::Role::data;
      flow.session = session;
      return true;
    }
    return false;
  };
  if (const auto found = announced_.find(listener.port); found != announced_.end()) {
    if (ask(found->second, exact) || ask(found->second, loose)) return true;
    if (found->second.empty()) announced_.erase(found);
  }
  const auto hosts = std::minmax(caller.ip, listener.ip);
  const auto found = any_.find(hosts);
  const bool control = is_ftp_port(listener.port) || is_ftp_port(caller.port);
  return found != any_.end() && !control && ask(found->second, loose);
}

void FlowTracker::add_unknown(Flow& flow, const Key& key, const TcpSegment& segment,
                              Timestamp now) {
  if (flow.recent || segment.length > 0) keep(flow, segment, now);
  if (segment.length == 0 || !flow.early) return;
  bool high_is_client = flow.high_called;
  switch (judge(flow, key, high_is_client)) {
    case Likeness::yes: open_session(flow, key, high_is_client); return;
    case Likeness::no:
      flow.role = Flow::Role::ignored;
      if (!flow.recent) flow.early.reset();
      return;
    case Likeness::undecided: return;
  }
}

Likeness FlowTracker::judge(const Flow& flow, const Key& key, bool& high_is_client) const {
  const bool started = flow.ends[0].syn || flow.ends[1].syn;
  const bool ftp_port = is_ftp_port(key.low.port) || is_ftp_port(key.high.port);
  if (ftp_port) {
    const auto listener = flow.high_called ? key.low.port : key.high.port;
    if (!started || !is_ftp_port(listener)) high_is_client = is_ftp_port(key.low.port);
    return Likeness::yes;
  }
  std::array<std::vector<std::pair<std::uint32_t, std::string_view>>, 2> pieces;
  std::size_t size = 0;
  for (const auto& early : *flow.early) {
    if (early.bytes.empty()) continue;
    pieces[early.segment.from == key.high ? 1 : 0].emplace_back(early.segment.seq, early.bytes);
    size += early.bytes.size();
  }
  const std::array<std::string, 2> text = {joined(std::move(pieces[0])),
                                           joined(std::move(pieces[1]))};
  if (!started) high_is_client = sends_replies(text[0]) || !sends_replies(text[1]);
  const auto client = static_cast<std::size_t>(high_is_client);
  const auto likeness =
      ftp_likeness({.from_client = text[client],
                    .from_server = text[1 - client],
                    .from_the_start = started,
                    .one_direction = !flow.ends[1 - client].seen || !flow.ends[client].seen});
  const bool enough = size >= FlowLimits::kEarlyMax;
  return likeness == Likeness::undecided && enough ? Likeness::no : likeness;
}

void FlowTracker::find_twin(const Flow& flow) {
  if (!flow.ends[0].syn || !flow.ends[1].syn) return;
  const auto caller = flow.ends[flow.high_called ? 1 : 0].syn;
  const auto listener = flow.ends[flow.high_called ? 0 : 1].syn;
  auto& known = by_numbers_[{*caller, *listener}];
  const auto other = known.lock();
  if (other && !other->finished() && other != flow.session) flow.session->is_twin_of(*other);
  known = flow.session;
  // Now and then, so that it costs nothing: what is over.
  if (by_numbers_.size() > 2 * sessions_.size() + FlowLimits::kRecentMax) {
    std::erase_if(by_numbers_, [](const auto& entry) { return entry.second.expired(); });
  }
}

void FlowTracker::open_session(Flow& flow, const Key& key, bool high_is_client) {
  const auto& client = high_is_client ? key.high : key.low;
  const auto& server = high_is_client ? key.low : key.high;
  make_room(flow.first);
  const auto name = session_name(flow.first, ++sessions_seen_);
  flow.role = Flow::Role::control;
  if (std::exchange(flow.recent, false)) std::erase(recent_, key);
  flow.session = std::make_shared<CapturedSession>(name, CapturedSession::Ends{client, server},
                                                   limits_.dialogue, sink_, taker_);
  sessions_.emplace(name, flow.session);
  flow.session->on_expecting([this, session = std::weak_ptr(flow.session)] {
    if (const auto there = session.lock()) learn(there);
  });
  const auto& client_syn = flow.ends[high_is_client ? 1 : 0].syn;
  const auto& server_syn = flow.ends[high_is_client ? 0 : 1].syn;
  using enum CapturedSession::Beginning;
  flow.session->begin(flow.first, limits_.implicit_tls_port == server.port ? encrypted
                                  : client_syn                             ? seen
                                                                           : missed);
  find_twin(flow);
  TcpSegment way;
  way.from = client;
  way.to = server;
  if (client_syn) flow.session->segment(syn_of(way, *client_syn), Side::client, flow.first);
  std::swap(way.from, way.to);
  if (server_syn) flow.session->segment(syn_of(way, *server_syn), Side::server, flow.first);
  const auto early = std::move(flow.early);
  for (auto& [segment, bytes, time] : *early) {
    if (flow.role != Flow::Role::control) return;  // one of them was its end
    segment.payload = bytes;
    add_control(flow, segment, time);
  }
}

void FlowTracker::add_control(Flow& flow, const TcpSegment& segment, Timestamp now) {
  const auto session = flow.session;
  if (session->finished()) return;
  session->segment(segment, segment.from == session->ends().client ? Side::client : Side::server,
                   now);
  if (session->over()) let_go(flow, now);
}

void FlowTracker::add_data(Flow& flow, const TcpSegment& segment, Timestamp now) {
  if (!flow.session->data_segment(*flow.channel, segment, now)) let_go(flow, now);
}

// The connection is over. The session may be, too.
void FlowTracker::let_go(Flow& flow, Timestamp now) {
  const auto session = std::move(flow.session);
  flow.channel.reset();
  flow.role = Flow::Role::ignored;
  flow.recent = false;
  if (session->over()) end_session(session, now);
}

// Where a session's data connections may appear.
void FlowTracker::learn(const std::shared_ptr<CapturedSession>& session) {
  const auto ports = session->take_announced();
  for (const auto port : ports) announced_[port].push_back(session);
  if (session->takes_any()) {
    auto& known = any_[std::minmax(session->ends().client.ip, session->ends().server.ip)];
    const auto same = [&](const auto& other) { return other.lock() == session; };
    if (std::ranges::none_of(known, same)) known.push_back(session);
  }
  look_back();
}

void FlowTracker::end_session(const std::shared_ptr<CapturedSession>& session, Timestamp now) {
  const auto kept = session;  // the table's own may be the last
  kept->finish(now);
  sessions_.erase(kept->name());
}

void FlowTracker::make_room(Timestamp now) {
  if (sessions_.size() < std::max<std::size_t>(limits_.sessions_max, 1)) return;
  ++forgotten_;
  const auto idle = std::ranges::min_element(
      sessions_, {}, [](const auto& entry) { return entry.second->last_seen(); });
  end_session(idle->second, now);
}

void FlowTracker::add(const Unreachable& unreachable, Timestamp now) {
  if (unreachable.syn == false) return;
  const bool low_first = unreachable.from < unreachable.to;
  const Key key =
      low_first ? Key{unreachable.from, unreachable.to} : Key{unreachable.to, unreachable.from};
  const auto found = young_.find(key);
  if (found == young_.end() || found->second.role != Flow::Role::data) return;
  auto& flow = found->second;
  flow.session->data_unreachable(*flow.channel, unreachable.reporter, now);
  if (flow.channel->closed) let_go(flow, now);
}

void FlowTracker::finish(Timestamp now) {
  // What has not been recognised by now is not: a few bytes prove nothing.
  while (!sessions_.empty()) end_session(sessions_.begin()->second, now);
}

}  // namespace ftpscope
