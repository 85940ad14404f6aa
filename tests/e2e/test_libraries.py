"""The libraries that only some commands need (proxy/io/late_*.cpp): a start loads none of them, and
one that is missing is told in a sentence, before a session could need it."""
from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import servers
from binary import BINARY, ROOT
from capture import FOLDER
from clients import connect
from proxy import Proxy
from test_record import target

DECLARED = re.compile(r'LateLibrary k\w+\{"([^"]+)", "([^"]+)"\}')
LATE = dict(
    found
    for source in (ROOT / "proxy" / "io").glob("late_*.cpp")
    for found in DECLARED.findall(source.read_text())
)  # file: package
HEALTHY = FOLDER / "healthy-vsftpd-curl.pcap"
TLS = FOLDER / "tls12-vsftpd-curl.pcap"
TIMEOUT_S = 30.0


class Broken(unittest.TestCase):
    """All of them are hidden behind files that are no libraries."""

    def setUp(self):
        self.work = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="ftpscope-lib-")))
        self.libraries = self.work / "libraries"
        self.libraries.mkdir()
        for file in LATE:
            (self.libraries / file).touch()

    def run_it(self, *args, prefix: tuple[str, ...] = ()):
        return subprocess.run(
            [*prefix, BINARY, *args],
            env={**os.environ, "LD_LIBRARY_PATH": str(self.libraries)},
            cwd=self.work,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    def check_told(self, file: str, done) -> None:
        broken = re.escape(f"{self.libraries}/{file}")
        sentence = rf"ftpscope: {re.escape(file)} cannot be loaded \({broken}: .+\): install {re.escape(LATE[file])}"
        self.assertRegex(done.stderr, rf"\A{sentence}\n\Z")
        self.assertEqual(done.returncode, 2)

    def test_a_session_and_its_analysis_need_none(self):
        hidden = ["env", f"LD_LIBRARY_PATH={self.libraries}"]
        with servers.start("pyftpdlib") as server:
            with Proxy((server.host, server.port), prefix=hidden) as proxy:
                with connect(target(proxy, server), "PASV") as ftp:
                    ftp.retrlines("LIST", lambda line: None)
                loaded = Path(f"/proc/{proxy.pid}/maps").read_text()
        self.assertFalse([file for file in LATE if file in loaded])
        for args in (["--version"], ["analyze", HEALTHY]):
            done = self.run_it(*args)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_libpcap(self):
        self.check_told("libpcap.so.0.8", self.run_it("analyze", HEALTHY, "--filter", "port 21"))

    def test_libcrypto(self):
        self.check_told("libcrypto.so.3", self.run_it("analyze", TLS))

    def test_libmagic(self):
        args = ["analyze", HEALTHY, "--extract", "payloads"]
        self.check_told("libmagic.so.1", self.run_it(*args))

    def test_libcrypto_before_the_first_session(self):
        proxy = ["proxy", "--listen", "127.0.0.1:0", "--server", "127.0.0.1", "--record", "rec"]
        replay = ["replay", "server", ROOT / "captures" / "demo", "--listen", "127.0.0.1:0"]
        for args in (proxy, [*replay, "--unchecked"]):
            with self.subTest(args):
                done = self.run_it(*args)
                self.check_told("libcrypto.so.3", done)
                self.assertEqual(done.stdout, "")

    def test_libnftables_before_the_first_session(self):
        args = ["nat", "--listen", ":0", "--server", "192.0.2.1", "--data-path", "kernel"]
        done = self.run_it(*args, prefix=("unshare", "-n"))
        self.check_told("libnftables.so.1", done)
        self.assertEqual(done.stdout, "")


class Packages(unittest.TestCase):
    def test_each_is_in_the_package_that_is_named(self):
        for file, package in LATE.items():
            with self.subTest(file):
                told = subprocess.run(
                    ["dpkg-query", "--search", f"*/{file}"], capture_output=True, text=True
                ).stdout
                self.assertRegex(told, rf"(?m)^{re.escape(package)}(:\w+)?: ")


if __name__ == "__main__":
    unittest.main()
