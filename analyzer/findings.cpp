#include "analyzer/findings.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace ftpscope {

namespace {

using enum FindingId;
using enum Severity;
constexpr auto kClient = Blame::client;
constexpr auto kServer = Blame::server;
constexpr auto kNetwork = Blame::network;
constexpr auto kProxy = Blame::proxy;

// clang-format off
constexpr auto kRows = std::to_array<FindingRow>({
    {reply_unsolicited, "FTP-REPLY-UNSOLICITED", warning, kServer, "RFC 959 5.4",
     "a reply that no command asked for",
     "The server sent a reply while no command was waiting for one. A client that counts "
     "replies takes it for the answer to its next command, and every later answer for the one "
     "after that. A 421 is the one reply that may come at any time; it is told as well, since "
     "it ends the session.",
     "A 421 needs no repair: see what it says, usually a timeout or a limit of the server. "
     "Anything else is a fault of the server (or of a script or module in it that writes to "
     "the control connection): update it or report it. Until then use a client that opens a "
     "new session when a reply does not fit, and keep away from pipelining (lftp: set "
     "ftp:sync-mode on)."},
    {reply_second_final, "FTP-REPLY-SECOND-FINAL", warning, kServer, "RFC 959 5.4",
     "a second final reply to one command",
     "A command had its final reply, and the server sent another one: twice the same code, or "
     "one that the next command may not get. RFC 959 allows one. A client that counts is off "
     "by one from here on: it takes the answer to each command for the answer to the next.",
     "The server has to change: look for a handler, a virus scanner or a module that reports "
     "by itself (two 226 after an upload are typical). On the client's side only a new session"
     " brings both into step again."},
    {reply_without_code, "FTP-REPLY-WITHOUT-CODE", warning, kServer, "RFC 959 4.2",
     "a line outside any reply that has no reply code",
     "The server sent a line that has no three-digit code, and no multi-line reply was open. "
     "Often it is the output of a program that the server started, a debug message, or the "
     "rest of a text with a line end in it. Some clients skip such a line, others take it for "
     "a reply of unknown meaning and fail.",
     "Whoever runs the server should find what writes there: banner and message files, login "
     "scripts, error output of helpers under inetd. Text belongs into a multi-line reply: "
     "`230-` in front of the lines, `230 ` at the end."},
    {reply_code_range, "FTP-REPLY-CODE-RANGE", warning, kServer, "RFC 959 4.2.1",
     "a reply code whose first digit is not 1 to 5",
     "The reply's code does not begin with 1 to 5. No command can get such a reply; clients "
     "decide by the first digit and do not know whether it means success. 6yz is left to "
     "protected replies (RFC 2228).",
     "A fault of the server, or the other side is no FTP server at all: see its greeting and "
     "the port. Report it to the server's maker; a client cannot work around it."},
    {reply_no_space, "FTP-REPLY-NO-SPACE", warning, kServer, "RFC 959 4.2",
     "a reply code with neither a space nor a hyphen behind it",
     "The three digits of the code are followed by text at once, as in `230Logged in`. RFC 959"
     " wants a blank, or a hyphen where more lines follow. ftplib and tnftp take the line for "
     "a reply; curl takes it for text and waits for ever.",
     "The server, or the script that answers in its name, must put a blank behind the code. "
     "Custom message files are the usual place: they should not contain codes at all. If a "
     "client hangs here, try another one."},
    {reply_bare_code_end, "FTP-REPLY-BARE-CODE-END", note, kServer, "RFC 959 4.2",
     "a multi-line reply that ends with the code alone",
     "The last line of a multi-line reply is the code and nothing else. RFC 959 wants a blank "
     "behind it even when no text follows. Most clients end the reply there; curl does not and"
     " waits until its timeout.",
     "Only a client that hangs here is a reason to act: the server should send a blank, and "
     "better a word, behind the code. Empty lines in the server's welcome or message files are"
     " a common cause."},
    {reply_other_code_end, "FTP-REPLY-OTHER-CODE-END", warning, kServer, "RFC 959 4.2",
     "a multi-line reply closed by another code than the one that opened it",
     "A reply that began with one code and a hyphen was closed by a line with another code, "
     "and the client went on behind it. Strict readers wait for the first code for ever; curl "
     "ends the reply there, so it works with some clients and hangs others.",
     "The server has to close a reply with the code that opened it. Update it, or remove the "
     "message file or the script whose text is sent with the wrong code. As a user, take a "
     "client that ends a reply at any code, such as curl."},
    {reply_unfinished, "FTP-REPLY-UNFINISHED", warning, kServer, "RFC 959 4.2",
     "a multi-line reply that is never closed",
     "A multi-line reply has no last line: the connection ended in it, or (in a greeting) the "
     "client gave up waiting and sent its next command. Strict clients hang here.",
     "If the server went away in the middle, its own log tells why (a crash, a timeout, a "
     "kill). If it always happens, the greeting or message file lacks its end: let the server "
     "put the codes there, and no `220-` in the file."},
    {reply_line_like_final, "FTP-REPLY-LINE-LIKE-FINAL", note, kServer, "RFC 959 4.2",
     "a text line inside a multi-line reply that some clients take for its end",
     "Inside a multi-line reply stands a line with a code and a blank, as the last line has. "
     "It is text, as more lines came. Clients that do not compare codes (curl) end the reply "
     "there and take the rest for the answer to the next command.",
     "Nothing to do while all clients get along. Otherwise indent such lines by a blank in the"
     " server's message files, as RFC 959 4.2 asks of servers, or reword them so that they do "
     "not begin with three digits."},
    {reply_illegal_code, "FTP-REPLY-ILLEGAL-CODE", note, kServer, "RFC 959 5.4",
     "a reply code that this command may not get",
     "The code of this reply is not among those that the RFC lists for the command. Clients "
     "that go by the first digit do not mind; those that wait for one certain code (257, 227, "
     "331) take it for a failure.",
     "Mostly harmless. When a client stumbles over just this reply, report it to the server's "
     "maker, with the command and the section of the RFC; some clients have a switch to leave "
     "the command out (lftp: set ftp:use-feat no, ftp:use-mdtm no, ftp:use-size no)."},
    {reply_too_long, "FTP-REPLY-TOO-LONG", error, kServer, "--max-reply",
     "a reply longer than the limit",
     "A multi-line reply grew over the limit of bytes or lines, and the proxy ended the "
     "session with 421. It is either a listing in a reply (STAT of a huge directory) or a "
     "server that wants to fill the memory of its clients.",
     "If the reply is wanted, raise --max-reply and --max-reply-lines. Otherwise list by LIST "
     "or MLSD, which use a data connection, and do not trust that server."},
    {reply_no_preliminary, "FTP-REPLY-NO-PRELIMINARY", warning, kServer, "RFC 959 5.4",
     "a transfer completed without a 1yz reply before it",
     "The transfer ended with a 2yz, and no 125 or 150 came before. RFC 959 5.4 wants one, and"
     " some clients open or read their data connection only when they have seen it; they hang "
     "or report an empty file.",
     "The server, or a gateway before it, has to send 150 before it sends data. Check for an "
     "application server with an FTP front end of its own making. Most clients get along; the "
     "file's size shows whether this one did."},
    {reply_before_data_end, "FTP-REPLY-BEFORE-DATA-END", warning, kServer, "RFC 959 3.4, 5.4",
     "the server reported completion before the data ended",
     "The 226 came while the data connection was still open or still had bytes to deliver. A "
     "client that closes at the 226 cuts the file's end off. ftpscope holds such a reply back "
     "until the data has been delivered.",
     "If files are cut without the proxy, the server has to send 226 only when its last byte "
     "is out and the connection is closed. A client should read the data connection until its "
     "end, whatever the control connection says."},
    {reply_missing, "FTP-REPLY-MISSING", warning, kServer, "RFC 959 5.4",
     "a command that got no reply",
     "A command got no reply: a later command was answered first, or the session ended while "
     "it waited (for a second at least, or the server left). To the client it looks like a "
     "server that hangs; a user sees a timeout.",
     "Look at what the command needs at the server: a slow disk or network file system, a name"
     " look-up, an external program. If the server never saw the command, a firewall's "
     "inspection of FTP may have dropped it: compare with a capture at the server. For ABOR it"
     " is harmless; many servers leave out one of its two replies."},
    {greeting_not_ftp, "FTP-GREETING-NOT-FTP", error, kServer, "RFC 959 5.4",
     "the server's greeting is not FTP",
     "The first line from the server has no code of three digits. Something else answers at "
     "this port: SSH, SMTP, HTTP, a TLS handshake (implicit FTPS), or a program that prints "
     "before the FTP server starts.",
     "Check address and port: SFTP is SSH (port 22) and no FTP; implicit FTPS (port 990) "
     "begins with TLS, so connect with ftps:// in curl and lftp. Under inetd look for error "
     "messages of the server on its standard output."},
    {reply_slow, "FTP-REPLY-SLOW", warning, kServer, "RFC 959 5.4",
     "a reply that took over ten seconds",
     "Between the command (or the server's last word before) and the reply lay more than ten "
     "seconds. Final replies of transfers, greetings and logins do not count here. Clients "
     "with short timeouts give up and try again, which makes it worse.",
     "Look at the server: disks that have to spin up, a slow network file system, quotas or "
     "virus scans at CWD or SIZE, a huge directory. At the client a longer timeout helps "
     "(lftp: set net:timeout 60; curl: --max-time)."},
    {feat_syntax, "FTP-FEAT-SYNTAX", note, kServer, "RFC 2389 3.2",
     "a FEAT reply whose lines are not a blank and a feature",
     "A line between the first and the last of the FEAT reply is not one blank and the name of"
     " a feature. Clients that go by RFC 2389 overlook that feature, and may then do without "
     "UTF-8, MLSD or TLS.",
     "The server should indent each feature by exactly one blank and write no `211-` and no "
     "empty lines in between. As a user, switch the feature on by hand: in FileZilla the "
     "character set of the site, in lftp set ftp:use-mlsd, ftp:use-utf8."},
    {pwd_syntax, "FTP-257-SYNTAX", warning, kServer, "RFC 959 Appendix II",
     "a 257 without a properly quoted path",
     "A 257 must have the directory in double quotes, with a quote in its name doubled; this "
     "one has not. A client cannot tell where the name ends and may believe to be in another "
     "directory, or refuse to go on.",
     "The server must quote the path (RFC 959, Appendix II). If only a name with a quote in it"
     " goes wrong, rename the directory. As a user, go to directories by absolute paths, which"
     " needs no PWD (curl: --ftp-method nocwd with //path)."},
    {size_syntax, "FTP-SIZE-SYNTAX", warning, kServer, "RFC 3659 4.1",
     "a 213 to SIZE that is not just a number",
     "The 213 to SIZE is not a number alone: it has a unit, separators, text or several lines."
     " Clients that compare sizes or show progress read a wrong number or none, and cannot "
     "resume.",
     "The server must answer `213` and the decimal number of bytes (RFC 3659 4.1). Until then "
     "tell the client not to ask: lftp set ftp:use-size no, curl --ignore-content-length."},
    {mdtm_syntax, "FTP-MDTM-SYNTAX", warning, kServer, "RFC 3659 2.3, 3.1",
     "a 213 to MDTM that is not a time",
     "The 213 to MDTM is not a time of fourteen digits (YYYYMMDDHHMMSS, in UTC), or the digits"
     " are no date. Mirrors that compare times fetch everything again, or never again.",
     "The server must send the time in that form and in UTC (RFC 3659 2.3). Fifteen digits "
     "that begin with 191 are the year-2000 fault of old servers: update. Until then compare "
     "by size (lftp: mirror --ignore-time, set ftp:use-mdtm no; wget: "
     "--no-use-server-timestamps)."},
    {mlst_syntax, "FTP-MLST-SYNTAX", warning, kServer, "RFC 3659 7.2",
     "a reply to MLST without a well-formed entry",
     "The reply to MLST has no line between the first and the last that is a blank and an "
     "entry: facts as `name=value;`, one blank, the path. Clients cannot read what the file is"
     " and how big.",
     "The server has to change (RFC 3659 7.2). As a user, switch to SIZE and MDTM, or to LIST:"
     " lftp set ftp:use-mlsd no."},
    {mlsd_syntax, "FTP-MLSD-SYNTAX", warning, kServer, "RFC 3659 7.2",
     "a listing by MLSD with an entry that is not well-formed",
     "A line of the listing (the detail has the first one) is not made of facts as "
     "`name=value;`, one blank and a name. Machines are to read this format, so one such line "
     "may make a client drop the entry or the whole listing. Names with line ends in them are a "
     "common cause. Captures only: the proxy does not look into data.",
     "The server has to change (RFC 3659 7.2); a name with a control character should be "
     "renamed there. As a user, list by LIST: lftp set ftp:use-mlsd no."},
    {utf8_violated, "FTP-UTF8-VIOLATED", warning, kServer, "RFC 2640 2.2, 3.1",
     "bytes that are not UTF-8 although UTF8 is on",
     "UTF-8 had been agreed on (OPTS UTF8 ON or LANG was accepted), and then a name came that "
     "is not UTF-8. The detail says from whom. The other side will show wrong letters or fail "
     "to find the file.",
     "If the server sent it, its files were named in another character set: convert the names "
     "(convmv) or tell the server which it is (ProFTPD: UseEncoding; Pure-FTPd: --fscharset; "
     "vsftpd passes names as they are). If the client sent it, set its character set to UTF-8 "
     "(FileZilla: Site Manager, Charset; lftp: set ftp:charset)."},
    {line_lf_only, "FTP-LINE-LF-ONLY", warning, kNetwork, "RFC 959 4.2, 5.3",
     "a line that ends with LF alone",
     "A line ends with LF where FTP wants CR LF. Nearly everybody reads it all the same, but "
     "ProFTPD waits for more, and what reads a line differently from its neighbour opens the "
     "way for smuggled commands. Told once a session and kind.",
     "Scripts that speak FTP through a raw socket are the usual origin: let them send \\r\\n. "
     "On the server's side look at message files and helpers. With --lines strict the proxy "
     "sends CR LF on, whatever came."},
    {line_no_ending, "FTP-LINE-NO-ENDING", warning, kNetwork, "RFC 959 4.2, 5.3",
     "the connection ended in the middle of a line",
     "One side closed the connection in the middle of a line (the detail says which). A "
     "command without its end must not be carried out; a reply without it may have lost its "
     "end.",
     "Usually the program crashed, was killed, or its connection was cut: see its log. A "
     "client that sends its last command without CR LF and closes has to be corrected."},
    {line_bare_cr, "FTP-LINE-BARE-CR", warning, kNetwork, "RFC 854 2.2",
     "a carriage return inside a line",
     "A line has a carriage return that no LF follows. Some servers end a line there or leave "
     "it out, so one line may be two commands for one and one command for another. In a file's"
     " name it is legal if CR NUL is sent (RFC 2640).",
     "If nobody uses such names, treat it as an attempt to smuggle a command past a firewall "
     "and look at the client. --lines strict refuses what is ambiguous. Names with CR in them "
     "should be changed."},
    {line_nul, "FTP-LINE-NUL", warning, kNetwork, "RFC 959 5.3",
     "a NUL byte inside a line",
     "A line has a NUL byte. Programs in C end the text there, so the path or the password "
     "that the server acts on is not the one in the log, nor the one that a filter has seen.",
     "Look at who sends it: no usual client does. --lines strict refuses such commands. In a "
     "reply it is a fault of the server."},
    {line_telnet, "FTP-LINE-TELNET", note, kNetwork, "RFC 959 2.3",
     "Telnet commands inside a line",
     "The line has Telnet commands in it (bytes 255 and following). Before ABOR they are what "
     "RFC 959 asks for; elsewhere they are options that a Telnet client offers, or a file's "
     "name in Latin-1 whose y with dots (byte 255) was not doubled.",
     "Around ABOR and STAT nothing is to do. Who uses a Telnet program to talk FTP should use "
     "nc or an FTP client. For names with that letter switch both sides to UTF-8."},
    {line_not_utf8, "FTP-LINE-NOT-UTF8", note, kNetwork, "RFC 2640 2.2",
     "bytes that are not UTF-8",
     "A line has bytes that are not UTF-8, mostly a file's name in an older character set. RFC"
     " 2640 wants UTF-8. The log keeps the bytes as base64.",
     "Nothing is broken while both sides use the same character set. To change it, convert the"
     " names at the server (convmv) and let clients use UTF-8; or tell the client the old one "
     "(FileZilla: Site Manager, Charset; lftp: set ftp:charset ISO-8859-1)."},
    {line_too_long, "FTP-LINE-TOO-LONG", error, kNetwork, "--max-line",
     "a line longer than the limit",
     "A line is longer than the limit, and the proxy ended the session. No usual path is so "
     "long; long lines are used to overflow buffers and to smuggle commands behind the place "
     "where another program cuts.",
     "If it is legitimate (a very deep tree, a server with long messages), raise --max-line. "
     "Otherwise look at who sent it."},
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
    {port_malformed, "FTP-PORT-MALFORMED", error, kClient, "RFC 959 4.1.2, RFC 2428 2",
     "a PORT, EPRT or LPRT that cannot be read",
     "The argument of PORT, EPRT or LPRT is no address in the form that the RFC gives (the "
     "detail says what is wrong: nothing there, broken syntax, a number out of range, an "
     "unknown address family, control characters). Blanks, signs, numbers of four digits and "
     "text behind are refused, since servers read them differently. The proxy answers 501, or "
     "522 to an unknown family, and the server never sees it.",
     "A script or a home-made client wrote it: PORT is six decimal numbers of at most 255 with "
     "commas between them, EPRT is `|1|192.0.2.1|50000|` or `|2|2001:db8::1|50000|`. If the "
     "client is a known one, something on the way may have broken the line: compare with a "
     "capture at the client. Passive mode needs no such command (curl: --ftp-pasv; lftp: set "
     "ftp:passive-mode on)."},
    {port_foreign, "FTP-PORT-FOREIGN-ADDRESS", error, kClient, "RFC 2577 3",
     "a PORT, EPRT or LPRT that names another host (bounce attack, or NAT)",
     "PORT, EPRT or LPRT names a host that is not the client of the control connection (the "
     "detail has both), or the proxy itself. It is either a bounce attack, which makes the "
     "server connect to a third host, a transfer between two servers (FXP), or a client behind "
     "a NAT or VPN whose PORT was not translated and whose two addresses are both private. The "
     "proxy answers 501; with --data-address stated it lets a usable address pass.",
     "If the client is one of yours and has several addresses or a NAT, let it use passive "
     "mode. For FXP on purpose both sides have to allow it (vsftpd port_promiscuous and "
     "pasv_promiscuous, ProFTPD AllowForeignAddress, Pure-FTPd -w; here --data-address stated). "
     "If nobody means it, leave these off and look at the client as at an attacker."},
    {port_private, "FTP-PORT-PRIVATE-ADDRESS", warning, kClient, "RFC 1918",
     "the client is behind a NAT that did not translate its PORT",
     "The client comes from a public address and its PORT, EPRT or LPRT names a private one: it "
     "is behind a NAT that did not translate the command. Captured at the client, where its own "
     "address looks right, it is told when a public server refused it or answered 425. A server "
     "that believes it cannot connect (425 after its timeout), one that does not refuses at "
     "once. The proxy connects to the client's public address and the port that was named (not "
     "with --data-address stated).",
     "Let the client use passive mode (curl: --ftp-pasv; lftp: set ftp:passive-mode on; tnftp: "
     "passive on). If it must be active: forward a range of ports to it, and tell it the "
     "outside address (curl: --ftp-port ADDRESS:50000-50100; lftp: set ftp:port-ipv4, "
     "ftp:port-range; FileZilla: Edit, Settings, FTP, Active mode), or load the NAT's helper "
     "(Linux: nf_nat_ftp and a rule `ct helper set`). With TLS a NAT cannot translate."},
    {port_reserved, "FTP-PORT-RESERVED-PORT", error, kClient, "RFC 2577 3",
     "a PORT, EPRT or LPRT to a port below 1024",
     "PORT, EPRT or LPRT names a port below 1024. Services listen there (25 is mail), data "
     "connections do not: RFC 2577 3 tells servers to refuse it, since whoever sends it may "
     "want the server to speak to that service. The proxy answers 501.",
     "No usual client does that; look at who sent it. A client whose range of ports was set by "
     "hand needs one from 1024 on. A server should refuse such ports whatever its settings; if "
     "the transfer went on, update the server."},
    {port_after_epsv_all, "FTP-PORT-AFTER-EPSV-ALL", error, kClient, "RFC 2428 4",
     "another data command than EPSV after EPSV ALL",
     "The client has said EPSV ALL, the server agreed, and then came PASV, PORT, EPRT, LPRT or "
     "LPSV. RFC 2428 4 forbids it: a firewall may have stopped looking for addresses since. The "
     "proxy answers 503.",
     "The client has to use EPSV from there on, or not send EPSV ALL. Hardly any client sends "
     "it; a command behind it that names an address may be an attempt to get past a firewall."},
    {pasv_malformed, "FTP-227-MALFORMED", error, kServer, "RFC 959 4.1.2, RFC 2428 3",
     "a 227, 228 or 229 without a usable address",
     "PASV, EPSV or LPSV was answered with 227, 229 or 228, and there is no address in it that "
     "can be used: none at all, broken syntax, a number over 255 or a port over 65535 (the "
     "detail says which). No client can connect; some take what they can read and connect to a "
     "wrong place. The proxy passes it on as it is; with --lines strict it answers 425.",
     "The server has to change: 227 needs six numbers, `(192,0,2,1,195,80)`, 229 a port, "
     "`(|||50000|)`. A script or template that writes the address is the usual place. Until "
     "then use the other command (curl: --disable-epsv; lftp: set ftp:prefer-epsv yes) or "
     "active mode."},
    {pasv_foreign, "FTP-227-FOREIGN-ADDRESS", error, kServer, "RFC 2577 3",
     "a 227, 228 or 229 that names another host than the server",
     "The 227, 228 or 229 names another public host than the server of the control connection "
     "(the detail has both), or the proxy itself. It is a server behind a load balancer or with "
     "several addresses, a NAT inside another private network, a transfer between servers, or a "
     "server that wants its clients to scan other hosts (CVE-2020-8284). The proxy connects to "
     "the server it knows, and to the stated host only with --data-address stated.",
     "Let the server name the address that its clients use: vsftpd pasv_address, ProFTPD "
     "MasqueradeAddress, Pure-FTPd -P; a load balancer has to send the passive ports to the "
     "same machine. EPSV names no host. Clients can ignore it: curl does (--ftp-skip-pasv-ip), "
     "Python's ftplib too; lftp: set ftp:ignore-pasv-address yes."},
    {pasv_private, "FTP-227-PRIVATE-ADDRESS", warning, kServer, "RFC 1918",
     "a 227 or 228 with a private address: the server is behind a NAT and does not know it",
     "The server is reached at a public address and its 227 or 228 names a private one: it is "
     "behind a NAT (or in a container or cloud) and does not know its outside address. Clients "
     "that believe it cannot connect; those that use the control connection's address can, if "
     "the port is forwarded. The proxy does the latter.",
     "Tell the server its outside address and a small range of ports, and forward that range "
     "one to one: vsftpd pasv_address, pasv_min_port, pasv_max_port; ProFTPD MasqueradeAddress, "
     "PassivePorts; Pure-FTPd -P and -p; IIS `FTP Firewall Support`. As a user: EPSV names no "
     "address; curl ignores it by itself; lftp does with ftp:fix-pasv-address (the default); "
     "FileZilla: Edit, Settings, FTP, Passive mode."},
    {pasv_reserved, "FTP-227-RESERVED-PORT", error, kServer, "RFC 2577 3",
     "a 227, 228 or 229 with a port below 1024",
     "The 227, 228 or 229 names a port below 1024, perhaps 0. No server listens for data there; "
     "one that has no free port may say 0, and one that means harm sends its clients to another "
     "service. The proxy does not connect there: the reply passes as it is, or becomes 425 with "
     "--lines strict.",
     "Look at the server's passive range (vsftpd pasv_min_port, ProFTPD PassivePorts, Pure-FTPd "
     "-p) and whether it is used up. If a device on the way translates 227, it may have got it "
     "wrong: compare with a capture at the server."},
    {pasv_wrong_reply, "FTP-227-WRONG-REPLY", warning, kServer, "RFC 2428 3",
     "a passive command answered with another command's reply",
     "EPSV was answered with 227, or PASV with 229 (the detail names the command). The code is "
     "right for another command: a translator between IPv4 and IPv6 (464XLAT, NAT64) or a "
     "firewall has changed the command or the reply, or the server is wrong. Clients that wait "
     "for their own code fail; ftpscope goes by the code of the reply.",
     "Take a capture at both ends: if the server saw the very command that the client sent, the "
     "server has to change. If not, see FTP-MIDDLEBOX-REWROTE and the device between. A client "
     "may get around it by the other command (curl: --disable-epsv; lftp: set ftp:prefer-epsv). "
     "FTP over TLS cannot be changed on the way."},
    {address_unasked, "FTP-227-UNASKED", warning, kServer, "RFC 959 4.1.2",
     "a 227, 228 or 229 that no passive command asked for",
     "The server sent 227, 228 or 229 although neither PASV, EPSV nor LPSV was waiting for it: "
     "a second reply, an answer that comes one too late, or a text that a client made the "
     "server repeat. A firewall that opens a port for it has been tricked. ftpscope does "
     "nothing about it, and sends it on as text.",
     "See whether replies are out of step (FTP-REPLY-SECOND-FINAL, FTP-REPLY-UNSOLICITED): then "
     "the server has to change. If the text is in another reply or echoes an argument, look at "
     "the client, and at firewalls that would believe it (Linux: load nf_conntrack_ftp only "
     "where it is needed)."},
    {address_family, "FTP-ADDRESS-FAMILY", error, kProxy, "RFC 2428 2",
     "the other side's address does not fit into this command or reply",
     "Client and server use different address families, and the command cannot carry the other "
     "one: 227 and PORT have room for IPv4 only, and the proxy would have to name an IPv6 "
     "address (the detail has it). It answers 425.",
     "Let the client use EPSV or EPRT, which carry both (curl and ftplib do by themselves; "
     "lftp: set ftp:prefer-epsv yes). Or give both sides of the proxy the same family: another "
     "--listen or --server, or an IPv4 address in --advertise or --advertise-server that leads "
     "to this machine."},
    {port_unroutable, "FTP-PORT-UNROUTABLE-ADDRESS", error, kClient, "RFC 6890 2",
     "a PORT, EPRT or LPRT with an address that nobody can connect to",
     "PORT, EPRT or LPRT names an address that nobody can connect to: 0.0.0.0 or ::, a "
     "multicast address, or a loopback or link-local one while the client is somewhere else. "
     "lftp 4.9.2 in active mode over IPv6 sends `EPRT |2|::|...|`. Servers refuse it, or run "
     "into a timeout and say 425; the proxy answers 501.",
     "Let the client use passive mode, or tell it its address (curl: --ftp-port ADDRESS; lftp: "
     "set ftp:port-ipv4). A loopback address comes from a client that reached the server over a "
     "tunnel (ssh -L, stunnel): there only EPSV or PASV with a forwarded port works."},
    {pasv_unroutable, "FTP-227-UNROUTABLE-ADDRESS", error, kServer, "RFC 6890 2",
     "a 227 or 228 with an address that nobody can connect to",
     "The 227 or 228 names an address that nobody can connect to: 0.0.0.0, a multicast address, "
     "or the server's own loopback or link (127.0.0.1, 169.254...) while it is reached at "
     "another one. Clients that believe it connect to themselves or nowhere. The proxy goes to "
     "the server's address instead, whatever --data-address says.",
     "The server does not know its address: it runs behind a tunnel, in a container, or a name "
     "in its settings means 127.0.0.1 (/etc/hosts). Set it: vsftpd pasv_address (with a name in "
     "it, pasv_addr_resolve and the name in the DNS), ProFTPD MasqueradeAddress or "
     "DefaultAddress, Pure-FTPd -P. As a user take EPSV, or a client that ignores the address "
     "(curl; lftp: set ftp:ignore-pasv-address yes)."},
    {pasv_form, "FTP-227-FORM", note, kServer, "RFC 1123 4.1.2.6",
     "a 227 in a form that some clients and firewalls cannot read",
     "The address in the 227 can be read, but not by everybody (the detail says why): no "
     "parentheses, `=` in front, blanks between the numbers, digits before it, text behind it, "
     "or several lines. RFC 1123 wants clients to search for the numbers; some look for the "
     "parentheses, and firewalls open no port for what they do not recognise. The proxy sends "
     "the usual form.",
     "Nothing while all clients connect. If one does not, or only through a firewall, the "
     "server should write `227 Entering Passive Mode (h1,h2,h3,h4,p1,p2).` on one line; until "
     "then use EPSV."},
    {epsv_form, "FTP-229-FORM", note, kServer, "RFC 2428 3",
     "a 229 in a form that some clients and firewalls cannot read",
     "The port in the 229 can be read, but not by everybody (the detail says why): another "
     "delimiter than `|`, a host in it, parentheses before it, text or a full stop behind it, "
     "or several lines. RFC 2428 allows other delimiters, yet many clients and firewalls know "
     "one only. The proxy sends the usual form.",
     "Nothing while all clients connect. Otherwise the server should write `229 Entering "
     "Extended Passive Mode (|||50000|)` on one line; until then use PASV (curl: "
     "--disable-epsv; lftp: set ftp:prefer-epsv no)."},
    {epsv_refused, "FTP-EPSV-REFUSED", note, kServer, "RFC 2428 3",
     "EPSV was refused",
     "The server answered EPSV with a 5yz (not 530 or 503). Clients then try PASV, one round "
     "trip more for each transfer or session. Over IPv6 there is nothing to fall back to but "
     "EPRT; the detail says so. EPSV ALL is not meant.",
     "Over IPv4 nothing has to be done; to save the round trip: curl --disable-epsv, lftp set "
     "ftp:prefer-epsv no. Over IPv6 the server needs EPSV: update it, switch it on, or let "
     "clients come by IPv4 (curl -4). Proxies and firewalls that know an old list of commands "
     "refuse it in the server's name."},
    {eprt_refused, "FTP-EPRT-REFUSED", note, kServer, "RFC 2428 2",
     "EPRT was refused",
     "The server answered EPRT with a 5yz (not 530 or 503). Over IPv4 clients then try PORT. "
     "Over IPv6 there is nothing to fall back to but EPSV; the detail says so. 522 means that "
     "the server has no such address family.",
     "Nothing, if the transfer goes on by PORT, or use passive mode. See first whether its "
     "address is good (the findings at the same command): servers refuse another host's. To "
     "save the round trip: curl --disable-eprt."},
    {pasv_refused, "FTP-PASV-REFUSED", warning, kServer, "RFC 959 4.1.2, RFC 1123 4.1.2.6",
     "PASV was refused",
     "The server answered PASV with a 5yz (not 530 or 503). RFC 1123 4.1.2.6 wants every server "
     "to have it. Clients behind a NAT or firewall are left with EPSV, or cannot transfer at "
     "all. 425 is another matter: see FTP-425.",
     "At the server: vsftpd pasv_enable=YES, ProFTPD no <Limit PASV>, Pure-FTPd without -N; and "
     "a range of ports that the firewall lets in. Over IPv6 the refusal is right: the client "
     "must use EPSV. A distributed server may want PRET first (curl: --ftp-pret; lftp: set "
     "ftp:use-pret). As a user try EPSV (lftp: set ftp:prefer-epsv yes) or active mode (curl: "
     "--ftp-port -)."},
    {port_refused, "FTP-PORT-REFUSED", warning, kServer, "RFC 959 4.1.2",
     "PORT was refused",
     "The server answered PORT with a 5yz (not 530 or 503) although the address is the client's "
     "own. It has switched active mode off, allows no such port, or sees another address than "
     "we do (a NAT between). Not told where the address itself is at fault: that has its own "
     "finding.",
     "Let the client use passive mode, which most networks need anyway. If it must be active: "
     "vsftpd port_enable=YES, ProFTPD no <Limit PORT>; and see in the server's log which "
     "address it takes the client to have."},
    {ipv4_command_over_ipv6, "FTP-PASV-OVER-IPV6", warning, kClient, "RFC 2428 1",
     "PASV or PORT over IPv6, where they cannot carry the address",
     "The client sent PASV or PORT although it is connected over IPv6 (told once a session). "
     "Both can carry IPv4 addresses only, so the server has to refuse, or names something that "
     "is no address of its own.",
     "The client must use EPSV and EPRT over IPv6 (curl and ftplib do; lftp over IPv6 as well; "
     "tnftp: epsv6 on), and ought to be updated. If it fell back because EPSV was refused, see "
     "FTP-EPSV-REFUSED. Until then let it connect over IPv4."},
    {middlebox_rewrote, "FTP-MIDDLEBOX-REWROTE", note, kNetwork, "RFC 3235 3, RFC 2663 2.9",
     "something between client and server changed the dialogue",
     "The capture holds the same dialogue twice, on both sides of a device between client and "
     "server, and a line is not the same there (the detail has both; told once for the lines of "
     "each side): the address in PORT or 227, or PASV where the client said EPSV. A NAT with "
     "inspection of FTP (an ALG, Linux nf_nat_ftp) or a translator between IPv4 and IPv6 has "
     "changed it. Where the transfer works it has done its duty.",
     "If the transfer fails, compare the changed address with the one that the data connection "
     "goes to. Update the inspection, or switch it off and do without it: passive ports "
     "forwarded and named by the server (vsftpd pasv_address, ProFTPD MasqueradeAddress); "
     "Linux: no `ct helper set`, and rmmod nf_nat_ftp. TLS hides the dialogue from such "
     "devices, and a wrong one can do no harm then."},
    {data_stranger, "FTP-DATA-STRANGER", warning, kNetwork, "RFC 2577 8",
     "another host than the expected one connected for data",
     "Somebody else than the expected host connected to the port that the proxy had opened for "
     "data (the detail says who). It was closed at once, and the proxy waits on for the right "
     "one. It is a port scanner, an attempt to steal or forge the data, or a client whose data "
     "connections come from another address (several NAT addresses, two uplinks).",
     "If the transfer worked, nothing: scanners are everywhere. If nobody else came "
     "(FTP-DATA-NEVER-CONNECTED), the stranger was probably the client itself: let its NAT or "
     "router use one address for all connections to the proxy. If it comes again and again from "
     "one address, block it."},
    {data_never_connected, "FTP-DATA-NEVER-CONNECTED", warning, kNetwork, "RFC 959 3.2",
     "nobody connected for data",
     "A data connection had been agreed on and nobody made it; the detail says who should have. "
     "The proxy gives up after --data-connect-timeout; in a capture not even a SYN that was "
     "answered was seen by the time of the final reply or the session's end. Not told when the "
     "server refused the transfer itself, nor, in a capture, when the transfer succeeded "
     "(FTP-CAPTURE-DATA-MISSING). Usually a firewall drops the packets, or the address in PORT "
     "or 227 leads elsewhere.",
     "If the client should have connected (passive): open the server's passive ports in its "
     "firewall (vsftpd pasv_min_port and pasv_max_port, ProFTPD PassivePorts, Pure-FTPd -p), "
     "and see findings on its 227. If the server should have (active): the client's firewall or "
     "NAT stops it; use passive mode. A capture at the side that should be called shows whether "
     "the SYN arrives."},
    {data_connect_failed, "FTP-DATA-CONNECT-FAILED", error, kNetwork, "RFC 959 3.2",
     "the data connection could not be made",
     "One side of a data connection came to the proxy, and the proxy could not reach the other "
     "one; the detail has the reason: refused means that nobody listens or a firewall says no, "
     "timed out that packets are dropped. The first side's connection is closed then.",
     "In passive mode the server's passive ports must be open for the proxy's machine, and its "
     "227 right (see the record of the channel: target). In active mode the client's firewall "
     "must let the proxy in: let the client use passive mode. For a slow network raise "
     "--connect-timeout."},
    {data_ports_exhausted, "FTP-DATA-NO-PORT", error, kProxy, "--data-ports",
     "no port or descriptor is free for a data connection",
     "The proxy needed a port to listen on for a data connection and had none: all of "
     "--data-ports are in use, or the limit of open files is reached (the detail says what). It "
     "answered 425; the session goes on.",
     "Widen --data-ports (one port for each transfer at the same time, and some more for those "
     "that just ended) and the NAT's or firewall's rule with it. For descriptors raise ulimit "
     "-Hn or --max-descriptors, or lower --max-sessions."},
    {data_reset, "FTP-DATA-RESET", warning, kNetwork, "RFC 959 3.4",
     "a data connection was reset",
     "The data connection was ended by RST and the transfer did not succeed, or nobody used the "
     "connection; the detail has verb, side and bytes. Bytes on their way are lost, so the file "
     "is cut. Not told after ABOR, where a reset is usual, nor when the server refused the "
     "transfer before a byte.",
     "See who sent the RST. A client that does: it was cancelled, killed, or ran out of disk. A "
     "server: see its log for a crash, a timeout (vsftpd data_connection_timeout, ProFTPD "
     "TimeoutStalled) or a quota. If each side believes that it was the other, a firewall or "
     "NAT between has cut it: look for its connection limits and inspection."},
    {data_stalled, "FTP-DATA-STALLED", error, kNetwork, "--stall-timeout",
     "a data connection moved no byte for too long",
     "No byte moved on a data connection for --stall-timeout, and the proxy reset both sides. "
     "The sender has stopped, the receiver does not read, or the network between one of them "
     "and the proxy is gone without a word.",
     "Look at last_byte in the data record, and at what both sides did then: a full disk, a "
     "tape or pipe behind the sender, a laptop asleep, a router that lost its state. If such "
     "silences are normal (a server that makes the file as it sends it), raise --stall-timeout "
     "or set it to 0."},
    {data_silent, "FTP-DATA-SILENT", warning, kNetwork, "RFC 959 3.4",
     "a data connection that moved no byte for over ten seconds in mid-transfer",
     "No byte came for over ten seconds in the middle of a transfer (the detail has the longest "
     "such time). Captures only: it is the data record's silence_us, the longest time between "
     "two bytes. Something held it up: the sender's disk, a receiver that did not read (a "
     "closed window), or the network between them.",
     "See in the capture whether the window was closed (the receiver) or segments were sent "
     "again (the network). Timeouts shorter than this silence, of the client, the server "
     "(vsftpd data_connection_timeout, ProFTPD TimeoutStalled) or a NAT, would have cut the "
     "transfer."},
    {data_refused, "FTP-DATA-REFUSED", error, kNetwork, "RFC 959 3.2",
     "the data connection was refused",
     "The SYN of the data connection was answered with RST (the detail has the address): nobody "
     "listens at that port any more, or a firewall rejects with a reset. Seen in captures; for "
     "the proxy's own attempts see FTP-DATA-CONNECT-FAILED.",
     "Compare the address with the one in PORT or 227: if it is another machine's, the address "
     "is wrong. If it is right and the client was too late, the server had stopped listening "
     "(vsftpd accept_timeout). Otherwise a firewall rejects: open the server's passive ports, "
     "or in active mode use passive instead. A capture at the called machine tells whether the "
     "RST is its own."},
    {data_unreachable, "FTP-DATA-UNREACHABLE", error, kNetwork, "RFC 792, RFC 4443 3.1",
     "the data connection's destination was reported unreachable",
     "A router or host answered the data connection's SYN with ICMP `unreachable`; the detail "
     "has the address that was called and who says so. It is a firewall that rejects with ICMP "
     "(prohibited), or there is no way to that address at all.",
     "Who says so is where to look: the machine itself or a firewall in front (nftables "
     "`reject`, iptables REJECT) needs a rule for the passive ports or nf_conntrack_ftp; a "
     "router in the middle means that the address in PORT or 227 leads nowhere, often a private "
     "one."},
    {data_late, "FTP-DATA-LATE", warning, kNetwork, "RFC 959 3.2",
     "the data connection came late",
     "The data connection came more than five seconds after whoever makes it could have: the "
     "command and its 1yz, and the reply with the address, were there (the detail has how long, "
     "and who). Typical are SYNs that are dropped and sent again, a name look-up, or a client "
     "that asks its user in between.",
     "Look in a capture for SYNs sent again (after 1, 3, 7 seconds): a firewall that opens the "
     "port too late, or a full backlog. No SYN at all for that long is the fault of the one who "
     "connects: look-ups of names at the server (active mode), a virus scanner at the client."},
    {data_no_command, "FTP-DATA-NO-COMMAND", note, kClient, "RFC 959 3.2",
     "a data connection that no transfer used",
     "A data connection was made and ended, and no transfer command used it. A client that "
     "connects early and then finds nothing to fetch looks so, and one that probes ways "
     "(passive, then another). Not told when the server had refused the transfer for which it "
     "was meant.",
     "Nothing, if the client goes on. If each one is unused, the client and server have lost "
     "step or the client waits for a reply that it has not understood: see the reply to the "
     "command before it."},
    {data_other_host, "FTP-DATA-OTHER-HOST", warning, kNetwork, "RFC 2577 3, 8",
     "a data connection with another host or port than the announced one",
     "A data connection to the announced port was made by another host, or to another one, than "
     "the announcement and the control connection say (the detail has both ends). Captures "
     "only. It is a transfer between servers (FXP), a NAT or cluster with several addresses, or "
     "somebody who was faster than the client (port theft) and got or gave the file.",
     "If neither end is known to you, take it as an attack: the transfer's content has gone to, "
     "or come from, that host. Let the server check who connects (vsftpd pasv_promiscuous=NO, "
     "ProFTPD AllowForeignAddress off, Pure-FTPd without -w), and use TLS with session reuse "
     "(vsftpd require_ssl_reuse). For a NAT let it keep one address for one client."},
    {data_several, "FTP-DATA-SEVERAL", warning, kNetwork, "RFC 959 3.2",
     "several data connections for one command",
     "To one announced address came more than one data connection (the detail has the later "
     "caller). FTP wants one for one command. It is a client that tried twice, a tool that "
     "loads in parts and gets the protocol wrong, or a second host that tries to get in.",
     "See which of them carried the data: the one that the server accepted first. If the others "
     "come from another host, see FTP-DATA-OTHER-HOST. If they are the client's own, it has a "
     "short connect timeout or a fault: update it."},
    {data_reset_after_end, "FTP-DATA-RESET-AFTER-END", note, kNetwork, "RFC 959 3.4",
     "a data connection that was reset although the transfer succeeded",
     "The transfer succeeded by its reply, and its data connection was ended by RST all the "
     "same (the detail has side and bytes). Some programs close in this way to save time, or "
     "have not read all that was there. The reply says that the file is whole; a proxy or "
     "firewall may think otherwise.",
     "Nothing, if the size is right (compare with SIZE). If a file is short now and then, the "
     "side that sends the RST has to close by FIN and read until the end. Security software "
     "that inspects transfers is a known cause."},
    {data_cut_by_receiver, "FTP-DATA-CUT-BY-RECEIVER", warning, kNetwork, "RFC 959 3.4, 4.1.3",
     "the receiver closed the data connection before the sender did",
     "In stream mode the sender marks the end of the file by closing; here the receiver closed "
     "first, so what the sender still had was lost (the detail has verb, side and bytes). Not "
     "told after ABOR, nor in block modes. Clients do so on purpose to fetch only the head of a "
     "file.",
     "If the user has not cancelled: see why the receiver stopped. A client's full disk or its "
     "limit of size (curl: --max-filesize, -r); a server's quota, full disk or virus scanner. A "
     "client that wants a part only should say ABOR."},
    {data_empty, "FTP-DATA-EMPTY", note, kServer, "RFC 959 3.4",
     "a file transfer that succeeded without a byte",
     "RETR, STOR or APPE succeeded and moved no byte, and neither SIZE nor the 150 said that "
     "the file is empty. Not told of listings, of STOU, and of a transfer with REST. An empty "
     "file was perhaps meant; perhaps something went wrong at the source.",
     "Look at the file where it comes from. An empty upload is often a script that opened the "
     "file and failed, a full disk at the server, or a client whose data connection was cut "
     "before the first byte; an empty download a file that is being written."},
    {transfer_cannot_open, "FTP-425", error, kNetwork, "RFC 959 4.2.2",
     "425: the server could not open the data connection",
     "The server could not open the data connection. The detail has the likely cause, in this "
     "order: TLS session not reused, how long the server tried, no PASV or PORT before it, an "
     "address that has its own finding, what became of the connection (nobody connected, "
     "refused, reset).",
     "Passive: the client's packets do not reach the server's passive ports; open them in the "
     "firewall and check the address in the 227. Active: the server cannot reach the client, "
     "which is usual behind NAT; use passive mode. With TLS see FTP-TLS-REUSE-REQUIRED. Right "
     "after several transfers: the server's range of ports is used up."},
    {transfer_aborted, "FTP-426", warning, kNetwork, "RFC 959 4.2.2",
     "426: the transfer was cut",
     "The transfer had begun (1yz), and the server ended it with 426, 451 or, with a file, "
     "another 4yz or 5yz: 552 is a quota, 450 a lock. The detail has the code, who closed the "
     "data connection and after how many bytes. By the client: it gave up. By the server: a "
     "read or write error, a limit, a stall timeout. Not told when the client had sent ABOR.",
     "See the reply's text and the server's log. The file is not whole: resume with REST (curl: "
     "-C -; lftp: get -c) rather than starting anew. If the data was complete and 426 came all "
     "the same with TLS, the client has closed without TLS's goodbye: see "
     "FTP-TLS-NO-CLOSE-NOTIFY."},
    {transfer_never_completed, "FTP-226-NEVER", error, kServer, "RFC 959 5.4",
     "a transfer whose final reply never came",
     "The transfer began and its final reply never came: the server ended the session, the next "
     "transfer's 150 came instead, or the client had enough and tried another transfer (over "
     "ten seconds behind the end of the data) or left (over two). Whoever waits for the 226 "
     "hangs here. Not told where bytes of the session are missing.",
     "If the data is complete, suspect the control connection: see "
     "FTP-CONTROL-DEAD-AFTER-TRANSFER and FTP-CONTROL-RESET. If it was not idle for long, the "
     "server does not notice the end of the data, or works on the file (virus scan, a script "
     "after upload): see its log. Fetching with a size check (lftp, wget -c) tells whether the "
     "file is whole."},
    {size_mismatch, "FTP-SIZE-MISMATCH", warning, kServer, "RFC 3659 4.1",
     "a successful transfer with fewer or more bytes than SIZE said",
     "A binary transfer succeeded and moved another number of bytes than SIZE said of the same "
     "path (less what REST skipped), or SIZE after an upload says another number than was sent; "
     "the detail has both. Told where it can be compared: TYPE I, stream mode, and a capture "
     "that has all bytes.",
     "The file changed between SIZE and the transfer (a log that is being written), or the "
     "server counts something else (a generated or compressed file). If it happens with files "
     "at rest, compare checksums: the server cuts, or a device on the way converts. Upload "
     "under another name and rename at the end, so that nobody fetches a half."},
    {announced_mismatch, "FTP-150-MISMATCH", warning, kServer, "RFC 959 5.4",
     "a successful transfer with fewer or more bytes than the 150 said",
     "The 150 announced a size (`... (1234 bytes)`), and the successful binary download had "
     "another one. Servers announce the whole file or the rest behind REST: both are taken as "
     "right. Clients that show progress by that number, or check it, report an error.",
     "As for FTP-SIZE-MISMATCH: a file that changes, or a server that announces wrongly. If the "
     "bytes are right, only the text of the 150 is; the client should believe SIZE or the end "
     "of the data (lftp: set ftp:catch-size no)."},
    {ascii_size, "FTP-ASCII-SIZE", note, kServer, "RFC 959 3.1.1.1, RFC 3659 4.1",
     "sizes differ in ASCII mode, as line ends are converted",
     "The sizes of a file differ, and one of them was told or moved in ASCII mode (TYPE A), "
     "where line ends become CR LF on the wire. So it may be no fault at all; but a binary file "
     "sent in this way is broken.",
     "Use TYPE I for everything that is not a text to be converted (lftp and curl do; curl "
     "without -B and without `;type=a`; tnftp: binary). With text, do not compare sizes. A "
     "server should refuse SIZE in ASCII mode (ProFTPD does) or count the converted bytes (RFC "
     "3659 4.1)."},
    {rest_ignored, "FTP-REST-IGNORED", warning, kServer, "RFC 3659 5.3",
     "the whole file was sent although REST asked for its rest",
     "REST was accepted with an offset, and the transfer had as many bytes as the whole file "
     "(by SIZE): the server forgot the offset. A client that appends has the beginning twice in "
     "its file.",
     "Compare checksums, delete the file and fetch it anew without resuming (curl without -C; "
     "lftp: get without -c). At the server: something between REST and RETR made it forget; "
     "ProFTPD AllowRetrieveRestart must not be off. A proxy that puts PASV of its own there has "
     "this effect."},
    {type_default, "FTP-TYPE-DEFAULT", note, kClient, "RFC 959 3.1.1",
     "a file transfer without TYPE: it is done in ASCII",
     "A file was transferred and the client had never set a TYPE: RFC 959's default is ASCII, "
     "in which line ends may be converted. Many servers convert nothing unless asked twice "
     "(vsftpd), so it works by luck. Not told when the session was not seen from its beginning.",
     "The client or script should send TYPE I before binary files (in the old ftp program: "
     "binary). At the server, ProFTPD DefaultTransferMode binary and vsftpd "
     "ascii_download_enable=NO, ascii_upload_enable=NO make it harmless."},
    {type_refused, "FTP-TYPE-REFUSED", warning, kClient, "RFC 959 3.1.1, 3.4",
     "a transfer although its TYPE, MODE or STRU had been refused",
     "The server refused TYPE, MODE or STRU with a 5yz (the detail says which), and the client "
     "began a transfer all the same. Both sides then disagree on what the bytes mean: text "
     "converted, a block header read as content.",
     "The client must not go on after such a refusal, or set something that the server has "
     "(TYPE I, MODE S, STRU F: every server has these). Scripts with a fixed list of commands "
     "are the usual cause: look at each reply."},
    {rate_low, "FTP-RATE-LOW", note, kNetwork, "RFC 959 3.4",
     "a transfer far slower than another one of the same session",
     "A transfer of at least 1 MiB had less than a tenth of the rate of another one in the same "
     "session (the detail has both). As both went between the same two machines, the network "
     "alone is rarely the reason; a different file, direction or moment is.",
     "Compare the two: upload and download (an asymmetric line, a slow disk), the first and the "
     "later ones (a traffic limit: vsftpd local_max_rate, ProFTPD TransferRate, Pure-FTPd -T), "
     "with packets lost (a capture shows segments sent again). Silences in between are "
     "FTP-DATA-SILENT."},
    {tls_opaque, "FTP-TLS-OPAQUE", note, kClient, "RFC 4217 4",
     "from here the session is encrypted and cannot be read or rewritten",
     "AUTH was accepted: TLS begins, and neither commands, replies nor addresses can be read "
     "from here on. A capture still shows the handshakes and the data connections between the "
     "same hosts. Through the proxy data connections do not run any more: it cannot change the "
     "addresses.",
     "Nothing: it is what TLS is for. To look at the dialogue of a test session, use --tls "
     "refuse and a client that does not insist, on a network you trust; or the client's own log "
     "(curl -v, lftp debug 9)."},
    {tls_refused, "FTP-TLS-REFUSED", note, kProxy, "--tls refuse",
     "the proxy refused TLS",
     "With --tls refuse the proxy answered AUTH with 534 and left TLS out of FEAT. The client "
     "goes on in clear, or gives up if it insists on TLS.",
     "Nothing, if it is meant. Passwords are readable on the way to the proxy and the server "
     "then: use it for tests on a network you trust. Without the option AUTH goes to the server."},
    {tls_plaintext_behind_auth, "FTP-TLS-PLAINTEXT-BEHIND-AUTH", error, kNetwork,
     "RFC 4217 4, CVE-2011-0411",
     "bytes that are not TLS follow AUTH or its 234 at once",
     "The first bytes behind an accepted AUTH, of the side that the detail names, are no TLS "
     "record. Commands sent in the same segment as AUTH, or replies behind the 234, can be "
     "injected by somebody on the way and taken for protected ones by a side that keeps its "
     "buffer (CVE-2011-0411 and its kin).",
     "If a client pipelines behind AUTH, it has to wait for 234. If the server sends text "
     "behind 234, or fails to throw its buffer away, update it. If neither does so in a capture "
     "taken right at its machine, somebody on the way inserts: treat the passwords used as "
     "known."},
    {tls_auth_refused, "FTP-AUTH-REFUSED", warning, kServer, "RFC 4217 4",
     "the client asked for TLS and was refused",
     "The client asked for TLS (AUTH TLS or SSL) and the server refused with the code in the "
     "detail. It is told when the client does not try another word. Most clients go on in clear "
     "without a question, and send the password.",
     "Switch TLS on at the server (vsftpd ssl_enable=YES and a certificate; ProFTPD mod_tls, "
     "TLSEngine on; Pure-FTPd --tls=1), or see in its log why it could not (no certificate, "
     "431). At the client insist on it, so that nothing goes in clear: curl --ssl-reqd, lftp "
     "set ftp:ssl-force yes, FileZilla `Require explicit FTP over TLS`."},
    {tls_auth_stripped, "FTP-AUTH-STRIPPED", error, kNetwork, "RFC 4217 4, CVE-2021-22946",
     "AUTH is not understood although FEAT offers it: something between may be taking TLS away",
     "FEAT lists AUTH TLS or SSL, and yet AUTH was answered with 500 or 502, as if unknown. A "
     "server does not contradict itself like that: a firewall or an attacker on the way may be "
     "replacing AUTH, so that the password comes in clear. An inspection of FTP that wants to "
     "keep on reading does so too.",
     "Do not log in. Insist on TLS at the client (curl --ssl-reqd; lftp: set ftp:ssl-force "
     "yes), and compare with a capture at the server whether AUTH arrives there. Switch the "
     "inspection of FTP off in firewalls on the way (Cisco ASA: inspect ftp strict). Implicit "
     "TLS at port 990 cannot be stripped."},
    {tls_data_in_clear, "FTP-PROT-CLEAR", warning, kClient, "RFC 4217 9",
     "PROT C: the login is protected and the data is not",
     "PROT C was accepted, or, in a capture of an encrypted session, a data connection carried "
     "bytes that are no TLS: the login is protected and the files are not. Everybody on the way "
     "can read and change them.",
     "Let the client ask for PROT P (lftp: set ftp:ssl-protect-data yes; ftplib: prot_p(); curl "
     "without --ftp-ssl-control) and let the server insist: vsftpd force_local_data_ssl=YES, "
     "ProFTPD TLSRequired on, Pure-FTPd --tls=3. If a firewall is the reason, open a range of "
     "passive ports instead."},
    {tls_not_resumed, "FTP-TLS-NOT-RESUMED", warning, kClient, "RFC 4217 10.2",
     "a data connection whose TLS session was not resumed was closed without data",
     "In an encrypted session each data connection (the detail has how many) did a full TLS "
     "handshake instead of resuming the control connection's session, and the server closed it "
     "right behind: vsftpd, FileZilla Server and ProFTPD refuse so (522 or 425, which cannot be "
     "read here). Told at the end, and only if none got through; a capture must show the "
     "handshakes, and only up to TLS 1.2 do these show that no data followed.",
     "At the client: reuse the session (curl, lftp and FileZilla do; Python's ftplib does not: "
     "subclass FTP_TLS and pass session= in ntransfercmd). With TLS 1.3 some clients resume "
     "only up to TLS 1.2 (curl: --tls-max 1.2). Or the server asks for less: vsftpd "
     "require_ssl_reuse=NO, ProFTPD TLSOptions NoSessionReuseRequired."},
    {tls_reuse_required, "FTP-TLS-REUSE-REQUIRED", error, kClient, "RFC 4217 10.2",
     "the server wants the data connection to resume the control connection's TLS session",
     "The server refused a transfer (522, 425 or 426) and says that the data connection must "
     "resume the TLS session of the control connection. That proves that both come from the "
     "same client; this client made a new session.",
     "At the client: reuse the session (curl, lftp and FileZilla do; Python's ftplib does not: "
     "subclass FTP_TLS and pass session= in ntransfercmd), if need be with TLS 1.2 (curl: "
     "--tls-max 1.2). Or the server asks for less: vsftpd require_ssl_reuse=NO, ProFTPD "
     "TLSOptions NoSessionReuseRequired."},
    {tls_no_close_notify, "FTP-TLS-NO-CLOSE-NOTIFY", warning, kNetwork, "RFC 8446 6.1",
     "a TLS connection that ended without close_notify",
     "A data connection in TLS ended without close_notify from the side in the detail (told "
     "once a session; seen up to TLS 1.2, later ones hide it). The other side cannot tell the "
     "end of the file from a connection that was cut: GnuTLS clients report error -110, vsftpd "
     "with strict_ssl_read_eof refuses the upload.",
     "The side that is named has to shut TLS down before it closes: update the client or the "
     "server. Until then check sizes, and let the other side be lenient (vsftpd "
     "strict_ssl_read_eof=NO, which is the default). If a connection was really cut, the sizes "
     "show it."},
    {tls_old_version, "FTP-TLS-OLD-VERSION", warning, kNetwork, "RFC 8996",
     "TLS older than 1.2",
     "The handshake agreed on SSL 3.0, TLS 1.0 or 1.1 (the detail has which, and where). These "
     "are broken or weak and were given up by RFC 8996; new clients and OpenSSL with its usual "
     "settings refuse them.",
     "See which side has nothing better: update it, or its settings. Server: vsftpd "
     "ssl_sslv3=NO and, where it is built so, ssl_tlsv1=NO; ProFTPD TLSProtocol TLSv1.2 "
     "TLSv1.3; Pure-FTPd -J. Client: curl --tlsv1.2, lftp set ssl:priority "
     "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3."},
    {timeout_greeting, "FTP-TIMEOUT-GREETING", error, kServer, "--greeting-timeout",
     "the server sent no greeting in time",
     "The server took the connection and sent no greeting within the limit. Something listens "
     "there that does not speak first (a web server, implicit FTPS that waits for TLS), or the"
     " server hangs, often in a look-up of the client's name.",
     "Check the port: 990 is implicit FTPS. If it is the right server, switch its look-ups off"
     " (vsftpd: reverse_lookup_enable=NO; ProFTPD: UseReverseDNS off, IdentLookups off; "
     "Pure-FTPd: --dontresolve). Raise --greeting-timeout if it is only slow."},
    {timeout_login, "FTP-TIMEOUT-LOGIN", error, kClient, "--login-timeout",
     "no login in time",
     "From connecting on the limit passed without a successful login, and the proxy ended the "
     "session. Scanners and forgotten connections look so, but also a person who looks for the"
     " password.",
     "Nothing for scanners. If the server takes so long to check a password, repair that (see "
     "FTP-LOGIN-SLOW) or raise --login-timeout."},
    {timeout_line, "FTP-TIMEOUT-LINE", error, kNetwork, "--line-timeout",
     "a line was not finished in time",
     "A line was begun and its end did not come within the limit. It is a peer that died in "
     "the middle, one that holds connections open on purpose (slow loris), or a script that "
     "sends lines without their end.",
     "A script must end each line by CR LF. If the network is really so slow, raise "
     "--line-timeout. Many of these from one address are an attack: lower "
     "--max-sessions-per-client."},
    {timeout_idle, "FTP-TIMEOUT-IDLE", note, kClient, "--idle-timeout",
     "the session was idle for too long",
     "No command, reply or data connection for the whole limit: the proxy ended the session "
     "with 421. A client left open over lunch is the usual case.",
     "Nothing; clients log in again when they need to. Raise --idle-timeout, or let the client"
     " send NOOP (FileZilla: Send FTP keep-alive commands; lftp: set ftp:nop-interval) where "
     "sessions must last."},
    {control_reset, "FTP-CONTROL-RESET", warning, kNetwork, "RFC 959 2.3",
     "the control connection was reset",
     "One side ended the control connection by RST instead of FIN (the detail says which): a "
     "program that was killed, a firewall or NAT that has forgotten the connection or was told"
     " to cut it, or a client that closes with replies unread.",
     "Behind a QUIT it is harmless. After idle minutes or a long transfer suspect the NAT or "
     "firewall between: let clients send NOOP or TCP keepalives (curl: --keepalive-time 30; "
     "ProFTPD: SocketOptions keepalive on). At once after a certain command suspect an "
     "inspection of FTP."},
    {quit_with_transfer, "FTP-QUIT-WITH-TRANSFER", note, kClient, "RFC 959 4.1.1",
     "the control connection ended while data was moving",
     "A control connection was closed while a transfer still moved data. Servers may go on or "
     "stop; the file is perhaps not whole, and nobody is left to hear the 226.",
     "If it is not a user who cancelled, the client or script must wait for the transfer's "
     "final reply before it closes. To cancel on purpose, ABOR is the way."},
    {greeting_slow, "FTP-GREETING-SLOW", warning, kServer, "RFC 959 5.4",
     "a greeting that took over five seconds",
     "More than five seconds from the connection to the server's greeting. Nearly always the "
     "server looks up the client's name (reverse DNS) or asks its ident service (port 113) and"
     " waits for an answer that does not come.",
     "At the server: vsftpd reverse_lookup_enable=NO, ProFTPD UseReverseDNS off and "
     "IdentLookups off, Pure-FTPd --dontresolve; or give the clients' addresses names in the "
     "DNS. A firewall should reject port 113, not drop it."},
    {login_slow, "FTP-LOGIN-SLOW", warning, kServer, "RFC 959 5.4",
     "a login that took over five seconds",
     "The reply to USER or PASS took over five seconds. The server asks somebody: LDAP, a "
     "database, RADIUS, the DNS, a home directory that has to be mounted. After a wrong "
     "password a delay is intended.",
     "Look at the server's authentication: PAM modules in their order, unreachable directory "
     "servers, name look-ups (see FTP-GREETING-SLOW). A client with a short timeout needs a "
     "longer one meanwhile."},
    {login_refused, "FTP-LOGIN-REFUSED", warning, kClient, "RFC 959 4.2.2",
     "the login was refused",
     "The server refused USER, PASS or ACCT; the detail is its reply. The name or password is "
     "wrong, the account is locked, or has no right to use FTP from there, or only with TLS.",
     "Check name and password by hand first. If they are right, see the server's log and its "
     "rules: vsftpd local_enable, userlist_enable and force_local_logins_ssl; ProFTPD "
     "RequireValidShell, <Limit LOGIN> and TLSRequired; /etc/ftpusers, PAM."},
    {login_without_password, "FTP-LOGIN-WITHOUT-PASSWORD", note, kServer, "RFC 959 5.4",
     "logged in by USER alone",
     "The server answered USER with 230: whoever knows the name is in. A few servers do so for"
     " anonymous (vsftpd: no_anon_password), and on closed networks it may be intended.",
     "Whoever runs the server should see that this user can only do what everybody may. "
     "Clients need not send PASS any more; most send it all the same, and may be confused by a"
     " 503."},
    {password_in_clear, "FTP-PASSWORD-IN-CLEAR", note, kClient, "RFC 4217 15, RFC 2577 5",
     "a password in clear between public addresses",
     "A password was sent unencrypted between two public addresses. Everybody on the way can "
     "read it, and the data as well. Told once a session; anonymous logins do not count.",
     "Use TLS: the client asks for it (curl: --ssl-reqd; lftp: set ftp:ssl-force on; "
     "FileZilla: Require explicit FTP over TLS) and the server insists (vsftpd: "
     "force_local_logins_ssl=YES; ProFTPD: TLSRequired on; Pure-FTPd: --tls=2). Take the "
     "password for known and change it. With --tls refuse the proxy itself is the obstacle."},
    {service_closing, "FTP-421", warning, kServer, "RFC 959 4.2.2",
     "421: the server ends the session",
     "The server announced with 421 that it ends the session; the detail is its reply. Too "
     "many sessions, a timeout, or a shutdown are the usual reasons.",
     "Go by its words. Too many connections: let the client open fewer (FileZilla: Transfers, "
     "maximum simultaneous; lftp: set net:connection-limit) or raise vsftpd max_clients and "
     "max_per_ip, ProFTPD MaxClients and MaxClientsPerHost, Pure-FTPd -c and -C. Timeout: NOOP"
     " from the client, or vsftpd idle_session_timeout, ProFTPD TimeoutIdle and "
     "TimeoutNoTransfer."},
    {server_closed_silently, "FTP-SERVER-CLOSED-SILENTLY", warning, kServer, "RFC 959 5.4",
     "the server closed the control connection without a word",
     "The server closed the control connection without 221 or 421, perhaps with a command "
     "waiting (the detail says so). It crashed, was killed, refused the address (TCP wrappers,"
     " a ban list), or a proxy between ended the session.",
     "See the server's log at this time, and the system's log for a crash. Before the greeting"
     " look at /etc/hosts.deny, fail2ban and the limits of inetd. If the server believes that "
     "the session went on, something between has closed it."},
    {control_dead_after_transfer, "FTP-CONTROL-DEAD-AFTER-TRANSFER", error, kNetwork, "RFC 5382 5",
     "the control connection died while a long transfer left it idle",
     "A transfer took over a minute, nothing crossed the control connection meanwhile, and its"
     " final reply never arrived. The data is mostly complete. A NAT or firewall has forgotten"
     " the idle control connection; clients hang or report a failed transfer and try again.",
     "Raise the timeout for established TCP in the NAT or firewall (RFC 5382 wants at least "
     "two hours and four minutes; Linux: nf_conntrack_tcp_timeout_established), or keep the "
     "connection alive: curl --keepalive-time 30, FileZilla `Send FTP keep-alive commands`, "
     "ProFTPD SocketOptions keepalive on, Linux net.ipv4.tcp_keepalive_time."},
    {retries, "FTP-RETRIES", note, kClient, "RFC 959 5.4",
     "the same command failed three times in a row",
     "The same command with the same argument was refused three times in a row. The client "
     "tries again without anything having changed, which costs time and, with passwords, locks"
     " accounts.",
     "See the reply: 4yz may go away by itself, 5yz will not. Correct the path, the rights or "
     "the quota that it names, or limit the client's zeal (lftp: set net:max-retries 2; curl: "
     "--retry 1; FileZilla: Maximum number of retries)."},
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
    {capture_damaged, "FTP-CAPTURE-DAMAGED", warning, kNetwork, "the capture",
     "a part of the capture file cannot be read",
     "A part of the capture file cannot be read: it was cut off while written, copied in text "
     "mode, or has a block with an impossible length. What stands before and behind was "
     "analysed; the damage record says where.",
     "Take the file again from where it was captured (scp or binary mode, not ASCII), or "
     "capture anew. If only the last packet is torn, because tcpdump was killed, nothing else "
     "is lost; stop tcpdump by Ctrl-C or SIGTERM, or use -U."},
    {capture_gap, "FTP-CAPTURE-GAP", warning, kNetwork, "the capture",
     "bytes of a control connection are not in the capture",
     "Bytes of a control connection were acknowledged by the receiver and are not in the "
     "capture: the capturing machine dropped packets, or they took another way. Commands or "
     "replies are missing, so what follows may be paired wrongly.",
     "Capture with a larger buffer and a filter (tcpdump -B 65536 -s 0 -w file 'host SERVER'),"
     " and watch `packets dropped by kernel`. At a mirror port or in a bonded link capture all"
     " of its lines."},
    {capture_overlap, "FTP-CAPTURE-OVERLAP", error, kNetwork, "RFC 9293 3.10.7.4",
     "the same bytes of a control connection were sent twice and differently",
     "The same place of the stream came twice with different bytes. A correct TCP never does "
     "that; it is a trick to show an inspecting device other commands than the server gets, or"
     " a broken device on the way. The bytes that came first were taken.",
     "Compare both texts in the overlap record. If they are commands, look at the sender as at"
     " an attacker. If it happens to everybody, look for a device that rewrites TCP (an "
     "accelerator, a NAT with inspection of FTP) and update it or take it out."},
    {capture_mid_stream, "FTP-CAPTURE-MID-STREAM", note, kNetwork, "the capture",
     "the capture begins in the middle of the session",
     "The session was running when the capture began: its greeting and login are not in it. "
     "What depends on them (who logged in, UTF-8, TYPE, an address asked for earlier) is not "
     "known and not judged.",
     "Start the capture first and the client after it. If the fault needs days to show, let "
     "tcpdump write a ring of files (-C, -W) and give all of them to ftpscope."},
    {capture_one_way, "FTP-CAPTURE-ONE-WAY", warning, kNetwork, "the capture",
     "the capture has one direction of the session only",
     "Only one direction of the session is in the capture. Replies without commands, or "
     "commands without replies, tell little: nothing can be paired. Usually the way back takes"
     " another route, or the mirror port copies one direction.",
     "Capture at one of the two machines, or mirror both directions (on switches: `both`, not "
     "rx or tx). A filter must not name src or dst: use `host`."},
    {capture_data_missing, "FTP-CAPTURE-DATA-MISSING", note, kNetwork, "the capture",
     "bytes of a data connection are not in the capture",
     "Bytes of a data connection are not in the capture, or the whole connection of a transfer "
     "that succeeded is not. The transfer itself may have been perfect: the capturing machine "
     "was too slow, saved the beginning of each packet only, or a filter (`port 21`) left the "
     "data out. Its file cannot be extracted whole, and sizes are not compared.",
     "If the file matters, capture by `host`, not by port, with -s 0 and a larger buffer (-B), "
     "close to the server or client, on a fast disk. For the dialogue alone nothing is to do."},
    {capture_limit, "FTP-CAPTURE-LIMIT", warning, kNetwork, "--max-flows",
     "a limit of the analysis was reached",
     "The analysis reached one of its limits (the detail says which), so a part of the capture"
     " was not looked at. The limits keep a capture made to exhaust memory from doing so.",
     "Raise the limit that is named, or cut the capture down to the session in question first:"
     " tcpdump -r big -w small 'host CLIENT', or editcap."},
    // a recording that is played
    {replay_unmatched, "FTP-REPLAY-UNMATCHED", warning, kClient, "--match",
     "the client said what the recording does not have",
     "To a replayed server the client said a command that the recording does not have, or does not"
     " have there (--match strict). The detail says which, and what the recorded client said next."
     " What the client got for it is decided by --unmatched.",
     "If the client is to be tested against that server: it does something else than the recorded "
     "one did, and this is where. If it only goes about it in another order: --match state."},
    {replay_upload_differs, "FTP-REPLAY-UPLOAD-DIFFERS", warning, kClient, "--record",
     "an upload differs from the recorded one",
     "To a replayed server the client sent other bytes than the recorded client did. The detail "
     "says how many there were and where the first difference is. It was accepted all the same.",
     "Compare the two files. A difference in every line's end comes from TYPE A on one side and "
     "TYPE I on the other; a shorter upload was broken off."},
});
// clang-format on

static_assert(kRows.size() == static_cast<std::size_t>(count_));
static_assert(
    [] {
      for (std::size_t i = 0; i < kRows.size(); ++i) {
        if (kRows[i].id != static_cast<FindingId>(i)) return false;
      }
      return true;
    }(),
    "the rows stand in the order of FindingId");

}  // namespace

const FindingRow& row_of(FindingId id) { return kRows[static_cast<std::size_t>(id)]; }

const FindingRow* find_finding(std::string_view name) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  const auto row = std::ranges::find_if(
      kRows, [&](const FindingRow& r) { return std::ranges::equal(r.name, name, {}, {}, upper); });
  return row == kRows.end() ? nullptr : &*row;
}

std::span<const FindingRow> all_findings() { return kRows; }

std::string_view name_of(Severity severity) {
  switch (severity) {
    case note: return "note";
    case warning: return "warning";
    case error: return "error";
  }
  return "";
}

std::string_view name_of(Blame blame) {
  switch (blame) {
    case Blame::client: return "client";
    case Blame::server: return "server";
    case Blame::network: return "network";
    case Blame::proxy: return "proxy";
  }
  return "";
}

}  // namespace ftpscope
