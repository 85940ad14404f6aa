// Replies whose text has a form of its own: 257, 213, the lines of FEAT and MLST. Pure text; what
// a reply answers is the caller's to know.
#pragma once

#include <span>
#include <string_view>

namespace ftpscope {

// Each returns what is wrong, and nothing when all is well. Lines are without their endings.

// RFC 959 Appendix II: `257 "directory" comment`, a quote in the directory's name is doubled.
std::string_view quoted_path_problem(std::string_view line);
// RFC 3659 4.1: `213 ` and a decimal number.
std::string_view size_problem(std::string_view line);
// RFC 3659 2.3, 3.1: `213 ` and a time: YYYYMMDDHHMMSS, perhaps with a fraction.
std::string_view modification_time_problem(std::string_view line);

// RFC 2389 3.2: one blank, then a feature's name. Null when every line between the first and the
// last is so, else the first that is not.
const std::string_view* odd_feature(std::span<const std::string_view> lines);
// RFC 3659 7.2: between the first and the last line one or more, each a blank and an entry.
std::string_view listed_entry_problem(std::span<const std::string_view> lines);

// RFC 3659 2.3: fourteen digits that are a date and a time of day, perhaps a dot and more digits.
bool is_time_value(std::string_view text);

}  // namespace ftpscope
