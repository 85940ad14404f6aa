// The machine of the replayed client: says the commands of a recording to a server, one after the
// other, as a client does that waits for its replies, and notes what became of each.
//
// The words come from the script, the data connections are its own: how each is set up is agreed on
// anew with this server. What the server says is read by the same Dialogue as everywhere, so the
// session's records are those of any other log, and are what is compared with the recording
// afterwards. Pure like every machine; its driver is proxy/io/client_session.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "analyzer/dialogue.h"
#include "proxy/client_script.h"
#include "proxy/data_totals.h"
#include "proxy/replay_script.h"

namespace ftpscope {

// How data connections are set up.
enum class DataMode : std::uint8_t {
  as_recorded,
  passive,   // PASV for PORT, EPSV for EPRT
  active,    // PORT for PASV, EPRT for EPSV
  extended,  // EPSV for PASV, EPRT for PORT
};

// The verb for a recorded one. Over IPv6 PASV and PORT cannot be (RFC 2428 1), so it is EPSV or
// EPRT then.
std::string_view setup_verb(std::string_view recorded, DataMode mode, bool ipv6);

namespace play {

struct Connected {  // the first event
  Endpoint server;
  Endpoint here;
};
struct Received {
  std::string_view bytes;
};
struct Closed {
  bool reset = false;
};
struct Listening {
  Endpoint address;
};
struct ListenFailed {};
struct DataConnected {
  Leg leg;
};
// As many bytes have come as Reading::pause_after names. No more are read before resume_data().
struct DataPaused {};
// One for each listen_data() and connect_data(), also when close_data() ended it.
struct DataOver {
  DataTotals totals;
};
struct TimerFired {};

using Event = std::variant<Connected, Received, Closed, Listening, ListenFailed, DataConnected,
                           DataPaused, DataOver, TimerFired>;

struct Reading {
  std::optional<std::uint64_t> pause_after;
  std::optional<std::uint64_t> close_after;  // the recorded client broke off there
  bool listing = false;                      // the bytes are to be compared as text
  ChannelId channel = 0;
};

// Carried out in the order of the calls; what they cause comes back as an event, later.
class Effects {
 public:
  // `urgent`: this byte of them goes as TCP urgent data.
  virtual void send(std::string_view bytes, std::optional<std::size_t> urgent) = 0;
  virtual void finish() = 0;                          // a FIN after what was sent
  virtual void listen_data() = 0;                     // for the server, at our end's address
  virtual void connect_data(std::uint16_t port) = 0;  // of the server
  virtual void receive(const Reading& reading) = 0;   // as soon as the connection is there
  virtual void resume_data() = 0;
  virtual void send_payload(const ScriptPayload& payload, ChannelId channel) = 0;
  virtual void close_data() = 0;
  virtual void end() = 0;  // all is over: close what is open

 protected:
  ~Effects() = default;
};

}  // namespace play

struct ClientReplayOptions {
  static constexpr Duration kReplyTimeout = std::chrono::seconds(60);  // default of --reply-timeout
  static constexpr std::size_t kPipelinedMax = DialogueLimits::kInFlightMax;

  DataMode mode = DataMode::as_recorded;
  bool pipelined = false;  // commands leave as early as they did
  Duration reply_timeout = kReplyTimeout;
  DialogueLimits limits;
};

// What became of a step of the script.
struct StepResult {
  std::optional<CommandId> played;  // none: it was not sent
  std::string not_sent;             // why
  bool needless = false;            // this server did not need it
  bool other_setup = false;         // another of PASV, EPSV, PORT, EPRT than the recorded one
};

class ClientReplay final : private Gate {
 public:
  static constexpr Duration kGoodbye = std::chrono::seconds(5);  // for the server's FIN at the end
  static constexpr Duration kDrain =
      std::chrono::seconds(5);  // for data behind a refusal such as 426
  // A reply whose last line reads like an end to some clients, and nothing more comes.
  static constexpr Duration kLikeFinalPatience = std::chrono::seconds(1);

  // `script`, `sink` and `effects` outlive this.
  ClientReplay(const ClientScript& script, const ClientReplayOptions& options, std::string session,
               RecordSink& sink, play::Effects& effects);

  void handle(const play::Event& event, Timestamp now);
  [[nodiscard]] bool finished() const { return phase_ == Phase::finished; }
  [[nodiscard]] std::optional<Timestamp> deadline() const;

  // One for each step, in its order.
  [[nodiscard]] const std::vector<StepResult>& results() const { return results_; }
  // Why the rest of the script was not played; empty: all of it was.
  [[nodiscard]] const std::string& broken_off() const { return broken_off_; }
  [[nodiscard]] Recorder& recorder() { return recorder_; }

