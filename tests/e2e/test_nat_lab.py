"""FTP through NATs and firewalls in a laboratory of network namespaces: every world of nat_worlds.py
with real clients, a real server, and ftpscope where the world has it.

Generated below: a class a world and address family. Its first test is the control: the same world
without ftpscope, where exactly the modes named in CONTROL fail. A world in which nothing fails by
itself would prove nothing.
"""
from __future__ import annotations

import ftplib
import tempfile
import unittest
import warnings
from pathlib import Path

import nat_worlds
from clients import CLIENTS, connect
from nat_worlds import IPV4, IPV6, World, world
from test_matrix import is_run
from workload import complaints, prepare

SIZE = 256 << 10
ACTIVE, PASSIVE = {"PORT", "EPRT"}, {"PASV", "EPSV"}
MODES = ("PASV", "EPSV", "PORT", "EPRT")
LAB_CLIENTS = ("curl", "lftp", "ftplib")

# World and server -> the modes that fail without ftpscope.
CONTROL = {
    ("redirect", "vsftpd"): ACTIVE | PASSIVE,
    ("tproxy", "vsftpd"): ACTIVE | PASSIVE,
    ("tproxy", "pyftpdlib"): ACTIVE | PASSIVE,
    ("source-nat", "vsftpd"): ACTIVE,
    ("source-nat", "proftpd"): ACTIVE,
    ("port-forward", "vsftpd"): PASSIVE,
    ("both-nats", "proftpd"): ACTIVE | PASSIVE,
    ("two-nats", "pyftpdlib"): ACTIVE,
    ("kernel-helper", "vsftpd"): set(),
}
# The kernel's helper is for IPv4's sake in that world; the others are the same in both families.
FAMILIES = {"kernel-helper": (IPV4,)}


class InWorld(unittest.TestCase):
    """What all of them test; the classes below say where."""

    name: str
    server: str
    family: nat_worlds.Family

    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(world(cls.name, cls.family, cls.server, gates=True))

    def modes(self, client: str = "ftplib") -> list[str]:
        return [m for m in MODES if is_run(self.server, client, m, self.family.name)]

    def test_without_ftpscope(self):
        with world(self.name, self.family, self.server, gates=False) as control:
            fails = {mode for mode in self.modes() if not lists(control, mode)}
        expected = CONTROL[self.name, self.server] & set(self.modes())
        self.assertEqual(fails, expected, "what fails without ftpscope")

    def run_workload(self, client: str, mode: str):
        with tempfile.TemporaryDirectory() as local:
            files = prepare(self.world.ftp.new_folder(), Path(local), SIZE)
            with self.world.client.entered():
                seen = CLIENTS[client](self.world.target, mode, files)
            wrong = complaints(files, seen)
        self.assertFalse(wrong, f"{wrong}\n--- the client's transcript ---\n{seen.output}")


def lists(control: World, mode: str) -> bool:
    """Whether a client gets a listing that way."""
    with control.client.entered(), connect(control.target, mode) as ftp:
        # ftplib leaves a listening socket open when its server refuses.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                ftp.retrlines("NLST", lambda name: None)
            except (OSError, ftplib.Error):
                return False
    return True


def generate() -> None:
    for name, server in CONTROL:
        for family in FAMILIES.get(name, (IPV4, IPV6)):
            title = "".join(part.title() for part in f"{name}-{family.name}-{server}".split("-"))
            kind = type(title, (InWorld,), {"name": name, "family": family, "server": server})
            for client in LAB_CLIENTS:
                for mode in MODES:
                    if is_run(server, client, mode, family.name):
                        add_case(kind, client, mode)
            globals()[title] = kind


def add_case(kind: type, client: str, mode: str) -> None:
    setattr(kind, f"test_{client}_{mode}", lambda test: test.run_workload(client, mode))


generate()
del InWorld  # it has no world of its own
