// The two data connections of one transfer, and the bytes between them. The machine never sees
// these bytes: they go through the loop's one large buffer from one socket to the other.
//
// Each side either comes to a port of ours (a stranger is closed and the wait goes on) or is gone
// to; when both stand, relays both ways. An end is passed on as it came: FIN as FIN, RST as RST.
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
  // Most transfers are over sooner than anybody could forget them: these need no keep-alive.
  static constexpr Duration kKeepAliveFrom = std::chrono::seconds(1);

  DataChannel(LiveSession& session, ChannelId id);
  ~DataChannel() override;

  // Once, before anything else. False: no descriptor is free.
  [[nodiscard]] bool reserve();
  // Listens at `address` on a port of --data-ports. The port, or why not (a literal or a libuv
  // text).
  std::expected<std::uint16_t, std::string_view> listen(const Exposure& exposure,
                                                        const IpAddress& address);
  void connect(Side side, const Endpoint& target);

  [[nodiscard]] ChannelId id() const override { return id_; }
  [[nodiscard]] bool closed() const override { return closed_; }
  [[nodiscard]] bool told() const override { return told_; }
  [[nodiscard]] bool awaits_peer() const override;
  [[nodiscard]] bool connecting() const override;

  // Reports ChannelClosed when what was recorded is on disk.
  void close(ChannelEnd how, std::optional<Side> first, std::string_view why = {}) override;

  void watch(Duration quiet, Timestamp now) override;
  void on_due(Timestamp now) override;
  [[nodiscard]] std::optional<Timestamp> due() const override;

 private:
  struct Leg {
    DataChannel* channel = nullptr;
    Side side = Side::client;
    DataListener listener;
    Endpoint here;                   // where that listens
    IpAddress expected;              // to come, and nobody else
    std::optional<Endpoint> target;  // or: where to go when the other one has come
    UvPtr<uv_tcp_t> tcp;
    std::string early;  // read from it behind its PROXY header, before the relay began
    bool connected = false;
    std::string queue;      // read from the other leg, not yet taken by this one
    bool ended = false;     // its peer sent its last byte
    bool finished = false;  // FIN sent to its peer
    std::uint64_t received = 0;
    std::shared_ptr<PayloadWriter> recorded;  // what it has sent
  };

  Leg& leg(Side side) { return legs_[static_cast<std::size_t>(side)]; }
  Leg& other_of(const Leg& leg) { return legs_[leg.side == Side::client ? 1 : 0]; }

  void on_connection(Leg& leg, int status);
  void await_header(UvPtr<uv_tcp_t> tcp);
  void on_header(HeaderWait& wait);
  void drop_waits();
  void admit(Leg& leg, UvPtr<uv_tcp_t> tcp, const Endpoint& peer, std::string_view early);
  void refuse_stranger(UvPtr<uv_tcp_t> tcp, const Endpoint& peer);
  void connect(Leg& leg);
  void on_connected(Leg& leg, int status);
  void on_leg_stands(Leg& leg, const ftpscope::Leg& ends);
  void send_proxy_header(Leg& to);
  void start_relay();
  [[nodiscard]] std::optional<Timestamp> keep_alive_due() const;
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
  void wait_for_disk(Timestamp now);
  void give_up_recording();
  void tell_when_recorded();

  Worker& worker_;
  LiveSession& session_;
  ChannelId id_;
  std::vector<std::shared_ptr<HeaderWait>> waits_;
  std::array<Leg, 2> legs_;
  std::size_t descriptors_ = 0;
  bool relaying_ = false;
  bool kept_alive_ = false;
  bool closed_ = false;
  bool told_ = false;
  std::optional<Timestamp> disk_since_;  // waits for the disk: to read on, or to be told
  std::uint64_t disk_had_ = 0;           // taken by then
  std::string_view why_;
  ChannelTotals totals_;
  Timestamp last_progress_{};
  std::optional<Duration> quiet_;
};

}  // namespace ftpscope
