"""A network of its own for this process, and HAProxy in it with the configuration that
proxy/README.md has, word for word: its addresses are all on this network's loopback.
"""
from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shlex
import socket
import subprocess
import tempfile
from pathlib import Path

from binary import ROOT
from servers import wait_until

CLONE_NEWNET = 0x40000000  # clone(2)
HAPROXY = "/usr/sbin/haproxy"
# As the documented set-up has them. CLIENT is where connections to PUBLIC come from.
PUBLIC, BALANCER, INSTANCES, SERVER = (
    "192.0.2.1",
    "10.0.0.5",
    ("10.0.0.11", "10.0.0.12"),
    "10.0.0.21",
)
CLIENT = "198.51.100.50"
START_S, STOP_S = 10.0, 5.0


def enter_network() -> None:
    """This process, and what it starts from now on, has a loopback of its own. It goes when the last
    of them does: e2e/run gives each test class a process."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare: a network namespace of its own needs root")
    ip("link", "set", "lo", "up")
    for address in (PUBLIC, BALANCER, *INSTANCES, SERVER, CLIENT):
        ip("address", "add", f"{address}/32", "dev", "lo")
    # Who connects there does so from here, as if they were different hosts.
    connects_from(PUBLIC, CLIENT)
    for instance in INSTANCES:
        connects_from(instance, BALANCER)


def connects_from(destination: str, source: str) -> None:
    ip("route", "replace", "local", destination, "dev", "lo", "table", "local", "src", source)


def ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True)


def documented() -> tuple[str, list[dict]]:
    """(HAProxy's configuration, {"listen", "server", "args"} of each instance)"""
    text = (ROOT / "proxy/README.md").read_text()
    section = text[text.index("\n## Behind a load balancer\n") :]
    blocks = re.search(r"```haproxy\n(.*?)```\n```\n(.*?)```", section, re.S)
    return blocks[1], [instance_of(shlex.split(line)) for line in blocks[2].splitlines()]


def instance_of(words: list[str]) -> dict:
    assert words[:3] == ["ftpscope", "nat", "--listen"] and words[4] == "--server", words
    return {"listen": words[3], "server": words[5], "args": words[6:]}


@contextlib.contextmanager
def haproxy(config: str):
    """Listens when the block begins."""
    with tempfile.TemporaryDirectory(prefix="ftpscope-haproxy-") as folder:
        path = Path(folder, "haproxy.cfg")
        path.write_text(config)
        with open(Path(folder, "output"), "wb+") as output:
            process = subprocess.Popen(
                [HAPROXY, "-db", "-f", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "NOTIFY_SOCKET": ""},
            )
            try:
                places = re.findall(r"^ *bind ([0-9.]+):([0-9]+)", config, re.M)
                up = wait_until(lambda: all(listens(h, int(p)) for h, p in places), START_S, 0.05)
                output.seek(0)
                assert up and process.poll() is None, output.read().decode()
                yield
            finally:
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def listens(host: str, port: int) -> bool:
    """Asked of the kernel: a connection would be somebody's session."""
    wanted = f"{host}:{port}"
    listening = subprocess.run(["ss", "-ltnH"], stdout=subprocess.PIPE, text=True, check=True)
    return any(line.split()[3] == wanted for line in listening.stdout.splitlines())


def v1_header(client: tuple[str, int], reached: tuple[str, int]) -> bytes:
    family = "TCP6" if ":" in client[0] else "TCP4"
    return f"PROXY {family} {client[0]} {reached[0]} {client[1]} {reached[1]}\r\n".encode()


SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"


def v2_header(client: tuple[str, int], reached: tuple[str, int], tlvs: bytes = b"") -> bytes:
    v6 = ":" in client[0]
    family = socket.AF_INET6 if v6 else socket.AF_INET
    hosts = [socket.inet_pton(family, end[0]) for end in (client, reached)]
    ports = [end[1].to_bytes(2, "big") for end in (client, reached)]
    body = b"".join(hosts + ports) + tlvs
    return SIGNATURE + bytes([0x21, 0x21 if v6 else 0x11]) + len(body).to_bytes(2, "big") + body
