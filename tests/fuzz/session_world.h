// The world around one Interceptor: a client, a server, sockets, a clock and a log, all made of
// memory. It carries out every effect and checks what must hold whatever the two peers do.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proxy/interceptor.h"
#include "tests/fuzz/check.h"

namespace ftpscope::fuzz {

inline constexpr std::string_view kSentinel = "Qz7sentinel";  // a password that must not be logged

struct WorldOptions {
  bool rewriters = true;
  Policy policy;
  bool log_secrets = false;
  bool v6 = false;
  bool one_host = false;  // client, proxy and server on one address
  bool exposes_v6 = false;
  bool exposes_at_once = true;  // else the input says when, and whether
  bool small_limits = false;
  bool timeouts = true;
  bool eager = false;
  bool byte_by_byte = false;
};

class World final : private Effects, private RecordSink {
 public:
  explicit World(const WorldOptions& options);

  void start(bool connect);
  void server_connected();
  void server_unreachable();
  void refused();
  void send(Side from, std::string_view bytes, bool urgent);  // by a peer
  void close(Side side);
  void break_off(Side side);  // RST
  void pass_time(Duration time);
  void shutdown();
  // Channels: the newest, or the oldest, that it can happen to.
  void expose(bool works, bool oldest);
  void open_channel(bool oldest);
  void drain_channel(bool oldest, Side from);
  void quiet_channel(bool oldest);
  void close_channel_by(bool oldest, ChannelEnd how, Side by);
  void stranger(bool oldest);

  // The peers go away and time passes; then everything is checked.
  void finish();

  // For comparing two runs: the log without its numbering, and what was done.
  [[nodiscard]] const std::string& log() const { return comparable_log_; }
  [[nodiscard]] const std::string& sent(Side to) const { return sent_[index(to)]; }
  [[nodiscard]] const std::string& deeds() const { return deeds_; }

 private:
  struct Chunk {
    std::string bytes;
    bool urgent = false;
  };
  struct Channel {
    Exposure exposure;
    bool exposed = false;
    bool opened = false;
    std::array<bool, 2> drained{};
    std::optional<ChannelEnd> closing;
    std::optional<Timestamp> quiet_at;
    bool gone = false;
  };
  struct Logged {  // a command
    std::string raw;
    std::string verb;
    std::optional<std::string> argument;
    bool redacted = false;
    std::optional<std::string> sent;
    std::vector<std::string> rewritten;
    bool answered_by_proxy = false;
    int final_replies = 0;
  };

  static std::size_t index(Side side) { return static_cast<std::size_t>(side); }

  // Effects
  void connect_server(const std::optional<HostPort>& named) override;
  void drop_server() override {}
  void send(Side to, std::string_view bytes) override;
  void send_urgent(Side to, std::string_view bytes, std::size_t urgent) override;
  void finish(Side to) override;
  void reset(Side to) override;
  void expose(const Exposure& exposure) override;
  void connect_channel(ChannelId channel, Side side, const Endpoint& target) override;
  void close_channel(ChannelId channel, ChannelEnd how) override;
  void watch_channel(ChannelId channel, Duration quiet) override;
  void end_session() override;

  // RecordSink
  void record(const Record& record) override;
  void note_for_comparison(Record record);
  void logged(const record::Command& body);
  void logged(const record::Reply& body);
  void logged(const record::Rewrite& body);
  void logged(const record::Finding& body);
  void logged(const record::Opaque& body);
  void logged(const record::End& body);

  void handle(const Event& event);
  void pump();
  bool deliver(Side side);
  void check_held(Side side, std::size_t last_chunk) const;
  void fire_timer();
  void close_what_is_closing();
  void deliver_closed(ChannelId id, ChannelEnd how, std::optional<Side> by);
  template <class Fits>
  std::optional<ChannelId> pick(bool oldest, Fits fits) const {
    std::optional<ChannelId> found;
    for (const auto& [id, channel] : channels_) {
      if (channel.gone || !fits(channel)) continue;
      found = id;
      if (oldest) break;
    }
    return found;
  }
  Endpoint exposed_address(ChannelId id) const;

  void effect(std::string_view name);
  void sent_to_server(std::string_view bytes);
  void sent_to_client(std::string_view bytes);
  std::string client_line(std::size_t number) const;

  void check_in_flight() const;
  void check_forwarded() const;
  void check_second_reader() const;
  void check_no_address_passes() const;
  void check_secret() const;
  void check_transparent() const;

  WorldOptions world_;
  InterceptorOptions options_;
  Pipeline pipeline_;
  Interceptor machine_;
  Timestamp now_{std::chrono::seconds(1'800'000'000)};
  Endpoint client_, proxy_, server_;

  std::array<std::deque<Chunk>, 2> waiting_;  // sent by a peer, not yet read by the proxy
  std::array<bool, 2> closed_{}, close_told_{}, finished_{};
  std::array<std::string, 2> read_;  // from each side
  std::array<std::string, 2> sent_;  // to each side
  bool connecting_ = false;
  bool connected_ = false;
  bool in_handle_ = false;
  bool end_logged_ = false;
  bool ended_ = false;
  bool timer_ended_it_ = false;
  bool in_timer_ = false;
  std::map<ChannelId, Channel> channels_;
  std::set<std::string> own_lines_;  // canonical address commands with an address that we expose

  std::uint64_t next_seq_ = 0;
  Timestamp last_time_{};
  std::vector<Logged> commands_;  // commands_[id - 1]
  int greetings_ = 0;
  std::uint32_t last_answered_ = 0;
  bool opaque_ = false;
  bool violated_ = false;  // cut off, by the proxy or by a reset: what was on its way may be lost
  bool was_logged_in_ = false;
  std::size_t consumed_ = 0;  // of what the client sent: lines that became commands, opaque bytes
  std::size_t opaque_from_ = 0;     // where in sent_[server] the opaque bytes start
  std::size_t echoed_ = 0;          // of what the server sent: how much has gone to the client
  bool can_follow_replies_ = true;  // not where the log hides what was replaced
  std::deque<std::string> own_replies_;
  std::optional<std::pair<std::string, std::string>> reply_rewrite_;
  record::End end_;
  std::size_t log_bytes_ = 0;
  std::size_t fed_ = 0;
  std::string secret_seen_;
  bool early_echo_ = false;  // the server said the sentinel before the client did
  std::string comparable_log_, deeds_;
};

}  // namespace ftpscope::fuzz
