// The data connection of a replayed transfer: sends a payload from its file, or takes what the
// client uploads, and counts and hashes it. Of a payload no more than one chunk is in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proxy/data_totals.h"
#include "proxy/io/data_socket.h"
#include "proxy/io/payload_source.h"
#include "proxy/io/worker.h"
#include "proxy/server_replay.h"

namespace ftpscope {

class ReplayData {
 public:
  static constexpr std::size_t kChunk = 65536;
  static constexpr std::uint64_t kConnectMilliseconds = 30'000;  // since the transfer began
  static constexpr std::uint64_t kStallMilliseconds = 60'000;    // without a byte
  static constexpr std::uint64_t kDeliveryMilliseconds = 10;     // between two looks
  static constexpr int kDeliveryChecks = 500;                    // before a reset that is due
  static constexpr std::size_t kDescriptors = 3;                 // a listener, a connection, a file

  // DataEnded or DataFailed, once, after send() or receive(); the owner may give this to
  // Worker::bury() then.
  using Tell = std::function<void(const replay::Event&)>;

  ReplayData(Worker& worker, const DataSocket::Peers& peers, Tell tell);
  ReplayData(const ReplayData&) = delete;
  ReplayData& operator=(const ReplayData&) = delete;
  ~ReplayData();

  // The port, or 0 when there is none to be had.
  [[nodiscard]] std::uint16_t listen();
  void connect(std::uint16_t port);
  // The payload outlives this. See replay::Effects::send_payload().
  void send(const std::string& folder, const ScriptPayload& payload,
            const replay::Transfer& transfer);
  // DataEnded says how it differs from the recorded one, which outlives this.
  void receive(const std::string& folder, const ScriptPayload& recorded);
  // What is on its way ends so; nothing is told.
  void close(ChannelEnd how);

  // When it is over.
  [[nodiscard]] const DataTotals& totals() const { return totals_; }

 private:
  enum class Job : std::uint8_t { none, send, receive };
  struct Chunk;

  void on_socket(int status);
  void begin(Job job);
  void start_if_ready();
  void send_chunk();
  [[nodiscard]] std::uint64_t allowed() const;
  void pause();
  void finish_sending();
  void reset_when_delivered();
  void on_sent(int status);
  void start_reading();
  void on_read(ssize_t count, const uv_buf_t& buffer);
  void watch(std::uint64_t milliseconds);
  void fail(ChannelEnd how, std::optional<Side> closed_first);
  void finish(ChannelEnd how, Side closed_first);
  void reset();

  Worker& worker_;
  Tell tell_;
  DataSocket socket_;
  UvPtr<uv_timer_t> timer_;
  bool budgeted_ = false;
  bool hopeless_ = false;  // there will be no connection
  bool over_ = false;
  Job job_ = Job::none;
  PayloadSource source_;
  const ScriptPayload* payload_ = nullptr;
  std::optional<UploadComparison> comparison_;
  DataTotals totals_;
  std::optional<Sha256> hash_;  // none: the recording knows it
  double speed_ = 0;
  std::uint64_t position_ = 0;  // in the payload: sent, or skipped
  int delivery_checks_ = 0;
  std::unique_ptr<Chunk> spare_;  // the one chunk, while it is not being written
};

}  // namespace ftpscope
