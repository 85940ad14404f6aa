// What a replayed server says to a command that its recording does not have and whose answer
// follows from what it has: folders, sizes, restarts (--match state).
#pragma once

#include <string>

#include "analyzer/message.h"
#include "proxy/replay_script.h"

namespace ftpscope {

class ReplayPlace;

// One reply without its CRLF. Empty: nothing follows.
std::string state_answer(const Command& command, const ReplayPlace& place,
                         const ReplayScript& script);

}  // namespace ftpscope
