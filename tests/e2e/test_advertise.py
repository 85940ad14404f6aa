"""Which address is told: rules of --advertise, and what they name when it changes while we run."""
from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import proxy as harness
from hostile import Channel, Scene, scene
from servers import wait_until
from wire import address_in, comma

CHANGE_S = 10.0  # a second, and a busy machine
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000


def own_namespaces() -> None:
    """This process and its children get mounts and a network of their own, that go with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare: the tests need root")
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")


def run(*argv: str) -> None:
    subprocess.run(argv, check=True)


def told(s: Scene, source: str | None = None) -> str:
    """The address that a client gets in a 227."""
    session = s.session(source)
    session.client.send(b"PASV\r\n")
    session.server.expect(b"PASV\r\n")
    session.server.send(b"227 OK (" + comma("127.0.0.1", 5000) + b")\r\n")
    host = address_in(session.client.line())[0]
    why = session.wait_for("rewrite")["why"]
    session.client.close()
    session.server.close()
    return f"{host} {why.rpartition(', ')[2]}"


class Rules(unittest.TestCase):
    def test_clients_are_told_by_their_network(self):
        with scene("--advertise", "127.0.0.8/30=peer", "--advertise", "public:192.0.2.1") as s:
            self.assertEqual(told(s, "127.0.0.9"), "127.0.0.1 --advertise 127.0.0.8/30=peer")
            self.assertEqual(told(s, "127.0.0.5"), "192.0.2.1 --advertise public:192.0.2.1")

    def test_the_values_of_old(self):
        for value, host in (
            ("auto", "127.0.0.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("localhost", "127.0.0.1"),
        ):
            with scene("--advertise", value) as s:
                self.assertEqual(told(s), f"{host} --advertise {value}")

    def test_the_server_is_told_by_rules_too(self):
        with scene("--advertise-server", "map:127.0.0.1=192.0.2.9") as s:
            channel = Channel(s.session(), "PORT")
            channel.listener.close()
            self.assertEqual(channel.address[0], "192.0.2.9")

    def test_what_is_wrong_is_said_at_the_start(self):
        for rule, words in (
            ("10.0.0.0/8=", "lacks a rule behind the network"),
            ("map:10.0.0.1", "needs two addresses, as in map:10.0.0.5=192.0.2.5"),
            ("public:@/nowhere/ip", "the file cannot be read: No such file or directory"),
            ("public:interface:none0", "there is no interface of this name"),
            ("public:no-such-name.invalid", "it cannot be resolved"),
        ):
            argv = [harness.BINARY, "proxy", "--listen=:0", "--server=127.0.0.1", "--advertise"]
            done = subprocess.run([*argv, rule], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, rule)
            self.assertIn(words, done.stderr)
            self.assertIn("--advertise", done.stderr)


class Changes(unittest.TestCase):
    """Addresses that change while the proxy runs, in a network of the test's own."""

    @classmethod
    def setUpClass(cls):
        own_namespaces()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ftpscope-advertise-")
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "address"

    def write(self, text: str) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text)
        os.rename(fresh, self.file)

    def wait_until_told(self, s: Scene, host: str) -> None:
        self.assertTrue(wait_until(lambda: told(s).startswith(host + " "), CHANGE_S), told(s))

    def said(self, s: Scene, words: str) -> int:
        return (s.proxy.work / "stderr").read_text().count(words)

    def test_a_file(self):
        self.write("192.0.2.1 # outside\n2001:db8::1\n")
        with scene("--advertise", f"public:@{self.file}") as s:
            self.assertEqual(told(s).split()[0], "192.0.2.1")
            self.write("192.0.2.2\n")
            self.wait_until_told(s, "192.0.2.2")
            self.file.unlink()
            cannot = "the file cannot be read: No such file or directory; 192.0.2.2 is used until"
            self.assertTrue(wait_until(lambda: self.said(s, cannot), CHANGE_S))
            self.write("192.0.2.3\n")
            self.wait_until_told(s, "192.0.2.3")
            self.assertEqual(self.said(s, "is used until"), 1)
            self.assertEqual(self.said(s, "is 192.0.2.3 now"), 1)

    def test_a_file_that_stays_away_is_told_once(self):
        self.write("192.0.2.1\n")
        other = self.file.with_name("other")
        other.write_text("192.0.2.10\n")
        rules = (f"public:@{self.file}", f"public:@{other}")
        with scene("--advertise", rules[0], "--advertise", rules[1]) as s:
            self.file.unlink()
            self.assertTrue(wait_until(lambda: self.said(s, "is used until"), CHANGE_S))
            for number in range(11, 14):  # both are read in turn: each change is another reading
                other.write_text(f"192.0.2.{number}\n")
                changed = f"is 192.0.2.{number} now"
                self.assertTrue(wait_until(lambda: self.said(s, changed), CHANGE_S))
            self.assertEqual(told(s).split()[0], "192.0.2.1")
            self.assertEqual(self.said(s, f"@{self.file}: the file cannot be read"), 1)

    def test_an_interface(self):
        run("ip", "link", "add", "outside0", "type", "veth", "peer", "name", "inside0")
        self.addCleanup(run, "ip", "link", "del", "outside0")
        run("ip", "link", "set", "outside0", "up")
        run("ip", "address", "add", "192.0.2.1/32", "dev", "outside0")
        with scene("--advertise", "public:interface:outside0") as s:
            self.assertEqual(told(s).split()[0], "192.0.2.1")
            run("ip", "address", "add", "192.0.2.2/32", "dev", "outside0")
            run("ip", "address", "del", "192.0.2.1/32", "dev", "outside0")
            self.wait_until_told(s, "192.0.2.2")

    def use_hosts(self, text: str) -> None:
        self.file.write_text("127.0.0.1 localhost\n" + text)
        run("mount", "--bind", str(self.file), "/etc/hosts")
        self.addCleanup(run, "umount", "/etc/hosts")

    def test_a_name(self):
        self.use_hosts("192.0.2.1 outside.test\n")
        with scene("--advertise", "outside.test", "--resolve-interval", "0.1") as s:
            self.assertEqual(told(s).split()[0], "192.0.2.1")
            self.file.write_text("192.0.2.2 outside.test\n")
            self.wait_until_told(s, "192.0.2.2")

    def test_a_resolver_that_does_not_answer_holds_up_nobody(self):
        resolver = self.file.with_name("resolv.conf")
        resolver.write_text("nameserver 127.0.0.1\n")
        run("mount", "--bind", str(resolver), "/etc/resolv.conf")
        self.addCleanup(run, "umount", "/etc/resolv.conf")
        self.use_hosts("192.0.2.1 outside.test\n")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 53))
            silent.settimeout(CHANGE_S)
            with scene("--advertise", "outside.test", "--resolve-interval", "0.1") as s:
                self.file.write_text("127.0.0.1 localhost\n")
                self.assertIn(b"outside", silent.recv(512))  # asked, and from here on it waits
                self.assertEqual(told(s).split()[0], "192.0.2.1")
                self.assertEqual(self.said(s, "cannot be resolved"), 0)
                silent.close()
                self.assertTrue(wait_until(lambda: self.said(s, "cannot be resolved"), 30))
                self.assertEqual(told(s).split()[0], "192.0.2.1")


if __name__ == "__main__":
    unittest.main()
