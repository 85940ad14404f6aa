#include <doctest/doctest.h>

#include <string>

#include "analyzer/middlebox_watch.h"

namespace ftpscope {

namespace {

using enum MiddleboxWatch::Place;

constexpr auto kClient = Side::client;
constexpr auto kServer = Side::server;

std::string told(const std::optional<MiddleboxWatch::Difference>& difference) {
  return difference ? difference->before + " became " + difference->after : "";
}

}  // namespace

TEST_SUITE_BEGIN("middlebox_watch");

TEST_CASE("lines that are the same on both sides, whichever side is ahead") {
  MiddleboxWatch watch({0, 0});
  CHECK(told(watch.line(first, kClient, "USER a")).empty());
  CHECK(told(watch.line(first, kClient, "PASS b")).empty());
  CHECK(told(watch.line(second, kClient, "USER a")).empty());
  CHECK(told(watch.line(second, kClient, "PASS b")).empty());
  CHECK(told(watch.line(second, kServer, "230 ok")).empty());
  CHECK(told(watch.line(first, kServer, "230 ok")).empty());
}

TEST_CASE("the side that was captured earlier has the line as it was") {
  MiddleboxWatch watch({0, 0});
  watch.line(second, kClient, "PORT 10,1,0,2,4,5");
  CHECK(told(watch.line(first, kClient, "PORT 203,0,113,1,4,5")) ==
        "PORT 10,1,0,2,4,5 became PORT 203,0,113,1,4,5");
  watch.line(first, kServer, "227 (10,2,0,20,4,5)");
  CHECK(told(watch.line(second, kServer, "227 (198,51,100,1,4,5)")) ==
        "227 (10,2,0,20,4,5) became 227 (198,51,100,1,4,5)");
}

TEST_CASE("told once of each sender") {
  MiddleboxWatch watch({0, 0});
  for (const bool told_now : {true, false}) {
    watch.line(first, kClient, "PASV");
    CHECK(watch.line(second, kClient, "EPSV").has_value() == told_now);
  }
}

TEST_CASE("what the first session had before the second began is not compared") {
  MiddleboxWatch watch({0, 1});
  CHECK(told(watch.line(second, kServer, "220 the greeting")).empty());
  CHECK(told(watch.line(first, kServer, "331 Password")).empty());
  CHECK(told(watch.line(second, kServer, "331 Password")).empty());
}

TEST_CASE("when lines are missing, nothing is told any more") {
  MiddleboxWatch lost({0, 0});
  lost.line(first, kClient, "USER a");
  lost.give_up();
  CHECK(told(lost.line(second, kClient, "PASS b")).empty());

  MiddleboxWatch one_sided({0, 0});
  for (std::size_t i = 0; i <= MiddleboxWatch::kAheadMax; ++i)
    one_sided.line(first, kClient, "NOOP");
  CHECK(told(one_sided.line(second, kClient, "PWD")).empty());
}

TEST_SUITE_END();

}  // namespace ftpscope
