// Reads the session log again: one JSON line to one record. The inverse of record_json.h, so that
// append_json() of what was read gives the line back.
#pragma once

#include <cstddef>
#include <deque>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/record.h"

namespace ftpscope {

// A record with the text that its views point into. Moving it moves no text.
class OwnedRecord {
 public:
  OwnedRecord() = default;
  OwnedRecord(OwnedRecord&&) noexcept = default;
  OwnedRecord& operator=(OwnedRecord&&) noexcept = default;

  [[nodiscard]] const Record& operator*() const { return record_; }
  [[nodiscard]] const Record* operator->() const { return &record_; }

 private:
  friend class RecordReader;

  Record record_;
  std::deque<std::string> texts_;
  std::vector<std::string_view> lines_;
  std::deque<std::vector<std::string_view>> lists_;
  std::vector<Ending> endings_;
};

// Longer lines than any that we write (--max-reply, every byte of it escaped, and its JSON around
// it).
inline constexpr std::size_t kLogLineMax = std::size_t{16} << 20U;

// Without its LF. Fields that this version does not know are skipped. The error says what is wrong
// and where: "data.exposed: a time is expected". Of a kind that this version does not know: "kind:
// 'x' is unknown".
[[nodiscard]] std::expected<OwnedRecord, std::string> read_record(std::string_view line);

}  // namespace ftpscope