 private:
  enum class Phase : std::uint8_t { connecting, greeting, talking, leaving, finished };
  enum class Data : std::uint8_t { none, listening, agreed_passive, agreed_active };

  struct InFlight {
    std::size_t step = 0;
    CommandId id = 0;
    bool preliminary = false;
  };
  struct Transfer {
    std::size_t step = 0;
    CommandId id = 0;
    ChannelId channel = 0;
    bool preliminary = false;
    bool reached = false;  // as far as where the recorded client sent something in mid-transfer
    bool data_over = false;
    std::optional<Timestamp> final_at;
    std::optional<int> code;
  };
  // A reply, or the part of one that is as good to a client that goes on.
  struct Heard {
    CommandId to = 0;
    std::optional<int> code;
    bool preliminary = false;
    std::optional<std::uint16_t> port;  // of a reply to PASV and its like
  };

  // Gate
  CommandFate on_command(const Command& command, CommandId id) override;
  bool on_reply(const Reply& reply, const PendingCommand* answered, std::string_view raw) override;
  void on_reply_part(std::string_view raw) override;
  bool may_send_in_parts(const PendingCommand*) override { return true; }
  void on_own_answer(std::string_view) override {}
  void on_opaque_bytes(Side, std::string_view) override {}
  void on_violation(Violation violation, std::string_view detail) override;
  void on_closed(Side) override {}

  void on(const play::Connected& event);
  void on(const play::Received& event);
  void on(const play::Closed& event);
  void on(const play::Listening& event);
  void on(const play::ListenFailed& event);
  void on(const play::DataConnected& event);
  void on(const play::DataPaused& event);
  void on(const play::DataOver& event);
  void on(const play::TimerFired& event);

  void hear_all();
  void hear(const Heard& heard);
  void hear_greeting(const Heard& heard);
  void hear_final(const InFlight& command, const Heard& heard);
  void hear_setup(const InFlight& command, const Heard& heard);
  void judge(const InFlight& command, std::optional<int> code);

  void advance();
  [[nodiscard]] std::string why_not_now(const ClientStep& step) const;
  [[nodiscard]] bool is_needless(const ClientStep& step) const;
  [[nodiscard]] bool may_send(const ClientStep& step) const;
  [[nodiscard]] bool idle() const;
  [[nodiscard]] bool blocks(const InFlight& command) const;
  void send_next();
  void send_line(std::string_view line, std::optional<std::size_t> urgent);
  void set_up(const ClientStep& step);

  void begin_transfer(const ClientStep& step);
  [[nodiscard]] play::Reading reading_of(const Transaction& expected) const;
  void hear_preliminary();
  void end_transfer_if_over();
  void record_data(const DataTotals& totals);

  void break_off(std::string why);
  void leave();
  void end(SessionEnd how, std::optional<Side> by);

  [[nodiscard]] const Transaction& expected(std::size_t step) const {
    return script_.expected.transactions[script_.steps[step].expected];
  }
  [[nodiscard]] std::optional<Timestamp> reply_due() const;

  const ClientScript& script_;
  ClientReplayOptions options_;
  play::Effects& effects_;
  Recorder recorder_;
  SessionState state_;
  DialogueLimits limits_;
  Dialogue dialogue_;
  Phase phase_ = Phase::connecting;
  std::vector<StepResult> results_;
  std::size_t next_ = 0;  // in the steps
  std::vector<InFlight> in_flight_;
  std::vector<Heard> heard_;  // by the dialogue, not yet acted upon
  CommandId last_id_ = 0;

  Data data_ = Data::none;
  std::optional<Setup> setup_;  // of the connection that was agreed on last
  CommandId setup_id_ = 0;
  std::uint16_t passive_port_ = 0;
  std::optional<Transfer> transfer_;
  ChannelId channels_ = 0;
  std::size_t data_open_ = 0;  // for so many a DataOver is still to come
  Timestamp exposed_{};        // when the connection was agreed on

  std::optional<int> user_code_;
  bool rest_refused_ = false;    // REST is not as it was: what follows would overwrite a whole file
  bool folder_unknown_ = false;  // CWD is not as it was: relative paths mean something else
  std::string broken_off_;
  int open_code_ = 0;  // of a reply that comes in parts
  std::optional<Timestamp> like_final_due_;
  Heard like_final_;

  Timestamp now_{};
  Timestamp begun_{};
  Timestamp last_progress_{};
  Timestamp leaving_since_{};
  struct Ending {
    SessionEnd how;
    std::optional<Side> by;
  };
  std::optional<Ending> ending_;  // waits for the data connection's last event
  record::End totals_;
};

}  // namespace ftpscope
