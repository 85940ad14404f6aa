#include "analyzer/log_replay.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "analyzer/observer.h"
#include "analyzer/record_json.h"

namespace ftpscope {

namespace {

// What the proxy or the reader of a capture saw or did: it stands in the log and follows from
// nothing else there.
constexpr auto kFacts = std::to_array<FindingId>({
    FindingId::reply_before_data_end,
    FindingId::reply_too_long,
    FindingId::line_too_long,
    FindingId::command_ambiguous,
    FindingId::not_ftp,
    FindingId::too_many_unknown,
    FindingId::address_family,
    FindingId::data_stranger,
    FindingId::data_ports_exhausted,
    FindingId::data_connect_failed,
    FindingId::data_refused,
    FindingId::data_unreachable,
    FindingId::data_other_host,
    FindingId::data_several,
    FindingId::middlebox_rewrote,
    FindingId::mlsd_syntax,
    FindingId::tls_refused,
    FindingId::tls_plaintext_behind_auth,
    FindingId::timeout_greeting,
    FindingId::timeout_login,
    FindingId::timeout_line,
    FindingId::timeout_idle,
    FindingId::control_reset,
    FindingId::quit_with_transfer,
    FindingId::capture_damaged,
    FindingId::capture_overlap,
    FindingId::capture_mid_stream,
    FindingId::capture_one_way,
    FindingId::capture_data_missing,
    FindingId::capture_limit,
});

// What went over a limit is not in the log; and what is to be hidden was hidden when it was
// written.
DialogueLimits no_limits() {
  constexpr auto kNone = std::numeric_limits<std::size_t>::max();
  return {.line_max = kNone,
          .reply_max = kNone,
          .reply_lines_max = kNone,
          .in_flight_max = kNone,
          .unknown_before_login_max = kNone,
          .log_secrets = true};
}

std::string line_of(const record::Command& command) {
  if (command.line) return std::string(*command.line);
  std::string line(command.verb);
  if (command.argument) line.append(" ").append(*command.argument);
  return line + "\r\n";
}

std::string text_of(const record::Reply& reply) {
  std::string text;
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    text.append(reply.lines[i]).append(bytes_of(reply.endings[i]));
  }
  return text;
}

// For some clients a reply ends with the last of these lines (ReplyAssembler::Step::like_final).
bool ends_like_final(std::span<const std::string_view> lines, std::optional<ReplyStart> open) {
  const auto last = lines.empty() ? std::nullopt : reply_start(lines.back());
  return last && reads_like_final(*last, open ? open->code : last->code);
}

std::optional<ReplyStart> first_start(std::span<const std::string_view> lines) {
  return lines.empty() ? std::nullopt : reply_start(lines.front());
}

}  // namespace

class LogReplay::Session final : private RecordSink {
 public:
  Session(std::string name, RecordSink& sink)
      : sink_(sink), observer_(no_limits(), std::move(name), *this) {}

  void add(const Record& logged) {
    std::visit([&](const auto& body) { on(body, logged.time); }, logged.body);
  }
  void finish();

 private:
  // A reply of the log whose lines have been fed. It comes out at once, or, when its end never
  // came, as soon as what ended it in the log has been fed as well.
  struct FedReply {
    Timestamp time;
    std::optional<CommandId> to;
    bool like_final = false;
    bool redacted = false;
  };

  void on(const record::Session& session, Timestamp time);
  void on(const record::Connected& connected, Timestamp time);
  void on(const record::Command& command, Timestamp time);
  void on(const record::Reply& reply, Timestamp time);
  void on(const record::ReplyPart& part, Timestamp time);
  void on(const record::Gap& gap, Timestamp time);
  void on(const record::Finding& finding, Timestamp time);
  void on(const record::Opaque& opaque, Timestamp time);
  void on(const record::End& end, Timestamp time);
  template <class Fact>
  void on(const Fact& fact, Timestamp time) {
    state(time, fact);
  }
  // What happened and cannot be derived: the rules are to see it, and it is to come again.
  void state(Timestamp time, const record::Body& fact) {
    observer_.recorder().at(time);
    observer_.recorder().emit(fact);
  }
  void join_if_unconnected(Timestamp time);

