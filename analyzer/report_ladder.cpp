#include "analyzer/report_ladder.h"

#include <algorithm>
#include <cstdlib>
#include <ranges>
#include <utility>

#include "analyzer/capture_analysis.h"
#include "analyzer/colour.h"
#include "analyzer/record_json.h"
#include "analyzer/report_text.h"
#include "analyzer/text_table.h"
#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

constexpr std::size_t kClockWidth = 11;
constexpr std::size_t kLeastWidth = 60;
constexpr std::size_t kArgumentMax = 4096;  // bytes of a line that are looked at to show its begin
constexpr std::string_view kLeftMark = "\u2500\u25b6 ";
constexpr std::string_view kDataMark = "\u2550 ";
constexpr std::string_view kRail = "\u2502";
constexpr std::string_view kBeside = "\u2502   ";

// Seconds since the session began, to the millisecond: "     1.234 ".
std::string seconds(Duration since) {
  constexpr std::int64_t kMicrosInHalfAMilli = 500;
  const bool negative = since.count() < 0;
  const auto millis = (std::abs(since.count()) + kMicrosInHalfAMilli) / 1000;
  constexpr std::size_t kDecimals = 3;
  auto text = std::to_string(millis);
  text.insert(0, kDecimals + 1 - std::min(kDecimals + 1, text.size()), '0');
  text.insert(text.size() - kDecimals, 1, '.');
  if (negative) text.insert(0, 1, '-');
  text += ' ';
  text.insert(0, kClockWidth - std::min(kClockWidth, text.size()), ' ');
  return text;
}

Colour colour_of(Severity severity) {
  switch (severity) {
    case Severity::note: return Colour::dim;
    case Severity::warning: return Colour::warning;
    case Severity::error: return Colour::failure;
  }
  return Colour::plain;
}

// Of the wire's bytes; what is far too long to be shown is not looked at.
std::string shown(std::string_view bytes) { return printable(bytes.substr(0, kArgumentMax)); }

std::string session_number(std::string_view name) {
  auto number = name.substr(name.rfind('-') + 1);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return std::string(number);
}

}  // namespace

bool is_of_all_sessions(const Record& record) {
  return record.session == CaptureAnalysis::kSession ||
         std::holds_alternative<record::Lost>(record.body);
}

LadderReport::LadderReport(LadderOptions options, Print print)
    : options_(std::move(options)), print_(std::move(print)) {
  options_.width = std::max(options_.width, kLeastWidth);
}

void LadderReport::record(const Record& record) {
  if (is_of_all_sessions(record)) {
    of_the_capture(record);
    return;
  }
  auto found = sessions_.find(record.session);
  if (found == sessions_.end()) {
    found = sessions_.emplace(std::string(record.session), Session{}).first;
    found->second.row.started = record.time;
    found->second.row.number = session_number(record.session);
  }
  auto& session = found->second;
  std::visit([&](const auto& body) { on(session, body, record.time); }, record.body);
  if (session.size > kSessionTextMax) flush(session);
  if (size_ > kTextMax) {
    for (auto& [name, each] : sessions_) {
      if (each.size > 0) flush(each);
    }
  }
  if (!std::holds_alternative<record::End>(record.body)) return;
  end(found->first, session);
  sessions_.erase(found);
}

// Below the table, since it is about all of them.
void LadderReport::of_the_capture(const Record& record) {
  if (const auto* finding = std::get_if<record::Finding>(&record.body)) {
    const auto& row = row_of(finding->id);
    if (row.severity == Severity::note && !options_.verbose) return;
    below(finding_text(*finding), colour_of(row.severity));
  } else if (const auto* damage = std::get_if<record::Damage>(&record.body)) {
    below("damaged at byte " + std::to_string(damage->offset) + ": " + printable(damage->what),
          Colour::failure);
  } else if (const auto* lost = std::get_if<record::Lost>(&record.body)) {
    below(counted(lost->records, "record") + " could not be written", Colour::failure);
  } else if (const auto* capture = std::get_if<record::Capture>(&record.body)) {
    below(counted(capture->packets, "packet") + ", " + counted(capture->flows, "TCP connection") +
              ", " + counted(capture->sessions, "FTP session"),
          Colour::dim);
  }
}

void LadderReport::below(const std::string& text, Colour colour) {
  if (below_.size() > kSessionTextMax) return;
  std::string_view indent;
  for (const auto& piece : in_lines(text, options_.width - 2)) {
    below_.append(indent).append(painted(piece, colour, options_.colour)).append("\n");
    indent = "  ";
  }
}

void LadderReport::append_clock(Session& session, Timestamp now) {
  const bool same = session.last == now;
  session.last = now;
  same ? session.text.append(kClockWidth, ' ') : session.text += seconds(now - session.row.started);
}

LadderReport::Line LadderReport::line_from(Session& session, std::size_t begin,
                                           std::optional<CommandId> to) {
  const Line line{to, begin, session.text.size() - begin};
  session.size += sizeof(Line) + line.size;
  size_ += sizeof(Line) + line.size;
  return line;
}

