// How a transcript writes bytes: UTF-8 as it is, everything that an editor would hide or change as
// an escape (\r \n \t \0 \\ \xFF), and a long run of one character as \(40000*a).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ftpscope::transcripts {

std::string escaped(std::string_view bytes);
// Throws std::runtime_error on an escape that is none.
std::string unescaped(std::string_view text);

// "250ms", "31s", "15m", "2h".
std::optional<std::chrono::microseconds> parse_duration(std::string_view text);
std::string to_text(std::chrono::microseconds duration);

}  // namespace ftpscope::transcripts
