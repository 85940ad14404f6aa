// A session's life: login, delays, how it ended.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kSession = std::to_array<FindingRow>({
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
    {proxy_header_unasked, "FTP-PROXY-HEADER-UNASKED", error, kNetwork, "--accept-proxy",
     "a PROXY header from somebody who may not send one",
     "The connection began with a header of the PROXY protocol, and its sender is in no network of"
     " --accept-proxy (captures: somebody speaks it to the server). A load balancer that is not "
     "known here, or somebody who wants to be taken for another: whoever may send the header says "
     "who the client is. The session was refused (421).",
     "If it is your balancer, name its address: --accept-proxy ADDRESS. If not, nothing; it was "
     "not believed."},
    {proxy_header_missing, "FTP-PROXY-HEADER-MISSING", error, kNetwork, "--accept-proxy",
     "a balancer's connection without a PROXY header",
     "A connection from a network of --accept-proxy did not begin with a PROXY header, or it did "
     "not come in time (--proxy-header-timeout; the detail says which). Without it the client "
     "would be taken for the balancer. It was refused: 421 on a control connection, closed on a "
     "data connection.",
     "Let the balancer send it: HAProxy `send-proxy-v2` on the server line, also for its checks "
     "(`check-send-proxy` if they go elsewhere) and, with --accept-proxy-data, for the data ports."
     " If hosts of that network connect directly as well, name only the balancer's address."},
    {proxy_header_malformed, "FTP-PROXY-HEADER-MALFORMED", error, kNetwork, "--accept-proxy",
     "a PROXY header that cannot be read",
     "A connection from a network of --accept-proxy began with a PROXY header that breaks its "
     "format; the detail says how. It was refused, since who the client is cannot be known.",
     "Look at what the balancer is set to send: version 1 or 2, TCP, at most 536 bytes with all "
     "its TLVs. A header in front of the header (two balancers in a row, each adding one) is seen "
     "as well: the second must pass on what the first said (HAProxy: accept-proxy on its bind)."},
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
    {server_unreachable, "FTP-SERVER-UNREACHABLE", warning, kServer, "RFC 959 5.4",
     "a server could not be reached",
     "The proxy could not connect to a server or to one of the addresses of its name; the detail "
     "says which and why. Another address or another server was tried then, or the client was told "
     "and may name another. With several servers, one that failed is tried last for a while "
     "(--server-rest).",
     "Refused: nothing listens there; start the server or correct the port. Timed out or no route: "
     "a firewall, or a machine that is off; test from the proxy's machine with `nc -v HOST PORT`. "
     "Not found: correct the name or the DNS. An IPv6 address that cannot be reached costs every "
     "session a moment: take it out of the DNS, or give the proxy's machine IPv6."},
    {server_turned_away, "FTP-SERVER-TURNED-AWAY", warning, kServer, "RFC 959 5.4",
     "the server that the client named did not take the session",
     "With --mode forward the client named this server, and it did not greet with 220: it refused, "
     "closed the connection, or said nothing in time; the detail says which. The client was told "
     "(530) and may name another one.",
     "Go by the server's own words, in its reply to the greeting: too many sessions, the address of"
     " the proxy banned or not allowed, a shutdown. Silence: perhaps that port is not FTP, or "
     "implicit FTPS (990)."},
    {server_forbidden, "FTP-SERVER-FORBIDDEN", warning, kClient, "--allow-server, --deny-server",
     "the client named a server that it may not be connected to",
     "With --mode forward the client named a server, and an address of it is one that the proxy "
     "does not connect to: by a rule of yours, or because it is the proxy itself, loopback, "
     "link-local, multicast, or a port below 1024 but 21 and 990. The address is what the name was "
     "resolved to, in the detail. Nothing was sent there.",
     "If the server is meant to be reached, allow it: --allow-server 10.0.0.0/8, with the port if "
     "it is unusual. If not, somebody is trying to reach what is behind the proxy (SSRF): look who "
     "it is. A public name that resolves to loopback or to a private network points to DNS "
     "rebinding."},
});
// clang-format on

}  // namespace ftpscope::findings
