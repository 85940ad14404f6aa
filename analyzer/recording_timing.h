// How the bytes of a session came in pieces: what a recording has beside its log, so that it can be
// played with the same splits and pauses. captures/README.md tells the format (timing.jsonl).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/record.h"

namespace ftpscope {

// A place in what one side of a control connection said: so many whole lines, each with its LF, and
// so many bytes of the next. Lines and not bytes, since a log may hide what a line says.
struct StreamPlace {
  std::uint64_t line = 0;
  std::uint64_t byte = 0;

  void pass(std::string_view bytes);
  auto operator<=>(const StreamPlace&) const = default;
};

// What one read of a control connection brought ended there.
struct ControlRead {
  std::string_view session;
  Timestamp time;
  Side from = Side::client;
  StreamPlace place;
};

struct CoursePoint {
  Duration since{};  // the data connection stood
  std::uint64_t bytes = 0;
  bool operator==(const CoursePoint&) const = default;
};

// When how much of a payload had come, in a bounded number of points: the more come, the fewer are
// kept, and those around a silence rather than others. A silence has a point at each end, with the
// same bytes.
class DataCourse {
 public:
  static constexpr std::size_t kPointsMax = 64;
  static constexpr Duration kSilence = std::chrono::milliseconds(50);

  // `bytes`: in all.
  void add(Duration since, std::uint64_t bytes);
  [[nodiscard]] std::vector<CoursePoint> points() const;

 private:
  void keep(const CoursePoint& point);
  void thin_out(bool keep_silences);

  std::vector<CoursePoint> points_;
  CoursePoint last_;
  std::size_t every_ = 1;  // one of so many is kept
  std::size_t skipped_ = 0;
};

// How many bytes had come by then, and when so many had, between the points of a course.
std::uint64_t bytes_by(const std::vector<CoursePoint>& course, Duration since);
Duration time_of(const std::vector<CoursePoint>& course, std::uint64_t bytes);

struct ChannelCourse {
  std::string_view session;
  ChannelId channel = 0;
  Side from = Side::server;
  std::vector<CoursePoint> points;
};

// One line of timing.jsonl, LF included.
void append_timing(std::string& out, const ControlRead& read);
void append_timing(std::string& out, const ChannelCourse& course);

struct RecordingTiming {
  static constexpr std::size_t kLineMax = 65536;

  // Of one session, in the order of the file.
  struct Session {
    std::vector<ControlRead> reads;  // without the session's name
    std::vector<ChannelCourse> courses;
  };
  std::map<std::string, Session, std::less<>> sessions;

  // Null: nothing is known of it.
  [[nodiscard]] const Session* find(std::string_view session) const;
};

// A torn last line is skipped, and so are unknown kinds. The error says which line is wrong.
[[nodiscard]] std::expected<RecordingTiming, std::string> read_timing(std::string_view text);

}  // namespace ftpscope
