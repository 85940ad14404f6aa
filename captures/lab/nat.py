"""A router with NAT, a firewall, losses: one client network, one server network, nftables between.

    client 10.1.0.2 --- 10.1.0.1 router 203.0.113.1 --- 203.0.113.20 server
"""
from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import servers

from .network import Namespace, link
from .scenario import scenario
from .sniffer import sniff
from .transfers import PAYLOAD, curl, fetch, leave, login, serve_file

ROUTED = "a router (nftables, network namespaces) between"
HELPER = "the kernel's FTP helper (nf_nat_ftp)"


@dataclass
class Lab:
    client: Namespace
    router: Namespace
    server: Namespace
    inside: str  # the cable of the client's network
    outside: str  # the cable of the server's network
    client_host: str
    server_host: str


def lab(client_net: str = "10.1.0", server_net: str = "203.0.113") -> Lab:
    client, router, server = (Namespace(name) for name in ("client", "router", "server"))
    inside = link(client, [f"{client_net}.2/24", "2001:db8:1::2/64"],
                  router, [f"{client_net}.1/24", "2001:db8:1::1/64"])  # fmt: skip
    outside = link(router, [f"{server_net}.1/24", "2001:db8:2::1/64"],
                   server, [f"{server_net}.20/24", "2001:db8:2::20/64"])  # fmt: skip
    for space, gateway in ((client, f"{client_net}.1"), (server, f"{server_net}.1")):
        space.run("ip", "route", "add", "default", "via", gateway)
    for space, gateway in ((client, "2001:db8:1::1"), (server, "2001:db8:2::1")):
        space.run("ip", "-6", "route", "add", "default", "via", gateway)
    router.sysctl("ipv4/ip_forward", "1")
    router.sysctl("ipv6/conf/all/forwarding", "1")
    return Lab(client, router, server, inside, outside, f"{client_net}.2", f"{server_net}.20")


@contextlib.contextmanager
def both_sides(place: Lab, folder: Path, name: str):
    with sniff(place.client, place.inside, folder / f"{name}-client.pcap"):
        with sniff(place.server, place.outside, folder / f"{name}-server.pcap"):
            yield


def masquerade(place: Lab, helper: bool = False) -> None:
    """The client's network hides behind the router."""
    place.router.nft(
        f"""
        table ip nat {{
          ct helper ftp {{ type "ftp" protocol tcp; }}
          chain pre {{ type filter hook prerouting priority 0;
            {'tcp dport 21 ct helper set "ftp"' if helper else ''} }}
          chain post {{ type nat hook postrouting priority 100; oifname "{place.outside}" masquerade; }}
        }}"""
    )
    # The server's network knows no private addresses.
    place.router.nft(
        f"""
        table ip guard {{ chain forward {{ type filter hook forward priority 10;
          iifname "{place.outside}" ip daddr 10.0.0.0/8 ct state new reject with icmp type host-unreachable; }} }}"""
    )


def port_forward(place: Lab, helper: bool = False, more: str = "") -> None:
    """The server's network hides behind the router, whose port 21 is the server's. `more`: ports."""
    ports = f"tcp dport {more} dnat to {place.server_host}" if more else ""
    place.router.nft(
        f"""
        table ip nat {{
          ct helper ftp {{ type "ftp" protocol tcp; }}
          chain helped {{ type filter hook prerouting priority 0;
            {'tcp dport 21 ct helper set "ftp"' if helper else ''} }}
          chain pre {{ type nat hook prerouting priority -100; iifname "{place.inside}" jump forwarded; }}
          chain forwarded {{ tcp dport 21 dnat to {place.server_host}; {ports} }}
          chain forward {{ type filter hook forward priority 0;
            iifname "{place.inside}" ct state new ct status ! dnat drop; }}
          chain input {{ type filter hook input priority 0; iifname "{place.inside}" ct state new drop; }}
        }}"""
    )


def forward_rule(place: Lab, rule: str) -> None:
    place.router.nft(
        f"table inet filter {{ chain forward {{ type filter hook forward priority 0; {rule} }} }}"
    )


@contextlib.contextmanager
def served(place: Lab, name: str, host: str | None = None):
    """(the server, the path of its file)"""
    with place.server, servers.start(name, host or place.server_host, 21) as server:
        yield server, serve_file(server)


def two(name: str, shows: str) -> dict[str, str]:
    return {
        f"{name}-client.pcap": f"{shows}; the client's side",
        f"{name}-server.pcap": f"{shows}; the server's side",
    }


# --- NAT ---


@scenario(f"pure-ftpd, ftplib in active and then in passive mode; {ROUTED} masquerades",
          two("nat-client-active", "a client behind a NAT: its PORT names 10.1.0.2, refused; then PASV works"))  # fmt: skip
def nat_client_active(folder: Path) -> None:
    place = lab()
    masquerade(place)
    with served(place, "pureftpd") as (_, path), both_sides(
        place, folder, "nat-client-active"
    ), place.client:
        ftp = login(place.server_host, 21)
        fetch(ftp, path, passive=False)
        assert fetch(ftp, path) == PAYLOAD
        leave(ftp)


