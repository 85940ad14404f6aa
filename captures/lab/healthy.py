"""Five servers x four clients, all well. The mode and the address family take turns over the matrix."""
from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import servers
from clients import CLIENTS, Target
from workload import complaints, prepare

from .network import Namespace, link
from .scenario import Scenario, add
from .sniffer import sniff

SIZE = 3000
HOSTS = {"IPv4": ("192.0.2.1", "192.0.2.2"), "IPv6": ("2001:db8::1", "2001:db8::2")}
# server: (mode, family) of curl, lftp, tnftp, ftplib. 227 and PORT cannot name an IPv6 address, and
# lftp names "::" in its EPRT.
MATRIX = {
    "vsftpd": [("EPSV", "IPv4"), ("PASV", "IPv4"), ("EPRT", "IPv6"), ("PORT", "IPv4")],
    "proftpd": [("EPRT", "IPv4"), ("EPSV", "IPv6"), ("PASV", "IPv4"), ("EPRT", "IPv6")],
    "pureftpd": [("PORT", "IPv4"), ("PASV", "IPv4"), ("EPSV", "IPv6"), ("EPSV", "IPv4")],
    "inetutils": [("EPSV", "IPv6"), ("PORT", "IPv4"), ("PORT", "IPv4"), ("PASV", "IPv4")],
    "pyftpdlib": [("PASV", "IPv4"), ("EPSV", "IPv4"), ("EPRT", "IPv4"), ("EPSV", "IPv6")],
}


def pair() -> tuple[Namespace, Namespace, str]:
    """(client, server, the name of the cable between them), both families"""
    client, server = Namespace("client"), Namespace("server")
    cable = link(
        client, ["192.0.2.1/24", "2001:db8::1/64"], server, ["192.0.2.2/24", "2001:db8::2/64"]
    )
    return client, server, cable


def record(server_name: str, client_name: str, mode: str, family: str, folder: Path) -> None:
    client_space, server_space, cable = pair()
    with server_space, servers.start(server_name, HOSTS[family][1], 21) as server:
        with tempfile.TemporaryDirectory() as local:
            files = prepare(server.new_folder(), Path(local), SIZE)
            target = Target(server.host, 21, server.user, server.password)
            with sniff(
                client_space, cable, folder / file_name(server_name, client_name)
            ), client_space:
                seen = CLIENTS[client_name](target, mode, files)
            wrong = complaints(files, seen)
            assert not wrong, f"{wrong}\n{seen.output}"


def file_name(server: str, client: str) -> str:
    return f"healthy-{server}-{client}.pcap"


for server_name, cells in MATRIX.items():
    for client_name, (mode, family) in zip(("curl", "lftp", "tnftp", "ftplib"), cells):
        file = file_name(server_name, client_name)
        add(Scenario(
            file.removesuffix(".pcap"),
            f"{server_name} and {client_name}, at the client's end of a cable",
            {file: f"healthy: login, listing, RETR, STOR, resumed RETR, append, rename, mkdir, rmdir, delete; {mode}, {family}"},
            functools.partial(record, server_name, client_name, mode, family),
        ))  # fmt: skip
