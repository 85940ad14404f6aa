// Transfers: what came of them.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kTransfers = std::to_array<FindingRow>({
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
});
// clang-format on

}  // namespace ftpscope::findings
