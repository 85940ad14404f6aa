#include "analyzer/text_table.h"

#include <algorithm>

namespace ftpscope {

namespace {

constexpr unsigned kContinuationMask = 0xc0;
constexpr unsigned kContinuation = 0x80;

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & kContinuationMask) != kContinuation;
}

constexpr std::string_view kEllipsis = "\u2026";
constexpr std::string_view kBetween = "  ";

using Columns = std::vector<TextTable::Column>;

// Their indices.
std::vector<std::size_t> shown_columns(const Columns& columns,
                                       const std::vector<std::size_t>& widths, std::size_t most) {
  std::vector<std::size_t> shown;
  shown.reserve(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) shown.push_back(i);
  const auto total = [&] {
    std::size_t sum = 0;
    for (const auto i : shown) sum += widths[i] + kBetween.size();
    return sum - kBetween.size();
  };
  for (unsigned rank = 1; rank <= columns.size() && total() > most; ++rank) {
    std::erase_if(shown, [&](std::size_t i) { return columns[i].dropped == rank; });
  }
  return shown;
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

std::string cut_to(std::string_view utf8, std::size_t columns) {
  if (columns_of(utf8) <= columns) return std::string(utf8);
  return first_columns(utf8, columns - 1).append(kEllipsis);
}

std::vector<std::string> in_lines(std::string_view utf8, std::size_t columns) {
  std::vector<std::string> lines;
  while (columns_of(utf8) > columns && lines.size() + 1 < kLinesMax) {
    auto piece = first_columns(utf8, columns + 1);
    const auto blank = piece.rfind(' ');
    const bool at_blank = blank != piece.npos && blank > piece.size() / 2;
    piece = at_blank ? piece.substr(0, blank) : first_columns(utf8, columns);
    utf8.remove_prefix(piece.size() + (at_blank ? 1 : 0));
    lines.push_back(std::move(piece));
  }
  lines.push_back(cut_to(utf8, columns));
  return lines;
}

std::string TextTable::text(std::size_t width) const {
  std::vector<std::size_t> widths(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths[i] = columns_of(columns_[i].head);
    for (const auto& row : rows_) {
      widths[i] = std::max(widths[i], std::min(columns_of(row[i]), kCellMax));
    }
  }
  const auto shown = shown_columns(columns_, widths, width);
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (const auto i : shown) {
      if (!text.empty()) text += kBetween;
      const auto cell = first_columns(cell_of(i), kCellMax);
      text.append(cell).append(i == shown.back() ? 0 : widths[i] - columns_of(cell), ' ');
    }
    return cut_to(text, width) + "\n";
  };
  auto out = line([&](std::size_t i) -> const std::string& { return columns_[i].head; });
  for (const auto& row : rows_) {
    out += line([&](std::size_t i) -> const std::string& { return row[i]; });
  }
  return out;
}

}  // namespace ftpscope
