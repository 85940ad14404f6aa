// The FTP server behind the proxy: any login, no disk, one thread, as little work as possible.
//
// RETR n sends n bytes of the payload; STOR count and STOR compare say in the 226 what arrived.
// While data moves it serves nobody else, so the load moves one file at a time.
#pragma once

namespace ftpscope::bench {

// Serves what connects to the listening socket until it is killed.
void serve(int listener);

}  // namespace ftpscope::bench
