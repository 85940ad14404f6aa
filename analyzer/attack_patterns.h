// Bytes that are in a line to do something to whoever reads it: a terminal, a firewall.
#pragma once

#include <string_view>

namespace ftpscope {

// What a terminal would act on: ESC, C1 controls (as UTF-8, or as the bare byte of a control
// sequence), marks that turn the direction of writing. Empty when there is nothing of the kind.
// Telnet commands are not that, nor are the escapes by which ISO-2022 (RFC 1468) changes the
// character set.
std::string_view terminal_control(std::string_view text);

// A text that a firewall, if it sees a segment begin there, takes for a server's reply with an
// address (CVE-2000-0150): "227 ... (h1,h2,h3,h4,p1,p2)", anywhere in the text; or any code and an
// address at its beginning.
bool reads_like_address_reply(std::string_view text);

}  // namespace ftpscope
