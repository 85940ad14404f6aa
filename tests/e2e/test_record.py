"""Recordings of the live proxy and of captures, and replay(record(x)) == x with real peers."""

from __future__ import annotations

import ftplib
import io
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import servers
from capture import CAPTURES
from clients import CLIENTS, Target, connect
from proxy import BINARY, Proxy
from recording import check_recording, content, play_back, records, sha, transfers
from replay import ReplayServer
from servers import wait_until
from workload import Files, content_sha, prepare

# Recorded in one mode and family, played in another.
MODES = {
    "curl": ("EPSV", "::1", "PORT", "127.0.0.1"),
    "lftp": ("PASV", "127.0.0.1", "EPSV", "::1"),
    "tnftp": ("PORT", "127.0.0.1", "EPSV", "127.0.0.1"),
    "ftplib": ("EPSV", "::1", "PASV", "127.0.0.1"),
}
NAMES = {"USER", "HOST"}
SETUP = {"PASV", "EPSV", "PORT", "EPRT"}
BIG = int(os.environ.get("FTPSCOPE_BIG_MB", "1200")) << 20  # more: see tests/bench/README.md
# The reply to a command is missing in it: there the replayed session ends.
CUT_OFF = {"gap-control.pcap"}
# What is different when play_back() plays it without pauses: it reads and sends to the end and is in
# time, where the recorded client broke off, reset or was late.
OTHERWISE = {
    "abor-urgent.pcap": {("finding", "RETR")},
    "client-stops.pcap": {("finding", "RETR")},
    "data-reset.pcap": {("data", "STOR"), ("finding", "STOR")},
    "odd-transfers.pcap": {("finding", "RETR")},
    "stalled.pcap": {("finding", "RETR")},
}
# Replies, or an end, that the capture does not have are played as far as they go.
SHORTENED = {"snaplen-96.pcap", "cut-file.pcap"}


class Case(unittest.TestCase):
    def setUp(self):
        self.work = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="ftpscope-rec-")))
        self.folder = self.work / "rec"

    def recording_proxy(self, server, *args: str) -> Proxy:
        return Proxy((server.host, server.port), ["--record", str(self.folder), *args])


def target(proxy: Proxy, server: servers.Server) -> Target:
    return Target(proxy.host, proxy.port, server.user, server.password)


def download(ftp: ftplib.FTP, name: str, offset: int | None = None) -> bytes:
    got = io.BytesIO()
    ftp.retrbinary(f"RETR {name}", got.write, rest=offset)
    return got.getvalue()


def dialogue(rows: list[dict]) -> list[tuple]:
    """(verb, argument, codes) of each command but those that set up data connections; whom the
    client calls itself and the server is its own affair."""
    codes: dict[int, list] = {}
    for row in rows:
        if row["kind"] == "reply":
            codes.setdefault(row["to"], []).append(row["code"])
    return [
        (row["verb"], row["verb"] in NAMES or row.get("argument"), codes.get(row["id"]))
        for row in rows
        if row["kind"] == "command" and row["verb"] not in SETUP
    ]


class RealPeers(Case):
    """A client against a server, and the same client against that server's recording."""

    def round_trip(self, name: str, client: str) -> None:
        mode, host, other_mode, other_host = MODES[client]
        before, after = self.work / "before", self.work / "after"
        before.mkdir()
        with servers.start(name, host) as server:
            files = prepare(server.new_folder(), before, 200_000)
            shutil.copytree(before, after)
            with self.recording_proxy(server) as proxy:
                CLIENTS[client](target(proxy, server), mode, files)
            secret = server.password.encode()
        check_recording(self.folder)
        self.assertFalse(any(secret in path.read_bytes() for path in self.folder.iterdir()))
        with ReplayServer(self.folder, other_host, ["--match", "strict"]) as replay:
            again = Files(files.remote, after, files.down_sha, files.up_sha)
            seen = CLIENTS[client](
                Target(replay.host, replay.port, "any", "any"), other_mode, again
            )
            self.assertTrue(wait_until(replay.idle, 10))
            log = replay.log.read_bytes()
        replayed = [json.loads(line) for line in log.splitlines()]
        self.assertEqual(content_sha(after / "got.bin"), files.down_sha)
        self.assertEqual(content_sha(after / "partial.bin"), files.down_sha)
        self.assertIn("down.bin", seen.listing)
        told = {r["finding"] for r in replayed if r["kind"] == "finding"}
        self.assertFalse({f for f in told if f.startswith("FTP-REPLAY")})
        self.assertEqual(dialogue(replayed), dialogue(records(self.folder)))
        self.assertEqual(differences(self.folder, log), [])


