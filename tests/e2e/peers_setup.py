"""The peers of peers_table.py, each as the gateway between a client and a server that cannot reach each
other:

    client 10.1.0.2 -- 10.1.0.1 router 10.2.0.1 -- 10.2.0.2 server         (fd00:1::/64, fd00:2::/64)
    stranger 10.3.0.2 -- 10.3.0.1                                          (fd00:3::/64)

Clients connect to the router, at a door: one for each pair of address families. The router's firewall
lets through what a peer has opened, and nothing else. All peers are as they come: what their own
manuals show for a gateway in front of one server, no option that makes them laxer.
"""
from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from binary import BINARY
from machines import Host, Lab, LabError
from proxy import Proxy, authority
from servers import CACHE, stop_session, wait_until

CLIENT = {4: "10.1.0.2", 6: "fd00:1::2"}
INSIDE = {4: "10.1.0.1", 6: "fd00:1::1"}  # the router, as clients know it
OUTSIDE = {4: "10.2.0.1", 6: "fd00:2::1"}  # as the server knows it
SERVER = {4: "10.2.0.2", 6: "fd00:2::2"}
STRANGER = {4: "10.3.0.2", 6: "fd00:3::2"}
FTP, CROSSING = 21, 2146
# (the client's family, the server's) -> where the client connects
DOORS = {
    (4, 4): (INSIDE[4], FTP),
    (6, 6): (INSIDE[6], FTP),
    (4, 6): (INSIDE[4], CROSSING),
    (6, 4): (INSIDE[6], CROSSING),
}
START_S = 10.0
# What a case may want to be set up otherwise, and each peer's word for it. Who has none, is as always.
TO_PASSIVE, TO_ACTIVE, NO_TLS = "passive to the server", "active to the server", "no TLS"
FTPSCOPE_WORDS = {
    TO_PASSIVE: ("--server-data", "passive"),
    TO_ACTIVE: ("--server-data", "active"),
    NO_TLS: ("--tls", "refuse"),
}
SUSE_WORDS = {TO_PASSIVE: "passive", TO_ACTIVE: "active"}  # DestinationTransferMode
MOD_PROXY_WORDS = {TO_PASSIVE: "passive", TO_ACTIVE: "active"}  # ProxyDataTransferPolicy


@dataclass
class Machines:
    client: Host
    router: Host
    server: Host
    stranger: Host


@contextlib.contextmanager
def machines() -> Iterator[Machines]:
    with Lab() as lab:
        m = Machines(*(lab.host(name) for name in ("client", "router", "server", "stranger")))
        for version in (4, 6):
            lab.link(m.client, CLIENT[version], m.router, INSIDE[version])
            lab.link(m.router, OUTSIDE[version], m.server, SERVER[version])
            between = {4: "10.3.0.1", 6: "fd00:3::1"}[version]
            lab.link(m.stranger, STRANGER[version], m.router, between)
            m.client.default_route(INSIDE[version])
            m.server.default_route(OUTSIDE[version])
            m.stranger.default_route(between)
        m.router.forwards()
        firewall(m.router)
        for host in (m.client, m.server):
            host.set("ipv4/tcp_autocorking", "0")  # each send() is a packet
        yield m


def firewall(router: Host) -> None:
    """Only what was translated, or belongs to what is there, passes."""
    router.nft(
        """table inet firewall {
  chain forward {
    type filter hook forward priority filter
    ct state established,related accept
    ct status dnat accept
    meta l4proto tcp reject with tcp reset
    drop
  }
}"""
    )


# --- the peers ---


@dataclass(frozen=True)
class Peer:
    name: str
    what: str  # for the table's head
    doors: tuple[tuple[int, int], ...]  # the pairs of families that it can be set up for
    start: Callable[[Machines, list[str]], contextlib.AbstractContextManager]
    missing: Callable[[], str]  # why it cannot be run here, or ""
    ours: bool = False
    instances: int = 1  # for each setting; 0: one for all

    def places(self, settings: list[str]) -> dict:
        """Where a client connects, by (door, setting)."""
        return {
            (door, setting): place(door, number * self.instances)
            for door in self.doors
            for number, setting in enumerate(settings)
        }


