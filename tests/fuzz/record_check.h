// What must hold of the records of an analysis, whatever was analysed: each is a line of the log
// that our own reader reads, and their picture has nothing in it that a terminal obeys.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "analyzer/record_json.h"
#include "analyzer/record_reader.h"
#include "analyzer/report_ladder.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/log_check.h"

namespace ftpscope::fuzz {

class CheckedRecords final : public RecordSink {
 public:
  void record(const Record& record) override {
    std::string line;
    append_json(line, record);
    check_log_line(line);
    RecordReader reader;
    const auto read = reader.read(std::string_view(line).substr(0, line.size() - 1));
    check(read.has_value(), "our own reader reads it", line);
    std::string again;
    append_json(again, **read);
    check(again == line, "what was read is what was written", line);
    check_story(record);
    all += line;
    ladder_.record(record);
  }
  // Nothing comes any more.
  void finish() {
    ladder_.finish();
    for (const auto& [name, session] : sessions_) check(session.ended, "a session ends", name);
  }

  std::string all;

 private:
  struct Session {
    std::uint64_t next = 0;
    bool ended = false;
  };

  void check_story(const Record& record) {
    auto& session = sessions_[std::string(record.session)];
    check(record.seq == session.next++, "the records of a session are numbered");
    check(!session.ended, "nothing comes behind the end", record.session);
    session.ended = std::holds_alternative<record::End>(record.body) ||
                    std::holds_alternative<record::Capture>(record.body);
  }
  static void check_picture(std::string_view text) {
    const auto bad = [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\n') || byte == 0x7f;
    };
    check(std::ranges::none_of(text, bad), "no control character on the terminal", text);
  }

  std::map<std::string, Session> sessions_;
  static LadderOptions verbose() {
    LadderOptions options;
    options.verbose = true;
    return options;
  }

  LadderReport ladder_{verbose(), check_picture};
};

}  // namespace ftpscope::fuzz
