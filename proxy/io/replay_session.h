// One client of the replayed server: feeds a ServerReplay with what happens on its connections and
// carries out its effects. An Observer watches both sides, so the log has the dialogue as that of
// the live proxy; like that of a capture it has one connection a session, and one a data channel.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/observer.h"
#include "proxy/io/recording_folder.h"
#include "proxy/io/replay_data.h"
#include "proxy/io/uv_ptr.h"
#include "proxy/io/worker.h"
#include "proxy/server_replay.h"

namespace ftpscope {

class ReplaySession final : private replay::Effects, private RecordSink {
 public:
  static constexpr std::size_t kReplyQueueMax =
      262'144;  // unsent bytes above which nothing is read
  static constexpr std::uint64_t kLingerMilliseconds = 5'000;  // for the last reply to be taken

  struct Context {
    Worker& worker;
    const Recording& recording;
    const ReplayOptions& options;
    std::function<void(ReplaySession&)> on_gone;
  };

  // `context` outlives it. Call start() next.
  ReplaySession(const Context& context, std::string id, UvPtr<uv_tcp_t> client);
  ReplaySession(const ReplaySession&) = delete;
  ReplaySession& operator=(const ReplaySession&) = delete;

  void start();
  // At once; the server is shutting down.
  void abort() { end(SessionEnd::fin, Side::server); }

 private:
  struct Write;

  // replay::Effects
  void send(std::string_view bytes) override;
  void finish(bool reset) override;
  void open_passive() override;
  void connect_active(std::uint16_t port) override;
  void send_payload(const ScriptPayload& payload, const replay::Transfer& transfer) override;
  void receive_payload(const ScriptPayload& recorded, const replay::Transfer& transfer) override;
  void close_data() override { close_data(ChannelEnd::fin); }
  void tell(FindingId finding, CommandId to, std::string_view detail) override;

  void record(const Record& record) override;

  void feed(const replay::Event& event);
  void settle();
  void write_out();
  void write(std::string bytes);
  void half_close_if_said();
  void update_reading();
  void update_timer();
  void start_timer(std::uint64_t milliseconds);
  void start_reading();
  void on_read(ssize_t count, const uv_buf_t& buffer);
  void on_written();
  void on_timer();
  void on_data(const replay::Event& event);
  void new_data();
  void use_data(const replay::Transfer& transfer, Direction direction);
  void close_data(ChannelEnd how);
  void end(SessionEnd how, std::optional<Side> by);
  [[nodiscard]] Timestamp now() const { return context_.worker.now(); }

  const Context& context_;
  UvPtr<uv_tcp_t> tcp_;
  UvPtr<uv_timer_t> timer_;
  Endpoint client_;
  Endpoint here_;
  Observer observer_;
  ServerReplay machine_;
  std::shared_ptr<ReplayData> data_;
  std::optional<DataUse> use_;         // of data_, by a transfer
  std::vector<replay::Event> events_;  // caused by effects: handled in turn, never nested
  bool handling_ = false;
  bool reading_ = false;
  bool finishing_ = false;        // nothing more is said; waits for the client to take what was
  bool resetting_ = false;        // the same, and then by RST
  std::vector<std::string> out_;  // said by the machine, not yet written; a write each
  Timestamp started_;
  record::End totals_;
};

}  // namespace ftpscope
