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

class TextTable {
 public:
  static constexpr std::size_t kCellMax = 48;  // columns; the rest of a cell is cut

  explicit TextTable(std::vector<std::string> head) : rows_{std::move(head)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ftpscope
