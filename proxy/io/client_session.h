// One session of the replayed client with a real server: feeds a ClientReplay with what happens on
// its connections and carries out its effects, log first.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/transaction.h"
#include "proxy/client_replay.h"
#include "proxy/io/client_data.h"
#include "proxy/io/control_leg.h"
#include "proxy/io/worker.h"

namespace ftpscope {

class ClientSession final : private play::Effects, private ControlLegOwner, private RecordSink {
 public:
  struct Context {
    Worker& worker;
    const ClientScript& script;
    ClientReplayOptions options;
    ClientDataTimeouts timeouts;
    PortRange data_ports;
    std::string folder;  // of the payloads
    std::function<void()> on_over;
  };

  // `server` is connected. Call start() next. What `context` names outlives this.
  ClientSession(Context context, UvPtr<uv_tcp_t> server);
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  void start();

  // When it is over.
  [[nodiscard]] const ClientReplay& machine() const { return machine_; }
  [[nodiscard]] SessionTransactions take_played();
  // The bytes of a listing; none: it was no listing, or too long.
  [[nodiscard]] std::optional<std::string> listing_of(ChannelId channel) const;

 private:
  // play::Effects
  void send(std::string_view bytes, std::optional<std::size_t> urgent) override;
  void finish() override { finishing_ = true; }
  void listen_data() override;
  void connect_data(std::uint16_t port) override;
  void receive(const play::Reading& reading) override;
  void resume_data() override;
  void send_payload(const ScriptPayload& payload, ChannelId channel) override;
  void close_data() override;
  void end() override { ended_ = true; }

  // ControlLegOwner
  uv_buf_t read_buffer(std::size_t limit) override { return context_.worker.read_buffer(limit); }
  void feed(const Event& event) override;
  void on_leg_written() override {}

  void record(const Record& record) override;

  void feed(const play::Event& event);
  void settle();
  void update_timer();
  void new_data();
  void on_data(const play::Event& event);
  std::shared_ptr<PayloadWriter> writer_of(ChannelId channel, Side from);
  void record_read(Side from, std::string_view bytes);
  [[nodiscard]] Timestamp now() const { return context_.worker.now(); }

  Context context_;
  ControlLeg leg_{*this, Side::server};
  UvPtr<uv_timer_t> timer_;
  Endpoint here_;
  Endpoint server_;
  std::string id_;
  TransactionCollector collector_;
  ClientReplay machine_;
  std::shared_ptr<ClientData> data_;
  ChannelId channel_ = 0;  // of data_
  std::map<ChannelId, std::string> listings_;
  std::map<ChannelId, std::string> hashes_;
  std::vector<play::Event> events_;  // caused by effects: handled in turn, never nested
  bool handling_ = false;
  bool finishing_ = false;
  bool ended_ = false;
  std::string out_;          // said by the machine, not yet written
  StreamPlace places_[2]{};  // in what the two sides have said
  std::optional<std::size_t> urgent_;
};

}  // namespace ftpscope
