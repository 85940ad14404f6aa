// Reads a session log back into what happened: feeds the lines in it to an Observer, which
// understands them anew, and shows the other facts (channels, data, rewrites, ends) to the rules.
// So an old log can be analysed by a new rule, and the log is proven to hold what it claims: log ->
// read -> Observer gives the same records again.
//
// What cannot come again, since the log does not have it: lines and replies that went over a limit,
// bytes behind AUTH, oddities of a line whose argument was hidden. Findings about those are copied.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "analyzer/record.h"

namespace ftpscope {

class LogReplay {
 public:
  explicit LogReplay(RecordSink& sink);
  LogReplay(const LogReplay&) = delete;
  LogReplay& operator=(const LogReplay&) = delete;
  ~LogReplay();

  // One record of the log, in its order; sessions may be interleaved.
  void add(const Record& record);
  // The log ends here, also for sessions that have no `end` in it.
  void finish();

 private:
  class Session;

  RecordSink& sink_;
  std::map<std::string, std::unique_ptr<Session>, std::less<>> sessions_;
};

// Whether a finding follows from the other records of a session.
bool is_derived(FindingId id);

// For tests: the records of a log that come again, and what LogReplay gives for that log; each as
// JSON Lines, session by session, with all `seq` 0. They are to be equal.
std::string records_to_come_again(std::string_view log);
std::string records_come_again(std::string_view log);

}  // namespace ftpscope
