// Which sessions wait for a data connection, and where: at the ports that their dialogues have
// announced, or anywhere between their two hosts. Owns no session, and knows nothing of the
// connections that there are: FlowTracker asks for each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/captured_session.h"

namespace ftpscope {

class ExpectedConnections {
 public:
  // Sessions that wait at the same port, or between the same hosts; of more, only the newest are
  // asked.
  static constexpr std::size_t kCandidatesMax = 1024;

  // What this session expects since it was last asked.
  void learn(const std::shared_ptr<CapturedSession>& session);

  struct Found {
    std::shared_ptr<CapturedSession> session;
    std::shared_ptr<CapturedChannel> channel;
  };
  // Whose this connection is; it is from then on. `announced_only`: nobody takes it who was not
  // told of its port.
  std::optional<Found> adopt(const Leg& leg, bool announced_only, Timestamp now);

  // Whether anybody may want a connection between these: false is certain, and quickly said.
  [[nodiscard]] bool awaited(const Endpoint& one, const Endpoint& other) const {
    return at_port_.contains(one.port) || at_port_.contains(other.port) ||
           between_.contains(std::minmax(one.ip, other.ip));
  }

  // How many sessions are not asked any more, because of the limit.
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

 private:
  using Candidates = std::vector<std::weak_ptr<CapturedSession>>;  // the newest behind
  using HostPair = std::pair<IpAddress, IpAddress>;

  static std::optional<Found> ask(const Candidates& candidates, const Leg& leg,
                                  CapturedSession::Fit fit, Timestamp now);
  void add(Candidates& candidates, const std::shared_ptr<CapturedSession>& session);
  void sweep();
  template <class Table>
  void sweep(Table& table);

  std::unordered_map<std::uint16_t, Candidates> at_port_;
  std::map<HostPair, Candidates> between_;
  std::size_t size_ = 0;  // of both, sessions that are over included
  std::size_t sweep_at_ = kCandidatesMax;
  std::uint64_t forgotten_ = 0;
};

}  // namespace ftpscope
