// A table of text for a terminal, and how wide text is there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ftpscope {

// Code points: right for what is not East Asian or combining. Knows no escape sequences.
std::size_t columns_of(std::string_view utf8);
std::string first_columns(std::string_view utf8, std::size_t columns);
// What is too long ends with an ellipsis. 1 column or more.
std::string cut_to(std::string_view utf8, std::size_t columns);

// The text in pieces of at most so many columns (1 or more), broken at a blank if there is one in
// their second half. A text that needs more than kLinesMax is cut.
inline constexpr std::size_t kLinesMax = 10;
std::vector<std::string> in_lines(std::string_view utf8, std::size_t columns);

class TextTable {
 public:
  static constexpr std::size_t kCellMax = 48;  // columns; the rest of a cell is cut

  struct Column {
    std::string head;
    unsigned dropped = 0;  // when there is no room: 1 goes first. 0 stays
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // Lines of at most `width` columns: first columns are left out, then what is too long is cut.
  [[nodiscard]] std::string text(std::size_t width) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ftpscope
