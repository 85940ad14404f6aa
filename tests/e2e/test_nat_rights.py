"""Root's rights are given up once the ports are open: what /proc tells of the process, in each mode, and
what it can still do. Run in a laboratory, so that port 21 is free."""
from __future__ import annotations

import ftplib
import os
import pwd
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import servers
from binary import BINARY
from machines import Lab
from proxy import Proxy

CAP_NET_RAW = 1 << 13  # capabilities(7), linux/capability.h


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


class Rights(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab())
        self.host = self.lab.host("machine")
        self.account = pwd.getpwnam(servers.USER)

    def check_dropped(self, proxy: Proxy, kept: int):
        told = status(proxy.pid)
        uid, gid = str(self.account.pw_uid), str(self.account.pw_gid)
        self.assertEqual(told["Uid"].split(), [uid] * 4)
        self.assertEqual(told["Gid"].split(), [gid] * 4)
        groups = {str(gid) for gid in os.getgrouplist(servers.USER, self.account.pw_gid)}
        self.assertEqual(set(told["Groups"].split()), groups)
        self.assertEqual(int(told["CapPrm"], 16), kept)
        self.assertEqual(int(told["CapEff"], 16), kept)
        self.assertEqual([int(told[name], 16) for name in ("CapInh", "CapAmb", "CapBnd")], [0] * 3)
        self.assertEqual(told["NoNewPrivs"], "1")

    def test_reverse_on_port_21_keeps_nothing(self):
        with self.host.entered(), servers.start("pyftpdlib", "127.0.0.1") as ftp:
            server = (ftp.host, ftp.port)
            with Proxy(server, [], "127.0.0.1:21", "nat", servers.USER) as proxy:
                self.check_dropped(proxy, 0)
                with ftplib.FTP("127.0.0.1", ftp.user, ftp.password) as client:
                    self.assertEqual(client.nlst(), [])

    def test_tproxy_keeps_foreign_addresses(self):
        args = ["--mode", "transparent:tproxy"]
        with self.host.entered(), Proxy(None, args, ":21", "nat", servers.USER) as proxy:
            self.check_dropped(proxy, CAP_NET_RAW)

    def test_files_belong_to_the_user(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            folder = Path(folder, "mine")
            folder.mkdir()
            servers.give_to_user(folder)
            args = ["--record", str(folder / "rec")]
            with self.host.entered(), Proxy(("127.0.0.1", 1), args, user=servers.USER):
                self.assertEqual((folder / "rec").stat().st_uid, self.account.pw_uid)

    def refused(self, *args: str, **popen) -> str:
        """The sentence on stderr of a start that must fail with code 2."""
        with tempfile.TemporaryDirectory() as folder, self.host.entered():
            os.chmod(folder, 0o755)  # which the clone may not be for others
            argv = [shutil.copy(BINARY, folder), "nat", *args]
            done = subprocess.run(argv, text=True, capture_output=True, timeout=20, **popen)
        self.assertEqual(done.returncode, 2, done)
        return done.stderr

    def test_who_cannot_be_become(self):
        reverse = ("--mode", "reverse:127.0.0.1", "--listen", "127.0.0.1:0")
        self.assertIn("no such user", self.refused(*reverse, "--user", "nobody-of-this-name"))
        self.assertIn("that is root", self.refused(*reverse, "--user", "root"))
        said = self.refused(*reverse, "--user", "daemon", user=servers.USER)
        self.assertIn("only root can become another user", said)

    def test_without_root_the_modes_that_need_it_say_so(self):
        listen = ("--listen", "127.0.0.1:0")
        tproxy = ("--mode", "transparent:tproxy", *listen)
        self.assertIn("needs root, or CAP_NET_RAW", self.refused(*tproxy, user=servers.USER))
        low = ("--mode", "reverse:127.0.0.1", "--listen", "127.0.0.1:21")
        self.assertIn("below 1024 need root", self.refused(*low, user=servers.USER))

    def test_root_without_user_is_a_note(self):
        with self.host.entered(), Proxy(("127.0.0.1", 1)) as proxy:
            note = "note: this runs as root; --user NAME"
            self.assertTrue(servers.wait_until(lambda: note in proxy.evidence(), 5.0))
