"""Sessions whose transfers last: --tcp-keepalive and --keepalive-noop (proxy/README.md)."""
from __future__ import annotations

import contextlib
import ftplib
import re
import subprocess
import time
import unittest

import clients
import servers
from hostile import Channel, Transfer, scene
from proxy import Proxy
from servers import wait_until
from workload import content_sha, sha

BIG = 64 << 20  # more than all buffers on the way take
NOOPS = 3
WAIT_S = 30.0
DATA_TIMER_S = 1.5


class TcpKeepalive(unittest.TestCase):
    """The kernel tells which timer runs for each connection of the process."""

    def timers(self, pid: int) -> list[str]:
        """Of its connections: what ss writes behind "timer:"."""
        told = subprocess.run(
            ["ss", "-tnopH", "state", "established"], stdout=subprocess.PIPE, text=True, check=True
        )
        mine = [line for line in told.stdout.splitlines() if f"pid={pid}," in line]
        return [(re.findall(r"timer:\((\w+),(\w+)", line) or [("none", "")])[0] for line in mine]

    def timers_in_a_transfer(self, expected: str, *args: str) -> list[tuple[str, str]]:
        with scene(*args) as s:
            session = s.session()
            transfer = Transfer(session, "PASV", "download", Channel(session, "PASV"))
            transfer.begin()
            transfer.open()
            s.proxy.wait_for("channel", event="opened")
            # Data has its timer after a second. "on": what was sent last is not acknowledged yet.
            set_by = time.monotonic() + DATA_TIMER_S
            kinds = lambda: [kind for kind, _ in self.timers(s.proxy.pid)]
            settled = lambda: time.monotonic() > set_by and kinds() == [expected] * 4
            self.assertTrue(wait_until(settled, WAIT_S), kinds())
            timers = self.timers(s.proxy.pid)
            transfer.close()
        return timers

    def test_all_four_connections(self):
        timers = self.timers_in_a_transfer("keepalive", "--tcp-keepalive", "7000")
        for _, left in timers:  # "116min"
            self.assertTrue(left.startswith("11"), timers)

    def test_by_default(self):
        self.timers_in_a_transfer("keepalive")

    def test_switched_off(self):
        self.timers_in_a_transfer("none", "--tcp-keepalive", "0")


class KeepaliveNoop(unittest.TestCase):
    """A client that stops reading in the middle of a download, so that it lasts until it goes on."""

    def run_with(self, name: str, *args: str) -> Proxy:
        with servers.start(name) as server:
            folder = server.new_folder()
            with open(folder.path / "big.bin", "wb") as big:
                big.truncate(BIG)
            (folder.path / "small.bin").write_bytes(b"small")
            servers.give_to_user(folder.path / "big.bin")
            servers.give_to_user(folder.path / "small.bin")
            address = (server.host, server.port)
            with Proxy(address, args=["--keepalive-noop", "0.2", *args]) as proxy:
                target = clients.Target(proxy.host, proxy.port, server.user, server.password)
                with clients.connect(target, "PASV") as ftp:
                    ftp.cwd(folder.remote)
                    self.slow_download(proxy, ftp, content_sha(folder.path / "big.bin"))
                    # In step: each of these gets its own reply.
                    self.assertEqual(ftp.pwd(), folder.remote)
                    self.assertTrue(ftp.sendcmd("TYPE A").startswith("200"))
                    self.assertEqual(set(ftp.nlst()) - {".", ".."}, {"big.bin", "small.bin"})
                    self.assertEqual(self.download(ftp, "small.bin"), b"small")
                    self.assertTrue(ftp.quit().startswith("221"))
        return proxy

    def slow_download(self, proxy: Proxy, ftp: ftplib.FTP, expected: str) -> None:
        ftp.voidcmd("TYPE I")
        with contextlib.closing(ftp.transfercmd("RETR big.bin")) as data:
            own = lambda: proxy.records("command", by="proxy")
            self.assertTrue(wait_until(lambda: len(own()) >= NOOPS, WAIT_S), "no NOOPs were sent")
            content = bytearray()
            while piece := data.recv(1 << 20):
                content += piece
        self.assertTrue(ftp.voidresp().startswith("226"))
        self.assertEqual(sha(bytes(content)), expected)

    def download(self, ftp: ftplib.FTP, name: str) -> bytes:
        content = bytearray()
        ftp.retrbinary(f"RETR {name}", content.extend)
        return bytes(content)

    def check(self, name: str) -> None:
        proxy = self.run_with(name)
        noops = proxy.records("command", by="proxy")
        self.assertEqual({r["verb"] for r in noops}, {"NOOP"})
        answers = [r for r in proxy.records("reply") if r.get("for") == "proxy"]
        given_up = proxy.records("finding", finding="FTP-KEEPALIVE-UNANSWERED")
        self.assertEqual(len(answers) == len(noops), not given_up, (noops, answers, given_up))
        self.assertLessEqual({r["to"] for r in answers}, {r["id"] for r in noops})
        names = {r["finding"] for r in proxy.records("finding")}
        self.assertFalse(names & {"FTP-REPLY-SECOND-FINAL", "FTP-REPLY-UNSOLICITED"}, names)

    def test_pyftpdlib(self):
        self.check("pyftpdlib")

    def test_vsftpd(self):
        self.check("vsftpd")

    def test_proftpd(self):
        self.check("proftpd")

    def test_pureftpd(self):
        self.check("pureftpd")

    def test_inetutils(self):
        self.check("inetutils")

    def test_not_unless_asked_for(self):
        with scene() as s:
            session = s.session()
            transfer = Transfer(session, "PASV", "download", Channel(session, "PASV"))
            transfer.begin()
            transfer.open()
            transfer.reply(b"150 Here.\r\n")
            self.assertFalse(session.server.until_heard(0.5))
            transfer.close()

    def test_a_server_that_throws_them_away(self):
        """The client's next command waits once, and is then in step."""
        with scene("--keepalive-noop", "0.2") as s:
            session = s.session()
            transfer = Transfer(session, "PASV", "download", Channel(session, "PASV"))
            transfer.begin()
            transfer.open()
            transfer.reply(b"150 Here.\r\n")
            session.server.expect(b"NOOP\r\n")
            transfer.server.close()
            transfer.client.rest()
            session.server.send(b"226 Done.\r\n")
            session.client.expect(b"226 Done.\r\n")
            session.client.send(b"TYPE I\r\n")
            self.assertTrue(session.server.expect_until(b"TYPE I\r\n"))
            session.wait_for("finding", finding="FTP-KEEPALIVE-UNANSWERED")
            session.server.send(b"200 Type set.\r\n")
            session.client.expect(b"200 Type set.\r\n")
            session.assert_in_step()
            transfer.close()