  void record(const Record& again) override;
  void settle_before_command(Timestamp time);
  void feed_lines(std::span<const std::string_view> lines, std::span<const Ending> endings,
                  Timestamp time);
  void pass_on(Timestamp time, const record::Body& body) {
    sink_.record({time, observer_.recorder().session(), seq_++, body});
  }

  RecordSink& sink_;
  Observer observer_;
  std::uint64_t seq_ = 0;
  std::size_t lines_of_parts_ = 0;  // fed, of the reply that is open
  std::deque<FedReply> fed_;        // and not come out
  bool command_redacted_ = false;
  CommandId command_ = 0;               // the last one
  std::optional<CommandId> ambiguous_;  // in any mode: the Observer has told of it
  bool in_part_ = false;
  bool captured_ = false;
  bool begun_ = false;
};

void LogReplay::Session::on(const record::Session& session, Timestamp time) {
  captured_ = !session.proxy;
  state(time, session);
}

void LogReplay::Session::on(const record::Connected& connected, Timestamp time) {
  begun_ = true;
  state(time, connected);
  observer_.connected(time);
}

// A capture that begins in the middle of a session has no `connected`.
void LogReplay::Session::join_if_unconnected(Timestamp time) {
  if (captured_ && !std::exchange(begun_, true)) observer_.join(time);
}

void LogReplay::Session::on(const record::Gap& gap, Timestamp time) {
  join_if_unconnected(time);
  observer_.lost(gap.from, gap.bytes, time);
}

// Follows from AUTH and its 234, when these are in the log.
void LogReplay::Session::on(const record::Opaque& opaque, Timestamp time) {
  begun_ = true;
  if (!opaque.to) {
    observer_.join_encrypted(time);
  } else if (!observer_.state().opaque) {
    state(time, opaque);
  }
}

// Told once more only when nothing in the log lets us find it again.
void LogReplay::Session::on(const record::Finding& finding, Timestamp time) {
  const bool of_a_line =
      finding.id >= FindingId::line_lf_only && finding.id <= FindingId::line_not_utf8;
  const bool hidden = of_a_line && command_redacted_ && finding.to == command_;
  if (is_derived(finding.id) && !hidden) return;
  if (finding.id == FindingId::command_ambiguous && finding.to == ambiguous_) return;
  state(time, finding);
}

void LogReplay::Session::on(const record::End& end, Timestamp time) {
  finish();
  state(time, end);
}

void LogReplay::Session::on(const record::Command& command, Timestamp time) {
  join_if_unconnected(time);
  settle_before_command(time);
  command_ = command.id;
  const auto line = line_of(command);
  command_redacted_ = command.redacted;
  observer_.received(Side::client, line, command.urgent, time);
  if (!line.ends_with('\n')) observer_.closed(Side::client, time);
}

// A reply that has been fed and has not come out was ended by the server's end, unless it is this
// command that ends it, or it is a greeting, which the next reply ends
// (Dialogue::overtaken_greeting).
void LogReplay::Session::settle_before_command(Timestamp time) {
  if (fed_.empty()) return;
  const auto& open = fed_.front();
  if (open.to == CommandId{0} || (open.like_final && open.time == time)) return;
  observer_.closed(Side::server, open.time);
}

void LogReplay::Session::on(const record::Reply& reply, Timestamp time) {
  if (reply.by_proxy) {
    const bool last_word = !reply.to;
    last_word ? state(time, reply) : observer_.answered(*reply.to, text_of(reply), time);
    return;
  }
  join_if_unconnected(time);
  const auto begun = std::min(std::exchange(lines_of_parts_, 0), reply.lines.size());
  fed_.push_back(
      {time, reply.to, ends_like_final(reply.lines, first_start(reply.lines)), reply.redacted});
  feed_lines(reply.lines.subspan(begun), reply.endings.subspan(begun), time);
}

