"""`ftpscope analyze --extract`: what was saved is what was transferred, under names that are ours."""
from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import servers
from analysis import run
from binary import ROOT
from capture import records
from clients import Target, connect
from packets import Capture
from servers import wait_until
from wire import payload

sys.path.append(str(ROOT / "captures"))
from lab.network import Namespace  # noqa: E402

TIMEOUT_S = 60.0
BIG = 20 << 20
PRIVATE = 0o600


def sha256sum(path: Path) -> str:
    return subprocess.run(["sha256sum", path], capture_output=True, text=True).stdout.split()[0]


def type_of(path: Path) -> str:
    argv = ["file", "--brief", path]
    return subprocess.run(argv, capture_output=True, text=True).stdout.strip()


class Extraction(unittest.TestCase):
    def setUp(self):
        self.work = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.into = self.work / "saved"

    def extract(self, capture: bytes | Path, *options: str, code: int = 0) -> list[dict]:
        """The data records. Each file that one names is what it says, and there are no others."""
        path = capture
        if isinstance(capture, bytes):
            path = self.work / "capture"
            path.write_bytes(capture)
        before = set(self.saved())
        done = run(path, "--json", "--extract", self.into, *options)
        self.said = done.stderr.decode()
        self.assertEqual(done.returncode, code, self.said)
        (self.work / "log").write_bytes(done.stdout)
        rows = [row for row in self.records() if row["kind"] == "data"]
        for row in rows:
            self.check_file(row)
        named = {row["payload"] for row in rows if "payload" in row}
        self.assertEqual(set(self.saved()) - before, named)
        return rows

    def records(self) -> list[dict]:
        return records(self.work / "log")

    def saved(self) -> list[str]:
        return sorted(os.listdir(self.into)) if self.into.is_dir() else []

    def check_file(self, row: dict) -> None:
        if "payload" not in row:
            return
        self.assertRegex(row["payload"], r"\A[0-9TZ.-]+-data-\d+-from-(client|server)\.bin\Z")
        path = self.into / row["payload"]
        self.assertTrue(stat.S_ISREG(path.lstat().st_mode))
        self.assertEqual(stat.S_IMODE(path.lstat().st_mode), PRIVATE)
        self.assertEqual(row["sha256"], sha256sum(path))
        self.assertEqual(row["type"], type_of(path))

    def content(self, row: dict) -> bytes:
        return (self.into / row["payload"]).read_bytes()


class LiveTransfers(Extraction):
    """tcpdump watches real servers and a real client, in a network of their own."""

    @contextlib.contextmanager
    def tcpdump(self, path: Path):
        argv = ["tcpdump", "-i", "lo", "-s", "0", "-B", "131072", "-n", "-U"]  # KiB: room for all
        said = self.work / "tcpdump"
        with open(said, "wb") as err:
            process = subprocess.Popen([*argv, "-w", path, "-Z", "root", "tcp"], stderr=err)
        try:
            self.assertTrue(wait_until(lambda: b"listening on" in said.read_bytes(), TIMEOUT_S))
            yield
            ended = lambda: [  # noqa: E731
                r for r in records(path) if r["kind"] == "end" and r["how"] == "fin"
            ]
            self.assertTrue(wait_until(lambda: len(ended()) >= 2, TIMEOUT_S, 0.2))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(TIMEOUT_S)
        self.assertIn(b"\n0 packets dropped by kernel", said.read_bytes())

    def transfer(self, ftp, folder, mode: str) -> dict[str, bytes]:
        """What went over each data connection, by command."""
        big, text = payload(BIG), b"one\r\ntwo\r\n" * 1000
        (folder.path / "big.bin").write_bytes(big)
        servers.give_to_user(folder.path / "big.bin")
        ftp.cwd(folder.remote)
        went: dict[str, bytes] = {}

        def take(name: str, command: str, rest: int | None = None) -> None:
            got = io.BytesIO()
            ftp.retrbinary(command, got.write, rest=rest)
            went[name] = got.getvalue()

        ftp.storbinary("STOR text.txt", io.BytesIO(text))
        went["upload"] = text
        take("download", "RETR big.bin")
        take("resumed", "RETR big.bin", BIG - 4096)
        lines: list[str] = []
        ftp.retrlines("LIST", lines.append)
        went["listing"] = "".join(f"{line}\r\n" for line in lines).encode()
        self.assertEqual(went["download"], big)
        self.assertEqual(went["resumed"], big[-4096:])
        self.assertIn("big.bin", went["listing"].decode())
        ftp.quit()
        return went

    def play(self, server: str, mode: str) -> None:
        capture = self.work / "live.pcap"
        with Namespace("extract"), servers.start(server) as s, self.tcpdump(capture):
            with connect(Target(s.host, s.port, s.user, s.password), mode) as ftp:
                went = self.transfer(ftp, s.new_folder(), mode)
            # tcpdump has seen all when it has seen this.
            with connect(Target(s.host, s.port, s.user, s.password), mode) as ftp:
                ftp.quit()
        rows = self.extract(capture)
        self.assertEqual([row["verb"] for row in rows], ["STOR", "RETR", "RETR", "LIST"])
        for row, (name, content) in zip(rows, went.items(), strict=True):
            with self.subTest(name):
                self.assertEqual(self.content(row), content)
                self.assertEqual(row["sha256"], hashlib.sha256(content).hexdigest())
                self.assertNotIn("missing", row)
        self.assertTrue(rows[0]["payload"].endswith("-from-client.bin"))
        self.assertTrue(rows[1]["payload"].endswith("-from-server.bin"))

    def test_vsftpd_passive(self):
        self.play("vsftpd", "PASV")

    def test_proftpd_active(self):
        self.play("proftpd", "PORT")

    def test_pyftpdlib_extended(self):
        self.play("pyftpdlib", "EPSV")


