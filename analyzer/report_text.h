// Records as lines for a person: the dialogue as it happens. Safe on a terminal: nothing from the
// wire can move the cursor or change a colour (threats.md S29).
#pragma once

#include <string>
#include <string_view>

#include "analyzer/record.h"

namespace ftpscope {

struct TextStyle {
  bool colour = false;
  bool verbose = false;  // notes, addresses exposed, the server's latency
};

// Appends no, one or several lines.
void append_text(std::string& out, const Record& record, const TextStyle& style);

// What a data channel did, and what a finding says, in a line.
std::string data_text(const record::Data& data);
std::string finding_text(const record::Finding& finding);

// Control characters and what is not UTF-8 as \xNN.
std::string printable(std::string_view bytes);

// "1 packet", "2 packets".
std::string counted(std::uint64_t count, std::string_view noun);
// "1.5 MiB", "320 B".
std::string human_bytes(std::uint64_t bytes);
// "12 ms", "1.5 s".
std::string human_duration(Duration duration);

}  // namespace ftpscope
