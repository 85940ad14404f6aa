#include "analyzer/log_replay.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "analyzer/observer.h"
#include "analyzer/setup_form.h"

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
    FindingId::data_other_address,
    FindingId::data_ports_exhausted,
    FindingId::data_relayed,
    FindingId::data_refused,
    FindingId::data_unreachable,
    FindingId::data_other_host,
    FindingId::data_several,
    FindingId::middlebox_rewrote,
    FindingId::double_rewrite,
    FindingId::mlsd_syntax,
    FindingId::tls_refused,
    FindingId::tls_plaintext_behind_auth,
    FindingId::timeout_greeting,
    FindingId::timeout_login,
    FindingId::timeout_line,
    FindingId::timeout_idle,
    FindingId::control_reset,
    FindingId::quit_with_transfer,
    FindingId::server_unreachable,
    FindingId::server_turned_away,
    FindingId::server_forbidden,
    FindingId::proxy_header_unasked,
    FindingId::proxy_header_missing,
    FindingId::proxy_header_malformed,
    FindingId::capture_damaged,
    FindingId::capture_overlap,
    FindingId::capture_mid_stream,
    FindingId::capture_one_way,
    FindingId::capture_data_missing,
    FindingId::capture_limit,
    FindingId::replay_unmatched,
    FindingId::replay_upload_differs,
});

// What went over a limit is not in the log; and what is to be hidden was hidden when it was
// written.
DialogueLimits no_limits(bool captured) {
  constexpr auto kNone = std::numeric_limits<std::size_t>::max();
  return {.line_max = kNone,
          .reply_max = kNone,
          .reply_lines_max = kNone,
          .in_flight_max = kNone,
          .unknown_before_login_max = kNone,
          .log_secrets = true,
          .watching = captured,
          .noops_hold = false};
}

// Seen in a capture, and not by a proxy.
bool is_captured(const Record& first) {
  const auto* session = std::get_if<record::Session>(&first.body);
  return session && !session->proxy;
}

// What the text of a command says alone: hidden text says it no more.
bool is_of_the_text(FindingId id) {
  const bool of_a_line = id >= FindingId::line_lf_only && id <= FindingId::line_not_utf8;
  return of_a_line || id == FindingId::command_hides_another || id == FindingId::command_argument;
}

