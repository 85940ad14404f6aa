// One session between sockets: feeds the Interceptor with what happens on its connections and
// carries out its effects, log first. Owns the two control legs and the data channels; deletes
// itself when the last handle is closed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/interceptor.h"
#include "proxy/io/control_leg.h"
#include "proxy/io/data_channel.h"
#include "proxy/io/server_connector.h"
#include "proxy/io/server_locator.h"
#include "proxy/io/worker.h"

namespace ftpscope {

class LiveSession final : private Effects, private RecordSink, private ControlLegOwner {
 public:
  // An accepted connection.
  struct Newcomer {
    UvPtr<uv_tcp_t> tcp;
    Arrival arrival{};
    std::string_view early = {};                      // read already, behind a PROXY header
    std::string_view refused = {};                    // why it is not let in, or empty
    std::optional<FindingId> finding = std::nullopt;  // which says more about that
    std::string_view detail = {};
  };
  // Starts its session.
  static void start(Worker& worker, ServerLocator& locator, Newcomer newcomer);

  LiveSession(Worker& worker, ServerLocator& locator, std::string id);
  LiveSession(const LiveSession&) = delete;
  LiveSession& operator=(const LiveSession&) = delete;

  // Handles an event now, or behind the one that is being handled. Text in it must outlive the call
  // (literals and libuv's messages do).
  void feed(const Event& event) override;
  void on_leg_written() override;
  void on_due();
  void write_out();                       // what waits for the end of the loop's turn
  void channel_waits() { update_due(); }  // a data channel is due sooner than it was
  void abort();                           // at once: what is still queued is dropped

  [[nodiscard]] Worker& worker() { return worker_; }
  [[nodiscard]] const IpAddress& local_address(Side side) const {
    return side == Side::client ? arrival_.proxy.ip : server_local_.ip;
  }
  // Whether our ends of the connections to that side have the other side's address.
  [[nodiscard]] bool is_foreign(Side side) const {
    return side == Side::client ? arrival_.as_server : arrival_.as_client;
  }
  // Our end of the control connection to the server, as soon as it is being connected.
  [[nodiscard]] const Endpoint& server_local() const { return server_local_; }
  [[nodiscard]] const IpAddress& client_address() const { return arrival_.client.ip; }

  [[nodiscard]] const std::string& name() const { return machine_.session(); }
  [[nodiscard]] bool admitted() const { return !refused_; }

  // Its place in the worker's list.
  [[nodiscard]] std::size_t place() const { return place_; }
  void set_place(std::size_t place) { place_ = place; }

 private:
  // What handle() asked for, besides bytes and records.
  using Action = std::function<void(LiveSession&)>;
  struct Errands {
    std::vector<Action> actions;
    std::vector<Event> events;  // caused by actions: handled in turn, never nested
  };

  void connect_server(const std::optional<HostPort>& named) override;
  void drop_server() override;
  void send(Side to, std::string_view bytes) override;
  void send_urgent(Side to, std::string_view bytes, std::size_t urgent) override;
  void finish(Side to) override;
  void reset(Side to) override;
  void expose(const Exposure& exposure) override;
  void connect_channel(ChannelId channel, Side side, const Endpoint& target) override;
  void close_channel(ChannelId channel, ChannelEnd how) override;
  void watch_channel(ChannelId channel, Duration quiet) override;
  void end_session() override;
  void record(const Record& record) override;
  uv_buf_t read_buffer(std::size_t limit) override { return worker_.read_buffer(limit); }

  void handle(const Event& event);
  void send_proxy_header();
  void take_early(std::string_view bytes);
  void hand_over_early();
  void record_read(const event::Received& received);
  void carry_out();
  Errands& errands();
  Outgoing& outgoing();
  [[nodiscard]] std::size_t to_be_written(Side to) const;
  void update_reading();
  void update_due();
  [[nodiscard]] UvPtr<uv_tcp_t> make_server_tcp(void* owner);
  bool may_connect(const Endpoint& ours, const Endpoint& theirs);
  [[nodiscard]] Endpoint told(Side side, std::uint16_t port) const;
  void open_channel(const Exposure& exposure);
  [[nodiscard]] std::string_view open_kernel_channel(const Exposure& exposure);
  void go(ChannelId id, Side side, const Endpoint& target);
  DataChannel* find_relayed(ChannelId id);
  DataChannel* make_channel(ChannelId id);
  void look_for(std::vector<HostPort> servers);
  void on_passed_over(const ServerConnector::Failure& failure);
  void on_server(std::expected<ServerConnector::Reached, ServerConnector::Failure> server);
  [[nodiscard]] bool all_said() const;
  void close_if_said();
  void bury_closed_channels();
  DataPath* find_channel(ChannelId id);
  ControlLeg& leg(Side side) { return side == Side::client ? client_ : server_; }

  Worker& worker_;
  ServerLocator& locator_;
  ControlLeg client_{*this, Side::client};
  ControlLeg server_{*this, Side::server};
  Interceptor machine_;
  Arrival arrival_;
  bool refused_ = false;  // not let in: no connection to the server
  bool handling_ = false;
  bool read_ahead_ = false;  // the client's next commands, before the machine wanted them
  bool gone_ = false;
  Endpoint server_local_;
  std::vector<std::unique_ptr<DataPath>> channels_;
  std::string early_;
  std::unique_ptr<Errands> errands_;  // of the event that is being handled
  std::unique_ptr<Outgoing> outgoing_;
  std::array<StreamPlace, 2> places_;  // of what was read, by who said it; when it is recorded
  std::unique_ptr<ServerConnector> connector_;  // while it is at work
  std::optional<Timestamp> close_due_;  // the machine is done: what is not said by then is dropped
  std::size_t place_ = 0;
};

}  // namespace ftpscope
