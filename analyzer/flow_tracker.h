// From TCP segments to FTP sessions: which connection is a control connection, which one carries a
// session's data, and which is nothing of ours. Control connections are known by their port, or by
// what is said on them; data connections by what was announced.
//
// Memory is bounded, whatever the capture holds: connections that are not (yet) of a session are
// remembered in two generations, and the older one is forgotten when the younger is full, or when
// what is kept of their bytes is too much; of sessions, the one that was silent for longest is
// ended. Both are told (FTP-CAPTURE-LIMIT). A session is owned here and nowhere else: what else
// points at it (connections, announcements) does not keep its memory.
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
#include "analyzer/expected_connections.h"
#include "analyzer/ftp_likeness.h"

namespace ftpscope {

struct FlowLimits {
  static constexpr std::size_t kFlowsMax = 200'000;    // default of --max-flows
  static constexpr std::size_t kSessionsMax = 10'000;  // default of --max-open-sessions
  static constexpr std::size_t kEarlyMax = 4096;       // bytes of a connection not yet recognised
  // The newest connections, whose segments are kept for a while: packets may be out of order, and
  // the reply that announces one of them may still come.
  static constexpr std::size_t kRecentMax = 64;
  // How far in front of the first byte that was seen a SYN may come late.
  static constexpr std::int32_t kLateSynMax = 65536;
  static constexpr std::size_t kRecentBytesMax = 65536;  // of each
  static constexpr std::size_t kEarlySegmentsMax = 64;   // of a connection not yet recognised
  // What is kept of all connections of no session, with what a segment costs besides its bytes.
  static constexpr std::size_t kEarlyTotalMax = std::size_t{16} << 20U;

  std::size_t flows_max = kFlowsMax;
  std::size_t sessions_max = kSessionsMax;
  std::vector<std::uint16_t> ftp_ports = {21};
  std::uint16_t implicit_tls_port = 990;  // as assigned by IANA to ftps
  DialogueLimits dialogue;
};

class FlowTracker {
 public:
  // `taker` may be null. Both outlive this.
  FlowTracker(FlowLimits limits, RecordSink& sink, DataTaker* taker,
              CertificateNames names_of = nullptr);

  void add(const TcpSegment& segment, Timestamp now);
  void add(const Unreachable& unreachable, Timestamp now);
  // The capture ends.
  void finish(Timestamp now);

  [[nodiscard]] std::uint64_t flows() const { return flows_seen_; }
  [[nodiscard]] std::uint64_t sessions() const { return sessions_seen_; }
  // How many connections were forgotten, and sessions ended early, because of a limit.
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_ + expected_.forgotten(); }

 private:
  // The two ends in an order of their own, so that both directions find the same flow.
  struct Key {
    Endpoint low;
    Endpoint high;
    auto operator<=>(const Key&) const = default;
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
    std::uint32_t first = 0;           // the first sequence number that was seen of it
    std::optional<std::uint32_t> syn;  // that of its SYN
  };
  struct Flow {
    enum class Role : std::uint8_t { unknown, control, data, ignored };
    Role role = Role::unknown;
    bool high_called = false;  // the end that sent the SYN, or else the first segment
    std::array<End, 2> ends;   // low, high
    Timestamp first;
    std::weak_ptr<CapturedSession> session;
    std::weak_ptr<CapturedChannel> channel;
    bool recent = false;
    std::size_t early_bytes = 0;  // payload
    std::unique_ptr<std::vector<EarlySegment>> early;
  };
  using Flows = std::unordered_map<Key, Flow, KeyHash>;

  Flow& flow_of(const Key& key, const TcpSegment& segment, Timestamp now);
  Flow* find(const Key& key);
  void rotate();
  void begin(Flow& flow, const Key& key, const TcpSegment& segment, Timestamp now);
  void note(Flow& flow, const Key& key, const TcpSegment& segment) const;
  [[nodiscard]] bool is_reused(const Flow& flow, const Key& key, const TcpSegment& segment) const;
  void drop(Flow& flow, Timestamp now);

  void add_unknown(Flow& flow, const Key& key, const TcpSegment& segment, Timestamp now);
  void recognise(Flow& flow, const Key& key);
  void recognise_rest();
  void add_control(Flow& flow, const TcpSegment& segment, Timestamp now);
  void add_data(Flow& flow, const TcpSegment& segment, Timestamp now);
  bool adopt(Flow& flow, const Key& key, Timestamp now);
  bool adopt(Flow& flow, const Endpoint& caller, const Endpoint& listener, Timestamp now);
  [[nodiscard]] Likeness judge(const Flow& flow, const Key& key, bool& high_is_client) const;
  void find_twin(const Flow& flow, const std::shared_ptr<CapturedSession>& session);
  void open_session(Flow& flow, const Key& key, bool high_is_client);
  void keep(Flow& flow, const TcpSegment& segment, Timestamp now);
  std::unique_ptr<std::vector<EarlySegment>> take_early(Flow& flow);
  void forget_recent();
  void look_back();
  void end_session(const std::shared_ptr<CapturedSession>& session, Timestamp now);
  void let_go(Flow& flow, Timestamp now);
  void make_room(Timestamp now);
  void find_quietest();
  [[nodiscard]] bool is_ftp_port(std::uint16_t port) const;

  FlowLimits limits_;
  RecordSink& sink_;
  DataTaker* taker_;
  CertificateNames names_of_;
  Flows young_;
  Flows old_;
  // Sessions that are not over, in the order of their start.
  std::map<std::string, std::shared_ptr<CapturedSession>> sessions_;
  ExpectedConnections expected_;
  // Sessions seen from their first packets, by both ends' initial sequence numbers: a middlebox
  // that translates addresses leaves these as they are.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::weak_ptr<CapturedSession>> by_numbers_;
  // The sessions that were silent for longest when it was last looked, the quietest behind.
  struct Quiet {
    std::weak_ptr<CapturedSession> session;
    Timestamp last_seen;
  };
  std::vector<Quiet> quietest_;
  std::size_t early_total_ = 0;  // see kEarlyTotalMax
  std::deque<Key> recent_;       // connections of no session, oldest first
  std::uint64_t flows_seen_ = 0;
  std::uint64_t sessions_seen_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace ftpscope
