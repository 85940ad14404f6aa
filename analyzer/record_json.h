// Records as JSON Lines: the session log. README.md describes the format, log.schema.json checks
// it.
//
// Written by hand and not with nlohmann-json for two reasons: it has to escape C1 controls, line
// separators and bidi marks (threats.md S29), and it runs for every line of every session. Read
// with it.
#pragma once

#include <string>
#include <string_view>

#include "analyzer/record.h"

namespace ftpscope {

inline constexpr int kSchemaVersion = 1;

// Appends one line, LF included. Lossless: what is not UTF-8 is written as {"base64": "..."}.
void append_json(std::string& out, const Record& record);

// "2026-11-21T09:43:39.123456Z" (RFC 3339).
void append_time(std::string& out, Timestamp time);

std::string base64(std::string_view bytes);

}  // namespace ftpscope
