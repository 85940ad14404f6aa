// A session log, which is a record a line, as its records. Knows nothing of what they mean.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "analyzer/record.h"
#include "analyzer/record_reader.h"

namespace ftpscope {

class LogReader {
 public:
  // Gets each record, good until the next one.
  using Take = std::function<void(const Record&)>;

  // The next lines of the log; what is no record is skipped. Only the last ones may end without a
  // LF: such a line that cannot be read is no problem, it was torn when its writer was killed
  // (design.md, point 8).
  void read(std::string_view lines, const Take& take);

  [[nodiscard]] std::size_t bad_lines() const { return bad_lines_; }
  // "12: kind: 'x' is unknown": the number of the line, from 1, and what is wrong with it.
  [[nodiscard]] const std::string& first_problem() const { return first_problem_; }

 private:
  RecordReader reader_;
  std::size_t lines_ = 0;
  std::size_t bad_lines_ = 0;
  std::string first_problem_;
};

}  // namespace ftpscope
