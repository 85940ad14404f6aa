"""A laboratory of machines: each a network namespace with its own addresses, routes and nftables.

    with Lab() as lab:
        client, router, server = lab.host("client"), lab.host("router"), lab.host("server")
        lab.link(client, "10.1.0.2", router, "10.1.0.1")        # or "fd00:1::2", "fd00:1::1"
        lab.link(router, "203.0.113.1", server, "203.0.113.2")
        client.default_route("10.1.0.1")
        router.forwards()
        router.nft("table ip nat { chain post { type nat hook postrouting priority srcnat\n"
                   "ip saddr 10.1.0.0/24 oifname server masquerade\n }\n }")
        with server.entered(), servers.start("vsftpd", "203.0.113.2", 21) as ftp:
            ...
            with client.entered(): ...   # sockets and processes made in here are the client's

A link's ends are named after the machine at the other end, so that rules read well.

The namespaces have no names: a descriptor of this process holds each. So they are gone with all that
is in them when the process is, however that ends; nothing of the machine itself is ever changed, and
any number of laboratories stand beside each other. It needs root. What the kernel does not have is
told by LabError, which fails the test: a laboratory that cannot be built proves nothing.
"""
from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import json
import os
import subprocess
from pathlib import Path

from servers import wait_until

CLONE_NEWNET = 0x40000000
LEAVING_S = 5.0
PREFIX = {4: 24, 6: 64}
# There is no DNS in here. Programs that ask all the same are told so, and do not wait for an answer.
NO_NAMES = """table inet no_names {
  chain output {
    type filter hook output priority filter
    udp dport 53 reject
  }
}"""
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(RuntimeError):
    """The laboratory cannot be built on this machine; the text says what it lacks."""


def _checked(what: str, result: int) -> None:
    if result != 0:
        raise LabError(f"{what}: {os.strerror(ctypes.get_errno())}; the laboratory needs root")


class Host:
    """One machine. It has the addresses of its links, lo, and nothing else."""

    def __init__(self, name: str):
        self.name = name
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _checked("cannot make a network namespace", _libc.unshare(CLONE_NEWNET))
            self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        finally:
            _checked("cannot go back", _libc.setns(home, CLONE_NEWNET))
            os.close(home)
        self.run("ip", "link", "set", "lo", "up")
        self.nft(NO_NAMES)

    @contextlib.contextmanager
    def entered(self):
        """This thread is on the machine: sockets and processes that are made belong to it, for
        good. Nests."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _checked(f"cannot enter {self.name}", _libc.setns(self.fd, CLONE_NEWNET))
        try:
            yield self
        finally:
            _checked("cannot go back", _libc.setns(before, CLONE_NEWNET))
            os.close(before)

    def run(self, *argv: str, script: str | None = None) -> str:
        """What a command says; LabError with its complaint if it fails."""
        with self.entered():
            done = subprocess.run(argv, input=script, text=True, capture_output=True)
        if done.returncode != 0:
            raise LabError(
                f"on {self.name}, {' '.join(argv)} fails, so this kernel (or its tools) cannot do "
                f"what the laboratory needs: {done.stderr.strip()}\n{script or ''}"
            )
        return done.stdout

    def nft(self, rules: str) -> None:
        self.run("nft", "-f", "-", script=rules)

    def forwards(self) -> None:
        """Makes it a router, of both families."""
        for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.set(name)

    def set(self, sysctl: str, value: str = "1") -> None:
        with self.entered():
            Path("/proc/sys/net", sysctl).write_text(value)

    def default_route(self, gateway: str) -> None:
        self.route("default", gateway)

    def route(self, to: str, gateway: str) -> None:
        self.run("ip", f"-{version(gateway)}", "route", "add", to, "via", gateway)

    def counter(self, table: str, name: str) -> int:
        """The packets of a named counter in a table of family inet."""
        told = json.loads(self.run("nft", "-j", "list", "counter", "inet", table, name))
        return next(item["counter"]["packets"] for item in told["nftables"] if "counter" in item)

    def inhabitants(self) -> list[int]:
        """The processes that are on it."""
        mine = os.stat(self.fd).st_ino
        return [pid for pid in _pids() if _namespace_of(pid) == mine]


class Lab:
    def __enter__(self) -> "Lab":
        self.hosts: list[Host] = []
        return self

    def __exit__(self, kind, error, traceback) -> None:
        # A server's process for a session that has ended may need a moment more.
        if kind is None:
            wait_until(lambda: not self.inhabitants(), LEAVING_S)
        left = self.inhabitants()
        for host in self.hosts:
            os.close(host.fd)
        if kind is None:
            assert not left, f"processes outlive the test: {left}"

    def inhabitants(self) -> dict[str, list[int]]:
        return {host.name: pids for host in self.hosts if (pids := host.inhabitants())}

    def host(self, name: str) -> Host:
        self.hosts.append(Host(name))
        return self.hosts[-1]

    def link(self, a: Host, a_address: str, b: Host, b_address: str) -> None:
        """A wire, or one more pair of addresses on it."""
        if b.name not in a.run("ip", "-br", "link").replace("@", " ").split():
            there = f"/proc/{os.getpid()}/fd/{b.fd}"
            a.run(
                *f"ip link add {b.name} type veth peer name {a.name} netns {there}".split(),
            )
            a.run("ip", "link", "set", b.name, "up")
            b.run("ip", "link", "set", a.name, "up")
        for host, other, address in ((a, b, a_address), (b, a, b_address)):
            # nodad: the address can be used at once.
            options = ["nodad"] if version(address) == 6 else []
            mask = f"{address}/{PREFIX[version(address)]}"
            host.run("ip", "address", "add", mask, "dev", other.name, *options)


def version(address: str) -> int:
    return ipaddress.ip_address(address).version


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _namespace_of(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return None
