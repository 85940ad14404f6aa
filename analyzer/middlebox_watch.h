// A connection that is in a capture twice, from both sides of a middlebox that translates addresses
// (`tcpdump -i any` on a router): whether the lines of the dialogue are the same on both sides.
// Lines in, differences out; knows neither packets nor records.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/record.h"

namespace ftpscope {

class MiddleboxWatch {
 public:
  // Of one sender, seen on one side and not yet on the other. More: packets are missing, the watch
  // is over.
  static constexpr std::size_t kAheadMax = 64;

  // The first of two sessions, or the second to be recognised.
  enum class Place : std::uint8_t { first, second };

  // How many lines, by sender, the first session had when the second began.
  explicit MiddleboxWatch(std::array<std::size_t, 2> already) : already_(already) {}

  struct Difference {
    std::string before;  // as the side that was captured earlier has it
    std::string after;
  };
  // Lines are missing: which ones belong together is not known any more.
  void give_up() { over_ = true; }
  // The next line of a sender, in one of the two sessions. Of each sender, the first difference.
  std::optional<Difference> line(Place place, Side from, std::string_view text);

 private:
  struct Ahead {
    Place place = Place::first;
    std::deque<std::string> lines;
    bool told = false;
  };

  std::array<std::size_t, 2> already_;
  std::array<Ahead, 2> ahead_;  // by sender
  bool over_ = false;
};

}  // namespace ftpscope
