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

// With --advertise and --advertise-server: IPv4, IPv6.
inline constexpr const char* kTold[] = {"203.0.113.99", "2001:db8:f::99"};
inline constexpr const char* kToldServer[] = {"203.0.113.98", "2001:db8:f::98"};

struct WorldOptions {
  bool rewriters = true;
  Policy policy;
  bool log_secrets = false;
  bool v6 = false;
  bool one_host = false;        // client, proxy and server on one address
  bool advertises = false;      // kTold instead of where we listen
  bool exposes_v6 = false;      // with mixed families: the other one than the peer's
  bool exposes_at_once = true;  // else the input says when, and whether
  bool mixed_families = false;  // the server's is not the client's
  bool knows_refusal = false;   // another session has been refused EPSV by this server
  bool noops = false;           // --keepalive-noop
  bool login_names_server = false;
  bool connects_at_once = true;  // else the input says when, and whether
  bool small_limits = false;
  bool timeouts = true;
  bool eager = false;
  bool byte_by_byte = false;
};

class World final : private Effects, private RecordSink {
 public:
  explicit World(const WorldOptions& options);

  void start();
  void server_connected();
  void server_unreachable();
  void server_forbidden();  // only one that the client has named can be
  void server_passed_over();
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
    std::optional<Exposure> exposing;                // asked for
    std::optional<Endpoint> target;                  // of the one exposure that has one
    std::array<bool, 2> listens{};                   // for this side, which was told so
    std::array<std::optional<Endpoint>, 2> goes_to;  // else
    bool opened = false;
    std::array<bool, 2> drained{};
    std::optional<ChannelEnd> closing;
    std::optional<Timestamp> quiet_at;
    bool gone = false;

    [[nodiscard]] bool may_open() const {
      const bool listening = (listens[0] && listens[1]) || (target && (listens[0] || listens[1]));
      return !opened && (listening || (goes_to[0] && goes_to[1]));
    }
  };
  struct Logged {  // a command
    std::string raw;
    std::string verb;
    std::optional<std::string> argument;
    bool redacted = false;
    bool by_proxy = false;
    std::vector<std::string> forms;  // of a set-up that is translated: what the server is asked for
    std::optional<int> own_code;     // the proxy answers it, with this code
    std::vector<std::string> sent;   // a set-up may be asked for twice
    std::vector<std::string> rewritten;
    bool answered_by_proxy = false;
    bool preliminary = false;
    std::vector<int> final_codes;

    [[nodiscard]] bool waits() const { return final_codes.empty(); }
    [[nodiscard]] bool may_stay_unanswered() const { return verb.empty() || verb == "ABOR"; }
    [[nodiscard]] bool said_plainly() const;
    [[nodiscard]] std::string word_behind() const;  // the verb
  };
  struct Heard {  // a reply of the server's
    std::size_t to = 0;
    int code = 0;
    std::optional<std::string> raw;  // unless it was masked
    bool unfinished = false;
  };
  struct ReplyRewrite {
    std::string before;
    std::string after;
    bool of_line = true;  // no more than `--lines strict`
  };

  static std::size_t index(Side side) { return static_cast<std::size_t>(side); }

  // Effects
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

  // RecordSink
  void record(const Record& record) override;
  void note_for_comparison(Record record);
  void logged(const record::Command& body);
  void logged(const record::Reply& body);
  void logged(const record::ReplyPart& body);
  void logged(const record::Rewrite& body);
  bool rewrites_command(const record::Rewrite& body);
  void note_reply(Logged& command, const record::Reply& body);
  void check_own_answer(Logged& command, int code) const;
  void logged(const record::Finding& body);
  void logged(const record::Opaque& body);
  void logged(const record::End& body);

  void handle(const Event& event);
  void pump();
  bool deliver(Side side);
  void deliver(Side side, const Chunk& chunk);
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
  [[nodiscard]] Endpoint exposed_address(ChannelId id, Side facing) const;
  [[nodiscard]] Endpoint told_address(ChannelId id, Side facing, bool v4_only) const;
  [[nodiscard]] Leg leg_of(ChannelId id, Side side) const;
  [[nodiscard]] const Endpoint& peer(Side side) const {
    return side == Side::client ? client_ : server_;
  }
  void check_target(Side side, const Endpoint& target) const;

  void effect(std::string_view name);
  void sent_to_server(std::string_view bytes);
  void sent_to_client(std::string_view bytes);
  std::string client_line(std::size_t number) const;
  Logged* answered(const Heard& heard);
  void skip_reply(std::string_view raw, const char* promise);

  // session_world_noops.cpp
  [[nodiscard]] const Logged* running_transfer() const;
  [[nodiscard]] std::size_t waiting_commands() const;
  void check_noop_may_be_said() const;
  void check_may_speak(const Logged& command) const;
  void check_noop_reply(const record::Reply& body);
  void check_not_for_noop(const record::Reply& body) const;
  void check_noops_given_up() const;

  // session_world_setups.cpp
  [[nodiscard]] bool may_translate() const;
  [[nodiscard]] std::vector<std::string> forms_for(const std::string& verb) const;
  void note_translation(Logged& command);
  void note_epsv_argument(Logged& command) const;
  void note_refusal(const Logged& command, int code);
  void note_epsv_all(const Logged& command, int code);
  void check_setup_asked(const Logged& command, std::string_view line) const;
  void check_asked_again(const Logged& command);
  void check_told(std::string_view bytes, const ReplyRewrite* rewrite);
  void check_passive_told(const Logged& command, std::string_view bytes, bool rewritten) const;
  void check_active_told(const Logged& command, bool rewritten) const;
  void check_features_told(std::string_view bytes) const;

  // session_world_naming.cpp
  [[nodiscard]] bool naming() const { return world_.login_names_server && !taken_; }
  void check_named(const HostPort& named);
  void check_naming_answer(const Logged& command, int code) const;

  void check_in_flight() const;
  void check_forwarded() const;
  void check_second_reader() const;
  void check_no_address_passes() const;
  void check_secret() const;
  void check_transparent() const;
  [[nodiscard]] std::string expected_at_server() const;

  WorldOptions world_;
  InterceptorOptions options_;
  Pipeline pipeline_;
  ServerMemory memory_;
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
  std::size_t client_commands_ = 0;
  std::size_t line_bytes_ = 0;  // in these
  Heard heard_;                 // the last one
  bool has_begun_ = false;      // the next one: a part has gone to the client
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
  std::optional<ReplyRewrite> reply_rewrite_;
  record::End end_;
  std::size_t log_bytes_ = 0;
  std::size_t fed_ = 0;
  std::string secret_seen_;
  bool early_echo_ = false;  // the server said the sentinel before the client did
  std::string comparable_log_, deeds_;

  // Our NOOPs.
  std::deque<std::size_t> noops_;  // without a reply; ids
  std::size_t noops_said_ = 0;
  bool noops_given_up_ = false;
  Timestamp last_exchange_{};  // with the server
  Timestamp last_final_{};     // reply to a command of the client's
  // Translation of set-ups.
  bool translation_off_ = false;
  bool translation_known_ = true;  // no line said ALGS in an odd way
  std::set<std::string> refused_;  // for good
  bool epsv_all_ = false;
  bool in_doubt_ = false;  // which command a reply was for (analyzer/README.md)
  // Who names the server.
  std::optional<std::string> login_;  // USER, as it is to be sent; empty: not known
  bool taken_ = false;                // that server has greeted
  std::size_t named_ = 0;             // how many
};

}  // namespace ftpscope::fuzz
