// Data connections: how they came about and how they ended.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kDataConnections = std::to_array<FindingRow>({
    {data_stranger, "FTP-DATA-STRANGER", warning, kNetwork, "RFC 2577 8",
     "another host than the expected one connected for data",
     "Somebody else than the expected host connected to the port that the proxy had opened for "
     "data (the detail says who, and whether it is in the same small network: a /24, or a /64 of "
     "IPv6). It was closed at once without a byte, and the proxy waits on for the right one. It is "
     "a port scanner, an attempt to steal or forge the data, or a client whose data connections "
     "come from another address (several NAT addresses, two uplinks).",
     "If the transfer worked, nothing: scanners are everywhere. If nobody else came, "
     "FTP-DATA-OTHER-ADDRESS says so. If it comes again and again from one address, block it."},
    {data_other_address, "FTP-DATA-OTHER-ADDRESS", warning, kNetwork, "RFC 2577 8",
     "the expected host seems to connect for data from another address",
     "Nobody came to a data port from the expected address, and one other address did, perhaps "
     "several times (the detail has both; each time is an FTP-DATA-STRANGER). It is most likely "
     "the very client (or server): a NAT with several outside addresses, two uplinks, a proxy for "
     "some ports only, IPv6 privacy addresses, a server that sends from another interface. It can "
     "also be an attacker who was the only one to come; so it is not let in.",
     "Let the NAT or router use one address for all connections of one inside host (`paired "
     "pooling`, RFC 4787 4.1; nftables `snat ... persistent`). A server with several interfaces: "
     "bind it to one (vsftpd listen_address, ProFTPD SocketBindTight). Passive instead of active "
     "mode, or the other way round, lets the other side connect."},
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
     "timed out that packets are dropped. The first side's connection is closed then. Not told "
     "when the server refused the transfer itself: it may close its port then.",
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
    {data_relayed, "FTP-DATA-RELAYED", note, kProxy, "--data-path",
     "data is relayed, although the kernel was to translate it",
     "With --data-path kernel the kernel translates data connections and the proxy only watches. "
     "For this session it cannot (the detail says why), so the proxy relays the bytes itself, as "
     "it does without that option. Told once a session.",
     "The transfers work, they only cost the proxy's time. The detail says what is missing: "
     "rights (CAP_NET_ADMIN), forwarding, a kernel module; or the client or the server is on the "
     "proxy's own machine, or has the other address family, and then it stays so."},
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
});
// clang-format on

}  // namespace ftpscope::findings
