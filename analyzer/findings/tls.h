// TLS, as far as it shows.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kTls = std::to_array<FindingRow>({
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
});
// clang-format on

}  // namespace ftpscope::findings
