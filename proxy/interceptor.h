// The machine of the live proxy: one session between a client and a server.
//
// The Dialogue understands, the Pipeline decides, this carries out: sends on, answers, exposes
// addresses, and keeps the order. Order is kept by waiting: while a hole in a line is being filled,
// or a 226 waits for its data, nothing more is read from that side, so nothing can overtake
// (design.md, points 1 to 3).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/dialogue.h"
#include "proxy/machine.h"
#include "proxy/server_memory.h"
#include "rewriters/pipeline.h"

namespace ftpscope {

struct SessionTimeouts {  // zero: never
  Duration greeting = std::chrono::seconds(30);
  Duration login = std::chrono::seconds(60);
  Duration line = std::chrono::seconds(30);  // from a line's first byte to its last
  Duration idle = std::chrono::seconds(900);
  Duration data_connect = std::chrono::seconds(30);
};

struct InterceptorOptions {
  static constexpr Duration kNoopIdleMax = std::chrono::hours(1);  // NOOPs keep a session that long
  static constexpr Duration kCloseLinger = std::chrono::seconds(10);
  // How long a 226 waits for data that is on its way, and for a data connection that may be.
  static constexpr Duration kDataQuiet = std::chrono::seconds(2);
  static constexpr Duration kConnectQuiet = std::chrono::milliseconds(250);
  static constexpr std::uint32_t kStrangersTold = 16;   // of one channel; all are counted
  static constexpr std::uint32_t kServersNamedMax = 8;  // of one session, with --mode forward

  DialogueLimits limits;
  SessionTimeouts timeouts;
  // The control connection is quiet for that long while a transfer runs: the server gets a NOOP.
  // Zero: never.
  Duration keepalive_noop{};
  Policy policy;
};

class Interceptor final : public Machine, private Gate {
 public:
  // `options`, `pipeline` and `memory` are shared by all sessions and outlive them. Without
  // `memory` each session learns for itself.
  Interceptor(const InterceptorOptions& options, const Pipeline& pipeline, std::string session,
              RecordSink& sink, Effects& effects, ServerMemory* memory = nullptr);

  void handle(const Event& event, Timestamp now) override;
  [[nodiscard]] bool wants(Side side) const override;
  [[nodiscard]] std::optional<Timestamp> deadline() const override;
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const SessionState& state() const { return state_; }
  [[nodiscard]] const std::string& session() const { return recorder_.session(); }

 private:
  struct Channel {
    ChannelId id = 0;
    CommandId setup_command = 0;
    Setup setup = Setup::pasv;
    Side facing = Side::client;  // who was told last where we listen, of those who will connect
    Endpoint told;               // and what
    Timestamp exposed;
    std::optional<Endpoint> client;    // to be connected to when the transfer begins
    std::optional<Timestamp> expires;  // nobody came by then
    DataPathKind path = DataPathKind::relay;
    bool opened = false;
    bool drained_from_client = false;
    bool drained_from_server = false;
    std::optional<CommandId> transfer;
    std::string_view verb;  // of the transfer: a name in the verbs table
    std::optional<Direction> direction;
    std::uint32_t strangers = 0;
    std::optional<IpAddress> stranger;  // who they were, while it is one address
    bool strangers_differ = false;
  };
  // A message whose address is being exposed.
  struct Exposing {
    ExposeAddress address;
    CommandId command = 0;
    Side waiting = Side::client;  // it is not read meanwhile
    std::string original;
    std::string what;
    std::string why;
    ChannelId channel = 0;
    bool is_new = true;  // nothing has been told of the channel
  };
  // The client's set-up command while the server is asked for it in another form.
  struct SettingUp {
    CommandId command = 0;
    AskServer wish;
    Setup sent = Setup::pasv;
    std::string line;       // as it was last sent; the client's at first
    ChannelId channel = 0;  // whose address the server was told
  };
  enum class SetupStep : std::uint8_t {
    pass,  // the reply goes its way, by its verdict
    wait,  // for an address of ours
    done,  // the client has heard all that it is to hear of it
  };
  // The client has to say which server it wants (interceptor_naming.cpp).
  struct Naming {
    enum class Step : std::uint8_t {
      asking,       // answered by ourselves
      connecting,   // the command that named a server waits
      greeting,     // of that server
      taken,        // it has greeted
      turned_away,  // it has not, `why`
      leaving,      // QUIT
    };
    Step step = Step::asking;
    std::uint32_t named = 0;  // how many
    CommandId command = 0;    // that named the last one
    std::string server;
    std::string line;    // of USER, as the server gets it; empty: the client says it next
    std::string before;  // as the log has it
    std::string after;
    std::string why;
  };
  // A 2yz that waits until the data before it has been delivered.
  struct HeldReply {
    std::string raw;
    CommandId command = 0;
    ChannelId channel = 0;
  };
  // The session ends: why, and until when it waits for what is still on its way.
  struct Closing {
    std::optional<Side> by;
    SessionEnd how = SessionEnd::fin;
    Timestamp linger_until;
    std::string why;
  };