std::string line_of(const record::Command& command) {
  if (command.line) return std::string(*command.line);
  std::string line(command.verb);
  if (command.argument) line.append(" ").append(*command.argument);
  return line.append("\r\n");
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
  Session(std::string name, bool captured, RecordSink& sink)
      : sink_(sink), observer_(no_limits(captured), std::move(name), *this), captured_(captured) {}

  void add(const Record& logged) {
    const auto* gap = std::get_if<record::Gap>(&logged.body);
    if (cut_ && (!gap || gap->from != cut_->from)) close_behind_cut_line();
    settle_unended(logged.body);
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
  // A line without its end was fed. Either its side said no more, or the rest of it was lost, as
  // the next record tells then.
  struct CutLine {
    Side from = Side::client;
    Timestamp time;
  };

  void on(const record::Connected& connected, Timestamp time);
  void on(const record::Command& command, Timestamp time);
  void on(const record::Reply& reply, Timestamp time);
  void on(const record::ReplyPart& part, Timestamp time);
  void on(const record::Gap& gap, Timestamp time);
  void on(const record::Rewrite& rewrite, Timestamp time);
  void on(const record::Finding& finding, Timestamp time);
  void on(const record::Opaque& opaque, Timestamp time);
  void on(const record::End& end, Timestamp time);
  template <class Fact>
  void on(const Fact& fact, Timestamp time) {
    state(time, fact);
  }
  // What happened and cannot be derived: the rules are to see it, and it is to come again.
  template <class Fact>
  void state(Timestamp time, const Fact& fact) {
    observer_.recorder().at(time);
    observer_.recorder().emit(fact);
  }
  void join_if_unconnected(Timestamp time);
  void cut(Side from, Timestamp time);
  void close_behind_cut_line();
  void settle_unended(const record::Body& next);
  void copy(const record::Finding& finding, Timestamp time);

  void record(const Record& again) override;
  // What the Observer cannot know any more is copied from the log. False: it does not come again.
  bool complete(record::Command& command) const;
  bool complete(record::Reply& reply);
  bool complete(record::Finding& finding);
  // Whether a part was sent on is a fact of the log: the proxy may have had a reason to wait.
  bool complete(record::ReplyPart&) const { return in_part_; }
  template <class Other>
  bool complete(Other&) const {
    return true;
  }
  void settle_before_command(Timestamp time);
  void feed_lines(std::span<const std::string_view> lines, std::span<const Ending> endings,
                  Timestamp time);

  RecordSink& sink_;
  Observer observer_;
  std::uint64_t seq_ = 0;
  std::size_t lines_of_parts_ = 0;  // fed, of the reply that is open
  std::deque<FedReply> fed_;        // and not come out
  std::optional<CutLine> cut_;
  std::optional<Timestamp> unended_;  // FTP-LINE-NO-ENDING of a command that did not come yet
  bool command_redacted_ = false;
  CommandId command_ = 0;               // the last one
  std::optional<CommandId> ambiguous_;  // in any mode: the Observer has told of it
  bool in_part_ = false;
  bool captured_;
  bool begun_ = false;
};

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
  cut_.reset();
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

// A set-up command that the server got in another form: the reply is to that.
void LogReplay::Session::on(const record::Rewrite& rewrite, Timestamp time) {
  state(time, rewrite);
  if (!rewrite.to || !setup_of_verb(rewrite.what)) return;
  const auto verb = rewrite.after.substr(0, rewrite.after.find_first_of(" \r\n"));
  if (setup_of_verb(verb)) observer_.sent_as(*rewrite.to, *find_verb(verb), time);
}

// Told once more only when nothing in the log lets us find it again.
void LogReplay::Session::on(const record::Finding& finding, Timestamp time) {
  if (finding.id == FindingId::keepalive_unanswered) return observer_.gave_up_noops(time);
  const bool unended_command = finding.id == FindingId::line_no_ending && !finding.to &&
                               finding.detail == name_of(Side::client);
  if (unended_command) {
    unended_ = time;
    return;
  }
  const bool hidden = is_of_the_text(finding.id) && command_redacted_ && finding.to == command_;
  if (is_derived(finding.id) && !hidden) return;
  if (finding.id == FindingId::command_ambiguous && finding.to == ambiguous_) return;
  copy(finding, time);
}

// As if it had been found here, so that what is told once is told once.
void LogReplay::Session::copy(const record::Finding& finding, Timestamp time) {
  if (finding.id == FindingId::server_turned_away) {
    if (!fed_.empty()) observer_.closed(Side::server, fed_.front().time);
    observer_.disconnected();
  }
  observer_.recorder().at(time);
  observer_.recorder().finding(finding.id, finding.to, finding.detail);
}

// That a command had no end is told before it, and again when its line is fed: unless it was
// hidden, or taken for another protocol's. A reply that such a command ended is told in between.
void LogReplay::Session::settle_unended(const record::Body& next) {
  if (!unended_ || std::holds_alternative<record::Reply>(next)) return;
  const auto time = *std::exchange(unended_, std::nullopt);
  const auto* command = std::get_if<record::Command>(&next);
  if (command && !line_of(*command).ends_with('\n')) return;
  copy({FindingId::line_no_ending, std::nullopt, name_of(Side::client)}, time);
}

void LogReplay::Session::on(const record::End& end, Timestamp time) {
  finish();
  state(time, end);
}

void LogReplay::Session::on(const record::Command& command, Timestamp time) {
  if (command.by_proxy) {
    command_redacted_ = false;
    return observer_.said_noop(time);
  }
  join_if_unconnected(time);
  settle_before_command(time);
  command_ = command.id;
  const auto line = line_of(command);
  command_redacted_ = command.redacted;
  observer_.received(Side::client, line, command.urgent, time);
  if (!line.ends_with('\n')) cut(Side::client, time);
}

// The proxy loses nothing: there its side has closed.
void LogReplay::Session::cut(Side from, Timestamp time) {
  cut_ = {from, time};
  if (!captured_) close_behind_cut_line();
}

void LogReplay::Session::close_behind_cut_line() {
  if (const auto line = std::exchange(cut_, std::nullopt)) observer_.closed(line->from, line->time);
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
    if (endings[i] == Ending::none) cut(Side::server, time);
  }
}

void LogReplay::Session::finish() {
  close_behind_cut_line();
  if (unended_) copy({FindingId::line_no_ending, std::nullopt, name_of(Side::client)}, *unended_);
  if (!fed_.empty()) observer_.closed(Side::server, fed_.front().time);
}

void LogReplay::Session::record(const Record& again) {
  const auto record = [&](auto body) {
    if (complete(body)) sink_.record({again.time, again.session, seq_++, body});
  };
  std::visit(record, again.body);
}

bool LogReplay::Session::complete(record::Command& command) const {
  command.redacted = command_redacted_;
  return true;
}

bool LogReplay::Session::complete(record::Reply& reply) {
  if (reply.by_proxy || fed_.empty()) return true;
  reply.redacted = fed_.front().redacted;
  fed_.pop_front();
  return true;
}

bool LogReplay::Session::complete(record::Finding& finding) {
  if (finding.id == FindingId::command_ambiguous) ambiguous_ = finding.to;
  return true;
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
    auto session = std::make_unique<Session>(name, is_captured(record), sink_);
    found = sessions_.emplace(name, std::move(session)).first;
  }
  found->second->add(record);
  if (std::holds_alternative<record::End>(record.body)) sessions_.erase(found);
}

void LogReplay::finish() {
  for (auto& [name, session] : sessions_) session->finish();
  sessions_.clear();
}

}  // namespace ftpscope