void LogReplay::Session::on(const record::ReplyPart& part, Timestamp time) {
  // The first part of a reply is sent on because time passed, or because a client may take it for
  // the whole.
  const bool by_time =
      lines_of_parts_ == 0 && !ends_like_final(part.lines, first_start(part.lines));
  lines_of_parts_ += part.lines.size();
  in_part_ = true;
  feed_lines(part.lines, part.endings, by_time ? time - DialogueLimits::kPartDelay : time);
  if (by_time) observer_.tick(time);
  in_part_ = false;
}

void LogReplay::Session::feed_lines(std::span<const std::string_view> lines,
                                    std::span<const Ending> endings, Timestamp time) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // The first line may be what ended an older reply, when that was recorded.
    const auto when = i == 0 && fed_.size() > (in_part_ ? 0U : 1U) ? fed_.front().time : time;
    const auto line = std::string(lines[i]).append(bytes_of(endings[i]));
    observer_.received(Side::server, line, false, when);
    if (endings[i] == Ending::none) observer_.closed(Side::server, time);
  }
}

void LogReplay::Session::finish() {
  if (!fed_.empty()) observer_.closed(Side::server, fed_.front().time);
}

// What the Observer cannot know any more is copied from the log.
void LogReplay::Session::record(const Record& again) {
  if (const auto* command = std::get_if<record::Command>(&again.body)) {
    auto marked = *command;
    marked.redacted = command_redacted_;
    pass_on(again.time, marked);
  } else if (const auto* reply = std::get_if<record::Reply>(&again.body)) {
    auto marked = *reply;
    if (!reply->by_proxy && !fed_.empty()) {
      marked.redacted = fed_.front().redacted;
      fed_.pop_front();
    }
    pass_on(again.time, marked);
  } else if (const auto* finding = std::get_if<record::Finding>(&again.body)) {
    if (finding->id == FindingId::command_ambiguous) ambiguous_ = finding->to;
    pass_on(again.time, again.body);
  } else if (std::holds_alternative<record::ReplyPart>(again.body)) {
    // Whether a part was sent on is a fact of the log: the proxy may have had a reason to wait.
    if (in_part_) pass_on(again.time, again.body);
  } else {
    pass_on(again.time, again.body);
  }
}

bool is_derived(FindingId id) { return std::ranges::find(kFacts, id) == kFacts.end(); }

LogReplay::LogReplay(RecordSink& sink) : sink_(sink) {}
LogReplay::~LogReplay() = default;

void LogReplay::add(const Record& record) {
  if (std::holds_alternative<record::Lost>(record.body)) {  // of no session
    sink_.record(record);
    return;
  }
  auto found = sessions_.find(record.session);
  if (found == sessions_.end()) {
    const std::string name(record.session);
    found = sessions_.emplace(name, std::make_unique<Session>(name, sink_)).first;
  }
  found->second->add(record);
  if (std::holds_alternative<record::End>(record.body)) sessions_.erase(found);
}

void LogReplay::finish() {
  for (auto& [name, session] : sessions_) session->finish();
  sessions_.clear();
}

std::vector<LogProblem> read_log(std::string_view log,
                                 const std::function<void(OwnedRecord)>& take) {
  std::vector<LogProblem> problems;
  for (std::size_t number = 1; !log.empty(); ++number) {
    const auto end = log.find('\n');
    const bool torn = end == log.npos;
    const auto line = log.substr(0, end);
    log.remove_prefix(torn ? log.size() : end + 1);
    if (line.empty()) continue;
    auto record = read_record(line);
    if (record) {
      take(std::move(*record));
    } else if (!torn) {
      problems.push_back({number, std::move(record.error())});
    }
  }
  return problems;
}

}  // namespace ftpscope
