// Attacks.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kAttacks = std::to_array<FindingRow>({
    {password_guessing, "FTP-PASSWORD-GUESSING", warning, kClient, "RFC 2577 5",
     "five or more refused logins in one session",
     "Five or more logins were refused in one session. A program that guesses passwords looks "
     "so, and a client with an old password stored that tries again and again.",
     "Let the server end such sessions and ban the address: vsftpd max_login_fails, ProFTPD "
     "MaxLoginAttempts and mod_ban, fail2ban. See the client's address in the session record; "
     "if it is one of yours, correct the stored password."},
    {terminal_escape, "FTP-TERMINAL-ESCAPE", warning, kNetwork, "CVE-2009-4487",
     "terminal control sequences in a command or reply",
     "A command or reply has control sequences for a terminal (ESC, C1 controls), other control "
     "characters (BS, DEL) or marks that turn the direction of writing. They can change "
     "colours, hide text, and on some terminals do harm when a log or listing is shown. "
     "ftpscope shows them as \\x1b and the like.",
     "Coloured welcome texts are harmless, but do not belong there. In a file's name it is a "
     "trick against whoever lists the directory: rename the file at the server, and look at "
     "logs only with programs that make controls visible (less without -r)."},
    {forged_reply, "FTP-FORGED-REPLY", error, kClient, "RFC 2577 3",
     "an argument that reads like a reply with an address",
     "The argument of a command reads like a server's reply with an address in it. A server "
     "that repeats the argument in its error makes a careless firewall believe that it has "
     "said `227 ...`, and open a port to the inside. ftpscope acts only on a reply to PASV, "
     "EPSV or LPSV.",
     "Look at the client: no usual file is named so. Update firewalls with inspection of FTP; "
     "they must read whole lines and want a pending PASV. Linux: load nf_conntrack_ftp only "
     "where it is needed, with nf_conntrack_helper=0 and explicit CT rules."},
});
// clang-format on

}  // namespace ftpscope::findings
