#include "proxy/replay_script.h"

#include <algorithm>
#include <iterator>

#include "analyzer/transaction.h"
#include "proxy/replay_place.h"

namespace ftpscope {

namespace {

constexpr std::size_t kPayloadNameMax = 100;

// Where the reads of the server's side ended, from reply to reply.
class PieceFinder {
 public:
  explicit PieceFinder(const RecordingTiming::Session* timing) {
    if (!timing) return;
    for (const auto& read : timing->reads) {
      if (read.from == Side::server) reads_.push_back(read);
    }
  }

  void cut(ScriptReply& reply, Timestamp time) {
    const auto lines = line_ends(reply.raw);
    for (; next_ < reads_.size(); ++next_) {
      const auto& [line, byte] = reads_[next_].place;
      if (line < line_) continue;  // of a line that the log does not have
      const auto before = line - line_;
      const bool beyond = before > lines.size() || (before == lines.size() && byte > 0);
      if (beyond) break;
      const auto begin = before == 0 ? 0 : lines[before - 1];
      const auto end = std::min(begin + byte, before < lines.size() ? lines[before] : begin);
      const auto last = reply.pieces.empty() ? 0 : reply.pieces.back().end;
      if (end > last) reply.pieces.push_back({end, reads_[next_].time});
    }
    line_ += lines.size();
    const bool whole = !reply.pieces.empty() && reply.pieces.back().end == reply.raw.size();
    if (whole) return;
    reply.joined = next_ < reads_.size();
    reply.pieces.push_back({reply.raw.size(), reply.joined ? reads_[next_].time : time});
  }

 private:
  static std::vector<std::size_t> line_ends(std::string_view raw) {
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\n' || i + 1 == raw.size()) ends.push_back(i + 1);
    }
    return ends;
  }

  std::vector<ControlRead> reads_;
  std::size_t next_ = 0;
  std::uint64_t line_ = 0;  // where the next reply begins
};

std::vector<CoursePoint> course_of(const TransactionData& data,
                                   const RecordingTiming::Session* timing) {
  const auto from = data.direction == Direction::download ? Side::server : Side::client;
  if (timing) {
    const auto found = std::ranges::find_if(timing->courses, [&](const ChannelCourse& course) {
      return course.channel == data.channel && course.from == from;
    });
    if (found != timing->courses.end()) return found->points;
  }
  if (!data.duration || data.bytes == 0) return {};
  return {{data.first_byte.value_or(Duration{}), 1}, {*data.duration, data.bytes}};
}

ScriptPayload payload_of(const TransactionData& data, const RecordingTiming::Session* timing) {
  const bool reset = data.how == ChannelEnd::rst && data.closed_first == Side::server;
  return {.direction = data.direction,
          .bytes = data.bytes,
          .file = data.payload,
          .sha256 = data.sha256,
          .unrecorded = data.unrecorded + data.missing,
          .course = course_of(data, timing),
          .over = data.over,
          .reset = reset};
}

Exchange exchange_of(Transaction& transaction, const RecordingTiming::Session* timing,
                     PieceFinder& pieces) {
  Exchange exchange;
  exchange.verb = std::move(transaction.verb);
  exchange.argument = std::move(transaction.argument).value_or("");
  exchange.hidden = transaction.hidden;
  exchange.asked = transaction.sent;
  for (auto& reply : transaction.replies) {
    if (reply.by_proxy && !reply.asked) continue;  // the proxy's last word
    ScriptReply played{reply.code, std::move(reply.raw), reply.asked, {}, false};
    if (reply.by_proxy) {
      played.pieces.push_back({played.raw.size(), reply.time});
    } else {
      pieces.cut(played, reply.time);
    }
    exchange.replies.push_back(std::move(played));
  }
  // The greeting, of a log that does not tell when the connection stood.
  const bool since_unknown = exchange.asked == Timestamp{} && !exchange.replies.empty();
  if (since_unknown) exchange.asked = exchange.replies.front().pieces.front().at;
  const auto& data = transaction.data;
  if (data && data->connected) exchange.payload = payload_of(*data, timing);
  exchange.final_before_data =
      std::ranges::find(transaction.findings, FindingId::reply_before_data_end,
                        &TransactionFinding::id) != transaction.findings.end();
  return exchange;
}

struct ScriptSession {
  std::string name;
  Exchange greeting;
  std::vector<Exchange> exchanges;
};

ScriptSession session_of(SessionTransactions& recorded, const RecordingTiming& timing) {
  ScriptSession session{recorded.session, {}, {}};
  const auto* times = timing.find(recorded.session);
  PieceFinder pieces(times);
  for (auto& transaction : recorded.transactions) {
    const bool greeting = transaction.id == 0;
    auto exchange = exchange_of(transaction, times, pieces);
    greeting ? session.greeting = std::move(exchange)
             : session.exchanges.emplace_back(std::move(exchange));
  }
  const auto& end = recorded.end;
  const bool closes = end && end->by == Side::server &&
                      (end->how == SessionEnd::fin || end->how == SessionEnd::rst);
  if (closes && !session.exchanges.empty()) {
    auto& last = session.exchanges.back();
    last.closing = end->how == SessionEnd::rst ? Exchange::Closing::rst : Exchange::Closing::fin;
    last.closed = end->time;
  }
  return session;
}

// What a hostile recording must not have; empty: nothing. A line end inside a line would be a
// second line to the client (threats.md S34): no server can have sent that.
std::string complaint_about(const SessionTransactions& session) {
  for (const auto& transaction : session.transactions) {
    const auto& data = transaction.data;
    if (data && !data->payload.empty() && !is_payload_name(data->payload)) {
      return "'" + data->payload + "' is not the plain name of a payload file";
    }
  }
  return {};
}

std::string complaint_about(const Record& record) {
  const auto* reply = std::get_if<record::Reply>(&record.body);
  const bool ends_inside = reply && std::ranges::any_of(reply->lines, [](std::string_view line) {
                             return line.find('\n') != line.npos;
                           });
  return ends_inside ? "a line of a reply has a line end in it" : "";
}

// A capture may begin in mid-session.
Exchange made_greeting() {
  constexpr std::string_view kText = "220 This recording begins in the middle of a session.\r\n";
  Exchange greeting;
  greeting.replies.push_back({220, std::string(kText), true, {{kText.size(), {}}}, false});
  return greeting;
}

// The one to play. Behind it come the others, in their order.
std::expected<void, std::string> choose(std::vector<ScriptSession>& sessions,
                                        std::string_view name) {
  const auto begins = [](const ScriptSession& s) { return !s.greeting.replies.empty(); };
  auto chosen = sessions.end();
  if (!name.empty()) {
    chosen = std::ranges::find_if(sessions, [&](const auto& s) { return s.name.ends_with(name); });
    if (chosen == sessions.end()) {
      return std::unexpected("it has no session whose name ends in '" + std::string(name) + "'");
    }
  } else {
    chosen = std::ranges::find_if(sessions, begins);
  }
  if (chosen == sessions.end()) {
    chosen = std::ranges::find_if(sessions, [](const auto& s) { return !s.exchanges.empty(); });
  }
  if (chosen == sessions.end())
    return std::unexpected("it has no session in which a server speaks");
  if (!begins(*chosen)) chosen->greeting = made_greeting();
  std::rotate(sessions.begin(), chosen, std::next(chosen));
  return {};
}

void index(ReplayScript& script) {
  ReplayPlace place(script.home);
  for (std::size_t i = 0; i < script.exchanges.size(); ++i) {
    auto& exchange = script.exchanges[i];
    if (i == script.own) place = ReplayPlace(script.home);
    if (exchange.verb == "USER") place = ReplayPlace(script.home);
    exchange.offset = place.offset();
    const auto& argument = exchange.hidden ? std::string(kHiddenArgument) : exchange.argument;
    script.by_command[exchange.verb + ' ' + argument].push_back(i);
    script.by_verb[exchange.verb].push_back(i);
    for (const auto precision : ReplayPlace::kPrecisions) {
      script.by_state[place.key(exchange.verb, exchange.argument, precision)].push_back(i);
    }
    const auto* final_reply = exchange.final_reply();
    if (final_reply && *final_reply->code < 400) {
      for (auto path = place.path_named(exchange.verb, exchange.argument); path.size() > 1;) {
        path.resize(path.rfind('/') > 0 ? path.rfind('/') : 1);
        if (!script.folders.insert(path).second) break;
      }
      if (exchange.verb == "CWD") script.folders.insert(place.path_of(exchange.argument));
    }
    place.answered(exchange.verb, exchange.argument,
                   final_reply ? std::string_view(final_reply->raw) : std::string_view{});
  }
}

}  // namespace

