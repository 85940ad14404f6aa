// The FTP server behind the proxy: any login, no disk, one thread, as little work as possible.
//
// RETR n sends n bytes of the payload; STOR count and STOR compare say in the 226 what arrived.
// A large file is moved by a process of its own, so several move at once.
#pragma once

namespace ftpscope::bench {

// Serves what connects to the listening socket until it is killed.
void serve(int listener);

}  // namespace ftpscope::bench