class Contents(Extraction):
    TYPES = {
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0",
        "zip": b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(40),
        "elf": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0\x01\0\0\0" + bytes(40),
        "script": b"#!/bin/sh\necho hello\n",
        "text": b"hello\r\n" * 10,
        "one byte": b"x",
    }

    def test_types_are_those_of_file(self):
        capture = Capture()
        control = capture.session()
        for content in self.TYPES.values():
            control.transfer(b"RETR x\r\n", content)
        control.quit()
        rows = self.extract(capture.bytes())
        self.assertEqual([self.content(row) for row in rows], list(self.TYPES.values()))
        self.assertEqual(len({row["type"] for row in rows}), len(self.TYPES))

    def test_nothing_moved_nothing_saved(self):
        capture = Capture()
        control = capture.session()
        control.transfer(b"RETR empty\r\n", b"")
        control.quit()
        [row] = self.extract(capture.bytes())
        self.assertNotIn("payload", row)

    def test_a_gap_is_a_gap(self):
        """What is missing is zeros at its place, and is told: nothing moves up."""
        content = payload(10_000)
        capture = Capture()
        control = capture.session()
        data = control.passive()
        control.ask(b"RETR x\r\n", b"150 Go.\r\n")
        data.server.send(content, size=1000, lost=frozenset({2, 3, 7}))
        data.close()
        control.server.send(b"226 Done.\r\n")
        control.quit()
        [row] = self.extract(capture.bytes())
        holes = bytearray(content)
        for number in (2, 3, 7):
            holes[number * 1000 : (number + 1) * 1000] = bytes(1000)
        self.assertEqual(self.content(row), bytes(holes))
        self.assertEqual((row["missing"], row["bytes"]), (3000, 10_000))
        self.assertIn("FTP-CAPTURE-DATA-MISSING", [r.get("finding") for r in self.records()])
        shown = run(self.work / "capture", "--width", "200").stdout.decode()
        self.assertIn("2.9 KiB not captured", shown)

    def test_a_gap_at_the_end_is_told(self):
        capture = Capture()
        control = capture.session()
        data = control.passive()
        control.ask(b"RETR x\r\n", b"150 Go.\r\n")
        data.server.send(payload(3000), size=1000, lost=frozenset({2}))
        data.close()
        control.quit()
        [row] = self.extract(capture.bytes())
        self.assertEqual((row["missing"], row["bytes"]), (1000, 3000))
        self.assertEqual(self.content(row)[:2000], payload(3000)[:2000])
        self.assertEqual(self.content(row)[2000:], bytes(len(self.content(row)) - 2000))

    def test_both_directions_have_a_file_each(self):
        capture = Capture()
        control = capture.session()
        data = control.passive()
        control.ask(b"RETR x\r\n", b"150 Go.\r\n")
        data.server.send(b"downwards")
        data.client.send(b"upwards")
        data.close()
        control.server.send(b"226 Done.\r\n")
        control.quit()
        path = self.work / "capture"
        path.write_bytes(capture.bytes())
        self.assertEqual(run(path, "--json", "--extract", self.into).returncode, 0)
        contents = [(self.into / name).read_bytes() for name in self.saved()]
        self.assertEqual(sorted(contents), [b"downwards", b"upwards"])

    def test_S33_more_than_the_limit_is_not_saved_and_that_is_told(self):
        """A file is whole or is not there. The transfers are counted all the same."""
        capture = Capture()
        control = capture.session()
        for size in (5000, 5000, 500):
            control.transfer(b"RETR x\r\n", payload(size))
        control.quit()
        rows = self.extract(capture.bytes(), "--extract-max", "6000", code=1)
        self.assertRegex(self.said, r"\Aftpscope: [^\n]*6000 bytes[^\n]*--extract-max[^\n]*\n\Z")
        self.assertEqual([row["bytes"] for row in rows], [5000, 5000, 500])
        self.assertEqual(["payload" in row for row in rows], [True, False, False])
        self.assertEqual(self.content(rows[0]), payload(5000))

    def test_S33_a_full_disk_is_told_and_the_rest_is_analysed(self):
        self.into.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", self.into], check=True)
        self.addCleanup(subprocess.run, ["umount", self.into], check=True)
        capture = Capture()
        control = capture.session()
        for size in (1000, 200_000, 1000):
            control.transfer(b"RETR x\r\n", payload(size))
        control.quit()
        rows = self.extract(capture.bytes(), code=1)
        self.assertIn("No space left", self.said)
        self.assertEqual([row["bytes"] for row in rows], [1000, 200_000, 1000])
        self.assertEqual(["payload" in row for row in rows], [True, False, True])


