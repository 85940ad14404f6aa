#include "analyzer/alignment.h"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace ftpscope {

namespace {

// Points are pairs of places (x in a, y in b); a diagonal holds those with the same x - y. After d
// edits the diagonals -d, -d + 2, ... d can have been reached: 2 * i - d is the one at index i.
class Stretch {
 public:
  using Numbers = std::span<const std::size_t>;

  Stretch(Numbers a, Numbers b) : a_(a), b_(b) {}

  // Appends the pairs up to where it came, and returns that point.
  AlignedPair run(std::vector<AlignedPair>& pairs, std::size_t from_a, std::size_t from_b) {
    const auto last = furthest();
    std::vector<AlignedPair> backwards;
    const auto point = point_at(reached_.size() - 1, last);
    trace(last, backwards);
    for (auto pair = backwards.rbegin(); pair != backwards.rend(); ++pair) {
      pairs.push_back(*pair);
      if (pair->a) *pairs.back().a += from_a;
      if (pair->b) *pairs.back().b += from_b;
    }
    return {static_cast<std::size_t>(point.x), static_cast<std::size_t>(point.y)};
  }

 private:
  using Place = std::int64_t;
  struct Point {
    Place x = 0;
    Place y = 0;
  };

  [[nodiscard]] Point point_at(std::size_t edits, std::size_t index) const {
    const auto diagonal = 2 * static_cast<Place>(index) - static_cast<Place>(edits);
    const auto x = reached_[edits][index];
    return {x, x - diagonal};
  }
  [[nodiscard]] bool inside(Point point) const {
    return point.x <= std::ssize(a_) && point.y <= std::ssize(b_);
  }
  [[nodiscard]] bool complete(Point point) const {
    return point.x == std::ssize(a_) && point.y == std::ssize(b_);
  }
  // Whether the way to it came from the diagonal above, by an element of b; else by one of a.
  [[nodiscard]] bool came_by_b(std::size_t edits, std::size_t index) const {
    const auto& before = reached_[edits - 1];
    return index == 0 || (index < edits && before[index - 1] < before[index]);
  }
  // Where the edit that leads to this diagonal ends, and the run of equal elements begins.
  [[nodiscard]] Point after_edit(std::size_t edits, std::size_t index) const {
    if (edits == 0) return {};
    const bool by_b = came_by_b(edits, index);
    auto point = point_at(edits - 1, by_b ? index : index - 1);
    by_b ? ++point.y : ++point.x;
    return point;
  }
  [[nodiscard]] Place run_of_equals(Point point) const {
    while (point.x < std::ssize(a_) && point.y < std::ssize(b_) &&
           a_[static_cast<std::size_t>(point.x)] == b_[static_cast<std::size_t>(point.y)]) {
      ++point.x;
      ++point.y;
    }
    return point.x;
  }

  // Fills reached_; returns the index of the diagonal to end at.
  std::size_t furthest() {
    for (std::size_t edits = 0; edits <= kEditsMax; ++edits) {
      reached_.emplace_back(edits + 1);
      for (std::size_t index = 0; index <= edits; ++index) {
        reached_[edits][index] = run_of_equals(after_edit(edits, index));
        if (complete(point_at(edits, index))) return index;
      }
    }
    std::size_t best = 0;
    Place sum = -1;
    for (std::size_t index = 0; index <= kEditsMax; ++index) {
      const auto point = point_at(kEditsMax, index);
      if (!inside(point) || point.x + point.y <= sum) continue;
      sum = point.x + point.y;
      best = index;
    }
    return best;
  }

  // The way back from the last point to the beginning.
  void trace(std::size_t index, std::vector<AlignedPair>& backwards) const {
    for (std::size_t edits = reached_.size(); edits-- > 0;) {
      const auto begin = after_edit(edits, index);
      auto point = point_at(edits, index);
      for (; point.x > begin.x; --point.x, --point.y) {
        backwards.push_back(
            {static_cast<std::size_t>(point.x - 1), static_cast<std::size_t>(point.y - 1)});
      }
      if (edits == 0) return;
      if (came_by_b(edits, index)) {
        backwards.push_back({std::nullopt, static_cast<std::size_t>(begin.y - 1)});
      } else {
        backwards.push_back({static_cast<std::size_t>(begin.x - 1), std::nullopt});
        --index;
      }
    }
  }

  Numbers a_;
  Numbers b_;
  std::vector<std::vector<Place>> reached_;  // by edits and diagonal: the furthest x
};

}  // namespace

std::vector<AlignedPair> align(std::span<const std::size_t> a, std::span<const std::size_t> b) {
  std::vector<AlignedPair> pairs;
  std::size_t in_a = 0;
  std::size_t in_b = 0;
  while (in_a < a.size() || in_b < b.size()) {
    const auto came = Stretch(a.subspan(in_a), b.subspan(in_b)).run(pairs, in_a, in_b);
    assert(*came.a + *came.b > 0);
    in_a += *came.a;
    in_b += *came.b;
  }
  return pairs;
}

}  // namespace ftpscope