const ScriptReply* Exchange::final_reply() const {
  const auto found = std::ranges::find_if(replies, &ScriptReply::final);
  return found == replies.end() ? nullptr : &*found;
}

bool Exchange::finished() const { return final_reply() != nullptr; }

bool is_payload_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kPayloadNameMax && name[0] != '.' &&
         std::ranges::all_of(name, plain);
}

void ScriptReader::add(std::string_view lines) {
  if (!wrong_.empty()) return;
  log_.read(lines, [this](const Record& record) {
    if (wrong_.empty()) wrong_ = complaint_about(record);
    collector_.record(record);
  });
  if (log_.bad_lines() > 0) wrong_ = "line " + log_.first_problem();
}

std::expected<ReplayScript, std::string> ScriptReader::finish(std::string_view timing,
                                                              std::string_view session) {
  if (!wrong_.empty()) return std::unexpected(wrong_);
  auto times = read_timing(timing);
  if (!times) return std::unexpected("timing.jsonl: " + times.error());
  std::vector<ScriptSession> sessions;
  for (auto& recorded : collector_.take()) {
    if (wrong_.empty()) wrong_ = complaint_about(recorded);
    if (recorded.truncated) wrong_ = "it has more than a million commands";
    sessions.push_back(session_of(recorded, *times));
  }
  if (!wrong_.empty()) return std::unexpected(wrong_);
  if (auto chosen = choose(sessions, session); !chosen) return std::unexpected(chosen.error());
  ReplayScript script;
  script.session = sessions.front().name;
  script.greeting = std::move(sessions.front().greeting);
  script.own = sessions.front().exchanges.size();
  for (auto& one : sessions) std::ranges::move(one.exchanges, std::back_inserter(script.exchanges));
  script.home = ReplayPlace::home_of(script);
  index(script);
  return script;
}

std::expected<ReplayScript, std::string> read_script(std::string_view log, std::string_view timing,
                                                     std::string_view session) {
  ScriptReader reader;
  reader.add(log);
  return reader.finish(timing, session);
}

}  // namespace ftpscope