@scenario(f"vsftpd (port_promiscuous), ftplib in active mode; {ROUTED} masquerades",
          two("nat-client-active-425", "the server takes the private PORT and cannot connect"))  # fmt: skip
def nat_client_active_425(folder: Path) -> None:
    place = lab()
    masquerade(place)
    with served(place, "vsftpd-ports") as (_, path), both_sides(
        place, folder, "nat-client-active-425"
    ), place.client:
        ftp = login(place.server_host, 21)
        fetch(ftp, path, passive=False)
        leave(ftp)


@scenario(f"vsftpd, ftplib in active mode; {ROUTED} masquerades, with {HELPER}",
          two("nat-client-helper", "a NAT that rewrites PORT on the way: the transfer works")
          | {"nat-client-helper-router.pcap": "the same session, both sides in one capture (-i any on the router)"})  # fmt: skip
def nat_client_helper(folder: Path) -> None:
    place = lab()
    masquerade(place, helper=True)
    router = folder / "nat-client-helper-router.pcap"
    with served(place, "vsftpd") as (_, path), both_sides(
        place, folder, "nat-client-helper"
    ), sniff(place.router, "any", router), place.client:
        ftp = login(place.server_host, 21)
        assert fetch(ftp, path, passive=False) == PAYLOAD
        leave(ftp)


def behind() -> Lab:
    """client 198.51.100.2 --- 198.51.100.1 router 10.2.0.1 --- 10.2.0.20 server"""
    return lab("198.51.100", "10.2.0")


@scenario(f"vsftpd, ftplib, which believes the 227; {ROUTED} forwards port 21 and drops the rest",
          two("nat-server-227", "a server behind a NAT: its 227 names 10.2.0.20, and the data connection never comes"))  # fmt: skip
def nat_server_227(folder: Path) -> None:
    place = behind()
    port_forward(place)
    with served(place, "vsftpd-ports") as (_, path), both_sides(
        place, folder, "nat-server-227"
    ), place.client:
        ftp = login("198.51.100.1", 21)
        fetch(ftp, path)
        leave(ftp)


@scenario(f"vsftpd, curl, which takes the control connection's address; {ROUTED} forwards the ports",
          two("nat-server-227-ignored", "a private 227 that the client ignores: the transfer works"))  # fmt: skip
def nat_server_227_ignored(folder: Path) -> None:
    place = behind()
    port_forward(place, more="50000-50003")
    with served(place, "vsftpd-ports") as (_, path), both_sides(
        place, folder, "nat-server-227-ignored"
    ), place.client:
        assert curl("198.51.100.1", 21, path, "--disable-epsv") == 0


@scenario(f"vsftpd, curl in EPSV mode; {ROUTED} forwards the ports",
          two("nat-server-epsv", "EPSV through a NAT: works, no address in it"))  # fmt: skip
def nat_server_epsv(folder: Path) -> None:
    place = behind()
    port_forward(place, more="50000-50003")
    with served(place, "vsftpd-ports") as (_, path), both_sides(
        place, folder, "nat-server-epsv"
    ), place.client:
        assert curl("198.51.100.1", 21, path) == 0


@scenario(f"proftpd, ftplib; {ROUTED} forwards port 21, with {HELPER}",
          two("nat-server-helper", "a NAT that rewrites the 227 on the way: the transfer works"))  # fmt: skip
def nat_server_helper(folder: Path) -> None:
    place = behind()
    port_forward(place, helper=True)
    with served(place, "proftpd") as (_, path), both_sides(
        place, folder, "nat-server-helper"
    ), place.client:
        ftp = login("198.51.100.1", 21)
        assert fetch(ftp, path) == PAYLOAD
        leave(ftp)


# --- firewalls ---

FIREWALLED = [
    ("drop", "drop", "drops"),
    ("reset", "reject with tcp reset", "answers with RST"),
    ("unreachable", "reject with icmpx type admin-prohibited", "answers with ICMP prohibited"),
]


def passive_blocked(verdict: str, name: str, family: str):
    def record(folder: Path) -> None:
        place = lab("192.0.2")
        forward_rule(
            place, f'iifname "{place.inside}" tcp dport 1024-65535 ct state new {verdict};'
        )
        host = place.server_host if family == "IPv4" else "2001:db8:2::20"
        with served(place, "vsftpd-ports", host) as (_, path):
            with sniff(place.client, place.inside, folder / name), place.client:
                ftp = login(host, 21)
                fetch(ftp, path)
                leave(ftp)

    return record


def active_blocked(verdict: str, name: str):
    def record(folder: Path) -> None:
        place = lab("192.0.2")
        forward_rule(place, f'iifname "{place.outside}" ct state new {verdict};')
        with served(place, "vsftpd-ports") as (_, path):
            with sniff(place.client, place.inside, folder / name), place.client:
                ftp = login(place.server_host, 21, timeout_s=12)
                fetch(ftp, path, passive=False)
                leave(ftp)

    return record


