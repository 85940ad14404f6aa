// Events in, effects out: how everything that takes part in a session talks to the world. A machine
// knows no socket, clock or file. The live driver (proxy/io), the transcripts and the fuzzers feed
// it the same events.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "analyzer/data_taker.h"
#include "analyzer/host_port.h"
#include "analyzer/record.h"

namespace ftpscope {

struct ChannelTotals {
  std::optional<Leg> client;
  std::optional<Leg> server;
  std::uint64_t bytes_to_client = 0;
  std::uint64_t bytes_to_server = 0;
  std::optional<Timestamp> connected;
  std::optional<Timestamp> first_byte;
  std::optional<Timestamp> last_byte;
  std::optional<Side> closed_first;
  ChannelEnd how = ChannelEnd::fin;
  TakenBothWays taken;  // when the session is recorded
};

namespace event {

struct ClientConnected {
  Endpoint client;
  Endpoint proxy;
  std::string_view server;  // as asked for
  bool login_names_server = false;
  std::optional<Endpoint> balancer = std::nullopt;  // as in record::Session
  std::optional<Endpoint> reached = std::nullopt;
};
// It is not let in: 421 with this text, and the end.
struct ClientRefused {
  std::string_view why;
  std::optional<FindingId> finding = std::nullopt;
  std::string_view detail = {};
};
struct ServerConnected {
  Endpoint server;
  Endpoint from;
  std::string name = {};               // as asked for
  std::string_view proxy_header = {};  // the version of the one that was sent first
};
// One of several, or one of its addresses; another one is tried now.
struct ServerPassedOver {
  std::string server;  // as asked for
  std::string why;
  bool forbidden = false;
};
struct ServerUnreachable {
  std::string why;
};
// The client named it and may not be connected to it.
struct ServerForbidden {
  std::string why;
};
struct Received {
  Side from = Side::client;
  std::string_view bytes;
  bool urgent = false;  // the first byte is TCP urgent data
};
struct Closed {
  Side side = Side::client;
  bool reset = false;
};
struct Exposed {
  ChannelId channel = 0;
  Endpoint address;  // where we listen
  DataPathKind path = DataPathKind::relay;
  std::string_view why_relayed = {};  // when it was to be the kernel
};
struct ExposeFailed {
  ChannelId channel = 0;
  std::string_view why;
};
struct StrangerRefused {
  ChannelId channel = 0;
  Endpoint stranger;
  // More than that: a balancer's connection whose header is missing or wrong.
  std::optional<FindingId> finding = std::nullopt;
  std::string_view detail = {};
};
// The peer that was waited for connected to this address, and a NAT of our own kernel sent it to
// where we listen.
struct PeerRedirected {
  ChannelId channel = 0;
  Endpoint meant;
};
struct ChannelOpened {
  ChannelId channel = 0;
  Leg client;
  Leg server;
};
// This side has sent its last byte and all of it was delivered.
struct ChannelDrained {
  ChannelId channel = 0;
  Side from = Side::client;
};
// Asked for by Effects::watch_channel: no byte has moved for that long.
struct ChannelQuiet {
  ChannelId channel = 0;
};
struct ChannelClosed {
  ChannelId channel = 0;
  ChannelTotals totals;
  std::string_view why;  // of connect_failed
};
struct TimerFired {};
struct ShutdownAsked {
  bool now = false;  // false: finish what is running, begin nothing
};

}  // namespace event

using Event = std::variant<event::ClientConnected, event::ClientRefused, event::ServerConnected,
                           event::ServerPassedOver, event::ServerUnreachable,
                           event::ServerForbidden, event::Received, event::Closed, event::Exposed,
                           event::ExposeFailed, event::StrangerRefused, event::PeerRedirected,
                           event::ChannelOpened, event::ChannelDrained, event::ChannelQuiet,
                           event::ChannelClosed, event::TimerFired, event::ShutdownAsked>;

struct Exposure {
  ChannelId channel = 0;
  Side facing = Side::client;  // who will connect
  IpAddress expected;          // from this address and no other
  // Connect to it when they have come. None: the other side comes as well, to an exposure of its
  // own of the same channel.
  std::optional<Endpoint> target;
};

// Carried out after Machine::handle() has returned, in the order of the calls; what they cause
// comes back as an event. Bytes are taken at the call, so views need not outlive it.
class Effects {
 public:
  // To the one that the client has named, or to the one that its way in leads to.
  virtual void connect_server(const std::optional<HostPort>& named) = 0;
  // At once; another may be connected to.
  virtual void drop_server() = 0;
  virtual void send(Side to, std::string_view bytes) = 0;
  // The byte at `urgent` goes as TCP urgent data.
  virtual void send_urgent(Side to, std::string_view bytes, std::size_t urgent) = 0;
  // Half-closes after what was sent: the side gets a FIN and may still send.
  virtual void finish(Side to) = 0;
  virtual void reset(Side to) = 0;
  virtual void expose(const Exposure& exposure) = 0;
  // A side of a channel that is not exposed: we go there.
  virtual void connect_channel(ChannelId channel, Side side, const Endpoint& target) = 0;
  virtual void close_channel(ChannelId channel, ChannelEnd how) = 0;
  // One ChannelQuiet when no byte of it has moved for so long; a newer call replaces an older one.
  virtual void watch_channel(ChannelId channel, Duration quiet) = 0;
  // The machine is done: close what is open once everything sent has left.
  virtual void end_session() = 0;

 protected:
  ~Effects() = default;
};

class Machine {
 public:
  virtual ~Machine() = default;
  virtual void handle(const Event& event, Timestamp now) = 0;
  // Backpressure: whether bytes of this side may be read from its socket.
  [[nodiscard]] virtual bool wants(Side side) const = 0;
  // When TimerFired is due.
  [[nodiscard]] virtual std::optional<Timestamp> deadline() const = 0;
};

}  // namespace ftpscope
