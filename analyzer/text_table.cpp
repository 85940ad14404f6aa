#include "analyzer/text_table.h"

#include <algorithm>

namespace ftpscope {

namespace {

constexpr unsigned kContinuationMask = 0xc0;
constexpr unsigned kContinuation = 0x80;

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & kContinuationMask) != kContinuation;
}

}  // namespace

std::size_t columns_of(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(utf8, begins_character));
}

std::string first_columns(std::string_view utf8, std::size_t columns) {
  std::size_t at = 0;
  for (; at < utf8.size(); ++at) {
    if (!begins_character(utf8[at])) continue;
    if (columns == 0) break;
    --columns;
  }
  return std::string(utf8.substr(0, at));
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], std::min(columns_of(row[i]), kCellMax));
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto cell = first_columns(row[i], kCellMax);
      out += cell;
      if (i + 1 < row.size()) out.append(widths[i] - columns_of(cell) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace ftpscope
