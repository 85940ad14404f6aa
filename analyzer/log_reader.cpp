#include "analyzer/log_reader.h"

namespace ftpscope {

void LogReader::read(std::string_view lines, const Take& take) {
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    const bool torn = end == lines.npos;
    const auto line = lines.substr(0, end);
    lines.remove_prefix(torn ? lines.size() : end + 1);
    ++lines_;
    if (line.empty()) continue;
    if (const auto record = reader_.read(line)) {
      take(**record);
    } else if (!torn && bad_lines_++ == 0) {
      first_problem_ = std::to_string(lines_) + ": " + record.error();
    }
  }
}

}  // namespace ftpscope
