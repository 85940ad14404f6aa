// A data connection of the replayed client: takes what the server sends, hashed and not kept in
// memory (but a listing, which is to be compared), or sends a payload of the recording. When the
// session is recorded, it waits for a slow disk, and not for one that takes nothing at all.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/client_replay.h"
#include "proxy/io/data_socket.h"
#include "proxy/io/live_recording.h"
#include "proxy/io/payload_files.h"
#include "proxy/io/payload_source.h"
#include "proxy/io/worker.h"

namespace ftpscope {

struct ClientDataTimeouts {
  static constexpr Duration kConnect = std::chrono::seconds(30);  // since the transfer began
  static constexpr Duration kStall = std::chrono::seconds(60);    // without a byte

  Duration connect = kConnect;
  Duration stall = kStall;
};

class ClientData {
 public:
  static constexpr std::size_t kChunk = 262'144;
  static constexpr std::size_t kListingMax = std::size_t{4} << 20U;  // a longer one is hashed only

  struct Context {
    Worker& worker;
    DataSocket::Peers peers;
    ClientDataTimeouts timeouts;
    // DataConnected, DataPaused, and at last DataOver; the owner may give this to Worker::bury()
    // then.
    std::function<void(const play::Event&)> tell;
  };

  explicit ClientData(Context context);
  ClientData(const ClientData&) = delete;
  ClientData& operator=(const ClientData&) = delete;
  ~ClientData();

  [[nodiscard]] std::uint16_t listen(const PortRange& range) { return socket_.listen(range); }
  void connect(std::uint16_t port);
  // `writer` keeps what moves; null: nobody does.
  void receive(const play::Reading& reading, std::shared_ptr<PayloadWriter> writer);
  void resume();
  void send(const std::string& folder, const ScriptPayload& payload,
            std::shared_ptr<PayloadWriter> writer);
  void close();  // DataOver is told as soon as what was recorded is on disk

  // Of a listing, when it is over. None: it was too long.
  [[nodiscard]] const std::optional<std::string>& listing() const { return listing_; }

 private:
  enum class Job : std::uint8_t { none, receive, send };

  void on_socket(int status);
  void begin(Job job);
  void start_if_ready();
  void start_reading();
  [[nodiscard]] std::size_t readable() const;
  void on_read(ssize_t count, const char* bytes);
  void take(std::string_view bytes);
  void stop_where_told();
  void send_chunk();
  void on_sent(int status);
  bool waits_for_disk();
  void go_on();
  void watch(Duration time);
  void watch_disk();
  void on_timer();
  void tell_over();
  void end(ChannelEnd how, std::optional<Side> closed_first);

  Context context_;
  DataSocket socket_;
  UvPtr<uv_timer_t> timer_;
  Job job_ = Job::none;
  play::Reading reading_;
  bool paused_ = false;
  PayloadSource source_;
  std::shared_ptr<std::vector<char>> chunk_;
  Sha256 hash_;
  std::optional<std::string> listing_;
  std::shared_ptr<PayloadWriter> writer_;
  bool waiting_ = false;        // for the disk
  std::uint64_t disk_had_ = 0;  // taken when it began to wait
  DataTotals totals_;
  bool hopeless_ = false;  // connecting could not even begin
  bool over_ = false;
};

}  // namespace ftpscope
