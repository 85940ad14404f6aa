// Commands: syntax and order.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kCommands = std::to_array<FindingRow>({
    {command_unknown, "FTP-COMMAND-UNKNOWN", note, kClient, "RFC 959 5.3",
     "a verb that no RFC defines",
     "The client sent a verb that no RFC and no list of usual extensions has. It is passed on;"
     " what it does is between this client and this server.",
     "Nothing, if the server answers 500 or 502 and the client goes on. If the server knows it"
     " and it moves data or names addresses, ftpscope cannot follow it: tell us the name. A "
     "password or text typed in the wrong place ends up here too."},
    {command_argument, "FTP-COMMAND-ARGUMENT", note, kClient, "RFC 959 5.3",
     "an argument that is missing, or one where none is allowed",
     "The command has no argument although it needs one, or has one although none is allowed "
     "(the detail says which). Servers refuse it with 501 or ignore the rest.",
     "See what script or person wrote it: an empty variable is the usual cause (`CWD $DIR`). "
     "Some clients write `PASV ` or `FEAT `with a blank behind; that is harmless."},
    {command_hides_another, "FTP-COMMAND-HIDES-ANOTHER", error, kClient, "RFC 854 2.2",
     "a line in which some servers see a second command",
     "The line holds a CR, a NUL or Telnet bytes in such a way that some servers read a second"
     " command in it, one with an address (PORT, EPRT, LPRT) that a firewall or proxy would "
     "not see. No usual client sends that.",
     "Treat it as an attack on the firewall, or as a test of one: look at the client. ftpscope"
     " proxy refuses such a line with either --lines; elsewhere a firewall should do the same."},
    {command_ambiguous, "FTP-COMMAND-AMBIGUOUS", warning, kClient, "RFC 959 5.3",
     "a line that servers read differently",
     "Servers read this line differently: bare CR or LF, NUL, Telnet inside the verb, or an "
     "end that is missing. What one takes for one command is two for another.",
     "Find out what sends it; a script that builds lines from file names is a usual origin. "
     "--lines strict makes the proxy refuse such lines with 500; with --lines raw they pass as"
     " they came."},
    {command_pipelined, "FTP-COMMAND-PIPELINED", note, kClient, "RFC 959 5.4",
     "a command sent before the reply to the one before it",
     "The client sent a command before it had the reply to the one before. RFC 959 does not "
     "forbid it and it saves time, but many servers and firewalls handle one command at a time"
     " and lose what comes ahead.",
     "Nothing, as long as it works. When replies are missing or shifted, switch it off: lftp "
     "set ftp:sync-mode on; in scripts wait for each reply."},
    {not_ftp, "FTP-NOT-FTP", error, kClient, "RFC 959 5.3",
     "the client does not speak FTP",
     "The client's first bytes are another protocol's: HTTP, SMTP, SSH or a TLS handshake (the"
     " detail says which). The proxy ended the session and sent nothing that could be taken "
     "for an answer. Web pages that make a browser talk to port 21 look so, as do scanners.",
     "If it is a TLS handshake, the client wants implicit FTPS: set it to explicit TLS (curl "
     "--ssl-reqd ftp://, FileZilla `Require explicit FTP over TLS`), or use port 990 of a "
     "server that has it. Otherwise correct the client's port, or ignore scanners."},
    {too_many_unknown, "FTP-TOO-MANY-UNKNOWN", error, kClient, "--max-unknown-before-login",
     "too many unknown commands before login",
     "Before any login came as many unknown verbs or empty lines as the limit allows, and the "
     "proxy ended the session. It keeps other protocols from being carried to an FTP server "
     "that ignores errors.",
     "If a real client does that (one that tries many extensions first), raise "
     "--max-unknown-before-login. Otherwise see who it is: it was no FTP."},
    {before_greeting, "FTP-COMMAND-BEFORE-GREETING", warning, kClient, "RFC 959 5.4",
     "a command sent before the server's greeting",
     "The client sent its first command before the server had greeted. Servers that do not "
     "read ahead may lose it or answer it out of step, and some close at once, as spammers "
     "behave like that. A greeting that takes long makes impatient clients do it.",
     "A client or script must wait for 220 (RFC 959 5.4): with nc and `printf` it does not; "
     "use an FTP client. If the greeting is late, see FTP-GREETING-SLOW."},
    {order_rnto, "FTP-ORDER-RNTO", warning, kClient, "RFC 959 4.1.3",
     "RNTO without an accepted RNFR right before it",
     "RNTO came without an RNFR that had been accepted right before. The server answers 503, "
     "or worse, renames what an older RNFR named.",
     "The client or script must send RNFR, wait for 350, and send RNTO at once. If RNFR was "
     "refused (the detail says so), it must not go on: check the old name and the rights "
     "there."},
    {order_rnfr, "FTP-ORDER-RNFR", note, kClient, "RFC 959 4.1.3",
     "RNFR without RNTO right behind it",
     "RNFR was accepted, and another command than RNTO followed, or the session ended. Nothing"
     " was renamed; most servers have forgotten the name by now.",
     "See why the client stopped: the user may have cancelled. Some clients use RNFR only to "
     "test whether a file exists, which is harmless; SIZE or MLST would do."},
    {order_pass, "FTP-ORDER-PASS", warning, kClient, "RFC 959 4.1.1",
     "PASS without an accepted USER right before it",
     "PASS came without USER right before it, or although USER had been refused (the detail "
     "says which). The server answers 503 or 530, and the password has crossed the network for"
     " nothing.",
     "Correct the order in the client or script: USER, wait for 331, PASS; and again from USER"
     " after a 530. If USER was refused, the name is not allowed here: vsftpd userlist_enable,"
     " ProFTPD <Limit LOGIN>, /etc/ftpusers."},
    {order_rest, "FTP-ORDER-REST", note, kClient, "RFC 959 4.1.3",
     "REST without a transfer behind it",
     "REST set an offset and no transfer followed: another command came, or the session ended."
     " RFC 3659 wants REST to be the last command before the transfer; some servers forget the"
     " offset, some keep it and cut the head off the next file.",
     "If a later file is too short at its beginning, this is why: the client should send REST "
     "0 when it changes its mind, or go on with RETR or STOR at once. A test of REST as its "
     "own is harmless if REST 0 follows."},
    {order_login, "FTP-ORDER-LOGIN", note, kClient, "RFC 959 5.4",
     "a command that needs a login, before one",
     "The server refused a command with 530 as nobody had logged in yet (the detail has the "
     "first one). Usually the client asks early what the server can do, and asks again later.",
     "Nothing, if the login follows. If not, the client lacks user name and password (curl: "
     "--user, ~/.netrc), or the session was lost and reopened without a login."},
    {order_no_setup, "FTP-ORDER-NO-SETUP", warning, kClient, "RFC 959 3.3",
     "a transfer without PASV, EPSV, PORT or EPRT before it",
     "A transfer began and no PASV, EPSV, PORT or EPRT had been accepted for it. Then RFC "
     "959's default holds: the server connects to the client's port of the control connection,"
     " which no firewall or NAT lets through; most servers say 425. Told once a session.",
     "The client must ask for PASV or EPSV (or send PORT) before each transfer, also before a "
     "second try. In the old ftp program switch `sendport` or `passive` on. If PASV had been "
     "refused, repair that first."},
    {order_setup_unused, "FTP-ORDER-SETUP-UNUSED", note, kClient, "RFC 959 4.1.2",
     "an accepted PASV, EPSV, PORT or EPRT that no transfer used",
     "A PASV, EPSV, PORT or EPRT was accepted and no transfer made use of it: another one "
     "replaced it, or the session ended. Often the client could not connect to the address and"
     " tries another way.",
     "If it happens with each transfer, the first way does not work: look for findings on its "
     "address and data connection, or tell the client to begin with the other (curl: "
     "--disable-epsv; lftp: set ftp:prefer-epsv no)."},
});
// clang-format on

}  // namespace ftpscope::findings
