// Replies: their syntax, their pairing with commands, their delay.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kReplies = std::to_array<FindingRow>({
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
    {keepalive_unanswered, "FTP-KEEPALIVE-UNANSWERED", note, kServer, "RFC 959 4.1.3",
     "the server does not answer NOOP in mid-transfer",
     "The proxy sent NOOPs while a transfer ran (--keepalive-noop), and five seconds after the "
     "transfer's final reply they had no reply (the detail has how many). This server throws away "
     "what it is sent during a transfer. The client's next command waited that long, once; in "
     "this session no more NOOPs are sent.",
     "Nothing: the NOOPs have kept the path alive all the same. If each session shows it, leave "
     "out --keepalive-noop for this server and rely on --tcp-keepalive."},
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
});
// clang-format on

}  // namespace ftpscope::findings