def register_firewalls() -> None:
    for word, verdict, does in FIREWALLED:
        name, family = f"fw-passive-{word}.pcap", "IPv6" if word == "unreachable" else "IPv4"
        scenario(f"vsftpd, ftplib, passive; {ROUTED} {does}",
                 {name: f"the firewall {does}: no passive data connection ({family})"},
                 )(named(passive_blocked(verdict, name, family), name))  # fmt: skip
        name = f"fw-active-{word}.pcap"
        scenario(f"vsftpd (connect_timeout 5 s), ftplib, active; {ROUTED} {does}",
                 {name: f"the firewall {does}: no active data connection; a client does not see the SYNs"},
                 )(named(active_blocked(verdict, name), name))  # fmt: skip


def named(record, file: str):
    record.__name__ = file.removesuffix(".pcap")
    return record


register_firewalls()


# --- a bad wire ---


@scenario(f"vsftpd, ftplib; {ROUTED} drops each 6th packet of each way",
          two("loss", "lost packets, sent again: control and data, up and down"))  # fmt: skip
def loss(folder: Path) -> None:
    place = lab("192.0.2")
    place.router.nft(
        f"""
        table ip bad {{ chain forward {{ type filter hook forward priority 0;
          iifname "{place.inside}" tcp flags & syn == 0 numgen inc mod 6 == 0 drop;
          iifname "{place.outside}" tcp flags & syn == 0 numgen inc mod 6 == 0 drop; }} }}"""
    )
    with served(place, "vsftpd") as (server, path), both_sides(place, folder, "loss"), place.client:
        ftp = login(place.server_host, 21, timeout_s=30)
        assert fetch(ftp, path) == PAYLOAD
        with open(server.root / "file.txt", "rb") as content:
            ftp.storbinary("STOR up.txt", content)
        leave(ftp)


@scenario(f"pure-ftpd, ftplib; {ROUTED}, with an MTU of 300 towards the server, and senders that do not set DF",
          {"fragments-server.pcap": "IPv4 fragments of a client's upload and long command lines; the server's side"})  # fmt: skip
def fragments(folder: Path) -> None:
    place = lab("192.0.2")
    place.router.run(
        "ip", "route", "change", "203.0.113.0/24", "dev", place.outside, "mtu", "lock", "300"
    )
    place.client.sysctl("ipv4/ip_no_pmtu_disc", "1")
    with served(place, "pureftpd") as (server, _):
        with sniff(
            place.server, place.outside, folder / "fragments-server.pcap", only="ip"
        ), place.client:
            ftp = login(place.server_host, 21)
            with open(server.root / "file.txt", "rb") as content:
                ftp.storbinary("STOR up.txt", content)
            ftp.sendcmd("CWD /" + "./" * 200)  # one command in two fragments
            leave(ftp)


# --- what the capture itself does ---


@scenario(f"vsftpd, ftplib, tcpdump -i any in the client and in the router; {ROUTED}",
          {"any-cooked-v2.pcap": "Linux cooked v2 (-i any), active mode",
           "any-cooked-v1.pcap": "Linux cooked v1 (-i any -y LINUX_SLL), the same session",
           "any-router.pcap": "-i any on the router: each packet twice, the same session"})  # fmt: skip
def any_interface(folder: Path) -> None:
    place = lab("192.0.2")
    with served(place, "vsftpd") as (_, path), contextlib.ExitStack() as sniffers:
        for space, file, options in ((place.client, "any-cooked-v2.pcap", []),
                                     (place.client, "any-cooked-v1.pcap", ["-y", "LINUX_SLL"]),
                                     (place.router, "any-router.pcap", [])):  # fmt: skip
            sniffers.enter_context(sniff(space, "any", folder / file, *options))
        with place.client:
            ftp = login(place.server_host, 21)
            assert fetch(ftp, path, passive=False) == PAYLOAD
            leave(ftp)


@scenario("pure-ftpd, ftplib in passive mode over a cable; several tcpdumps at once",
          {"snaplen-96.pcap": "-s 96: commands whole, long replies and data cut",
           "nanoseconds.pcap": "--time-stamp-precision=nano, the same session",
           "one-way-client.pcap": "only what the client sent, the same session",
           "one-way-server.pcap": "only what the server sent, the same session",
           "no-handshake.pcap": "without SYNs, the same session",
           "mid-stream.pcap": "begun after the login, the same session"})  # fmt: skip
def partial_captures(folder: Path) -> None:
    place = lab("192.0.2")
    with served(place, "pureftpd") as (_, path), contextlib.ExitStack() as sniffers:

        def start(file: str, *options: str, **more: str) -> None:
            sniffers.enter_context(
                sniff(place.client, place.inside, folder / file, *options, **more)
            )

        start("snaplen-96.pcap", "-s", "96")
        start("nanoseconds.pcap", "--time-stamp-precision=nano")
        start("one-way-client.pcap", only="src host 192.0.2.2")
        start("one-way-server.pcap", only="dst host 192.0.2.2")
        start("no-handshake.pcap", only="tcp[tcpflags] & tcp-syn == 0")
        with place.client:
            ftp = login(place.server_host, 21)
            start("mid-stream.pcap")
            ftp.sendcmd("SYST")
            ftp.sendcmd("FEAT")
            assert fetch(ftp, path) == PAYLOAD
            leave(ftp)
