#include "analyzer/expected_connections.h"

#include <algorithm>
#include <ranges>

namespace ftpscope {

void ExpectedConnections::learn(const std::shared_ptr<CapturedSession>& session) {
  for (const auto port : session->take_announced()) add(at_port_[port], session);
  if (session->takes_any()) {
    add(between_[std::minmax(session->ends().client.ip, session->ends().server.ip)], session);
  }
  if (size_ >= sweep_at_) sweep();
}

void ExpectedConnections::add(Candidates& candidates,
                              const std::shared_ptr<CapturedSession>& session) {
  const auto same = [&](const auto& known) {
    return !known.owner_before(session) && !session.owner_before(known);
  };
  if (const auto known = std::ranges::find_if(candidates, same); known != candidates.end()) {
    std::rotate(known, known + 1, candidates.end());  // its newest announcement counts
    return;
  }
  if (candidates.size() >= kCandidatesMax) {
    candidates.erase(candidates.begin());
    --size_;
    ++forgotten_;
  }
  candidates.push_back(session);
  ++size_;
}

// Removes the sessions that are over: when there may be as many of them as of others, so that each
// is looked at a few times only.
void ExpectedConnections::sweep() {
  size_ = 0;
  sweep(at_port_);
  sweep(between_);
  sweep_at_ = 2 * size_ + kCandidatesMax;
}

template <class Table>
void ExpectedConnections::sweep(Table& table) {
  for (auto it = table.begin(); it != table.end();) {
    auto& candidates = it->second;
    std::erase_if(candidates, [](const auto& session) { return session.expired(); });
    candidates.shrink_to_fit();
    size_ += candidates.size();
    it = candidates.empty() ? table.erase(it) : std::next(it);
  }
}

std::optional<ExpectedConnections::Found> ExpectedConnections::adopt(const Leg& leg,
                                                                     bool announced_only,
                                                                     Timestamp now) {
  using enum CapturedSession::Fit;
  if (const auto here = at_port_.find(leg.to.port); here != at_port_.end()) {
    if (auto found = ask(here->second, leg, exact, now)) return found;
    if (auto found = ask(here->second, leg, loose, now)) return found;
  }
  if (announced_only) return std::nullopt;
  const auto here = between_.find(std::minmax(leg.from.ip, leg.to.ip));
  return here == between_.end() ? std::nullopt : ask(here->second, leg, loose, now);
}

std::optional<ExpectedConnections::Found> ExpectedConnections::ask(const Candidates& candidates,
                                                                   const Leg& leg,
                                                                   CapturedSession::Fit fit,
                                                                   Timestamp now) {
  for (const auto& candidate : std::views::reverse(candidates)) {
    auto session = candidate.lock();
    if (!session) continue;
    if (auto channel = session->adopt(leg.from, leg.to, fit, now)) return Found{session, channel};
  }
  return std::nullopt;
}

}  // namespace ftpscope
