// The segments of both directions of a connection in an order that can have been: what is
// acknowledged stands before its acknowledgement, each byte behind those before it, and the SYN in
// front of all. Captures from several queues or mirror ports have them the other way round, and a
// reply before its command, or a close before the data, says something false.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/packet.h"
#include "analyzer/record.h"

namespace ftpscope {

class SegmentOrder {
 public:
  // What has not come by then is not in the capture.
  static constexpr std::size_t kHeldMax = 16;  // segments
  static constexpr std::chrono::milliseconds kHeldFor{200};
  // And when so many segments have come, the SYNs are not either.
  static constexpr std::size_t kStartHeld = 4;
  // A reset from further ahead is none that belongs to the connection.
  static constexpr std::uint32_t kResetAheadMax = std::uint32_t{1} << 20U;

  struct Held {
    TcpSegment segment;  // its payload is in `bytes`
    std::string bytes;
    Side from = Side::client;
    Timestamp time;
  };

  // Calls `deliver(segment, from, time)` for this segment and for those that waited for it, or for
  // none when it has to wait itself.
  template <class Deliver>
  void add(const TcpSegment& segment, Side from, Timestamp now, Deliver deliver) {
    if (held_.empty() && in_order(segment, from)) {
      note(segment, from);
      deliver(segment, from, now);
      return;
    }
    held_.push_back({segment, std::string(segment.payload), from, now});
    release(now, deliver);
  }

  [[nodiscard]] bool waits() const { return !held_.empty(); }

  // Nothing will come any more.
  template <class Deliver>
  void finish(Deliver deliver) {
    start();
    while (!held_.empty()) deliver_at(first_in_order().value_or(0), deliver);
  }

 private:
  template <class Deliver>
  void release(Timestamp now, Deliver deliver) {
    while (!held_.empty()) {
      const auto next = first_in_order();
      const auto most = started() ? kHeldMax : kStartHeld - 1;
      const bool waits = held_.size() <= most && now - held_.front().time <= kHeldFor;
      if (!next && waits) return;
      if (next || started()) {
        deliver_at(next.value_or(0), deliver);
      } else {
        start();
      }
    }
  }

  template <class Deliver>
  void deliver_at(std::size_t index, Deliver deliver) {
    auto held = std::move(held_[index]);
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
    note(held.segment, held.from);
    held.segment.payload = held.bytes;
    deliver(held.segment, held.from, held.time);
  }

  [[nodiscard]] std::optional<std::size_t> first_in_order() const;
  [[nodiscard]] bool in_order(const TcpSegment& segment, Side from) const;
  void note(const TcpSegment& segment, Side from);
  // Where both directions begin is known, or will not be.
  [[nodiscard]] bool started() const { return started_ || (next_[0] && next_[1]); }
  void start();

  std::array<std::optional<std::uint32_t>, 2> next_;  // behind the last that was delivered
  bool started_ = false;
  std::vector<Held> held_;
};

}  // namespace ftpscope
