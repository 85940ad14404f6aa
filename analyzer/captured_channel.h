// A data channel as a capture shows it: announced by a command or a reply, carried by one TCP
// connection between client and server, used by one transfer. Counts and times; the payload goes to
// a DataTaker, if anybody wants it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/captured_tls.h"
#include "analyzer/mlsd_listing.h"
#include "analyzer/packet.h"
#include "analyzer/record.h"
#include "analyzer/segment_order.h"
#include "analyzer/tcp_stream.h"

namespace ftpscope {

// What became of a channel's payload.
struct TakenData {
  std::string payload;  // the file; empty when there is none
  std::string sha256;
  std::string type;
};

// Saves what data connections carried. The names of files are its own affair.
class DataTaker {
 public:
  struct Source {
    std::string_view session;
    ChannelId channel = 0;
    Side from = Side::client;
  };
  // Bytes that were not given before, at their place in the stream.
  virtual void take(const Source& source, std::uint64_t offset, std::string_view bytes) = 0;
  virtual TakenData finish(std::string_view session, ChannelId channel) = 0;

 protected:
  ~DataTaker() = default;
};

struct CapturedChannel {
  // Data that comes so long after a 226 was not overtaken on the way.
  static constexpr Duration kOvertaken = std::chrono::milliseconds(20);
  // Shorter silences in mid-transfer are not told.
  static constexpr Duration kSilence = std::chrono::seconds(1);

  ChannelId id = 0;
  std::optional<CommandId> command;  // that announced it, or whose reply did
  Setup setup = Setup::unknown;
  Endpoint stated;     // where to connect, as the text has it
  IpAddress listener;  // the control peer that listens there
  IpAddress caller;    // the one that is to connect
  Timestamp exposed;

  std::optional<CommandId> transfer;
  std::string_view verb;  // of the transfer: a name in the verbs table
  std::optional<Direction> direction;
  std::optional<Timestamp> completed;  // the transfer's final 2yz
  std::uint64_t size_when_completed = 0;

  // The connection; none has been seen as long as there is no leg.
  std::optional<Leg> leg;
  std::uint32_t syns = 0;
  std::uint32_t answers = 0;  // SYN with ACK
  std::optional<Timestamp> first_syn;
  std::optional<Timestamp> connected;
  SegmentOrder order;
  std::array<DataStream, 2> streams;  // by who sends
  std::optional<Side> closed_first;
  bool refused = false;  // RST, or reported unreachable, before it stood
  bool reset = false;
  bool turned_away = false;        // by RST, what came behind a FIN
  bool closed = false;             // its record has been told
  std::optional<Timestamp> ended;  // over() since then
  std::optional<Duration> longest_silence;
  std::unique_ptr<MlsdListing> listing;  // when its transfer is one, in clear
  std::unique_ptr<CapturedTls> tls;      // when the session is encrypted, so that this may be, too

  [[nodiscard]] DataStream& stream(Side from) { return streams[static_cast<std::size_t>(from)]; }
  [[nodiscard]] const DataStream& stream(Side from) const {
    return streams[static_cast<std::size_t>(from)];
  }
  // The bytes that its transfer is about.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] bool over() const;  // closed by both, reset or refused
  // A transfer whose sender has not closed.
  [[nodiscard]] bool moving() const;
  [[nodiscard]] ChannelEnd how_so_far() const;

  // The next segment of its connection. The new bytes of it, as DataStream gives them.
  std::span<const DataStream::Piece> add(const TcpSegment& segment, Side from, Timestamp now);

  [[nodiscard]] record::Data data(Timestamp now, ChannelEnd how) const;
};

}  // namespace ftpscope
