// The machine of the replayed server: one client session, answered from a recording.
//
// The words come from the script, the data connections are real: which of PASV, EPSV, LPSV, PORT,
// EPRT and LPRT a client uses, and over which address family, need not be what was recorded. Pure
// like every machine; its driver is proxy/io/replay_session.h.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "analyzer/findings.h"
#include "analyzer/line_splitter.h"
#include "analyzer/session_state.h"
#include "proxy/replay_place.h"
#include "proxy/replay_script.h"
#include "proxy/script_cursor.h"
#include "proxy/standard_answers.h"
#include "rewriters/bounce_guard.h"

namespace ftpscope {

namespace replay {

struct Connected {};  // the first event
struct Received {
  std::string_view bytes;
};
struct PassiveOpened {
  Endpoint address;  // where the driver listens for the client
};
struct PassiveFailed {};
// All of a payload was sent, or the client has ended its upload.
struct DataEnded {
  std::string difference = {};  // of an upload to the recorded one; empty: there is none
};
struct DataFailed {
  bool connected = false;  // it broke; or it never was
};
struct TimerFired {};

using Event = std::variant<Connected, Received, PassiveOpened, PassiveFailed, DataEnded, DataFailed,
                           TimerFired>;

// A command that moves data, and the connection that was agreed on for it.
struct Transfer {
  CommandId to = 0;
  std::string_view verb;  // outlives the session
  Setup setup = Setup::unknown;
  Timestamp exposed;       // when it was agreed on
  std::uint64_t skip = 0;  // bytes of the payload that are not sent
  double speed = 0;        // so many times the recorded rate; 0: as fast as it goes
};

// Carried out in the order of the calls; what they cause comes back as an event, later.
class Effects {
 public:
  // With a write of its own.
  virtual void send(std::string_view bytes) = 0;
  // Ends the control connection after what was sent.
  virtual void finish(bool reset) = 0;
  // For a connection from the control connection's peer; in place of an older one.
  virtual void open_passive() = 0;
  virtual void connect_active(std::uint16_t port) = 0;  // of the control connection's peer
  // As soon as the data connection is there; then it is closed.
  virtual void send_payload(const ScriptPayload& payload, const Transfer& transfer) = 0;
  virtual void receive_payload(const ScriptPayload& recorded, const Transfer& transfer) = 0;
  virtual void close_data() = 0;
  // `to`: the client's commands are counted from 1.
  virtual void tell(FindingId finding, CommandId to, std::string_view detail) = 0;

 protected:
  ~Effects() = default;
};

}  // namespace replay

// What a client gets that says what the recording does not have.
enum class Unmatched : std::uint8_t { reply_500, close, nearest };

struct ReplayOptions {
  static constexpr double kSlowest = 0.001;

  Match match = Match::verb;
  Unmatched unmatched = Unmatched::reply_500;
  double speed = 0;  // how many times the recorded speed; 0: without any pause
};

class ServerReplay {
 public:
  static constexpr std::size_t kLineMax = 8192;
  static constexpr Duration kIdleMax = std::chrono::seconds(900);
  static constexpr Duration kPauseMax = std::chrono::hours(1);
  // What a server said or did unasked so long after its last reply was not part of that: a client
  // that goes on does not hear it, and without pauses nobody does.
  static constexpr Duration kPartOfReply = std::chrono::seconds(1);

  // `script` and `options` are shared by all sessions; they and `effects` outlive this.
  ServerReplay(const ReplayScript& script, const ReplayOptions& options, const IpAddress& client,
               replay::Effects& effects);

  void handle(const replay::Event& event, Timestamp now);
  // Whether bytes of the control connection may be read.
  [[nodiscard]] bool wants() const {
    return !finished_ && !held_ && data_ != Data::opening && phase_ != Phase::saying;
  }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] std::optional<Timestamp> deadline() const;

 private:
  // How the next transfer, or the one that is running, gets its data connection.
  enum class Data : std::uint8_t { none, opening, passive, active };
  // Of the exchange that is being played.
  enum class Phase : std::uint8_t { idle, saying, moving };
  // Bytes to be sent with one write, and perhaps the end of the session.
  struct Deed {
    Timestamp due;
    std::string bytes;
    Exchange::Closing closing = Exchange::Closing::none;
  };

  void on(const replay::Connected& event);
  void on(const replay::Received& event);
  void on(const replay::PassiveOpened& event);
  void on(const replay::PassiveFailed& event);
  void on(const replay::DataEnded& event);
  void on(const replay::DataFailed& event);
  void on(const replay::TimerFired& event);

  void pump();
  void take_line(const Line& line);
  void take_command(const Command& command);
  void abort(const Command& command);
  void set_up_passive(const Command& command);
  void set_up_active(const Command& command);
  void answer_from_script(const Command& command);
  void answer_unmatched(const Command& command);
  void answer(const Command& command, std::string_view line);

  void play(const Exchange& exchange, std::uint64_t skip);
  void say_until(std::size_t end);
  void add_pieces(std::deque<Deed>& deeds, const ScriptReply& reply);
  void proceed();
  void begin_data();
  void agreed(Data data, AddressForm form);
  void end_exchange();
  void close_as_recorded(const Exchange& exchange);
  void do_one(const Deed& deed);
  [[nodiscard]] Timestamp due(Timestamp recorded) const;
  void reply(std::string_view line);
  void finish(bool reset = false);
  [[nodiscard]] std::string passive_reply(const Endpoint& address) const;
  [[nodiscard]] std::string active_reply(std::string_view verb) const;
  [[nodiscard]] std::string what_is_next(const Command& command) const;

  const ReplayScript& script_;
  const ReplayOptions& options_;
  replay::Effects& effects_;
  ScriptCursor cursor_;
  ReplayPlace place_;
  BounceGuard guard_{AddressPolicy("--data-address")};
  SessionState state_;
  LineSplitter lines_{kLineMax};
  std::string scratch_;
  CommandId commands_ = 0;           // heard
  std::optional<std::string> held_;  // a command that waits for the end of the transfer
  Data data_ = Data::none;
  std::string setup_verb_;  // of the passive connection being opened
  std::uint16_t active_port_ = 0;
  Setup setup_ = Setup::unknown;  // of the connection that was agreed on last
  Timestamp exposed_{};

  const Exchange* playing_ = nullptr;
  Phase phase_ = Phase::idle;
  CommandId played_to_ = 0;       // the command that is being answered
  std::size_t replies_said_ = 0;  // of what is being played
  std::uint64_t skip_ = 0;
  std::deque<Deed> deeds_;    // in their order; the client waits for them
  std::deque<Deed> unasked_;  // the same, but nobody waits
  bool pumping_ = false;
  bool joined_ = false;    // the next piece goes with the last deed
  Timestamp last_said_{};  // when the recorded server said it
  Timestamp recorded_base_{};
  Timestamp played_base_{};
  bool finished_ = false;
  Timestamp now_{};
  Timestamp last_activity_{};
};

}  // namespace ftpscope
