// What happened in a session, one record an event: the log, the terminal, the tests and (later) the
// analyzer all read these. Plain data. Strings are views that live as long as the call that hands a
// record over; whoever wants to keep one copies it (or writes it out, which is what the log does).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "analyzer/endpoint.h"
#include "analyzer/findings.h"
#include "analyzer/line_splitter.h"

namespace ftpscope {

enum class Side : std::uint8_t { client, server };
inline Side other(Side side) { return side == Side::client ? Side::server : Side::client; }
std::string_view name_of(Side side);

using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

using CommandId =
    std::uint32_t;  // 1, 2, ... in the order of arrival; 0 is what the greeting answers
using ChannelId =
    std::uint32_t;  // 1, 2, ... a data channel: the pair of data connections of a transfer

// `unknown`: seen in a capture, and the command that asked for it was not.
enum class Setup : std::uint8_t { port, eprt, lprt, pasv, epsv, lpsv, unknown };
enum class Direction : std::uint8_t { download, upload };
// Who moves the bytes: the proxy, or the kernel, which shows the proxy the ends only.
enum class DataPathKind : std::uint8_t { relay, kernel };
enum class ChannelEnd : std::uint8_t {
  fin,              // a peer closed it
  rst,              // a peer reset it
  timeout,          // it stalled
  never_connected,  // nobody came in time
  connect_failed,   // one came, the other side could not be reached
  replaced,         // a newer PASV or PORT made it useless
  session_ended,    // the control connection went away
  refused,          // in a capture: the SYN was answered by RST, or reported unreachable
  open,             // still open where the capture ends
};
enum class SessionEnd : std::uint8_t {
  fin,
  rst,
  timeout,
  limit,
  refused,         // not let in: too many sessions
  shutdown,        // the proxy was told to stop
  connect_failed,  // the server could not be reached
  not_ftp,
  open,  // the capture ends before the session does
};

std::string_view name_of(Setup setup);
std::string_view name_of(Direction direction);
std::string_view name_of(ChannelEnd end);
std::string_view name_of(SessionEnd end);

// One of the two connections of a data channel.
struct Leg {
  Endpoint from;  // who connected
  Endpoint to;
};

namespace record {

struct Session {
  Endpoint client;
  std::optional<Endpoint> proxy;  // where the client reached us; none in a capture
  std::string_view server;        // as asked for: host:port
  std::string_view lines;         // posture
  std::string_view tls;
  // It came through a load balancer that said so in a PROXY header: from where that connected to
  // us, and where the client had reached it (none: the balancer spoke for itself).
  std::optional<Endpoint> balancer = std::nullopt;
  std::optional<Endpoint> reached = std::nullopt;
};

struct Connected {
  Endpoint server;
  Endpoint from;
  std::string_view name = {};          // as asked for: host:port; empty in a capture
  std::string_view proxy_header = {};  // the version of the one that was sent: "v1", "v2"
};

struct Command {
  CommandId id = 0;
  std::string_view verb;  // the table's spelling; the client's own for a verb off the table
  bool known = true;
  std::optional<std::string_view> argument;
  std::optional<std::string_view> line;  // when verb and argument do not give it back exactly
  bool redacted = false;
  bool urgent = false;    // TCP urgent data
  bool by_proxy = false;  // its own (--keepalive-noop): no client sent it
};

struct Reply {
  std::optional<CommandId> to;  // none: nobody asked
  std::string_view verb;
  std::optional<int> code;
  std::span<const std::string_view> lines;  // without their endings
  std::span<const Ending> endings;
  std::optional<Duration> latency;
  bool preliminary = false;
  bool by_proxy = false;
  bool redacted = false;
  bool for_proxy = false;  // to a command of its own: the client does not get it
};

// Lines of a reply that has not ended were forwarded; the Reply that follows repeats them.
struct ReplyPart {
  std::optional<CommandId> to;
  std::optional<int> code;
  std::span<const std::string_view> lines;
  std::span<const Ending> endings;
};

struct Rewrite {
  std::optional<CommandId> to;
  std::string_view what;
  std::string_view before;
  std::string_view after;
  std::string_view why;
};

struct ChannelExposed {
  ChannelId id = 0;
  CommandId to = 0;
  Setup setup = Setup::pasv;
  Side facing = Side::client;  // who is to connect
  Endpoint address;            // where we listen, as told to them
  std::optional<Endpoint>
      target;  // where we connect when they have; none: the other side comes too
};

struct ChannelOpened {
  ChannelId id = 0;
  std::optional<CommandId> to;  // the command that asked for it, or gave its address
  Setup setup = Setup::pasv;
  Leg client;
  Leg server;
};

struct Data {
  ChannelId id = 0;
  std::optional<CommandId> to;  // the transfer command
  std::string_view verb;
  Setup setup = Setup::pasv;
  std::optional<Direction> direction;
  std::optional<Leg> client;
  std::optional<Leg> server;
  std::uint64_t bytes_to_client = 0;
  std::uint64_t bytes_to_server = 0;
  Timestamp exposed;
  std::optional<Timestamp> connected;  // both legs
  std::optional<Timestamp> first_byte;
  std::optional<Timestamp> last_byte;
  Timestamp closed;
  std::optional<Side> closed_first;  // none: the proxy, or nobody in a capture
  ChannelEnd how = ChannelEnd::fin;
  std::string_view why = {};  // of connect_failed, as the system says it
  std::uint32_t strangers = 0;
  DataPathKind path = DataPathKind::relay;
  bool captured = false;                           // seen in a capture: there is no proxy
  std::optional<Duration> silence = std::nullopt;  // longest in mid-transfer, if over a second
  std::uint64_t missing = 0;      // of the bytes, those that a capture does not have
  std::string_view payload = {};  // the file in a recording or an extraction that has the bytes
  std::string_view sha256 = {};   // of that file, in hexadecimal
  std::string_view type = {};     // of that file, as libmagic names it
  std::uint64_t unrecorded = 0;   // bytes at the end of the data that are not in that file
  std::string_view unrecorded_why = {};
};

std::uint64_t bytes_of(const Data& data);
// From the moment when both connections stood until the last byte (or the end, if there was none).
std::optional<Duration> duration_of(const Data& data);
// Bytes a second, when there is anything to divide.
std::optional<std::uint64_t> rate_of(const Data& data);

struct Finding {
  FindingId id = FindingId::count_;
  std::optional<CommandId> to;
  std::string_view detail;
};

struct Opaque {
  std::optional<CommandId> to;  // AUTH; none when the session is encrypted from its first byte on
};

// What a TLS handshake shows to somebody who only watches.
struct Tls {
  std::optional<ChannelId> channel;  // none: the control connection
  std::string_view version;          // "1.2"; the one that the server chose
  std::string_view sni;
  std::span<const std::string_view> alpn;   // as the client offered them
  std::span<const std::string_view> names;  // of the server's certificate, up to TLS 1.2
  std::optional<bool> resumed;
  std::optional<bool> carried_data;         // besides the handshake; up to TLS 1.2
  std::optional<bool> close_notify_client;  // up to TLS 1.2; later ones are encrypted
  std::optional<bool> close_notify_server;
};

// In a capture: bytes of the control connection that were not captured.
struct Gap {
  Side from = Side::client;
  std::uint64_t bytes = 0;
};

// In a capture: the same bytes came twice, and differed. The first were taken.
struct Overlap {
  Side from = Side::client;
  std::string_view kept;
  std::string_view other;
};

// A part of a capture file that cannot be read; what follows is.
struct Damage {
  std::uint64_t packet = 0;  // the number of the next one
  std::uint64_t offset = 0;  // in the file
  std::string_view what;
};

// A capture as a whole, when its end has been reached.
struct Capture {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // of the file
  std::uint64_t flows = 0;  // TCP connections
  std::uint64_t sessions = 0;
  std::uint64_t skipped = 0;  // packets that are not TCP, or cannot be read
  std::optional<Timestamp> first;
  std::optional<Timestamp> last;
};

struct Lost {
  std::uint64_t records = 0;
};

struct End {
  std::optional<Side> by;  // none: the proxy, or nobody in a capture
  bool captured = false;
  SessionEnd how = SessionEnd::fin;
  std::string_view why;
  std::uint64_t commands = 0;
  std::uint64_t replies = 0;
  std::uint64_t channels = 0;
  std::uint64_t findings = 0;
  std::uint64_t bytes_from_client = 0;
  std::uint64_t bytes_from_server = 0;
  std::uint64_t data_to_client = 0;
  std::uint64_t data_to_server = 0;
  Duration duration{};
};

using Body = std::variant<Session, Connected, Command, Reply, ReplyPart, Rewrite, ChannelExposed,
                          ChannelOpened, Data, Finding, Opaque, Tls, Gap, Overlap, Damage, Capture,
                          Lost, End>;

}  // namespace record

struct Record {
  Timestamp time;
  std::string_view session;
  std::uint64_t seq = 0;
  record::Body body;
};

// Takes records as they happen. What it is given is gone when record() returns.
class RecordSink {
 public:
  virtual void record(const Record& record) = 0;

 protected:
  ~RecordSink() = default;
};

// Takes what the rules have to say (Recorder).
class FindingSink {
 public:
  virtual void finding(FindingId id, std::optional<CommandId> to, std::string_view detail = {}) = 0;

 protected:
  ~FindingSink() = default;
};

}  // namespace ftpscope