def differences(recording: Path, log: bytes) -> list[tuple[str, str, str, str]]:
    """(aspect, verb, in the recording, in the log of its replay): of data and findings. Whoever
    played it had other data connections, and another name."""
    argv = [BINARY, "diff", recording, "-", "--json", "--compare", "code"]
    done = subprocess.run(argv, input=log, capture_output=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr  # what a capture does not have is told there
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        (found["aspect"], (row.get("b") or row["a"])["verb"], found["a"], found["b"])
        for row in rows
        if row["kind"] == "transaction" and row["a"] and row["b"]
        for found in row["differences"]
        if found["aspect"] in ("data", "finding") and row["a"]["verb"] not in SETUP
    ]


def add_round_trips() -> None:
    for server in servers.NAMES:
        for client in MODES:
            setattr(
                RealPeers,
                f"test_{server}_{client}",
                lambda self, server=server, client=client: self.round_trip(server, client),
            )


add_round_trips()


class Parallel(Case):
    def test_aria2_splits_a_file_over_connections(self):
        """Several sessions, ranges, and other ranges when it is played: --match state."""
        body = random.Random(4).randbytes(6 << 20)
        with servers.start("vsftpd") as server:
            remote = server.new_folder()
            (remote.path / "big.bin").write_bytes(body)
            servers.give_to_user(remote.path / "big.bin")
            with self.recording_proxy(server) as proxy:
                login = f"{server.user}:{server.password}"
                got = self.aria2(login, proxy, f"{remote.relative}/big.bin", "3")
            self.assertEqual(sha(got), sha(body))
        self.assertGreater(len({r["session"] for r in records(self.folder)}), 1)
        check_recording(self.folder)
        # One session with the whole file is what other ranges can be taken from.
        shutil.rmtree(self.folder)
        with servers.start("vsftpd") as server:
            (server.root / "big.bin").write_bytes(body)
            servers.give_to_user(server.root / "big.bin")
            with self.recording_proxy(server) as proxy:
                with connect(target(proxy, server), "EPSV") as ftp:
                    ftp.pwd()
                    self.assertEqual(download(ftp, "big.bin"), body)
        with ReplayServer(self.folder, args=["--match", "state"]) as replay:
            self.assertEqual(sha(self.aria2("a:b", replay, "big.bin", "4")), sha(body))
            # Whatever aria2 had to split: any range, in any order.
            with connect(Target(replay.host, replay.port, "a", "b"), "PASV") as ftp:
                for offset in (len(body) - 1, 3_000_000, 0, len(body)):
                    self.assertEqual(download(ftp, "big.bin", offset), body[offset:])

    def aria2(self, login: str, door, path: str, split: str) -> bytes:
        into = self.work / f"aria2-{split}"
        argv = ["aria2c", "--no-conf", "--quiet", "--min-split-size=1M", "--file-allocation=none"]
        argv += [f"--split={split}", f"--max-connection-per-server={split}", "--dir", str(into)]
        argv += ["--max-tries=2", "--timeout=10", "--out=got"]
        argv += [f"ftp://{login}@{door.host}:{door.port}/{path}"]
        done = subprocess.run(argv, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return (into / "got").read_bytes()


class Captures(Case):
    """Every capture in which data moved: recorded, played, and byte for byte the same again."""

    def test_every_capture(self):
        played = 0
        for path in CAPTURES:
            with self.subTest(capture=path.name):
                played += self.play(path)
        self.assertGreater(played, 60)

    def play(self, path: Path) -> int:
        folder = self.work / path.name
        argv = [BINARY, "analyze", path, "--record", folder, "--only", "findings"]
        done = subprocess.run(argv, capture_output=True, timeout=60)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        asked = any(row["kind"] == "command" for row in records(folder))
        if not asked or not transfers(folder) or path.name in CUT_OFF:
            return 0
        with ReplayServer(folder, args=["--match", "strict"]) as server:
            moved = play_back(folder, server.host, server.port)
            self.assertTrue(wait_until(server.idle, 10))
            log = server.log.read_bytes()
        if path.name not in SHORTENED:
            found = {(aspect, verb) for aspect, verb, _, _ in differences(folder, log)}
            self.assertEqual(found, OTHERWISE.get(path.name, set()))
        return moved


class OneServer(Case):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(servers.start("pyftpdlib"))
        self.remote = self.server.new_folder()
        self.body = random.Random(5).randbytes(300_000)
        (self.remote.path / "a").write_bytes(self.body)
        (self.remote.path / "b").write_bytes(self.body)

    def login(self, proxy: Proxy, mode: str = "EPSV") -> ftplib.FTP:
        ftp = connect(target(proxy, self.server), mode)
        ftp.cwd(self.remote.remote)
        return ftp


class WhatIsKept(OneServer):
    def test_identical_payloads_are_stored_once(self):
        with self.recording_proxy(self.server) as proxy, self.login(proxy) as ftp:
            for name in ("a", "b", "a"):
                self.assertEqual(download(ftp, name), self.body)
            ftp.storbinary("STOR c", io.BytesIO(self.body))
        check_recording(self.folder)
        self.assertEqual(len({r["payload"] for r in transfers(self.folder)}), 1)
        self.assertEqual(len(list(self.folder.glob("*.bin"))), 1)

    def test_limit_of_a_payload(self):
        with self.recording_proxy(self.server, "--record-limit", "1000") as proxy:
            with self.login(proxy) as ftp:
                self.assertEqual(download(ftp, "a"), self.body)
                ftp.storbinary("STOR c", io.BytesIO(self.body))
        check_recording(self.folder)
        self.assertEqual((self.remote.path / "c").read_bytes(), self.body)
        for record in transfers(self.folder):
            self.assertEqual(record["unrecorded"], len(self.body) - 1000)
            self.assertEqual(record["unrecorded_why"], "--record-limit")
            self.assertEqual(content(self.folder, record), self.body[:1000])
        with ReplayServer(self.folder) as replay:
            with connect(Target(replay.host, replay.port, "a", "b"), "PASV") as ftp:
                ftp.cwd(self.remote.remote)
                dots = b"." * (len(self.body) - 1000)
                self.assertEqual(download(ftp, "a"), self.body[:1000] + dots)

    def test_limit_of_all(self):
        other = random.Random(6).randbytes(300_000)
        (self.remote.path / "b").write_bytes(other)
        with self.recording_proxy(self.server, "--record-total", "400000") as proxy:
            with self.login(proxy) as ftp:
                self.assertEqual(download(ftp, "a"), self.body)
                self.assertEqual(download(ftp, "b"), other)
                self.assertEqual(download(ftp, "a"), self.body)
        check_recording(self.folder)
        # The third waits for no disk: it may be in the log before the second.
        first, second, third = sorted(transfers(self.folder), key=lambda row: row["id"])
        self.assertNotIn("unrecorded", first)
        self.assertEqual(
            (second["unrecorded"], second["unrecorded_why"]), (200_000, "--record-total")
        )
        self.assertEqual(third["unrecorded"], 300_000)
        self.assertNotIn("payload", third)

    def test_nothing_moved_is_no_file(self):
        (self.remote.path / "empty").write_bytes(b"")
        with self.recording_proxy(self.server) as proxy, self.login(proxy) as ftp:
            self.assertEqual(download(ftp, "empty"), b"")
        check_recording(self.folder)
        self.assertFalse(list(self.folder.glob("*.bin")))

    def test_killed_in_mid_transfer(self):
        with open(self.remote.path / "huge", "wb") as huge:
            huge.truncate(BIG)
        proxy = self.recording_proxy(self.server)
        with self.assertRaisesRegex(AssertionError, "ended by itself"), proxy:
            ftp = self.login(proxy)
            self.assertEqual(download(ftp, "a"), self.body)
            proxy.wait_for("data", verb="RETR")
            data = ftp.transfercmd("RETR huge")
            self.assertTrue(data.recv(1 << 16))
            proxy.process.kill()
            proxy.process.wait()
            data.close()
            ftp.close()
        check_recording(self.folder, torn=True)
        [whole] = transfers(self.folder)
        self.assertEqual(content(self.folder, whole), self.body)
        with ReplayServer(self.folder) as replay:
            with connect(Target(replay.host, replay.port, "a", "b"), "PASV") as ftp:
                ftp.cwd(self.remote.remote)
                self.assertEqual(download(ftp, "a"), self.body)

    def test_a_full_disk_ends_a_recording_and_no_transfer(self):
        disk = self.work / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        self.folder = disk / "rec"
        with self.recording_proxy(self.server) as proxy, self.login(proxy) as ftp:
            for _ in range(2):
                self.assertEqual(download(ftp, "a"), self.body)
            proxy.wait_for("data", verb="RETR")
        first = proxy.records("data", verb="RETR")[0]
        self.assertIn("No space left", first["unrecorded_why"])
        self.assertEqual(
            len(content(self.folder, first)) if "payload" in first else 0,
            len(self.body) - first["unrecorded"],
        )

    def test_an_existing_recording_is_not_touched(self):
        self.folder.mkdir()
        (self.folder / "session.jsonl").write_text("precious\n")
        argv = [BINARY, "proxy", "--listen", "127.0.0.1:0", "--server", "127.0.0.1:1"]
        done = subprocess.run([*argv, "--record", self.folder], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("it holds a recording; choose another folder", done.stderr)
        self.assertEqual((self.folder / "session.jsonl").read_text(), "precious\n")

    def test_secrets_only_when_asked_for(self):
        with self.recording_proxy(self.server, "--log-secrets") as proxy:
            self.login(proxy).quit()
        [password] = [
            r for r in records(self.folder) if r.get("verb") == "PASS" and "argument" in r
        ]
        self.assertEqual(password["argument"], self.server.password)


class ThreatsS33(OneServer):
    """Names from the wire are no paths, and what lies there is not followed."""

    def test_S33_names(self):
        names = ["../../x", "/etc/x", "CON", "a" * 300, "..", "%2e%2e", "x;rm", "\u202ex"]
        with self.recording_proxy(self.server) as proxy, self.login(proxy) as ftp:
            for name in names:
                try:
                    ftp.storbinary(f"STOR {name}", io.BytesIO(b"x" + name.encode()))
                except ftplib.Error:
                    pass
        check_recording(self.folder)

    def test_S33_planted_link(self):
        victim = self.work / "victim"
        victim.write_text("precious")
        with self.recording_proxy(self.server) as proxy, self.login(proxy) as ftp:
            session = proxy.wait_for("session")["session"]
            planted = self.folder / f"{session}-data-1-from-client.bin"
            planted.symlink_to(victim)
            ftp.storbinary("STOR c", io.BytesIO(self.body))
            record = proxy.wait_for("data")
        self.assertEqual(victim.read_text(), "precious")
        self.assertEqual((self.remote.path / "c").read_bytes(), self.body)
        self.assertEqual(record["unrecorded_why"], "File exists")
        self.assertNotIn("payload", record)

    def test_S33_a_recording_that_names_other_files(self):
        with self.recording_proxy(self.server) as proxy, self.login(proxy) as ftp:
            self.assertEqual(download(ftp, "a"), self.body)
        secret = self.work / "secret.bin"
        secret.write_bytes(self.body)
        log = self.folder / "session.jsonl"
        [record] = transfers(self.folder)
        for name, sentence in {
            "../secret.bin": "is not the plain name of a payload file",
            str(secret): "is not the plain name of a payload file",
            "link.bin": "is missing",
        }.items():
            (self.folder / "link.bin").unlink(missing_ok=True)
            (self.folder / "link.bin").symlink_to(secret)
            bad = self.work / f"bad-{len(name)}"
            shutil.copytree(self.folder, bad, symlinks=True)
            (bad / "session.jsonl").write_text(log.read_text().replace(record["payload"], name))
            self.refused(bad, sentence)

    def refused(self, folder: Path, sentence: str) -> None:
        argv = [BINARY, "replay", "server", folder, "--listen", "127.0.0.1:0"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"^ftpscope: [^\n]+\n$")
        self.assertIn(sentence, done.stderr)

    def test_missing_short_or_changed_payloads_are_named(self):
        with self.recording_proxy(self.server) as proxy, self.login(proxy) as ftp:
            self.assertEqual(download(ftp, "a"), self.body)
        [record] = transfers(self.folder)
        payload = self.folder / record["payload"]
        for damage, sentence in [
            (self.body[:-1], f"{payload.name}' has 299999 bytes instead of 300000"),
            (
                b"X" + self.body[1:],
                f"{payload.name}' is not what was recorded: its SHA-256 differs",
            ),
            (None, f"{payload.name}' is missing"),
        ]:
            payload.unlink() if damage is None else payload.write_bytes(damage)
            self.refused(self.folder, sentence)


class Played(Case):
    """What a replayed server does with clients that do otherwise."""

    def setUp(self):
        super().setUp()
        with servers.start("pyftpdlib") as server:
            self.remote = server.new_folder()
            (self.remote.path / "a").write_bytes(b"A" * 1000)
            with self.recording_proxy(server) as proxy:
                with connect(target(proxy, server), "EPSV") as ftp:
                    ftp.cwd(self.remote.remote)
                    self.assertEqual(download(ftp, "a"), b"A" * 1000)
                    ftp.storbinary("STOR up", io.BytesIO(b"0123456789"))

    def login(self, server: ReplayServer, mode: str = "EPSV") -> ftplib.FTP:
        ftp = connect(Target(server.host, server.port, "x", "y"), mode)
        ftp.cwd(self.remote.remote)
        return ftp

    def findings(self, server: ReplayServer) -> list[tuple[str, str]]:
        rows = [json.loads(line) for line in server.log.read_text().splitlines()]
        return [
            (row["finding"], row["detail"])
            for row in rows
            if row["kind"] == "finding" and row["finding"].startswith("FTP-REPLAY")
        ]

    def test_uploads_are_compared(self):
        for sent, told in [
            (b"0123456789", []),
            (b"0123X56789", ['"STOR up": different from byte 4 on']),
            (b"0123", ['"STOR up": 4 bytes instead of 10']),
            (b"0123456789ab", ['"STOR up": 12 bytes instead of 10']),
        ]:
            with self.subTest(sent), ReplayServer(self.folder) as server:
                with self.login(server) as ftp:
                    ftp.storbinary("STOR up", io.BytesIO(sent))
                    ftp.quit()
                got = self.findings(server)
                self.assertEqual(got, [("FTP-REPLAY-UPLOAD-DIFFERS", text) for text in told])

    def test_unmatched(self):
        for how, reply in [("reply-500", "500 Not in"), ("close", "421 Not in")]:
            with ReplayServer(self.folder, args=["--unmatched", how]) as server:
                ftp = self.login(server)
                with self.assertRaisesRegex(ftplib.Error, reply):
                    ftp.sendcmd("DELE x")
                ftp.close()
                [(finding, detail)] = self.findings(server)
                self.assertEqual(finding, "FTP-REPLAY-UNMATCHED")
                self.assertRegex(detail, r'^"DELE x"; it goes on with "')
        with ReplayServer(self.folder, args=["--unmatched", "nearest"]) as server:
            with self.login(server) as ftp:
                self.assertEqual(download(ftp, "other"), b"A" * 1000)

    def test_ports_are_the_same_each_time(self):
        # Ports that nobody has now; whoever takes one until then makes it the next one.
        with socket.create_server(("127.0.0.1", 0)) as free:
            low = min(free.getsockname()[1], 65000)
        ports = f"{low}-{low + 20}"
        with ReplayServer(self.folder, args=["--data-ports", ports]) as server:
            with self.login(server) as ftp:
                told = [ftp.makepasv()[1] for _ in range(3)]
        self.assertTrue(all(low <= port <= low + 20 for port in told), told)
        self.assertEqual(len(set(told)), 1, told)

    def test_original_speed_plays_the_whole(self):
        with ReplayServer(self.folder, args=["--speed", "original"]) as server:
            with self.login(server, "PASV") as ftp:
                self.assertEqual(download(ftp, "a"), b"A" * 1000)
        for word in ("0", "-1", "nan", "quick", "1e9"):
            argv = [BINARY, "replay", "server", self.folder, "--listen", "127.0.0.1:0"]
            done = subprocess.run([*argv, "--speed", word], capture_output=True, timeout=20)
            self.assertEqual(done.returncode, 2, word)


if __name__ == "__main__":
    unittest.main()
