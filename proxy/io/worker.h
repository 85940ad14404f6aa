// What the sessions of one event loop share: the loop, its one large read buffer, the log, the
// terminal, the clock and the descriptor budget. One thread; nothing here is locked.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/network.h"
#include "analyzer/proxy_header.h"
#include "analyzer/report_text.h"
#include "proxy/interceptor.h"
#include "proxy/io/data_ports.h"
#include "proxy/io/log_file.h"
#include "proxy/io/uv_ptr.h"

namespace ftpscope {

class KernelPath;
class LiveRecording;
class LiveSession;

// What the machine of a session has sent and nobody has written yet.
struct Outgoing {
  static constexpr std::size_t kKept = 4096;  // bytes of memory that are worth keeping
  static constexpr std::size_t kSpare = 64;   // of these in a loop

  std::array<std::string, 2> bytes;
  std::array<std::optional<std::size_t>, 2> urgent;
};

// The PROXY protocol, with a load balancer in front and with the server.
struct Balancing {
  std::vector<Network> balancers;         // whose connections begin with a header
  bool data = false;                      // those to our data ports as well
  std::optional<ProxyVersion> to_server;  // the header that we send
  bool data_to_server = false;            // on data connections to the server as well

  [[nodiscard]] bool is_balancer(const IpAddress& ip) const;
};

struct WorkerOptions {
  static constexpr std::size_t kRelayBuffer = 1U << 20U;   // default of --relay-buffer
  static constexpr std::size_t kControlRead = 16384;       // bytes of a control connection a read
  static constexpr std::size_t kControlQueueHigh = 65536;  // above it the other side is not read
  static constexpr std::size_t kDescriptorsPerSession =
      6;                                                   // 2 control, 1 listener, 2 data, 1 spare
  static constexpr std::size_t kDescriptorsOfChannel = 3;  // a listener and two connections
  static constexpr std::size_t kDescriptorsOfPayloads = 2;  // more, when they are recorded
  static constexpr std::size_t kDescriptorsOfHold = 1;      // a port, for a channel of the kernel's
  static constexpr std::size_t kDescriptorsOfRefusal = 2;
  static constexpr std::size_t kDescriptorsReserved = 16;  // for the log, DNS, refusals
  static constexpr std::size_t kRefusalsAtOnce = 4;        // of these
  static constexpr unsigned kTcpKeepalive = 60;            // seconds, default of --tcp-keepalive
  static constexpr Duration kProxyHeaderTimeout = std::chrono::seconds(5);
  static constexpr Duration kTick = std::chrono::milliseconds(50);

  std::size_t number = 0;  // of this worker, among
  std::size_t workers = 1;
  InterceptorOptions interceptor;
  PortRange data_ports;
  DataPathKind data_path = DataPathKind::relay;
  Balancing balancing;
  Duration proxy_header_timeout = kProxyHeaderTimeout;  // zero: never
  unsigned tcp_keepalive = kTcpKeepalive;               // seconds until the first probe; 0: none
  PortMap port_map;
  std::uint16_t active_source_port = 0;  // of our data connections to clients; 0: any
  Duration connect_timeout = std::chrono::seconds(10);
  Duration stall_timeout = std::chrono::seconds(300);
  std::size_t relay_buffer = kRelayBuffer;
  std::size_t max_descriptors = 1024;
  std::optional<TextStyle> terminal;  // none: quiet
};

class Worker {
 public:
  Worker(uv_loop_t* loop, const WorkerOptions& options, LogFile* log);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  [[nodiscard]] uv_loop_t* loop() const { return loop_; }
  [[nodiscard]] const WorkerOptions& options() const { return options_; }
  // Null: nothing is recorded. It outlives the sessions.
  [[nodiscard]] LiveRecording* recording() const { return recording_; }
  void record_to(LiveRecording& recording) { recording_ = &recording; }
  // Null: all data is relayed, as it is to be. It outlives the sessions.
  [[nodiscard]] KernelPath* kernel_path() const { return kernel_path_; }
  void translate_by(KernelPath& path) { kernel_path_ = &path; }
  [[nodiscard]] const Pipeline& pipeline() const { return pipeline_; }

  [[nodiscard]] ServerMemory& server_memory() { return server_memory_; }