  // events
  void on(const event::ClientConnected& event);
  void on(const event::ClientRefused& event);
  void on(const event::ServerConnected& event);
  void on(const event::ServerPassedOver& event);
  void on(const event::ServerUnreachable& event);
  void on(const event::ServerForbidden& event);
  void on(const event::Received& event);
  void on(const event::Closed& event);
  void on(const event::Exposed& event);
  void on(const event::ExposeFailed& event);
  void on(const event::StrangerRefused& event);
  void on(const event::PeerRedirected& event);
  void on(const event::ChannelOpened& event);
  void on(const event::ChannelDrained& event);
  void on(const event::ChannelQuiet& event);
  void on(const event::ChannelClosed& event);
  void on(const event::TimerFired& event);
  void on(const event::ShutdownAsked& event);

  // Gate
  CommandFate on_command(const Command& command, CommandId id) override;
  bool on_reply(const Reply& reply, const PendingCommand* answered, std::string_view raw) override;
  void on_reply_part(std::string_view raw) override;
  bool may_send_in_parts(const PendingCommand* answered) override;
  void on_own_answer(std::string_view reply) override;
  void on_opaque_bytes(Side from, std::string_view bytes) override;
  void on_violation(Violation violation, std::string_view detail) override;
  void on_closed(Side side) override;

  // commands and replies
  CommandFate forward(const Command& command, CommandId id);
  void send_reply(std::string_view raw, std::optional<CommandId> to);
  void expose(Exposing message);
  Endpoint told_address(Exposing& message, const Endpoint& ours) const;
  void fail_exposing(FindingId finding, std::string_view why);
  void record_rewrite(const Exposing& message, std::string_view after);
  void record_rewrite(record::Rewrite rewrite);

  // naming
  CommandFate on_naming_command(const Command& command, CommandId id);
  void keep_login(const Command& command, const std::string& user);
  bool on_greeting(const Reply& reply, const PendingCommand* answered, std::string_view raw);
  bool on_closed_while_naming(Side side);
  void turn_away(std::string_view why);
  void ask_again(std::string reply);
  void settle_naming();
  void take_server();
  void drop_server();
  // set-ups in another form
  CommandFate begin_setup(const AskServer& wish, const Command& command, CommandId id,
                          std::string_view why);
  bool ask_server(std::string_view why, Side waiting);
  void address_told(const Exposing& message, std::string_view line);
  SetupStep on_setup_reply(const Reply& reply, ReplyVerdict& verdict, std::string_view raw);
  SetupStep on_setup_refused(int code);
  void remember_refusal(Setup setup);
  void meet(const SettingUp& setup, const ExposeAddress& server, const Reply& reply);

  // channels
  Channel& add_channel(CommandId setup_command, Setup setup);
  Channel* find_channel(ChannelId id);
  Channel* waiting_channel();
  void begin_transfer(const Command& command, CommandId id);
  bool must_wait_for_data(const PendingCommand& answered, const Reply& reply);
  void settle_transfer(const PendingCommand& answered, const Reply& reply);
  void release_held_reply();
  void drop_waiting_channel(ChannelEnd how);
  void renew(Channel& channel);
  [[nodiscard]] const IpAddress& expected_by(const Channel& channel) const;
  void tell_other_address(const Channel& channel, const event::ChannelClosed& closed);
  void record_data(const Channel& channel, const event::ChannelClosed& closed);

  // life
  void check_deadlines();
  void time_out(FindingId finding, std::string_view text);
  void refuse(SessionEnd how, std::string_view reply, std::string_view why);
  void say(std::string_view reply);
  void abandon();
  void begin_end(std::optional<Side> by, SessionEnd how, std::string_view why);
  void end_if_done();
  void end();
  [[nodiscard]] bool busy() const;
  [[nodiscard]] std::optional<Timestamp> idle_deadline() const;
  [[nodiscard]] std::optional<Timestamp> noop_due() const;
  void say_noop();
  [[nodiscard]] Timestamp now() const { return recorder_.now(); }

  const InterceptorOptions& options_;
  const Pipeline& pipeline_;
  Recorder recorder_;
  Effects& effects_;
  ServerMemory* memory_;
  SessionState state_;
  Dialogue dialogue_;
  Endpoint server_;
  ChannelId last_channel_ = 0;
  std::vector<Channel> channels_;
  // What few sessions have at a time is not part of an idle one.
  std::unique_ptr<Exposing> exposing_;
  std::unique_ptr<SettingUp> setting_up_;
  std::unique_ptr<HeldReply> held_;
  std::unique_ptr<Naming> naming_;  // until a server has greeted
  std::unique_ptr<Closing> closing_;

  std::string server_name_;  // as asked for
  Timestamp started_{};
  Timestamp greeting_since_{};  // it is awaited
  Timestamp last_activity_{};
  Timestamp last_work_{};      // the last command that was not NOOP
  Timestamp last_exchange_{};  // with the server, either way
  std::array<std::optional<Timestamp>, 2> line_since_;
  std::array<bool, 2> closed_{};
  bool server_connected_ = false;
  bool draining_ = false;
  bool ended_ = false;
  bool told_relayed_ = false;  // why the kernel does not translate
  bool client_ended_ = false;  // it will send no more; what it sent may still wait for replies
  // Bytes, for the record of the end: those that a side has said, and the data that it was sent.
  std::array<std::uint64_t, 2> said_{};
  std::array<std::uint64_t, 2> data_to_{};
};

}  // namespace ftpscope
