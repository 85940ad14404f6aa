// What a server says to a command that a recording does not have and that needs no recording.
#pragma once

#include <string_view>

#include "analyzer/message.h"

namespace ftpscope {

// One reply without its last CRLF. Empty: such a command can only be answered from a recording.
std::string_view standard_answer(const Command& command);

}  // namespace ftpscope
