// One data channel that the kernel translates. It has a port of ours that nobody else can have, an
// expectation for the one who is to connect to it, and afterwards eyes only: SYN, FIN and RST tell
// when it began, how it ended and, by their sequence numbers, how many bytes there were.
#pragma once

#include <array>
#include <memory>

#include "proxy/io/conntrack_entries.h"
#include "proxy/io/data_path.h"
#include "proxy/io/descriptor.h"
#include "proxy/io/nft_expectations.h"

namespace ftpscope {

class KernelPath;
class LiveSession;
class Worker;
struct TcpSegment;

class KernelChannel final : public DataPath {
 public:
  // Segments that were not told of (more came than the socket holds) are noticed after that long.
  static constexpr Duration kLookPeriod = std::chrono::seconds(10);

  KernelChannel(KernelPath& path, LiveSession& session, const Exposure& exposure);
  ~KernelChannel() override;

  // Begins. The port, or why it must be the relay (a literal, or text of the path's).
  std::expected<std::uint16_t, std::string_view> open();

  [[nodiscard]] ChannelId id() const override { return exposure_.channel; }
  [[nodiscard]] bool closed() const override { return closed_; }
  [[nodiscard]] bool told() const override { return closed_; }
  [[nodiscard]] bool awaits_peer() const override { return !peer_; }
  [[nodiscard]] bool connecting() const override { return peer_.has_value(); }

  // Unless its peers have ended it themselves: conntrack forgets it, and both are told.
  void close(ChannelEnd how, std::optional<Side> first, std::string_view why = {}) override;

  void watch(Duration, Timestamp) override {}  // no reply is held for it: there is nothing to tell
  void on_due(Timestamp now) override;
  [[nodiscard]] std::optional<Timestamp> due() const override;

  // Segments of it, as on the wire. To the port of ours:
  void on_peer(const TcpSegment& segment);
  // And from the target.
  void on_target(const TcpSegment& segment);
  // Whether this segment from the target is of this channel: several may have the same target.
  [[nodiscard]] bool is_answered_by(const TcpSegment& segment) const;

 private:
  // What one side sends.
  struct Stream {
    std::optional<std::uint32_t> syn;  // the first sequence number
    std::optional<std::uint32_t> end;  // the one behind the last byte, when that is known
    bool finished = false;
  };

  [[nodiscard]] Side target_side() const { return other(exposure_.facing); }
  Stream& stream(Side side) { return streams_[static_cast<std::size_t>(side)]; }
  [[nodiscard]] Leg connection() const { return {*peer_, expectation_.here}; }

  void on_syn(const TcpSegment& segment);
  void on_connected(const TcpSegment& segment);
  void on_end(Side side, const TcpSegment& segment);
  void on_reset(Side side, const TcpSegment& segment);
  void withdraw();
  void cut();
  void give_back();
  void look(Timestamp now);
  void count_bytes();
  [[nodiscard]] std::uint64_t bytes_of(Side side, const PacketTotals& totals) const;

  KernelPath& path_;
  Worker& worker_;
  LiveSession& session_;
  Exposure exposure_;
  NftExpectation expectation_;
  std::unique_ptr<Descriptor> port_;
  std::optional<Endpoint> peer_;
  Endpoint from_us_;  // where the target's answers go: the translated connection's source
  std::array<Stream, 2> streams_;
  std::array<PacketTotals, 2> seen_;  // when it was last looked at: of the peer, of the target
  ChannelTotals totals_;
  Timestamp last_progress_{};
  Timestamp looked_{};
  bool expected_ = false;  // the expectation stands
  bool closed_ = false;
};

}  // namespace ftpscope
