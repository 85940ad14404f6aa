// The catalogue of findings for people: a page for each, the list of all, the table of README.md;
// and for scripts as JSON Lines. Searching it by what somebody remembers of a name.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/findings.h"

namespace ftpscope {

struct PageStyle {
  static constexpr std::size_t kNarrowest = 40;  // columns; a narrower terminal breaks the lines
  static constexpr std::size_t kWidest = 100;    // longer lines are hard to read

  std::size_t width = 80;
  bool colour = false;
};

using FindingRows = std::vector<const FindingRow*>;

// The rows that a text stands for, in any case of letters, with or without "FTP-": the one of that
// name; else the only one whose name begins so; else all whose names contain it. May be none.
FindingRows find_rows(std::string_view text);
FindingRows every_row();
// Names that a mistyped text may have meant, the nearest first; few or none.
std::vector<std::string_view> similar_names(std::string_view text);

void append_page(std::string& out, const FindingRow& row, const PageStyle& style);
// A line for each: name, severity, title; under the titles of their families.
void append_list(std::string& out, const FindingRows& rows, const PageStyle& style);
void append_json_line(std::string& out, const FindingRow& row);
// The table in README.md.
void append_markdown(std::string& out, const FindingRows& rows);

// "replies", "addresses", ...: the family of findings that a row belongs to.
std::string_view family_of(FindingId id);

// Breaks a text between words into lines of at most `width` bytes; a longer word stays whole.
std::vector<std::string_view> wrapped(std::string_view text, std::size_t width);

}  // namespace ftpscope
