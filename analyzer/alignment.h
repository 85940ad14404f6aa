// Which elements of two sequences belong together: the longest common subsequence, as Myers found
// it
// ("An O(ND) Difference Algorithm and Its Variations", 1986). Knows numbers only; whoever compares
// something else gives equal things equal numbers.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace ftpscope {

// An element of one sequence, of the other, or one of each that are equal.
struct AlignedPair {
  std::optional<std::size_t> a;
  std::optional<std::size_t> b;
};

// Work and memory grow with the square of the differences, so no more than this many are looked at
// as one problem: then the way that has come furthest is taken, and the rest is a problem of its
// own. What comes out is an alignment in any case; beyond this it may not be the shortest.
inline constexpr std::size_t kEditsMax = 1024;

// Every element of both is in it once, in its order.
std::vector<AlignedPair> align(std::span<const std::size_t> a, std::span<const std::size_t> b);

}  // namespace ftpscope