def place(door: tuple[int, int], number: int) -> tuple[str, int]:
    """The numbers keep instances of the same peer apart."""
    host, port = DOORS[door]
    return host, port + 1000 * number


def nothing_missing() -> str:
    return ""


@contextlib.contextmanager
def nf_nat_ftp(m: Machines, _: list[str]) -> Iterator[None]:
    """A port forward, source NAT towards the server, and the helper for port 21."""
    chains = "".join(
        f"""
  chain prerouting_{family} {{
    type nat hook prerouting priority dstnat
    {family} daddr {INSIDE[version]} tcp dport {FTP} dnat {family} to {authority(SERVER[version], FTP)}
  }}
  chain postrouting_{family} {{
    type nat hook postrouting priority srcnat
    {family} saddr {CLIENT[version]} oifname "server" masquerade
  }}"""
        for version, family in ((4, "ip"), (6, "ip6"))
    )
    m.router.nft(
        f"""table inet helped {{
  ct helper ftp {{
    type "ftp" protocol tcp
  }}
  chain helper {{
    type filter hook prerouting priority filter
    tcp dport {FTP} ct helper set "ftp"
  }}{chains}
}}"""
    )
    yield


@contextlib.contextmanager
def each(instance: Callable, m: Machines, settings: list[str]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for number, setting in enumerate(settings):
            stack.enter_context(instance(m, number, setting))
        yield


def suse(m: Machines, number: int, setting: str) -> contextlib.AbstractContextManager:
    host, port = place((4, 4), number)
    config = f"""[-Global-]
ServerType standalone
Listen {host}
Port {port}
DestinationAddress {SERVER[4]}
DestinationPort {FTP}
DestinationTransferMode {SUSE_WORDS.get(setting, "client")}
MaxClients 512
ForkLimit 100000
LogDestination {{folder}}/log
PidFile {{folder}}/pid
"""
    return process(m.router, [suse_binary(), "-n", "-d", "-f"], config, [(host, port)])


def suse_binary() -> str:
    return str(CACHE / "ftp-proxy/usr/sbin/ftp-proxy")


@contextlib.contextmanager
def mod_proxy(m: Machines, number: int, setting: str) -> Iterator[None]:
    """Two processes: with UseIPv6 on, it cannot open data connections from IPv4 to IPv4."""
    places = {door: place(door, number) for door in DOORS}
    only4 = {(4, 4): places.pop((4, 4))}
    policy = MOD_PROXY_WORDS.get(setting, "client")
    with proftpd(m, "off", only4, policy), proftpd(m, "on", places, policy):
        yield


def proftpd(m: Machines, ipv6: str, doors: dict, policy: str) -> contextlib.AbstractContextManager:
    hosts = "".join(
        f"""<VirtualHost {host}>
Port {port}
ProxyEngine on
ProxyRole reverse
ProxyReverseServers ftp://{authority(SERVER[to], FTP)}
ProxySourceAddress {OUTSIDE[to]}
ProxyDataTransferPolicy {policy}
</VirtualHost>
"""
        for (_, to), (host, port) in doors.items()
    )
    config = f"""ServerName mod_proxy
ServerType standalone
DefaultAddress {next(iter(doors.values()))[0]}
Port 0
SocketBindTight on
User nobody
Group nogroup
UseIPv6 {ipv6}
UseReverseDNS off
PidFile {{folder}}/pid
ScoreboardFile {{folder}}/scoreboard
SystemLog {{folder}}/log
WtmpLog off
TransferLog none
ModulePath {CACHE}/proftpd-mod-crypto/usr/lib/proftpd
LoadModule mod_tls.c
ModulePath {CACHE}/proftpd-mod-proxy/usr/lib/proftpd
LoadModule mod_proxy.c
DelayEngine off
ProxyTables {{folder}}/tables
{hosts}"""
    return process(m.router, [proftpd_binary(), "-n", "-q", "-c"], config, list(doors.values()))


def proftpd_binary() -> str:
    return str(CACHE / "proftpd-core/usr/sbin/proftpd")


def unpacked(*paths: str) -> Callable[[], str]:
    def missing() -> str:
        lost = [path for path in paths if not Path(path).exists()]
        return f"{lost[0]} is missing: run tests/e2e/install-servers.sh" if lost else ""

    return missing


@contextlib.contextmanager
def process(host: Host, argv: list[str], config: str, doors: list[tuple[str, int]]):
    """A daemon in the foreground, with its configuration in a folder of its own, `{folder}`."""
    folder = Path(tempfile.mkdtemp(prefix="ftpscope-peer-"))
    folder.chmod(0o755)
    (folder / "tables").mkdir(mode=0o700)
    path = folder / "conf"
    path.write_text(config.replace("{folder}", str(folder)))
    path.chmod(0o600)
    try:
        with host.entered(), open(folder / "output", "wb") as output:
            running = subprocess.Popen(
                [*argv, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            up = wait_until(lambda: all(listens(host, *door) for door in doors), START_S, 0.05)
            if not up or running.poll() is not None:
                raise LabError(f"{argv[0]} does not listen: {said(folder)}")
            yield
        finally:
            stop_session(running)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def said(folder: Path) -> str:
    files = [folder / name for name in ("output", "log")]
    return " ".join(f.read_text(errors="replace")[-500:] for f in files if f.exists()).strip()


def listens(host: Host, address: str, port: int) -> bool:
    """Asked of the kernel: a connection would be somebody's session."""
    told = host.run("ss", "-ltnH")
    return any(line.split()[3] == authority(address, port) for line in told.splitlines())


@contextlib.contextmanager
def ftpscope(m: Machines, number: int, setting: str, *args: str) -> Iterator[None]:
    places = {door: authority(*place(door, number)) for door in DOORS}
    modes = [f"--mode=reverse:{authority(SERVER[d[1]], FTP)}@{places[d]}" for d in DOORS]
    more = FTPSCOPE_WORDS.get(setting, ())
    proxy = Proxy(None, [*modes, *args, *more, "--quiet"], places[4, 4], "nat")
    with m.router.entered():
        proxy.__enter__()
    # The machine's namespace is the process's own for good; its end needs no entering.
    with contextlib.ExitStack() as stack:
        stack.push(proxy)
        yield


def in_kernel(m: Machines, number: int, setting: str) -> contextlib.AbstractContextManager:
    return ftpscope(m, number, setting, "--data-path", "kernel")


ALL_DOORS = tuple(DOORS)
PEERS = [
    Peer(
        "nf_nat_ftp",
        f"Linux {os.uname().release}: nftables, `dnat`, `masquerade`, `ct helper set ftp`",
        ((4, 4), (6, 6)),
        nf_nat_ftp,
        nothing_missing,
        instances=0,
    ),
    Peer(
        "suse",
        "SUSE ftp-proxy (Debian `ftp-proxy`); for single rows `DestinationTransferMode passive` or `active`",
        ((4, 4),),
        functools.partial(each, suse),
        unpacked(suse_binary()),
    ),
    Peer(
        "mod_proxy",
        "ProFTPD mod_proxy (Debian `proftpd-mod-proxy`), reverse; for single rows "
        "`ProxyDataTransferPolicy passive` or `active`",
        ALL_DOORS,
        functools.partial(each, mod_proxy),
        unpacked(
            proftpd_binary(),
            f"{CACHE}/proftpd-mod-proxy/usr/lib/proftpd/mod_proxy.so",
            f"{CACHE}/proftpd-mod-crypto/usr/lib/proftpd/mod_tls.so",  # mod_proxy needs its symbols
        ),
    ),
    Peer(
        "ftpscope",
        "`ftpscope nat --mode reverse:…`; for single rows `--server-data passive`, `active`, `--tls refuse`",
        ALL_DOORS,
        functools.partial(each, ftpscope),
        unpacked(str(BINARY)),
        ours=True,
    ),
    Peer(
        "ftpscope-kernel",
        "the same with `--data-path kernel`",
        ALL_DOORS,
        functools.partial(each, in_kernel),
        unpacked(str(BINARY)),
        ours=True,
    ),
]
