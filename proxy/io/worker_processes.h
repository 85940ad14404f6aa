// --workers: processes that serve the same ports, with an event loop each. Nothing is shared but
// what was opened before they began: the log, to which each appends whole lines. One that crashes
// takes its own sessions with it, and another one takes its place.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

namespace ftpscope {

// One that crashes earlier than this would crash again: then all of them end.
inline constexpr std::chrono::seconds kWorkerLifeMin{1};

// Its number, and whether it takes another one's place. It begins with SIGTERM and SIGINT blocked:
// they wait until it hears them. Returns the exit code.
using Work = std::function<int(std::size_t worker, bool again)>;
void hear_ending_signals();

// Runs `count` of them in a process each, and returns there what it returned. In the process that
// called it: passes SIGTERM and SIGINT on, calls `ending` when no more will begin, and returns the
// highest exit code when all have ended. To be called before there is a second thread.
int run_worker_processes(std::size_t count, const Work& work, const std::function<void()>& ending);

}  // namespace ftpscope
