// One direction of one TCP connection as a capture saw it: for control connections the bytes in
// order, for data connections how many there were and where each belongs. Knows nothing of the
// other direction but what it has acknowledged, nothing of FTP, and not when a port is used again:
// whoever feeds it makes a new one for a new connection.
//
// Offsets count from the first byte behind the SYN, or from the first that was seen, in 64 bits:
// the sequence numbers of TCP wrap every 4 GiB.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/packet.h"
#include "analyzer/record.h"

namespace ftpscope {

// What a ControlStream tells. Views are valid during the call.
class StreamSink {
 public:
  // In order and each byte once. `urgent`: the first of them was sent as TCP urgent data, and is
  // therefore the first, as in a live session that reads up to the mark.
  virtual void bytes(std::string_view bytes, bool urgent) = 0;
  // That many bytes come here that the capture does not have.
  virtual void gap(std::uint64_t bytes) = 0;
  // The same place of the stream was sent twice, and differently. What came first is, or will be,
  // given to bytes(). Only the part from the first to the last byte that differs.
  virtual void overlap(std::string_view kept, std::string_view other) = 0;
  virtual void fin() = 0;  // behind the last byte; once
  virtual void rst() = 0;  // at once; once. Bytes may still follow when the RST was forged

 protected:
  ~StreamSink() = default;
};

// Where sequence numbers lie in a stream that is longer than they can count.
class SequenceSpace {
 public:
  // No sender is further ahead of an acknowledgement than the largest window (RFC 7323 2.3).
  static constexpr std::int64_t kAheadMax = std::int64_t{1} << 30U;

  [[nodiscard]] bool known() const { return known_; }
  void begin_at(std::uint32_t seq);
  // The offset with these low 32 bits that is nearest to `near`; negative before the beginning.
  [[nodiscard]] std::int64_t offset_of(std::uint32_t seq, std::int64_t near) const;

 private:
  bool known_ = false;
  std::uint32_t first_ = 0;
};

// The bytes of one direction in order, whatever the order, the cuts and the repetitions of the
// segments.
//
// A hole waits for its bytes. It is given up, as a gap, when the other side has acknowledged what
// is behind it (the capture lost it, the receiver did not), when more than kWindowMax bytes or
// kSegmentsMax segments wait behind it, on RST, and by finish(). Bytes behind a FIN are ignored.
class ControlStream {
 public:
  static constexpr std::size_t kWindowMax = std::size_t{1} << 20U;  // bytes waiting behind a hole
  static constexpr std::size_t kSegmentsMax = 1024;                 // pieces waiting
  static constexpr std::size_t kHistoryMax = 8192;  // delivered bytes kept to see that one differs
  static constexpr std::size_t kUrgentMax = 8;      // urgent bytes announced and not yet delivered
  // A stream without SYN begins with the first byte seen, but an earlier one may be late. So it is
  // not delivered before the other side has acknowledged it, or so many segments or so long later.
  static constexpr std::size_t kStartSegments = 4;
  static constexpr std::chrono::milliseconds kStartWait{500};

  explicit ControlStream(StreamSink& sink) : sink_(&sink) {}

  // A segment of this direction.
  void add(const TcpSegment& segment, Timestamp time);

  // A segment of the other direction, before that one's stream gets it: what it acknowledges has
  // been received. Call it for each. An acknowledgement with neither data nor FIN does not prove a
  // gap alone, since capturing may have changed the order: something must lie behind the hole.
  void ack(const TcpSegment& other);

  // Nothing will come any more: gives up all holes.
  void finish();

  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::uint64_t missing() const { return missing_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_; }

 private:
  struct Piece {
    std::uint64_t length = 0;
    std::string bytes;  // `length` of them, or none: the capture does not have them
  };
  using Pieces = std::map<std::int64_t, Piece>;

  void reset(const TcpSegment& segment);
  void start_at(std::int64_t offset);
  void hold(std::int64_t at, const TcpSegment& segment, Timestamp time);
  [[nodiscard]] bool keep_alive(std::int64_t at, const TcpSegment& segment) const;
  void note_urgent(std::int64_t at, const TcpSegment& segment);
  void take(std::int64_t at, const TcpSegment& segment);
  void end_at(std::int64_t offset);
  void put(std::int64_t at, std::int64_t end, std::string_view bytes);
  void put_new(std::int64_t at, std::uint64_t length, std::string_view bytes);
  void compare_history(std::int64_t at, std::string_view bytes);
  void compare(std::string_view kept, std::string_view other);
  void deliver(std::string_view bytes);
  void lose(std::uint64_t bytes);
  void move_to(std::int64_t offset);
  void advance();
  void give_up_hole();
  void give_up_pieces();
  void give_up_acked_holes();
  void give_up_acked();
  void limit();

  StreamSink* sink_;
  SequenceSpace space_;
  bool started_ = false;  // next_ is final; if not, what comes waits in pieces_
  std::size_t held_segments_ = 0;
  Timestamp held_since_;
  std::optional<std::int64_t> hint_;  // where this direction stands, by segments without data

  std::int64_t begin_ = 0;  // where it started
  std::int64_t next_ = 0;   // all before is delivered or given up
  std::int64_t highest_ = std::numeric_limits<std::int64_t>::min();  // the end of what was seen
  std::optional<std::int64_t> acked_;
  std::optional<std::int64_t> fin_at_;
  bool ended_ = false;  // FIN told, or finish() called
  bool rst_ = false;

  Pieces pieces_;                     // from next_ on, without overlaps
  std::size_t waiting_ = 0;           // bytes in pieces_
  std::string history_;               // the last bytes delivered; a gap empties it
  std::vector<std::int64_t> urgent_;  // offsets, ascending
  std::uint64_t delivered_ = 0;
  std::uint64_t missing_ = 0;
};

// How many bytes one direction of a data connection had, which of them the capture has, and when.
// Holds no payload.
class DataStream {
 public:
  static constexpr std::size_t kRangesMax = 256;  // then the hole nearest to the front is closed

  struct Piece {
    std::uint64_t offset = 0;
    std::string_view bytes;  // of the segment
  };

  // The bytes of this segment that are new, with their offsets. Valid until the next call, and as
  // long as the segment's payload.
  std::span<const Piece> add(const TcpSegment& segment, Timestamp time);

  // A segment of the other direction: what it acknowledges was sent, captured or not.
  void ack(const TcpSegment& other);

  // The bytes sent, as far as known: seen, or acknowledged.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::uint64_t captured() const { return captured_; }
  [[nodiscard]] std::uint64_t missing() const { return size() - captured_; }
  [[nodiscard]] std::optional<Timestamp> first_byte() const { return first_byte_; }
  [[nodiscard]] std::optional<Timestamp> last_byte() const { return last_byte_; }
  [[nodiscard]] bool fin() const { return fin_at_.has_value(); }
  [[nodiscard]] bool rst() const { return rst_; }

 private:
  struct Range {
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };

  [[nodiscard]] std::int64_t highest() const;
  bool add_range(std::int64_t at, std::int64_t end, std::string_view payload);

  SequenceSpace space_;
  std::vector<Range> ranges_;  // seen on the wire, ascending, apart from each other
  std::vector<Piece> pieces_;  // of the last add()
  std::int64_t acked_ = 0;
  std::optional<std::int64_t> fin_at_;
  bool rst_ = false;
  std::uint64_t captured_ = 0;
  std::optional<Timestamp> first_byte_;
  std::optional<Timestamp> last_byte_;
};

}  // namespace ftpscope
