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

enum class Setup : std::uint8_t { port, eprt, lprt, pasv, epsv, lpsv };
enum class Direction : std::uint8_t { download, upload };
enum class ChannelEnd : std::uint8_t {
  fin,              // a peer closed it
  rst,              // a peer reset it
  timeout,          // it stalled
  never_connected,  // nobody came in time
  connect_failed,   // one came, the other side could not be reached
  replaced,         // a newer PASV or PORT made it useless
  session_ended,    // the control connection went away
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
  Endpoint proxy;           // where the client reached us
  std::string_view server;  // as asked for: host:port
  std::string_view lines;   // posture
  std::string_view tls;
};

struct Connected {
  Endpoint server;
  Endpoint from;
};

struct Command {
  CommandId id = 0;
  std::string_view verb;  // the table's spelling; the client's own for a verb off the table
  bool known = true;
  std::optional<std::string_view> argument;
  std::optional<std::string_view> line;  // when verb and argument do not give it back exactly
  bool redacted = false;
  bool urgent = false;  // TCP urgent data
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
  Endpoint target;             // where we connect when they have
};

struct ChannelOpened {
  ChannelId id = 0;
  CommandId to = 0;
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
  std::optional<Side> closed_first;  // none: the proxy
  ChannelEnd how = ChannelEnd::fin;
  std::uint32_t strangers = 0;
  std::string_view payload;  // the file in a recording that has the bytes
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
  CommandId to = 0;
};

struct Lost {
  std::uint64_t records = 0;
};

struct End {
  std::optional<Side> by;  // none: the proxy
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
                          ChannelOpened, Data, Finding, Opaque, Lost, End>;

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

}  // namespace ftpscope
