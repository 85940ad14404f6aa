// Addresses in PORT, EPRT, 227, 229 and their kin.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kAddresses = std::to_array<FindingRow>({
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
     "proxy answers 501; with --data-address keep it lets a usable address pass.",
     "If the client is one of yours and has several addresses or a NAT, let it use passive "
     "mode. For FXP on purpose both sides have to allow it (vsftpd port_promiscuous and "
     "pasv_promiscuous, ProFTPD AllowForeignAddress, Pure-FTPd -w; here --data-address keep). "
     "If nobody means it, leave these off and look at the client as at an attacker."},
    {port_private, "FTP-PORT-PRIVATE-ADDRESS", warning, kClient, "RFC 1918",
     "the client is behind a NAT that did not translate its PORT",
     "The client comes from a public address and its PORT, EPRT or LPRT names a private one: it "
     "is behind a NAT that did not translate the command. Captured at the client, where its own "
     "address looks right, it is told when a public server refused it or answered 425. A server "
     "that believes it cannot connect (425 after its timeout), one that does not refuses at "
     "once. The proxy connects to the client's public address and the port that was named (not "
     "with --data-address keep).",
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
    {port_after_epsv_all, "FTP-PORT-AFTER-EPSV-ALL", error, kClient, "RFC 2428 3",
     "another data command than EPSV after EPSV ALL",
     "The client has said EPSV ALL, the server agreed, and then came PASV, PORT, EPRT, LPRT or "
     "LPSV. RFC 2428 3 forbids it: a firewall may have stopped looking for addresses since. The "
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
     "the server it knows, and to the stated host only with --data-address keep.",
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
     "delimiter than `|`, a host in it, parentheses before it or none around it, a zero in front "
     "of the port, text or a full stop behind it, or several lines. RFC 2428 allows other delimiters, yet many clients and firewalls know "
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
     "The server answered PASV with a 5yz (not 530; 503 only if it asks for PRET). RFC 1123 "
     "4.1.2.6 wants every server to have it. Clients behind a NAT or firewall are left with "
     "EPSV, or cannot transfer at all. 425 is another matter: see FTP-425.",
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
    {port_changed, "FTP-PORT-CHANGED", warning, kNetwork, "RFC 3235 3, RFC 2663 2.9",
     "the server heard another address than the one that was sent to it",
     "The server has told which address it heard in PORT, and it is not the one that was sent (the "
     "detail has both). BSD's servers (inetutils-ftpd) tell in the answer to STAT, Pure-FTPd in `150 "
     "Connecting to port` and in a 425; the others do not, so no such finding proves nothing. A "
     "device between has changed the line: the FTP helper of a NAT (Linux nf_nat_ftp, an ALG) "
     "translates a second time what was translated already.",
     "If transfers work, nothing. If they fail, switch the helper off for this connection (Linux: "
     "no `ct helper set`, rmmod nf_nat_ftp; routers: `FTP ALG`), or let it do all of it: "
     "--advertise-server peer tells the inside address, which is the one that helpers expect. "
     "Passive mode, EPSV and TLS are left alone by most helpers."},
    {double_rewrite, "FTP-DOUBLE-REWRITE", warning, kNetwork, "RFC 3235 3, RFC 2663 2.9",
     "something rewrites addresses that the proxy has rewritten already",
     "A data connection came from the right host to the right port of ours, but it had been made to "
     "another address or port than the proxy had told, and a NAT of this very machine sent it to "
     "us (the detail has both). So the line was changed behind the proxy: conntrack's FTP helper "
     "(nf_nat_ftp, by `ct helper set` or nf_conntrack_helper=1) translates the same connection. "
     "It works while the helper understands every line; where it does not (a line in two packets, "
     "an odd 227, TLS), the client is told the inside address. A helper on another machine cannot "
     "be seen in this way.",
     "One of the two is enough. Take `ct helper set` away from connections to the proxy (`nft list "
     "ruleset`), and tell the outside address yourself: --advertise public:ADDRESS, with the data "
     "ports forwarded. The helper leaves a line alone that names another address than the one it "
     "translates."},
});
// clang-format on

}  // namespace ftpscope::findings