class Places(Extraction):
    def one_download(self) -> bytes:
        capture = Capture()
        control = capture.session()
        control.transfer(b"RETR x\r\n", b"content")
        control.quit()
        return capture.bytes()

    def test_the_folder_is_made_and_is_private(self):
        self.extract(self.one_download())
        self.assertEqual(stat.S_IMODE(self.into.stat().st_mode), 0o700)

    def test_a_folder_full_of_rubbish_stays_as_it_was(self):
        self.into.mkdir()
        rubbish = {"x": b"mine", "..bin": b"", "a\nb": b"c"}
        for name, content in rubbish.items():
            (self.into / name).write_bytes(content)
        self.extract(self.one_download())
        for name, content in rubbish.items():
            self.assertEqual((self.into / name).read_bytes(), content)

    def test_a_folder_that_cannot_be_made_is_told(self):
        for into in (self.work / "none" / "saved", self.work / "file", Path("/proc/none")):
            (self.work / "file").write_bytes(b"")
            with self.subTest(into.name):
                (self.work / "capture").write_bytes(self.one_download())
                done = run(self.work / "capture", "--extract", into)
                self.assertEqual((done.returncode, done.stdout), (2, b""))
                self.assertRegex(done.stderr.decode(), rf"\Aftpscope: [^\n]*{into}[^\n]*\n\Z")

    def planted(self) -> Path:
        """Where the next run will want to save."""
        [row] = self.extract(self.one_download())
        path = self.into / row["payload"]
        path.unlink()
        return path

    def test_S33_a_file_that_exists_is_not_touched(self):
        path = self.planted()
        path.write_bytes(b"mine")
        path.chmod(0o644)
        before = path.stat()
        done = run(self.work / "capture", "--json", "--extract", self.into)
        self.assertEqual(done.returncode, 1)
        self.assertIn(path.name, done.stderr.decode())
        self.assertEqual(path.read_bytes(), b"mine")
        self.assertEqual(path.stat().st_mtime_ns, before.st_mtime_ns)
        self.assertNotIn(b"sha256", done.stdout)  # nothing is claimed of a file that is not ours
        self.assertNotIn(path.name.encode(), done.stdout)

    def test_S33_a_planted_symbolic_link_is_not_followed(self):
        target = self.work / "target"
        for exists in (False, True):
            with self.subTest(exists=exists):
                path = self.planted()
                if exists:
                    target.write_bytes(b"precious")
                path.symlink_to(target)
                done = run(self.work / "capture", "--extract", self.into)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(target.exists(), exists)
                self.assertTrue(path.is_symlink())
                path.unlink()
        self.assertEqual(target.read_bytes(), b"precious")

    def test_S33_names_of_the_remote_are_never_used(self):
        names = [
            b"../../x", b"/etc/x", b"a\0b", b"CON", b"x" * 300, b"..", b".", b"-rf", b"a\rb", b"~/x",
            b"\xff\xfe", "\u202egnp.exe".encode(), b"$(touch x)", b"%n", b"",
        ]  # fmt: skip
        capture = Capture()
        control = capture.session()
        for name in names:
            control.transfer(b"STOR " + name + b"\r\n", b"content of " + name, upload=True)
        control.quit()
        rows = self.extract(capture.bytes())  # looks at each name
        self.assertEqual(len(rows), len(names))
        self.assertEqual([self.content(row) for row in rows], [b"content of " + n for n in names])
        self.assertEqual(set(os.listdir(self.work)), {"saved", "capture", "log"})

    def test_S33_two_runs_into_one_folder_overwrite_nothing(self):
        self.extract(self.one_download())
        done = run(self.work / "capture", "--extract", self.into)
        self.assertEqual(done.returncode, 1)
        self.assertIn("File exists", done.stderr.decode())

    def test_a_log_has_nothing_to_extract_and_that_is_told(self):
        self.extract(self.one_download())
        done = run(self.work / "log", "--extract", self.work / "other")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a log has no data", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
