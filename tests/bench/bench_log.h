// A session log to read again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ftpscope::bench {

// One session with so many lines behind its greeting: a NOOP and its reply in turn.
std::string logged_dialogue(std::size_t lines);

// Line by line to records, and no more.
void parse_log(std::string_view log);

// The records played through the protocol core and written anew, as `analyze --json` does.
void understand_log(std::string_view log);

}  // namespace ftpscope::bench
