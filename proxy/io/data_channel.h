// The two data connections of one transfer, and the bytes between them. The machine never sees
// these bytes: they go through the loop's one large buffer from one socket to the other.
//
// Waits for the expected peer at a port of ours (a stranger is closed and the wait goes on), then
// connects to the target, then relays both ways. An end is passed on as it came: FIN as FIN, RST as
// RST.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/data_path.h"
#include "proxy/io/data_ports.h"
#include "proxy/io/header_wait.h"
#include "proxy/io/live_recording.h"
#include "proxy/io/uv_ptr.h"
#include "proxy/machine.h"

namespace ftpscope {

class LiveSession;
class Worker;

class DataChannel final : public DataPath {
 public:
  // Connections through a balancer whose header is awaited at the same time.
  static constexpr std::size_t kHeaderWaitsMax = 4;

  DataChannel(LiveSession& session, const Exposure& exposure);
  ~DataChannel() override;

  // Listens at `address` on a port of --data-ports. The port, or why not (a literal or a libuv
  // text).
  std::expected<std::uint16_t, std::string_view> listen(const IpAddress& address);

  [[nodiscard]] ChannelId id() const override { return exposure_.channel; }
  [[nodiscard]] bool closed() const override { return closed_; }
  [[nodiscard]] bool told() const override { return told_; }
  [[nodiscard]] bool peer_came() const override { return !listener_; }

  // Reports ChannelClosed when what was recorded is on disk.
  void close(ChannelEnd how, std::optional<Side> first, std::string_view why = {}) override;

  void watch(Duration quiet, Timestamp now) override;
  void on_due(Timestamp now) override;
  [[nodiscard]] std::optional<Timestamp> due() const override;

 private:
  struct Leg {
    DataChannel* channel = nullptr;
    Side side = Side::client;
    UvPtr<uv_tcp_t> tcp;
    std::string early;      // read from it behind its PROXY header, before the relay began
    std::string queue;      // read from the other leg, not yet taken by this one
    bool ended = false;     // its peer sent its last byte
    bool finished = false;  // FIN sent to its peer
    std::uint64_t received = 0;
    std::shared_ptr<PayloadWriter> recorded;  // what it has sent
  };

  Leg& leg(Side side) { return legs_[static_cast<std::size_t>(side)]; }
  Leg& other_of(const Leg& leg) { return legs_[leg.side == Side::client ? 1 : 0]; }

  void on_connection(int status);
  void await_header(UvPtr<uv_tcp_t> tcp);
  void on_header(HeaderWait& wait);
  void drop_waits();
  void admit(UvPtr<uv_tcp_t> tcp, const Endpoint& peer, std::string_view early);
  void connect_target();
  void send_proxy_header(Leg& to);
  void on_connected(int status);
  void start_relay();
  void read_start(Leg& from);
  void on_read(Leg& from, ssize_t count, const uv_buf_t& buffer);
  void forward(Leg& from, std::string_view bytes);
  void queue(Leg& to, std::string_view bytes);
  void on_written(Leg& to, int status);
  void on_end(Leg& from);
  void pass_end(Leg& from);
  void on_broken(Leg& leg);
  void close_leg(Leg& leg, bool reset);
  void record(Leg& from, std::string_view bytes);
  void resume_reading();
  void give_up_recording();
  void tell_when_recorded();

  Worker& worker_;
  LiveSession& session_;
  Exposure exposure_;
  DataListener listener_;
  std::vector<std::shared_ptr<HeaderWait>> waits_;
  std::array<Leg, 2> legs_;
  std::size_t descriptors_ = 0;
  bool relaying_ = false;
  bool closed_ = false;
  bool told_ = false;
  std::optional<Timestamp> disk_since_;  // waits for the disk: to read on, or to be told
  std::string_view why_;
  ChannelTotals totals_;
  Timestamp last_progress_{};
  std::optional<Duration> quiet_;
};

}  // namespace ftpscope
