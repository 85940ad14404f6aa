// One command line, understood. Parsing is total: every byte string is some command.
#pragma once

#include <string>
#include <string_view>

#include "analyzer/line_splitter.h"
#include "analyzer/verbs.h"

namespace ftpscope {

struct Command {
  Line line;                   // as received
  const Verb* verb = nullptr;  // null: off the table
  std::string_view name;       // the table's spelling, or the client's for a verb off the table
  std::string_view argument;   // behind the one separator that follows the verb
  bool has_argument = false;
  bool telnet = false;           // Telnet commands were taken out of it
  bool dangling_telnet = false;  // it ends inside a Telnet command, see telnet.h

  [[nodiscard]] Meaning meaning() const { return verb ? verb->meaning : Meaning::plain; }
  // The line is VERB SP ARGUMENT CRLF (RFC 959 5.3), so name and argument give it back exactly.
  [[nodiscard]] bool canonical() const;
};

// The one line that every server reads alike: VERB SP ARGUMENT CRLF, 0xFF doubled (RFC 854).
std::string canonical_line(const Command& command);

// Reads a line as the most lenient server would: Telnet taken out, leading blanks skipped, the verb
// in any case, blank, TAB, VT or FF behind it. `scratch` holds the text when Telnet had to be taken
// out; the command's views point into the line or into it.
Command parse_command(const Line& line, std::string& scratch);

// A server that also ends lines at CR or NUL, or leaves these bytes out, or does not know Telnet,
// reads an address command (PORT, EPRT, LPRT) from this line that we do not. See threats.md S02,
// S03.
bool hides_address_command(const Command& command);
// An address command whose line end never came: whether the address is whole cannot be known.
bool is_unended_address_command(const Command& command);
// The same as the first of a command with a secret: PASS, ACCT, ADAT, MIC, CONF, ENC.
bool hides_secret_command(const Command& command);

}  // namespace ftpscope
