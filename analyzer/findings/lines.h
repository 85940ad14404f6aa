// Lines of either side: ends and bytes.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kLines = std::to_array<FindingRow>({
    {line_lf_only, "FTP-LINE-LF-ONLY", warning, kSender, "RFC 959 4.2, 5.3",
     "a line that ends with LF alone",
     "A line (the detail says whose) ends with LF where FTP wants CR LF. Nearly everybody reads it all the same, but "
     "ProFTPD waits for more, and what reads a line differently from its neighbour opens the "
     "way for smuggled commands. Told once a session and kind.",
     "Scripts that speak FTP through a raw socket are the usual origin: let them send \\r\\n. "
     "On the server's side look at message files and helpers. With --lines strict the proxy "
     "sends CR LF on, whatever came."},
    {line_no_ending, "FTP-LINE-NO-ENDING", warning, kSender, "RFC 959 4.2, 5.3",
     "the connection ended in the middle of a line",
     "One side closed the connection in the middle of a line (the detail says which). A "
     "command without its end must not be carried out; a reply without it may have lost its "
     "end.",
     "Usually the program crashed, was killed, or its connection was cut: see its log. A "
     "client that sends its last command without CR LF and closes has to be corrected."},
    {line_bare_cr, "FTP-LINE-BARE-CR", warning, kSender, "RFC 854 2.2",
     "a carriage return inside a line",
     "A line (the detail says whose) has a carriage return that no LF follows. Some servers end a line there or leave "
     "it out, so one line may be two commands for one and one command for another. In a file's"
     " name it is legal if CR NUL is sent (RFC 2640).",
     "If nobody uses such names, treat it as an attempt to smuggle a command past a firewall "
     "and look at the client. --lines strict refuses what is ambiguous. Names with CR in them "
     "should be changed."},
    {line_nul, "FTP-LINE-NUL", warning, kSender, "RFC 959 5.3",
     "a NUL byte inside a line",
     "A line (the detail says whose) has a NUL byte. Programs in C end the text there, so the path or the password "
     "that the server acts on is not the one in the log, nor the one that a filter has seen.",
     "Look at who sends it: no usual client does. --lines strict refuses such commands. In a "
     "reply it is a fault of the server."},
    {line_telnet, "FTP-LINE-TELNET", note, kSender, "RFC 959 2.3",
     "Telnet commands inside a line",
     "The line (the detail says whose) has Telnet commands in it (bytes 255 and following). Before ABOR they are what "
     "RFC 959 asks for; elsewhere they are options that a Telnet client offers, or a file's "
     "name in Latin-1 whose y with dots (byte 255) was not doubled.",
     "Around ABOR and STAT nothing is to do. Who uses a Telnet program to talk FTP should use "
     "nc or an FTP client. For names with that letter switch both sides to UTF-8."},
    {line_not_utf8, "FTP-LINE-NOT-UTF8", note, kSender, "RFC 2640 2.2",
     "bytes that are not UTF-8",
     "A line (the detail says whose) has bytes that are not UTF-8, mostly a file's name in an older character set. RFC"
     " 2640 wants UTF-8. The log keeps the bytes as base64.",
     "Nothing is broken while both sides use the same character set. To change it, convert the"
     " names at the server (convmv) and let clients use UTF-8; or tell the client the old one "
     "(FileZilla: Site Manager, Charset; lftp: set ftp:charset ISO-8859-1)."},
    {line_too_long, "FTP-LINE-TOO-LONG", error, kSender, "--max-line",
     "a line longer than the limit",
     "A line (the detail says whose) is longer than the limit, and the proxy ended the session. No usual path is so "
     "long; long lines are used to overflow buffers and to smuggle commands behind the place "
     "where another program cuts.",
     "If it is legitimate (a very deep tree, a server with long messages), raise --max-line. "
     "Otherwise look at who sent it."},
});
// clang-format on

}  // namespace ftpscope::findings
