// From TCP segments to FTP sessions: which connection is a control connection, which one carries a
// session's data, and which is nothing of ours. Control connections are known by their port, or by
// what is said on them; data connections by what was announced.
//
// Memory is bounded, whatever the capture holds: connections that are not (yet) of a session are
// remembered in two generations and forgotten when both are full; of sessions, the one that was
// silent for longest is ended. Both are told (FTP-CAPTURE-LIMIT).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/captured_session.h"
#include "analyzer/ftp_likeness.h"

namespace ftpscope {

struct FlowLimits {
  static constexpr std::size_t kFlowsMax = 200'000;    // default of --max-flows
  static constexpr std::size_t kSessionsMax = 10'000;  // default of --max-open-sessions
  static constexpr std::size_t kEarlyMax = 4096;       // bytes of a connection not yet recognised
  // The newest connections, whose segments are kept for a while: packets may be out of order, and
  // the reply that announces one of them may still come.
  static constexpr std::size_t kRecentMax = 64;
  static constexpr std::size_t kRecentBytesMax = 65536;  // of each

  std::size_t flows_max = kFlowsMax;
  std::size_t sessions_max = kSessionsMax;
  std::vector<std::uint16_t> ftp_ports = {21};
  std::uint16_t implicit_tls_port = 990;  // as assigned by IANA to ftps
  DialogueLimits dialogue;
};

class FlowTracker {
 public:
  // `taker` may be null. Both outlive this.
  FlowTracker(const FlowLimits& limits, RecordSink& sink, DataTaker* taker);

  void add(const TcpSegment& segment, Timestamp now);
  void add(const Unreachable& unreachable, Timestamp now);
  // The capture ends.
  void finish(Timestamp now);

  [[nodiscard]] std::uint64_t flows() const { return flows_seen_; }
  [[nodiscard]] std::uint64_t sessions() const { return sessions_seen_; }
  // How many connections were forgotten, and sessions ended early, because of a limit.
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

 private:
  // The two ends in an order of their own, so that both directions find the same flow.
  struct Key {
    Endpoint low;
    Endpoint high;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct EarlySegment {
    TcpSegment segment;  // its payload is in `bytes`
    std::string bytes;
    Timestamp time;
  };
  // What is known of one end of a connection.
  struct End {
    bool seen = false;
    std::optional<std::uint32_t> syn;  // its sequence number
  };
  struct Flow {
    enum class Role : std::uint8_t { unknown, control, data, ignored };
    Role role = Role::unknown;
    bool high_called = false;  // the end that sent the SYN, or else the first segment
    std::array<End, 2> ends;   // low, high
    Timestamp first;
    std::shared_ptr<CapturedSession> session;
    std::shared_ptr<CapturedChannel> channel;
    bool recent = false;
    std::size_t early_bytes = 0;
    std::unique_ptr<std::vector<EarlySegment>> early;
  };
  using Flows = std::unordered_map<Key, Flow, KeyHash>;
  using HostPair = std::pair<IpAddress, IpAddress>;

  Flow& flow_of(const Key& key, const TcpSegment& segment, Timestamp now);
  void rotate();
  void begin(Flow& flow, const Key& key, const TcpSegment& segment, Timestamp now);
  void note(Flow& flow, const Key& key, const TcpSegment& segment) const;
  [[nodiscard]] bool is_reused(const Flow& flow, const Key& key, const TcpSegment& segment) const;
  void drop(Flow& flow, Timestamp now);

  void add_unknown(Flow& flow, const Key& key, const TcpSegment& segment, Timestamp now);
  void add_control(Flow& flow, const TcpSegment& segment, Timestamp now);
  void add_data(Flow& flow, const TcpSegment& segment, Timestamp now);
  bool adopt(Flow& flow, const Key& key, Timestamp now);
  bool adopt(Flow& flow, const Endpoint& caller, const Endpoint& listener, Timestamp now);
  [[nodiscard]] Likeness judge(const Flow& flow, const Key& key, bool& high_is_client) const;
  void find_twin(const Flow& flow);
  void open_session(Flow& flow, const Key& key, bool high_is_client);
  void keep(Flow& flow, const TcpSegment& segment, Timestamp now) const;
  void forget_recent();
  void look_back();
  // A session waits for a connection with such an end, or for any between these hosts.
  [[nodiscard]] bool awaited(const Key& key) const;
  void learn(const std::shared_ptr<CapturedSession>& session);
  void end_session(const std::shared_ptr<CapturedSession>& session, Timestamp now);
  void let_go(Flow& flow, Timestamp now);
  void make_room(Timestamp now);
  [[nodiscard]] bool is_ftp_port(std::uint16_t port) const;

  FlowLimits limits_;
  RecordSink& sink_;
  DataTaker* taker_;
  Flows young_;
  Flows old_;
  // Sessions that are not over, in the order of their start; and where their data may appear.
  std::map<std::string, std::shared_ptr<CapturedSession>> sessions_;
  std::unordered_map<std::uint16_t, std::vector<std::weak_ptr<CapturedSession>>> announced_;
  std::map<HostPair, std::vector<std::weak_ptr<CapturedSession>>> any_;
  // Sessions seen from their first packets, by both ends' initial sequence numbers: a middlebox
  // that translates addresses leaves these as they are.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::weak_ptr<CapturedSession>> by_numbers_;
  std::deque<Key> recent_;  // connections of no session, oldest first
  std::uint64_t flows_seen_ = 0;
  std::uint64_t sessions_seen_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace ftpscope
