"""The proxy with every connect(2), bind(2) and listen(2) of it written down by strace (which stops it at
no other system call), and the oracle that comes with that: at each stop, what it connected to and
listened on is what its sessions asked for, and nothing else.

    with TracedProxy(server) as p: ...
    p.connections     # [(address, port), ...] of all connect(2), when it has stopped

Not with AddressSanitizer, whose leak check does not run under ptrace: there it is a Proxy like any
other.
"""
from __future__ import annotations

import functools
import ipaddress
import re
from pathlib import Path

import proxy as harness
from proxy import Proxy, authority
from servers import wait_until

TRACE = "strace -D -f --seccomp-bpf -q -e trace=connect,bind,listen -e signal=none -o".split()
CALL = re.compile(
    r"^\d+ +(connect|bind)\((\d+), \{sa_family=AF_INET6?, sin6?_port=htons\((\d+)\), (?:sin6_flowinfo="
    r'htonl\(\d+\), )?(?:inet_pton\(AF_INET6, |sin_addr=inet_addr\()"([^"]+)"'
)
TRACE_S = 10.0


@functools.cache
def sanitized() -> bool:
    return b"__asan_init" in harness.BINARY.read_bytes()


class TracedProxy(Proxy):
    # Hosts that data may go to besides the ends of the control connections: a test that lets it
    # (--data-address keep) says so.
    more_hosts: frozenset[str] = frozenset()

    def _command(self) -> list[str]:
        own = super()._command()
        return own if sanitized() else [*TRACE, str(self.work / "trace"), *own]

    def _stop_and_check(self) -> None:
        super()._stop_and_check()
        if not sanitized():
            self._check_addresses()

    def _check_addresses(self) -> None:
        lines = finished_trace(self).splitlines()
        calls = [found.groups() for found in map(CALL.match, lines) if found]
        self.connections = [
            (plain(ip), int(port)) for kind, _, port, ip in calls if kind == "connect"
        ]
        binds = [(plain(ip), int(port)) for kind, _, port, ip in calls if kind == "bind"]
        self._check_connections()
        self._check_binds(binds)

    def _check_connections(self) -> None:
        """To the server, and the resolver of names; to what a channel of the log has as its target, and that is an end of a
        control connection and no service. All that the log has was also done."""
        targets = {r["target"] for r in self.records("channel", event="exposed")}
        hosts = {host_of(r["client"]) for r in self.records("session")}
        hosts |= {host_of(r["server"]) for r in self.records("connected")} | self.more_hosts
        for ip, port in self.connections:
            if (ip, port) == (plain(self.server[0]), self.server[1]) or (ip, port) in resolvers():
                continue
            assert authority(ip, port) in targets, f"it connected to {ip}:{port}, and nobody asked"
            assert ip in hosts and port >= 1024, f"it connected to {ip}:{port}"
        made = {authority(*one) for one in self.connections}
        opened = {r["id"]: r for r in self.records("channel", event="opened")}
        for record in opened.values():
            legs = {record["client"]["to"], record["server"]["to"]}
            assert legs & made, f"the log has a data connection that was not made: {record}"

    def _check_binds(self, binds: list[tuple[str, int]]) -> None:
        """Where clients connect; for data, at the address of a control connection, on a port of --data-ports or
        else one of the kernel's own range; any port (0) of such an address to connect from."""
        ends = {host_of(r["proxy"]) for r in self.records("session")}
        ends |= {host_of(r["from"]) for r in self.records("connected")}
        listen = [one for one in binds if one[0] not in ends]
        assert set(listen) <= {(self.host, 0), (self.host, self.port)} | {("::", self.port)}, binds
        ranges = re.findall(r"--data-ports (\d+)-(\d+)", " ".join(self.args))
        ranges = ranges or [Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()]
        for ip, port in binds:
            inside = any(int(low) <= port <= int(high) for low, high in ranges)
            assert port in (0, self.port) or inside, f"it bound {ip}:{port}"


def finished_trace(proxy: Proxy) -> str:
    """What strace wrote into the file `trace` of its folder, of a proxy that has ended."""
    trace = proxy.work / "trace"
    ended = lambda: re.search(rf"^{proxy.pid} +\+\+\+ exited", trace.read_text(), re.MULTILINE)
    assert wait_until(ended, TRACE_S), "strace has not seen the end"
    return trace.read_text()


def resolvers() -> set[tuple[str, int]]:
    found = re.findall(r"^nameserver\s+([0-9a-f.:]+)", Path("/etc/resolv.conf").read_text(), re.M)
    return {(plain(ip), 53) for ip in found}


def plain(ip: str) -> str:
    """An IPv4-mapped address as the IPv4 address that it is."""
    address = ipaddress.ip_address(ip)
    return str(getattr(address, "ipv4_mapped", None) or address)


def host_of(endpoint: str) -> str:
    return plain(endpoint.rpartition(":")[0].strip("[]"))
