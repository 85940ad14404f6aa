// The machine of the replayed server: one client session, answered from a recording.
//
// The words come from the script, the data connections are real: which of PASV, EPSV, LPSV, PORT,
// EPRT and LPRT a client uses, and over which address family, need not be what was recorded. Pure
// like every machine; its driver is proxy/io/replay_session.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "analyzer/line_splitter.h"
#include "analyzer/session_state.h"
#include "proxy/replay_script.h"
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
struct DataEnded {};
struct DataFailed {
  bool connected = false;  // it broke; or it never was
};
struct TimerFired {};

using Event = std::variant<Connected, Received, PassiveOpened, PassiveFailed, DataEnded, DataFailed,
                           TimerFired>;

// Carried out in the order of the calls; what they cause comes back as an event, later.
class Effects {
 public:
  virtual void send(std::string_view bytes) = 0;
  // Ends the control connection after what was sent.
  virtual void finish() = 0;
  // For a connection from the control connection's peer; in place of an older one.
  virtual void open_passive() = 0;
  virtual void connect_active(std::uint16_t port) = 0;  // of the control connection's peer
  // As soon as the data connection is there; then it is closed.
  virtual void send_payload(const ScriptPayload& payload) = 0;
  virtual void receive_payload() = 0;
  virtual void close_data() = 0;

 protected:
  ~Effects() = default;
};

}  // namespace replay

class ServerReplay {
 public:
  static constexpr std::size_t kLineMax = 8192;
  static constexpr Duration kIdleMax = std::chrono::seconds(900);

  // `script` is shared by all sessions; it and `effects` outlive this.
  ServerReplay(const ReplayScript& script, const IpAddress& client, replay::Effects& effects);

  void handle(const replay::Event& event, Timestamp now);
  // Whether bytes of the control connection may be read.
  [[nodiscard]] bool wants() const { return !finished_ && !held_ && data_ != Data::opening; }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] std::optional<Timestamp> deadline() const;

 private:
  // How the next transfer, or the one that is running, gets its data connection.
  enum class Data : std::uint8_t { none, opening, passive, active };

  void on(const replay::Connected& event);
  void on(const replay::Received& event);
  void on(const replay::PassiveOpened& event);
  void on(const replay::PassiveFailed& event);
  void on(const replay::DataEnded& event);
  void on(const replay::DataFailed& event);
  void on(const replay::TimerFired& event);

  void resume();
  void pump();
  void take_line(const Line& line);
  void take_command(const Command& command);
  void abort(const Command& command);
  void set_up_passive(const Command& command);
  void set_up_active(const Command& command);
  void answer_from_script(const Command& command);
  void play(const Exchange& exchange);
  void begin_transfer(const Exchange& exchange);
  void end_transfer();
  void send(const ScriptReply& recorded);
  void reply(std::string_view line);
  void finish();
  [[nodiscard]] std::string passive_reply(const Endpoint& address) const;
  [[nodiscard]] std::string unmatched(const Command& command) const;

  const ReplayScript& script_;
  replay::Effects& effects_;
  ScriptCursor cursor_;
  BounceGuard guard_{DataAddress::peer};
  SessionState state_;
  LineSplitter lines_{kLineMax};
  std::string scratch_;
  std::optional<std::string> held_;  // a command that waits for the end of the transfer
  Data data_ = Data::none;
  std::string setup_verb_;  // of the passive connection being opened
  std::uint16_t active_port_ = 0;
  const Exchange* transfer_ = nullptr;
  std::size_t replies_sent_ = 0;  // of the transfer
  bool finished_ = false;
  Timestamp now_{};
  Timestamp last_activity_{};
};

}  // namespace ftpscope
