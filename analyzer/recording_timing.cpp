#include "analyzer/recording_timing.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "analyzer/json_fields.h"
#include "analyzer/json_text.h"
#include "analyzer/record_json.h"

namespace ftpscope {

void StreamPlace::pass(std::string_view bytes) {
  const auto lines = static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
  const auto last = bytes.rfind('\n');
  byte = lines > 0 ? bytes.size() - last - 1 : byte + bytes.size();
  line += lines;
}

void DataCourse::add(Duration time, std::uint64_t bytes) {
  const auto since = std::max(time, last_.since);  // a capture's packets may be out of order
  const CoursePoint point{since, bytes};
  const bool silent = !points_.empty() && since - last_.since >= kSilence;
  if (silent) {
    if (points_.back() != last_) keep(last_);
    keep({since, last_.bytes});  // or it would be played as a trickle
  }
  const bool due = points_.empty() || ++skipped_ >= every_;
  last_ = point;
  if (due || silent) keep(point);
}

void DataCourse::keep(const CoursePoint& point) {
  skipped_ = 0;
  points_.push_back(point);
  if (points_.size() < kPointsMax - 1) return;  // the last one has room, too
  thin_out(true);
  if (points_.size() > kPointsMax / 2 + kPointsMax / 4) thin_out(false);
  every_ *= 2;
}

// Leaves out every second point; the last one stays, since a silence may follow it, and so may
// those at the ends of a silence.
void DataCourse::thin_out(bool keep_silences) {
  const auto all = std::exchange(points_, {});
  bool leave_out = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool last = i + 1 == all.size();
    const bool silent =
        (i > 0 && all[i].bytes == all[i - 1].bytes) || (!last && all[i].bytes == all[i + 1].bytes);
    const bool stays = last || (silent && keep_silences);
    if (stays || !leave_out) points_.push_back(all[i]);
    if (!stays) leave_out = !leave_out;
  }
}

std::vector<CoursePoint> DataCourse::points() const {
  auto all = points_;
  if (!all.empty() && all.back() != last_) all.push_back(last_);
  return all;
}

std::uint64_t bytes_by(const std::vector<CoursePoint>& course, Duration since) {
  const auto next = std::ranges::upper_bound(course, since, {}, &CoursePoint::since);
  if (next == course.begin()) return 0;
  const auto& before = *std::prev(next);
  if (next == course.end()) return before.bytes;
  const auto part = static_cast<double>((since - before.since).count()) /
                    static_cast<double>((next->since - before.since).count());
  return before.bytes +
         static_cast<std::uint64_t>(part * static_cast<double>(next->bytes - before.bytes));
}

Duration time_of(const std::vector<CoursePoint>& course, std::uint64_t bytes) {
  const auto next = std::ranges::lower_bound(course, bytes, {}, &CoursePoint::bytes);
  if (next == course.end()) return course.empty() ? Duration{} : course.back().since;
  if (next == course.begin()) return next->since;
  const auto& before = *std::prev(next);
  const auto part =
      static_cast<double>(bytes - before.bytes) / static_cast<double>(next->bytes - before.bytes);
  return before.since + Duration(static_cast<Duration::rep>(
                            part * static_cast<double>((next->since - before.since).count())));
}

namespace {

void time_field(JsonObject& object, Timestamp time) {
  auto& out = object.name("ts");
  out += '"';
  append_time(out, time);
  out += '"';
}

}  // namespace

void append_timing(std::string& out, const ControlRead& read) {
  {
    JsonObject object(out);
    object.word("kind", "read");
    object.text("session", read.session);
    time_field(object, read.time);
    object.word("from", name_of(read.from));
    object.number("line", read.place.line);
    object.number("byte", read.place.byte);
  }
  out += '\n';
}

void append_timing(std::string& out, const ChannelCourse& course) {
  {
    JsonObject object(out);
    object.word("kind", "course");
    object.text("session", course.session);
    object.number("channel", course.channel);
    object.word("from", name_of(course.from));
    auto& points = object.name("points");
    points += '[';
    for (const auto& [since, bytes] : course.points) {
      if (points.back() != '[') points += ',';
      points += '[' + std::to_string(since.count()) + ',' + std::to_string(bytes) + ']';
    }
    points += ']';
  }
  out += '\n';
}

// --- reading ---

namespace {

std::optional<std::vector<CoursePoint>> points_of(simdjson::dom::array pairs) {
  if (pairs.size() > DataCourse::kPointsMax) return std::nullopt;
  std::vector<CoursePoint> points;
  for (const auto entry : pairs) {
    simdjson::dom::array pair;
    std::uint64_t since = 0;
    std::uint64_t bytes = 0;
    const bool is_pair = entry.get(pair) == simdjson::SUCCESS && pair.size() == 2 &&
                         pair.at(0).get(since) == simdjson::SUCCESS &&
                         pair.at(1).get(bytes) == simdjson::SUCCESS;
    if (!is_pair) return std::nullopt;
    constexpr std::uint64_t kTimeMax = std::uint64_t{1} << 60U;
    const CoursePoint next{Duration(static_cast<std::int64_t>(std::min(since, kTimeMax))), bytes};
    const bool onward =
        points.empty() || (next.since >= points.back().since && next.bytes >= points.back().bytes);
    if (!onward) return std::nullopt;
    points.push_back(next);
  }
  return points;
}

void take_course(JsonFields& fields, ChannelCourse course, RecordingTiming::Session& session) {
  const auto pairs = fields.list("points");
  auto points = pairs ? points_of(*pairs) : std::nullopt;
  if (!points) fields.wrong("points", "pairs of a time and a size, each growing, are expected");
  course.points = std::move(points).value_or(std::vector<CoursePoint>{});
  session.courses.push_back(std::move(course));
}

void take(JsonFields& fields, RecordingTiming& timing) {
  const auto kind = fields.text("kind");
  if (kind != "read" && kind != "course") return;
  auto& session = timing.sessions[std::string(fields.text("session"))];
  const auto from = fields.named("from", Side::server);
  if (kind == "course") {
    return take_course(fields, {{}, fields.number<ChannelId>("channel"), from, {}}, session);
  }
  const auto time = fields.time("ts");
  const StreamPlace place{fields.number<std::uint64_t>("line"),
                          fields.number<std::uint64_t>("byte")};
  session.reads.push_back({{}, time, from, place});
}

}  // namespace

const RecordingTiming::Session* RecordingTiming::find(std::string_view session) const {
  const auto found = sessions.find(session);
  return found == sessions.end() ? nullptr : &found->second;
}

std::expected<RecordingTiming, std::string> read_timing(std::string_view text) {
  RecordingTiming timing;
  JsonLine parsed;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == text.npos) break;
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const auto wrong = [&](const std::string& what) {
      return std::unexpected("line " + std::to_string(number) + ": " + what);
    };
    if (line.size() > RecordingTiming::kLineMax) return wrong("it is too long");
    auto fields = parsed.parse(line);
    if (!fields) return wrong(fields.error());
    take(*fields, timing);
    if (!parsed.problem().empty()) return wrong(parsed.problem());
  }
  return timing;
}

}  // namespace ftpscope