void LadderReport::add_beside(Session& session, Timestamp now, std::optional<CommandId> to,
                              std::string_view mark, std::string_view text, Colour colour) {
  const auto begin = session.text.size();
  append_clock(session, now);
  append_beside(session.text, mark, text, colour);
  session.lines.push_back(line_from(session, begin, to));
}

// At the left rail, behind the clock, in as many lines as it needs. The mark stands before the
// first.
void LadderReport::append_beside(std::string& out, std::string_view mark, std::string_view text,
                                 Colour colour) const {
  const std::string indent(columns_of(mark), ' ');
  const auto inner = options_.width - kClockWidth - columns_of(kBeside) - indent.size();
  bool first = true;
  for (const auto& piece : in_lines(text, inner)) {
    if (!first) out.append("\n").append(kClockWidth, ' ');
    out += kBeside;
    append_painted(out, {first ? mark : indent, piece}, colour, options_.colour);
    first = false;
  }
}

void LadderReport::on(Session& session, const record::Session& r, Timestamp) {
  session.row.client = to_text(r.client);
  session.row.server = printable(r.server);
}

// What the client says stands at the left, what the server says at the right, data between them.
void LadderReport::on(Session& session, const record::Command& r, Timestamp now) {
  ++session.row.commands;
  auto text = shown(r.verb);
  if (r.argument) text.append(" ").append(shown(*r.argument));
  if (r.by_proxy) text.append("  (by the proxy)");
  if (r.verb == "USER" && r.argument) session.row.user = shown(*r.argument);
  const auto begin = session.text.size();
  append_clock(session, now);
  constexpr std::string_view kIndent = "   ";
  const auto inner = options_.width - kClockWidth - 2 - kIndent.size();
  auto& out = session.text;
  bool first = true;
  for (const auto& piece : in_lines(text, inner)) {
    if (!first) out.append("\n").append(kClockWidth, ' ');
    out += kRail;
    append_painted(out, {first ? kLeftMark : kIndent, piece}, Colour::client, options_.colour);
    out.append(inner - columns_of(piece), ' ').append(kRail);
    first = false;
  }
  session.lines.push_back(line_from(session, begin, r.id));
}

void LadderReport::on(Session& session, const record::Reply& r, Timestamp now) {
  const auto* verb = find_verb(r.verb);
  const bool of_transfer = r.to && verb && is_transfer(verb->meaning);
  if (of_transfer && r.code && !r.preliminary) {
    ++session.row.transfers;
    session.row.failed += *r.code >= 400 ? 1 : 0;
  }
  const bool failed = r.code && *r.code >= 400;
  const std::string_view arrow = r.by_proxy    ? " \u25c0\u2500 proxy"
                                 : r.for_proxy ? " (for the proxy) \u25c0\u2500"
                                               : " \u25c0\u2500";
  const auto begin = session.text.size();
  append_clock(session, now);
  const std::string indent(columns_of(arrow), ' ');
  const auto inner = options_.width - kClockWidth - 2 - indent.size();
  auto& out = session.text;
  bool first = true;
  for (const auto line : r.lines) {
    std::string_view mark = arrow;
    for (const auto& piece : in_lines(shown(line), inner)) {
      if (!first) out.append("\n").append(kClockWidth, ' ');
      out.append(kRail).append(inner - columns_of(piece), ' ');
      append_painted(out, {piece, mark}, failed ? Colour::failure : Colour::server,
                     options_.colour);
      out += kRail;
      mark = indent;
      first = false;
    }
  }
  session.lines.push_back(line_from(session, begin, r.to));
}

void LadderReport::on(Session& session, const record::Rewrite& r, Timestamp now) {
  const auto trimmed = [](std::string_view text) {
    return shown(text.substr(0, text.find_last_not_of("\r\n") + 1));
  };
  const auto text = trimmed(r.before) + "  \u2192  " + trimmed(r.after);
  add_beside(session, now, r.to, "~ ", text, Colour::changed);
}

void LadderReport::on(Session& session, const record::ChannelOpened& r, Timestamp now) {
  auto text = "data " + std::to_string(r.id);
  if (r.setup != Setup::unknown) text.append(" (").append(name_of(r.setup)).append(")");
  text += ": " + to_text(r.client.from) + " \u2192 " + to_text(r.client.to);
  add_beside(session, now, r.to, kDataMark, text, Colour::data);
}

void LadderReport::on(Session& session, const record::Data& r, Timestamp now) {
  session.row.down += r.bytes_to_client;
  session.row.up += r.bytes_to_server;
  auto text = data_text(r);
  if (r.missing > 0) text.append(", ").append(human_bytes(r.missing)).append(" not captured");
  if (!r.payload.empty()) text.append(", saved as ").append(printable(r.payload));
  add_beside(session, now, r.to, kDataMark, text, Colour::data);
}

