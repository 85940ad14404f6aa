"""Network namespaces of this process, joined by veth pairs. They have no names outside and are gone
with the process.

    client, server = Namespace("client"), Namespace("server")
    link(client, "192.0.2.1/24", server, "192.0.2.2/24")
    with client:                       # sockets and processes made here are the client's
        socket.create_connection(("192.0.2.2", 21))
"""
from __future__ import annotations

import ctypes
import itertools
import os
import subprocess

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def system_call(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def current() -> int:
    """A descriptor of the calling thread's namespace."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    def __init__(self, name: str):
        self.name = name
        self._before: list[int] = []
        outside = current()
        system_call(LIBC.unshare(CLONE_NEWNET))
        self.fd = current()
        run("ip", "link", "set", "lo", "up")
        # Frames of the size that a wire has, not the kernel's 64 KiB ones.
        run("ip", "link", "set", "lo", "mtu", "16436")
        system_call(LIBC.setns(outside, CLONE_NEWNET))
        os.close(outside)

    def __enter__(self) -> "Namespace":
        self._before.append(current())
        system_call(LIBC.setns(self.fd, CLONE_NEWNET))
        return self

    def __exit__(self, *_) -> None:
        before = self._before.pop()
        system_call(LIBC.setns(before, CLONE_NEWNET))
        os.close(before)

    def run(self, *argv: str, text: str | None = None) -> None:
        with self:
            run(*argv, text=text)

    def nft(self, rules: str) -> None:
        self.run("nft", "-f", "-", text=rules.replace("}", "\n}\n"))  # nft wants lines

    def sysctl(self, name: str, value: str) -> None:
        with self, open(f"/proc/sys/net/{name}", "w", encoding="ascii") as setting:
            setting.write(value)

    def close(self) -> None:
        os.close(self.fd)


def run(*argv: str, text: str | None = None) -> None:
    subprocess.run(argv, input=text, text=True, check=True)


NUMBERS = itertools.count(1)


def link(one: Namespace, one_hosts: list[str], other: Namespace, other_hosts: list[str]) -> str:
    """Joins two namespaces by a cable; hosts as "192.0.2.1/24". Its name, the same at both ends."""
    number = next(NUMBERS)
    name = f"cable{number}"
    here, there = (f"/proc/{os.getpid()}/fd/{space.fd}" for space in (one, other))
    run("ip", "link", "add", name, "netns", here, "type", "veth",
        "peer", "name", name, "netns", there)  # fmt: skip
    for end, (space, hosts) in enumerate(((one, one_hosts), (other, other_hosts)), 1):
        # gso_max_segs: what is captured is what a wire would carry.
        space.run("ip", "link", "set", name, "address", f"02:00:00:00:{number:02x}:{end:02x}",
                  "gso_max_segs", "1", "up")  # fmt: skip
        for host in hosts:
            nodad = ["nodad"] if ":" in host else []
            space.run("ip", "addr", "add", host, "dev", name, *nodad)
    return name
