"""FTP through NATs and firewalls in a laboratory of network namespaces: every world of nat_worlds.py
with real clients, a real server, and ftpscope where the world has it.

Generated below: a class a world and address family. Its first test is the control: the same world
without ftpscope, where exactly the modes named in CONTROL fail. A world in which nothing fails by
itself would prove nothing.
"""
from __future__ import annotations

import contextlib
import ftplib
import re
import socket
import tempfile
import unittest
import warnings
from pathlib import Path

import nat_worlds
from clients import CLIENTS, connect
from machines import Host, Lab
from nat_worlds import IPV4, IPV6, World, world
from proxy import Proxy, authority
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
    ("port-map", "proftpd"): PASSIVE,
}
# The kernel's helper is for IPv4's sake in that world; the others are the same in both families.
FAMILIES = {"kernel-helper": (IPV4,)}

# Client and server in different families -> the forms that the server does not know, by the client's.
OTHER_FAMILY = {
    "vsftpd": {},
    "pyftpdlib": {IPV6: ("EPSV", "EPRT"), IPV4: ("PASV", "PORT")},
}


class InWorld(unittest.TestCase):
    """What all of them test; the classes below say where."""

    name: str
    server: str
    family: nat_worlds.Family
    lacks: tuple[str, ...] = ()

    @classmethod
    def setUpClass(cls):
        made = world(cls.name, cls.family, cls.server, gates=True, lacks=cls.lacks)
        cls.world = cls.enterClassContext(made)

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


class InOtherFamily(InWorld):
    """Without ftpscope there is no way at all."""

    def test_without_ftpscope(self):
        with world(self.name, self.family, self.server, gates=False) as control:
            for address in (control.server_address, control.reached_at):
                with control.client.entered(), self.assertRaises(OSError):
                    socket.create_connection((address, 21), 5).close()


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
            add_class(InWorld, name=name, family=family, server=server)
    for server, lacks in OTHER_FAMILY.items():
        for family in (IPV4, IPV6):
            attributes = {"family": family, "server": server, "lacks": lacks.get(family, ())}
            add_class(InOtherFamily, name="other-family", **attributes)


def add_class(base: type, **attributes) -> None:
    name, family, server = (attributes[key] for key in ("name", "family", "server"))
    title = "".join(part.title() for part in f"{name}-{family.name}-{server}".split("-"))
    kind = type(title, (base,), attributes)
    for client in LAB_CLIENTS:
        for mode in MODES:
            if is_run(server, client, mode, family.name):
                add_case(kind, client, mode)
    globals()[title] = kind


def add_case(kind: type, client: str, mode: str) -> None:
    setattr(kind, f"test_{client}_{mode}", lambda test: test.run_workload(client, mode))


class TproxySeen(unittest.TestCase):
    """What client and server see of each other, told by their own kernels and the server's log."""

    def test_only_each_other_IPv4(self):
        self.check(IPV4, ("PASV", "EPSV", "PORT", "EPRT"))

    def test_only_each_other_IPv6(self):
        self.check(IPV6, ("EPSV", "EPRT"))

    def check(self, family: nat_worlds.Family, modes: tuple[str, ...]):
        with world("tproxy", family, "pyftpdlib", gates=True) as made:
            client_address = f"{family.outside}2"
            count_strangers(made.client, family, made.server_address)
            count_strangers(made.server, family, client_address)
            for mode in modes:
                self.assertTrue(lists(made, mode), mode)
            for host in (made.client, made.server):
                self.assertEqual(host.counter("seen", "strangers"), 0, host.name)
                self.assertGreater(host.counter("seen", "expected"), 20, host.name)
            log = made.ftp.log.read_text()
            sessions = re.findall(r"(\S+?):\d+-\[\] FTP session opened", log)
            # The first is the harness's own question whether the server is there.
            self.assertEqual(sessions[1:], [client_address] * len(modes), log)


def count_strangers(host: Host, family: nat_worlds.Family, expected: str) -> None:
    """Counts the packets of TCP that come from this address, and those that do not."""
    host.nft(
        f"""table inet seen {{
  counter expected {{ }}
  counter strangers {{ }}
  chain input {{
    type filter hook input priority filter
    meta l4proto tcp {family.nft} saddr {expected} counter name expected accept
    meta l4proto tcp counter name strangers
  }}
}}"""
    )


class Loops(unittest.TestCase):
    """ftpscope does not connect to itself, whatever the rules say."""

    def refusal(self, made: World, address: str, port: int) -> str:
        with made.client.entered():
            return refused_by(address, port)

    def test_nobody_redirected_the_connection(self):
        for name in ("redirect", "tproxy"):
            for family in (IPV4, IPV6):
                with self.subTest(name, family=family.name), world(
                    name, family, "pyftpdlib", gates=True
                ) as made:
                    said = self.refusal(made, f"{family.outside}1", nat_worlds.LISTEN)
                    self.assertIn("421 This is a proxy for connections that are redirected", said)
                    self.assertEqual(len(made.proxies[0].records("session")), 1)

    def test_the_router_redirects_what_it_sends_itself(self):
        with world("redirect", IPV4, "pyftpdlib", gates=True) as made:
            made.gates[0].router.nft(
                f"""table ip loop {{
  chain output {{
    type nat hook output priority -100
    tcp dport 21 redirect to :{nat_worlds.LISTEN}
  }}
}}"""
            )
            said = self.refusal(made, made.server_address, 21)
            self.assertIn("421 The proxy has connected to itself", said)
            self.assertEqual(len(made.proxies[0].records("session")), 2)

    def test_its_server_is_itself(self):
        with Lab() as lab, lab.host("machine").entered():
            here = ("127.0.0.1", 2121)
            with Proxy(here, [], authority(*here)) as proxy:
                self.assertIn("421 The proxy has connected to itself", refused_by(*here))
                self.assertEqual(len(proxy.records("session")), 2)


def refused_by(address: str, port: int) -> str:
    """The greeting, which must be a 4yz."""
    with contextlib.closing(ftplib.FTP()) as ftp:
        try:
            welcome = ftp.connect(address, port, timeout=10)
        except ftplib.error_temp as refused:
            return str(refused)
    raise AssertionError(f"not refused but {welcome!r}")


class Rules(unittest.TestCase):
    def test_they_load_twice_and_go_as_their_comment_says(self):
        options = ["--mode", "transparent@:2121", "--mode", "transparent:tproxy@:2122"]
        options += ["--mode", "reverse:10.0.0.5@10.0.0.4:2123", "--data-ports", "40000-40999"]
        rules = nat_worlds.printed_rules(*options)
        back = "\n".join(line[4:] for line in rules.splitlines() if line.startswith("#   "))
        undo = back.partition("ip -4 rule add")[0]
        with Lab() as lab:
            router = lab.host("router")
            before = router.run("nft", "list", "ruleset"), router.run("ip", "-4", "rule")
            router.nft(rules)
            once = router.run("nft", "list", "ruleset")
            router.nft(rules)
            self.assertEqual(router.run("nft", "list", "ruleset"), once)
            router.run("sh", "-e", script=nat_worlds.printed_rules(*options, "--routes"))
            self.assertIn("lookup 2121", router.run("ip", "-6", "rule"))
            router.run("sh", "-e", script=undo)
            after = router.run("nft", "list", "ruleset"), router.run("ip", "-4", "rule")
            self.assertEqual(after, before)
            self.assertNotIn("lookup 2121", router.run("ip", "-6", "rule"))


generate()
del InWorld, InOtherFamily  # they have no world of their own