// Below the last line of what it concerns.
void LadderReport::on(Session& session, const record::Finding& r, Timestamp) {
  const auto& row = row_of(r.id);
  if (row.severity != Severity::note) {
    ++session.row.findings;
    if (!session.row.worst || row.severity > session.row.worst->severity) session.row.worst = &row;
  }
  if (row.severity == Severity::note && !options_.verbose) return;
  const auto begin = session.text.size();
  session.text.append(kClockWidth, ' ');
  append_beside(session.text, "\u2514 ", finding_text(r), colour_of(row.severity));
  auto line = line_from(session, begin, r.to);
  line.concerned = true;
  auto backwards = session.lines | std::views::reverse;
  const auto last =
      std::ranges::find_if(backwards, [&](const Line& l) { return r.to && l.to == r.to; });
  if (last == backwards.end()) {
    session.lines.push_back(line);
    return;
  }
  last->concerned = true;
  session.lines.insert(last.base(), line);
}

void LadderReport::on(Session& session, const record::Opaque& r, Timestamp now) {
  add_beside(session, now, r.to, {}, "encrypted from here on", Colour::dim);
}

void LadderReport::on(Session& session, const record::Tls& r, Timestamp now) {
  auto text = r.channel ? "data " + std::to_string(*r.channel) + ": TLS " : std::string("TLS ");
  text.append(r.version.empty() ? "of unknown version" : printable(r.version));
  if (!r.sni.empty()) text.append(", for ").append(shown(r.sni));
  if (r.resumed) text.append(*r.resumed ? ", resumed" : ", not resumed");
  add_beside(session, now, {}, {}, text, Colour::dim);
}

void LadderReport::on(Session& session, const record::Gap& r, Timestamp now) {
  const auto text = counted(r.bytes, "byte") + " of the " + std::string(name_of(r.from)) +
                    "'s not in the capture";
  add_beside(session, now, {}, {}, text, Colour::warning);
}

void LadderReport::on(Session& session, const record::Overlap& r, Timestamp now) {
  const auto text = "sent twice and differently by the " + std::string(name_of(r.from)) + ": " +
                    shown(r.kept) + " / " + shown(r.other);
  add_beside(session, now, {}, {}, text, Colour::failure);
}

void LadderReport::on(Session& session, const record::End& r, Timestamp now) {
  session.row.duration = r.duration;
  const std::string nobody = r.captured ? "" : " by the proxy";
  const auto who = r.by ? " by the " + std::string(name_of(*r.by)) : nobody;
  auto text = r.how == SessionEnd::open ? std::string("still open where the capture ends")
                                        : "closed" + who + " (" + std::string(name_of(r.how)) + ")";
  if (!r.why.empty()) text.append(": ").append(printable(r.why));
  text = cut_to(text, options_.width - kClockWidth - 2);
  const auto begin = session.text.size();
  append_clock(session, now);
  append_painted(session.text.append("\u2514 "), {text}, Colour::dim, options_.colour);
  session.lines.push_back(line_from(session, begin, {}));
}

void LadderReport::flush(Session& session) {
  const auto& row = session.row;
  std::string out;
  const auto any = std::ranges::any_of(session.lines, &Line::concerned);
  if (!options_.only_findings || any) {
    std::string started;
    append_time(started, row.started);
    auto head = "session " + row.number + (session.printed ? " (continued)" : "") + ": " +
                row.client + " \u2192 " + row.server + ", " + started;
    out = cut_to(head, options_.width) + "\n";
    for (const auto& line : session.lines) {
      if (options_.only_findings && !line.concerned) continue;
      out.append(session.text, line.begin, line.size).append("\n");
    }
    out += '\n';
  }
  session.lines.clear();
  session.text = {};
  size_ -= session.size;
  session.size = 0;
  session.printed = true;
  if (!out.empty()) print_(out);
}

void LadderReport::end(const std::string&, Session& session) {
  flush(session);
  if (rows_.size() < kRowsMax) {
    rows_.push_back(std::move(session.row));
  } else {
    ++more_rows_;
  }
}

void LadderReport::finish() {
  for (auto& [name, session] : sessions_) end(name, session);
  sessions_.clear();
  print_table();
  print_(below_);
}

void LadderReport::print_table() {
  if (rows_.empty()) {
    print_("No FTP session was found.\n");
    return;
  }
  // What the head of a session has as well, and what one can count there, goes first.
  TextTable table({{"session"},
                   {"started (UTC)", 2},
                   {"client"},
                   {"server", 7},
                   {"user", 3},
                   {"commands", 1},
                   {"transfers"},
                   {"down", 6},
                   {"up", 5},
                   {"time", 4},
                   {"worst finding"}});
  constexpr std::size_t kToTheSecond = 19;
  for (const auto& row : rows_) {
    std::string started;
    append_time(started, row.started);
    started.resize(kToTheSecond);
    started[started.find('T')] = ' ';
    auto transfers = std::to_string(row.transfers);
    if (row.failed > 0) transfers += " (" + std::to_string(row.failed) + " failed)";
    table.add({row.number, started, row.client, row.server, row.user, std::to_string(row.commands),
               transfers, human_bytes(row.down), human_bytes(row.up), human_duration(row.duration),
               row.worst ? std::string(row.worst->name) + " (" + std::to_string(row.findings) + ")"
                         : "-"});
  }
  print_(table.text(options_.width));
  if (more_rows_ > 0) print_("and " + std::to_string(more_rows_) + " more sessions\n");
}

}  // namespace ftpscope
