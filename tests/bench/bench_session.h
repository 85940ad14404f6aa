// One Interceptor with a world that costs next to nothing: effects go nowhere, records into a
// string or nowhere at all. What a benchmark measures is so the core and the log's text, without a
// system call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/interceptor.h"

namespace ftpscope::bench {

enum class Log { none, json };

class BenchSession final : private Effects, private RecordSink {
 public:
  BenchSession(Log log, bool rewriters);  // connected to the server, greeted and logged in
  BenchSession(const BenchSession&) = delete;
  BenchSession& operator=(const BenchSession&) = delete;

  void from_client(std::string_view bytes) { receive(Side::client, bytes); }
  void from_server(std::string_view bytes) { receive(Side::server, bytes); }

  // PASV and its reply; the address is exposed as the driver would do it.
  void open_passive();
  // Somebody comes to the exposed port, `bytes` go to the client, both sides close.
  void move_data(std::uint64_t bytes);
  // The client leaves; nothing may follow.
  void quit();

  [[nodiscard]] std::size_t log_bytes() const { return log_bytes_; }

 private:
  void connect_server(const std::optional<HostPort>&) override {}
  void drop_server() override {}
  void send(Side, std::string_view bytes) override { sent_ += bytes.size(); }
  void send_urgent(Side, std::string_view bytes, std::size_t) override { sent_ += bytes.size(); }
  void finish(Side) override {}
  void reset(Side) override {}
  void expose(const Exposure& exposure) override { exposing_ = exposure.channel; }
  void close_channel(ChannelId channel, ChannelEnd) override { closing_ = channel; }
  void connect_channel(ChannelId, Side, const Endpoint&) override {}
  void watch_channel(ChannelId, Duration) override {}
  void end_session() override {}
  void record(const Record& record) override;

  void receive(Side from, std::string_view bytes);
  void handle(const Event& event);

  InterceptorOptions options_;
  Pipeline pipeline_;
  Log log_;
  std::string text_;
  std::size_t log_bytes_ = 0;
  std::size_t sent_ = 0;
  Timestamp now_{std::chrono::seconds(1'800'000'000)};
  std::optional<ChannelId> exposing_;
  std::optional<ChannelId> closing_;
  ChannelId newest_ = 0;
  Interceptor machine_;
};

}  // namespace ftpscope::bench
