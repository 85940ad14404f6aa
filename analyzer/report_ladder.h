// Sessions as pictures for a terminal: a ladder of commands, replies and data channels with times,
// each finding below the line that it concerns, and a table of all sessions at the end.
//
// A session is printed when it ends, since sessions run side by side in a capture and a finding may
// concern an older line. One that is longer than kSessionTextMax is printed in parts, and all are
// when together they are longer than kTextMax.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/colour.h"
#include "analyzer/record.h"

namespace ftpscope {

// Of the capture, or of the process that wrote the log, and of no session.
bool is_of_all_sessions(const Record& record);

struct LadderOptions {
  static constexpr std::size_t kWidth = 100;  // default of --width off a terminal

  std::size_t width = kWidth;
  bool colour = false;
  bool verbose = false;        // notes too
  bool only_findings = false;  // the lines that findings concern, and the findings
  std::string session;         // only the sessions whose name ends so
};

class LadderReport final : public RecordSink {
 public:
  static constexpr std::size_t kSessionTextMax = std::size_t{4} << 20U;
  static constexpr std::size_t kTextMax = std::size_t{64} << 20U;
  static constexpr std::size_t kRowsMax = 10'000;  // of the table; more are counted

  using Print = std::function<void(std::string_view)>;

  LadderReport(LadderOptions options, Print print);

  void record(const Record& record) override;
  // Prints what has not ended, and the table.
  void finish();

 private:
  struct Line {
    std::optional<CommandId> to;
    std::size_t begin = 0;  // in the session's text
    std::size_t size = 0;
    bool concerned = false;  // a finding stands below it
  };
  // A row of the table.
  struct Row {
    std::string number;
    Timestamp started;
    std::string client;
    std::string server;
    std::string user;
    std::uint64_t commands = 0;
    std::uint64_t transfers = 0;
    std::uint64_t failed = 0;
    std::uint64_t down = 0;
    std::uint64_t up = 0;
    Duration duration{};
    const FindingRow* worst = nullptr;
    std::uint64_t findings = 0;  // that are more than notes
  };
  struct Session {
    Row row;
    std::vector<Line> lines;
    std::string text;      // of all lines, as they came
    std::size_t size = 0;  // of both
    bool printed = false;  // a part of it
    std::optional<Timestamp> last;
  };

  void on(Session& session, const record::Session& r, Timestamp now);
  void on(Session& session, const record::Command& r, Timestamp now);
  void on(Session& session, const record::Reply& r, Timestamp now);
  void on(Session& session, const record::Rewrite& r, Timestamp now);
  void on(Session& session, const record::ChannelOpened& r, Timestamp now);
  void on(Session& session, const record::Data& r, Timestamp now);
  void on(Session& session, const record::Finding& r, Timestamp now);
  void on(Session& session, const record::Opaque& r, Timestamp now);
  void on(Session& session, const record::Tls& r, Timestamp now);
  void on(Session& session, const record::Gap& r, Timestamp now);
  void on(Session& session, const record::Overlap& r, Timestamp now);
  void on(Session& session, const record::End& r, Timestamp now);
  template <class Other>
  void on(Session&, const Other&, Timestamp) {}

  void of_the_capture(const Record& record);
  void below(const std::string& text, Colour colour);
  // The session's text from `begin` on is a line.
  Line line_from(Session& session, std::size_t begin, std::optional<CommandId> to);
  void add_beside(Session& session, Timestamp now, std::optional<CommandId> to,
                  std::string_view mark, std::string_view text, Colour colour);
  void append_beside(std::string& out, std::string_view mark, std::string_view text,
                     Colour colour) const;
  static void append_clock(Session& session, Timestamp now);
  void flush(Session& session);
  void end(const std::string& name, Session& session);
  void print_table();

  LadderOptions options_;
  Print print_;
  std::map<std::string, Session, std::less<>> sessions_;
  std::vector<Row> rows_;
  std::uint64_t more_rows_ = 0;
  std::size_t size_ = 0;  // of the lines of all sessions
  std::string below_;     // the table
};

}  // namespace ftpscope
