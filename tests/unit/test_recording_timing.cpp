// How bytes came in pieces: places in a stream, the course of a payload, timing.jsonl.
#include <doctest/doctest.h>

#include <algorithm>

#include "analyzer/recording_timing.h"

using namespace ftpscope;
using namespace std::chrono_literals;

TEST_CASE("a place counts whole lines and the bytes of the next, however the bytes are cut") {
  const std::string_view text = "220-a\r\nb\n220 c\r\n22";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    StreamPlace place;
    place.pass(text.substr(0, cut));
    place.pass(text.substr(cut));
    CHECK(place == StreamPlace{3, 2});
  }
}

TEST_CASE("a course keeps its ends, its silences and no more than 64 points") {
  DataCourse course;
  Duration now{};
  for (std::uint64_t i = 1; i <= 100'000; ++i) {
    now += i == 50'000 ? Duration(2s) : Duration(10us);
    course.add(now, i * 1000);
  }
  const auto points = course.points();
  CHECK(points.size() <= DataCourse::kPointsMax);
  CHECK(points.front() == CoursePoint{10us, 1000});
  CHECK(points.back() == CoursePoint{now, 100'000'000});
  CHECK(std::ranges::is_sorted(points, {}, &CoursePoint::since));
  CHECK(DataCourse().points().empty());
  // Nothing comes during the silence, and the next bytes when it is over.
  const auto before = bytes_by(points, 499'990us);
  CHECK(before == 49'999'000);
  CHECK(bytes_by(points, 2'499'980us) == before);
  CHECK(time_of(points, before + 1) == 2'499'990us);
}

TEST_CASE("a course of nothing but silences is bounded as well") {
  DataCourse course;
  for (std::uint64_t i = 1; i <= 1000; ++i) course.add(i * 1s, i);
  CHECK(course.points().size() <= DataCourse::kPointsMax);
  CHECK(course.points().front() == CoursePoint{1s, 1});
  CHECK(course.points().back() == CoursePoint{1000s, 1000});
}

TEST_CASE("a short course is kept whole, silences between reads included") {
  DataCourse course;
  for (const auto& [since, bytes] : {CoursePoint{1ms, 10}, {2ms, 20}, {900ms, 30}}) {
    course.add(since, bytes);
  }
  CHECK(course.points() ==
        std::vector<CoursePoint>{{1ms, 10}, {2ms, 20}, {900ms, 20}, {900ms, 30}});
}

TEST_CASE("between its points a course is straight") {
  const std::vector<CoursePoint> course{{100ms, 10}, {200ms, 110}, {200ms, 200}, {1s, 200}};
  CHECK(bytes_by(course, 99ms) == 0);
  CHECK(bytes_by(course, 100ms) == 10);
  CHECK(bytes_by(course, 150ms) == 60);
  CHECK(bytes_by(course, 200ms) == 200);
  CHECK(bytes_by(course, 1h) == 200);
  CHECK(time_of(course, 1) == 100ms);
  CHECK(time_of(course, 60) == 150ms);
  CHECK(time_of(course, 150) == 200ms);
  CHECK(time_of(course, 201) == 1s);
  CHECK(bytes_by({}, 1s) == 0);
  CHECK(time_of({}, 1) == 0s);
}

TEST_CASE("timing.jsonl is read as it was written") {
  std::string text;
  const Timestamp time{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 9h + 1us};
  append_timing(text, ControlRead{"a\"b", time, Side::server, {12, 3}});
  append_timing(text, ChannelCourse{"a\"b", 7, Side::client, {{1ms, 10}, {2s, 20}}});
  append_timing(text, ControlRead{"other", time, Side::client, {1, 0}});
  CHECK(std::ranges::count(text, '\n') == 3);
  const auto timing = read_timing(text + R"({"kind":"later"})" + "\n{\"torn").value();
  const auto* session = timing.find("a\"b");
  REQUIRE(session);
  REQUIRE(session->reads.size() == 1);
  CHECK(session->reads[0].time == time);
  CHECK(session->reads[0].from == Side::server);
  CHECK(session->reads[0].place == StreamPlace{12, 3});
  REQUIRE(session->courses.size() == 1);
  CHECK(session->courses[0].channel == 7);
  CHECK(session->courses[0].points == std::vector<CoursePoint>{{1ms, 10}, {2s, 20}});
  CHECK(timing.find("other"));
  CHECK_FALSE(timing.find("none"));
}

TEST_CASE("what is wrong in timing.jsonl is told with its line") {
  const auto error = [](std::string_view text) { return read_timing(text).error(); };
  CHECK(error("nonsense\n").starts_with("line 1: not JSON: "));
  CHECK(error("[1]\n") == "line 1: a JSON object is expected");
  CHECK(error("{}\n") == "line 1: kind: is missing");
  CHECK(error(R"({"kind":"read","session":"s","from":"server","line":1,"byte":-1})"
              "\n")
            .starts_with("line 1: "));
  for (const auto* points : {"[1]", "[[1]]", "[[2,1],[1,2]]", "[[1,2],[2,1]]", "[[-1,1]]"}) {
    const auto line = R"({"kind":"course","session":"s","channel":1,"from":"server","points":)" +
                      std::string(points) + "}\n";
    CHECK(error(line) == "line 1: points: pairs of a time and a size, each growing, are expected");
  }
  CHECK(error(R"({"kind":"course","session":"s","channel":1,"from":"server","points":1})"
              "\n") == "line 1: points: a list is expected");
  CHECK(error(std::string(RecordingTiming::kLineMax + 1, ' ') + "\n") == "line 1: it is too long");
}
