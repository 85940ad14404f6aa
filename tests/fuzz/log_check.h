// What a line of the log must be, whoever wrote what into it (threats.md S29).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace ftpscope::fuzz {

// One line of JSON with no byte in it that could move a cursor.
void check_log_line(std::string_view line);

// A string, or {"base64": ...}.
std::string bytes_of(const nlohmann::json& value);

}  // namespace ftpscope::fuzz
