// Small questions about one line's bytes.
#pragma once

#include <string_view>

#include "analyzer/message.h"

namespace ftpscope {

// Nothing in it but 0x01..0x7f without CR: the usual line, about which there is nothing to say.
bool is_plain_ascii(std::string_view text);
// 0x20..0x7e and nothing else.
bool is_printable_ascii(std::string_view text);
bool is_utf8(std::string_view text);
bool has_telnet_commands(std::string_view text);

// EPSV ALL (RFC 2428 3), in any case of letters.
bool is_epsv_all(const Command& command);

}  // namespace ftpscope
