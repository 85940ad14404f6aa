#include "analyzer/report_ladder.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "analyzer/colour.h"
#include "analyzer/record_json.h"
#include "analyzer/report_text.h"
#include "analyzer/text_table.h"
#include "analyzer/verbs.h"

namespace ftpscope {

namespace {

constexpr std::size_t kClockWidth = 11;
constexpr std::size_t kLeastWidth = 60;
constexpr std::string_view kBar = "\u2502";

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

std::string cut_to(std::string text, std::size_t width) {
  if (text.size() <= width || columns_of(text) <= width) return text;
  return first_columns(text, width - 1) + "\u2026";
}

std::string spaces(std::size_t count) { return std::string(count, ' '); }

std::string session_number(std::string_view name) {
  auto number = name.substr(name.rfind('-') + 1);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return std::string(number);
}

}  // namespace

LadderReport::LadderReport(LadderOptions options, Print print)
    : options_(std::move(options)), print_(std::move(print)) {
  options_.width = std::max(options_.width, kLeastWidth);
}

void LadderReport::record(const Record& record) {
  if (record.session == "capture" || std::holds_alternative<record::Lost>(record.body)) {
    of_the_capture(record);
    return;
  }
  if (!wanted(record.session)) return;
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

bool LadderReport::wanted(std::string_view name) const {
  return options_.session.empty() || name.ends_with(options_.session);
}

void LadderReport::of_the_capture(const Record& record) {
  append_text(of_capture_, record, TextStyle{options_.colour, options_.verbose});
}

std::string LadderReport::clock(Session& session, Timestamp now) const {
  const bool same = session.last == now;
  session.last = now;
  return same ? spaces(kClockWidth) : seconds(now - session.row.started);
}

void LadderReport::add(Session& session, std::optional<CommandId> to, std::string text) {
  session.lines.push_back({to, std::move(text)});
  count(session, session.lines.back());
}

void LadderReport::count(Session& session, const Line& line) {
  const auto size = sizeof(Line) + line.text.size();
  session.size += size;
  size_ += size;
}

void LadderReport::on(Session& session, const record::Session& r, Timestamp) {
  session.row.client = to_text(r.client);
  session.row.server = printable(r.server);
}

// "clock│text      │": put together in one piece, since nearly all lines are such.
std::string LadderReport::rung(std::string clock, const Rung& rung) const {
  constexpr std::size_t kFrameAndColour = 20;
  auto& line = clock;
  line.reserve(line.size() + rung.before + rung.text.size() + rung.behind + kFrameAndColour);
  line += kBar;
  line.append(rung.before, ' ');
  append_painted(line, rung.text, rung.colour, options_.colour);
  line.append(rung.behind, ' ');
  line += kBar;
  return line;
}

// What the client says stands at the left, what the server says at the right, data between them.
void LadderReport::on(Session& session, const record::Command& r, Timestamp now) {
  ++session.row.commands;
  auto text = std::string("\u2500\u25b6 ").append(printable(r.verb));
  if (r.argument) text.append(1, ' ').append(printable(*r.argument));
  if (r.verb == "USER" && r.argument) session.row.user = printable(*r.argument);
  const auto inner = options_.width - kClockWidth - 2;
  text = cut_to(std::move(text), inner);
  const auto fill = inner - columns_of(text);
  add(session, r.id, rung(clock(session, now), {0, text, Colour::client, fill}));
}

void LadderReport::on(Session& session, const record::Reply& r, Timestamp now) {
  const auto* verb = find_verb(r.verb);
  const bool of_transfer = r.to && verb && is_transfer(verb->meaning);
  if (of_transfer && r.code && !r.preliminary) {
    ++session.row.transfers;
    session.row.failed += *r.code >= 400 ? 1 : 0;
  }
  const auto inner = options_.width - kClockWidth - 2;
  const bool failed = r.code && *r.code >= 400;
  for (const auto line : r.lines) {
    const auto mark = r.by_proxy ? " \u25c0\u2500 proxy" : " \u25c0\u2500";
    const auto text = cut_to(printable(line), inner - columns_of(mark)) + mark;
    const auto fill = inner - columns_of(text);
    const auto colour = failed ? Colour::failure : Colour::server;
    add(session, r.to, rung(clock(session, now), {fill, text, colour, 0}));
  }
}

void LadderReport::on(Session& session, const record::Rewrite& r, Timestamp now) {
  const auto trimmed = [](std::string_view text) {
    return printable(text.substr(0, text.find_last_not_of("\r\n") + 1));
  };
  const auto text = "\u2502   ~ " + trimmed(r.before) + "  \u2192  " + trimmed(r.after);
  add(session, r.to, clock(session, now) + painted(text, Colour::changed, options_.colour));
}

void LadderReport::on(Session& session, const record::ChannelOpened& r, Timestamp now) {
  const auto text = "\u2502   \u2550 data " + std::to_string(r.id) + " (" +
                    std::string(name_of(r.setup)) + ") " + to_text(r.client.from) + " \u2192 " +
                    to_text(r.client.to);
  add(session, r.to, clock(session, now) + painted(text, Colour::data, options_.colour));
}

void LadderReport::on(Session& session, const record::Data& r, Timestamp now) {
  session.row.down += r.bytes_to_client;
  session.row.up += r.bytes_to_server;
  auto text = "\u2502   \u2550 " + data_text(r);
  if (r.missing > 0) text.append(", ").append(human_bytes(r.missing)).append(" not captured");
  if (!r.payload.empty()) text.append(", saved as ").append(printable(r.payload));
  add(session, r.to, clock(session, now) + painted(text, Colour::data, options_.colour));
}

// Below the last line of what it concerns.
void LadderReport::on(Session& session, const record::Finding& r, Timestamp) {
  const auto& row = row_of(r.id);
  if (row.severity != Severity::note) {
    ++session.row.findings;
    if (!session.row.worst || row.severity > session.row.worst->severity) session.row.worst = &row;
  }
  if (row.severity == Severity::note && !options_.verbose) return;
  const auto colour = row.severity == Severity::error     ? Colour::failure
                      : row.severity == Severity::warning ? Colour::warning
                                                          : Colour::dim;
  Line line{r.to,
            spaces(kClockWidth) + "\u2502   " +
                painted("\u2514 " + finding_text(r), colour, options_.colour),
            true};
  count(session, line);
  const auto last = std::find_if(session.lines.rbegin(), session.lines.rend(),
                                 [&](const Line& l) { return r.to && l.to == r.to; });
  if (last == session.lines.rend()) {
    session.lines.push_back(std::move(line));
    return;
  }
  last->concerned = true;
  session.lines.insert(last.base(), std::move(line));
}

void LadderReport::on(Session& session, const record::Opaque& r, Timestamp now) {
  add(session, r.to,
      clock(session, now) + "\u2502   " +
          painted("encrypted from here on", Colour::dim, options_.colour));
}

void LadderReport::on(Session& session, const record::Tls& r, Timestamp now) {
  auto text = r.channel ? "data " + std::to_string(*r.channel) + ": TLS " : std::string("TLS ");
  text.append(r.version.empty() ? "of unknown version" : printable(r.version));
  if (!r.sni.empty()) text.append(", for ").append(printable(r.sni));
  if (r.resumed) text.append(*r.resumed ? ", resumed" : ", not resumed");
  add(session, {}, clock(session, now) + "\u2502   " + painted(text, Colour::dim, options_.colour));
}

void LadderReport::on(Session& session, const record::Gap& r, Timestamp now) {
  const auto text = std::to_string(r.bytes) + " bytes of the " + std::string(name_of(r.from)) +
                    "'s are not in the capture";
  add(session, {},
      clock(session, now) + "\u2502   " + painted(text, Colour::warning, options_.colour));
}

void LadderReport::on(Session& session, const record::Overlap& r, Timestamp now) {
  const auto text = "sent twice and differently by the " + std::string(name_of(r.from)) + ": " +
                    printable(r.kept) + " / " + printable(r.other);
  add(session, {},
      clock(session, now) + "\u2502   " + painted(text, Colour::failure, options_.colour));
}

void LadderReport::on(Session& session, const record::End& r, Timestamp now) {
  session.row.duration = r.duration;
  const std::string nobody = r.captured ? "" : " by the proxy";
  const auto who = r.by ? " by the " + std::string(name_of(*r.by)) : nobody;
  auto text = r.how == SessionEnd::open ? std::string("still open where the capture ends")
                                        : "closed" + who + " (" + std::string(name_of(r.how)) + ")";
  if (!r.why.empty()) text.append(": ").append(printable(r.why));
  add(session, {}, clock(session, now) + "\u2514 " + painted(text, Colour::dim, options_.colour));
}

void LadderReport::flush(Session& session) {
  const auto& row = session.row;
  std::string out;
  const auto any = std::ranges::any_of(session.lines, &Line::concerned);
  if (!options_.only_findings || any) {
    std::string started;
    append_time(started, row.started);
    const auto head = "session " + row.number + (session.printed ? " (continued)" : "") + ": " +
                      row.client + " \u2192 " + row.server + ", " + started;
    out = painted(head, Colour::plain, false) + "\n";
    for (const auto& line : session.lines) {
      if (!options_.only_findings || line.concerned) out.append(line.text).append(1, '\n');
    }
    out += '\n';
  }
  session.lines.clear();
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
  print_(of_capture_);
}

void LadderReport::print_table() {
  if (rows_.empty()) {
    print_("No FTP session was found.\n");
    return;
  }
  TextTable table({"session", "started (UTC)", "client", "server", "user", "commands", "transfers",
                   "down", "up", "time", "worst finding"});
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
  print_(table.text());
  if (more_rows_ > 0) print_("and " + std::to_string(more_rows_) + " more sessions\n");
}

}  // namespace ftpscope
