#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "analyzer/mlsd_listing.h"

namespace ftpscope {

TEST_SUITE_BEGIN("mlsd_listing");

std::string odd_in(std::string_view text, std::size_t piece) {
  MlsdListing listing;
  for (std::size_t at = 0; at < text.size(); at += piece) listing.take(at, text.substr(at, piece));
  return listing.odd().value_or("");
}

TEST_CASE("a listing in pieces of any size") {
  constexpr std::string_view kRight =
      "type=dir;modify=20260101120000; pub\r\nsize=5; a b\r\n nofacts\n";
  constexpr std::string_view kWrong = "size=1; a\r\nsize=2; two\nlines\r\nsize=3; c\r\n";
  for (std::size_t piece = 1; piece <= kWrong.size(); ++piece) {
    CHECK(odd_in(kRight, piece).empty());
    CHECK(odd_in(kWrong, piece) == "lines");
  }
}

TEST_CASE("a last line without its end may be cut") {
  CHECK(odd_in("size=1; a\r\nsiz", 4).empty());
}

TEST_CASE("nothing is said of what stands behind a hole") {
  MlsdListing listing;
  listing.take(0, "size=1; a\r\nsi");
  listing.take(20, "broken\r\n");
  CHECK_FALSE(listing.odd());
}

TEST_CASE("the looking has an end") {
  MlsdListing far;
  for (std::uint64_t at = 0; at < MlsdListing::kLooked; at += 16)
    far.take(at, " 0123456789abc\r\n");
  far.take(MlsdListing::kLooked, "broken\r\n");
  CHECK_FALSE(far.odd());

  MlsdListing longest;
  longest.take(0, std::string(MlsdListing::kEntryMax + 1, 'x'));
  longest.take(MlsdListing::kEntryMax + 1, "\r\n");
  CHECK_FALSE(longest.odd());
}

TEST_SUITE_END();

}  // namespace ftpscope
