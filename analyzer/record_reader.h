// Reads the session log again: one JSON line to one record. The inverse of record_json.h, so that
// append_json() of what was read gives the line back.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "analyzer/record.h"

namespace ftpscope {

class RecordReader {
 public:
  // Longer lines than any that we write (--max-reply, every byte of it escaped, and its JSON around
  // it).
  static constexpr std::size_t kLineMax = std::size_t{16} << 20U;

  RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;
  ~RecordReader();

  // `line` is without its LF. The record, and what its views point to, is good until the next call.
  // Fields that this version does not know are skipped. The error says what is wrong and where:
  // "data.exposed: a time is expected". Of a kind that this version does not know: "kind: 'x' is
  // unknown".
  [[nodiscard]] std::expected<const Record*, std::string> read(std::string_view line);

 private:
  struct Memory;
  class Fields;

  std::unique_ptr<Memory> memory_;
};

}  // namespace ftpscope