  // The wall clock at the start plus the time since: a clock that is set moves no timeout.
  [[nodiscard]] Timestamp now() const;

  // Sortable: the time, then a number that no other worker gives.
  [[nodiscard]] std::string new_session_id();

  void record(const Record& record);
  // Hands all records to the kernel. Called before any byte that they describe is sent.
  void flush_log();
  // The session's write_out() is called at the end of this turn of the loop: one write of the log
  // serves all sessions that something came for.
  void write_out_later(LiveSession& session) { writing_out_.push_back(&session); }

  // The loop's read buffer: valid until the callback that it was filled for returns.
  [[nodiscard]] uv_buf_t read_buffer(std::size_t limit);

  // Descriptors in use by sessions. False: the budget is spent, do without.
  [[nodiscard]] bool take_descriptors(std::size_t count);
  void use_descriptors(std::size_t count) { descriptors_ += count; }
  void give_descriptors(std::size_t count) { descriptors_ -= count; }
  [[nodiscard]] bool has_room_for_session() const;
  // Whether one that is refused may stay until it has heard why: that costs descriptors.
  [[nodiscard]] bool has_room_for_refusal() const;

  [[nodiscard]] DataPorts& data_ports() { return data_ports_; }

  // Sessions are told of the passing time by a tick; an idle loop has none.
  void enlist(LiveSession& session);
  void delist(LiveSession& session);
  void set_due(const LiveSession& session, std::optional<Timestamp> due);
  [[nodiscard]] bool idle() const { return sessions_.empty(); }
  // Sessions that were let in. One that is being refused takes nobody's place.
  [[nodiscard]] std::size_t session_count() const { return admitted_; }
  // Of one client address; of one /64 network with IPv6, since a host has as many addresses as it
  // likes.
  [[nodiscard]] std::size_t session_count(const IpAddress& client) const;
  // The connections of the sessions to their servers, by our end of them, until the server has
  // said something: if it is this process, it has found out by then.
  void remember_connection(const LiveSession& session, const Endpoint& server);
  void forget_connection(const LiveSession& session);
  // To whom: a port of ours may be used for several servers.
  [[nodiscard]] std::vector<Endpoint> connected_from(const Endpoint& ours) const;
  void each_session(void (*visit)(LiveSession&));
  // Called whenever a session has gone.
  std::function<void()> on_session_gone;
  // Deletes it when the callbacks of this turn of the loop have returned: one of its methods may be
  // running now.
  void bury(std::shared_ptr<void> dead);
  // Closes the loop's own handles. Sessions must have gone.
  void shut_down();

  // Empty ones that keep their memory from one turn of the loop to the next.
  [[nodiscard]] std::unique_ptr<Outgoing> new_outgoing();
  void recycle(std::unique_ptr<Outgoing> outgoing);

 private:
  struct Enlisted {
    LiveSession* session;
    Timestamp due;
  };

  [[nodiscard]] bool has_room_for(std::size_t count) const;
  void tick();
  void stop_ticking();
  void empty_graveyard();
  void end_turn();

  uv_loop_t* loop_;
  const WorkerOptions& options_;
  Pipeline pipeline_;
  ServerMemory server_memory_;
  LogFile* log_;
  LiveRecording* recording_ = nullptr;
  KernelPath* kernel_path_ = nullptr;
  std::string terminal_text_;
  Outlet terminal_;
  std::size_t buffer_size_;
  std::unique_ptr<char[]> buffer_;  // what is not read into takes no memory
  DataPorts data_ports_;
  std::size_t descriptors_ = 0;
  std::vector<Enlisted> sessions_;
  std::size_t admitted_ = 0;
  std::uint64_t last_session_ = 0;                       // its number
  std::map<IpAddress, std::size_t> sessions_of_client_;  // admitted ones
  std::multimap<Endpoint, std::pair<const LiveSession*, Endpoint>> connections_;
  UvPtr<uv_timer_t> timer_;
  UvPtr<uv_check_t> undertaker_;
  UvPtr<uv_prepare_t> turn_;
  std::vector<LiveSession*> writing_out_;
  std::vector<std::unique_ptr<Outgoing>> spare_;
  std::vector<std::shared_ptr<void>> graveyard_;
  Timestamp wall_start_;
  std::uint64_t steady_start_;
};

}  // namespace ftpscope
