"""`ftpscope replay client`: recordings of real clients, made by the proxy, played to real servers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import tempfile
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

import servers
from check_log import check_bytes
from clients import CLIENTS, Target, abort_download, connect
from hostile import scene
from proxy import BINARY, Proxy, authority
from recording import check_recording, content, transfers
from replay import CAPTURES, ReplayServer
from wire import comma, free_ports
from workload import complaints, prepare

PLAY_S = 60
SAME, DIFFERS, USAGE, UNEXPECTED = 0, 1, 2, 3


@dataclass(frozen=True)
class Played:
    code: int
    out: str
    err: str
    log: list[dict]

    def lines(self, start: str) -> list[str]:
        return [line for line in self.out.splitlines() if line.startswith(start)]


def play(recording: Path, host: str, port: int, *args: object) -> Played:
    """Its log is checked as every log is."""
    with tempfile.TemporaryDirectory() as work:
        log = Path(work) / "log.jsonl"
        argv = [BINARY, "replay", "client", recording, "--server", authority(host, port), "--quiet"]
        argv += ["--log", log, *args]
        done = subprocess.run(
            [str(a) for a in argv], capture_output=True, timeout=PLAY_S, text=True
        )
        content = log.read_bytes() if log.exists() else b""
        wrong = check_bytes(content)
        assert not wrong, f"the log is wrong: {wrong[:10]}\n{done.stdout}"
        assert "internal error" not in done.stderr and "Sanitizer" not in done.stderr, done.stderr
        records = [json.loads(line) for line in content.splitlines()]
    return Played(done.returncode, done.stdout, done.stderr, records)


def login(server: servers.Server, work: Path) -> list[object]:
    password = work / "password"
    password.write_text(server.password + "\n")
    return ["--user", server.user, "--password-file", password]


@contextlib.contextmanager
def recorded(name: str, client: str, mode: str, host: str = "127.0.0.1"):
    """(the server, its folder as it was before the session, the recording, a folder to work in)"""
    with tempfile.TemporaryDirectory() as local, servers.start(name, host) as server:
        work = Path(local)
        (work / "client").mkdir()
        files = prepare(server.new_folder(), work / "client", size=100_000)
        before = work / "before"
        shutil.copytree(files.remote.path, before, copy_function=shutil.copy2)
        with Proxy((server.host, server.port), ["--record", str(work / "rec")]) as proxy:
            target = Target(proxy.host, proxy.port, server.user, server.password)
            seen = CLIENTS[client](target, mode, files)
        wrong = complaints(files, seen)
        assert not wrong, f"{wrong}\n{seen.output}"
        restore(files.remote, before)
        yield server, files.remote, work / "rec", work


def restore(folder: servers.Folder, before: Path) -> None:
    """The same files in the same folder, as if the session had not been."""
    for path in folder.path.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(before, folder.path, dirs_exist_ok=True)
    for path in (folder.path, *folder.path.rglob("*")):
        servers.give_to_user(path)


class SameServer(unittest.TestCase):
    """A session that is played to the server that it is from is the same again."""


def add_cases() -> None:
    cases = {"curl": "EPSV", "lftp": "PASV", "lftppipe": "PASV", "tnftp": "PORT", "ftplib": "EPRT"}
    for name in servers.NAMES:
        for client, mode in cases.items():

            def test(self, name=name, client=client, mode=mode):
                with recorded(name, client, mode) as (server, folder, recording, work):
                    played = play(recording, server.host, server.port, *login(server, work))
                    self.assertEqual(played.code, SAME, played.out + played.err)
                    self.assertEqual((folder.path / "up.bin").stat().st_size, 100_000)

            setattr(SameServer, f"test_{name}_{client}_{mode}", test)


add_cases()


class OtherWays(unittest.TestCase):
    """One recording, data connections set up in ways that it does not have."""

    def test_modes_and_families(self):
        cases = [("passive", "127.0.0.1"), ("active", "127.0.0.1"), ("extended", "127.0.0.1")]
        cases += [("recorded", "::1"), ("active", "::1")]
        for mode, host in cases:
            with self.subTest(mode=mode, host=host), ReplayServer("demo", host) as server:
                played = play(
                    CAPTURES / "demo", server.host, server.port, "--mode", mode, "--compare", "code"
                )
                self.assertEqual(played.code, SAME, played.out + played.err)
                setups = {r["setup"] for r in played.log if r["kind"] == "data"}
                allowed = {
                    "passive": {"pasv"},
                    "active": {"port"},
                    "extended": {"epsv", "eprt"},
                    "recorded": {"epsv", "eprt"},
                }[mode]
                self.assertEqual(setups, {"eprt"} if (mode, host) == ("active", "::1") else allowed)

    def test_ports_can_be_foretold(self):
        first = free_ports(100)
        with ReplayServer("demo") as server:
            ports = ["--mode", "active", "--data-ports", f"{first}-{first + 99}"]
            played = play(CAPTURES / "demo", server.host, server.port, *ports, "--compare", "code")
        self.assertEqual(played.code, SAME, played.out)
        asked = [
            r["argument"] for r in played.log if r["kind"] == "command" and r["verb"] == "PORT"
        ]
        self.assertEqual(set(asked), {comma("127.0.0.1", first).decode()})  # each time

    def test_what_it_records_can_be_played_again(self):
        with tempfile.TemporaryDirectory() as work, ReplayServer("demo") as server:
            first, second = Path(work) / "first", Path(work) / "second"
            place = (server.host, server.port)
            played = play(CAPTURES / "demo", *place, "--record", first, "--compare", "code")
            self.assertEqual(played.code, SAME, played.out + played.err)
            check_recording(first)
            timing = [json.loads(t) for t in (first / "timing.jsonl").read_text().splitlines()]
            self.assertEqual(
                {t["from"] for t in timing if t["kind"] == "read"}, {"client", "server"}
            )
            self.assertEqual(len([t for t in timing if t["kind"] == "course"]), 6)
            again = play(first, *place, "--record", second)
            self.assertEqual(again.code, SAME, again.out + again.err)
            diff = subprocess.run([BINARY, "diff", first, second], capture_output=True, text=True)
            self.assertEqual(diff.returncode, 0, diff.stdout + diff.stderr)

    def test_limits_of_what_it_records(self):
        with tempfile.TemporaryDirectory() as work, ReplayServer("demo") as server:
            recording = Path(work) / "rec"
            args = ["--record", recording, "--record-limit", "100", "--compare", "code"]
            played = play(CAPTURES / "demo", server.host, server.port, *args)
            self.assertEqual(played.code, SAME, played.out + played.err)
            check_recording(recording)
            kept = {len(content(recording, r)) for r in transfers(recording)}
            self.assertEqual(kept, {32, 100})

    def test_a_full_disk_is_told_and_ends_no_transfer(self):
        with tempfile.TemporaryDirectory() as work, ReplayServer("demo") as server:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "none", work], check=True)
            try:
                recording = Path(work) / "rec"
                place = (server.host, server.port)
                played = play(CAPTURES / "demo", *place, "--record", recording, "--compare", "code")
            finally:
                subprocess.run(["umount", work], check=True)
        self.assertEqual(played.code, USAGE, played.out + played.err)
        self.assertIn("no difference", played.out)
        self.assertIn("could not be written to the recording", played.err)
        whys = {r.get("unrecorded_why") for r in played.log if r["kind"] == "data"}
        self.assertIn("No space left on device", whys)

    def test_a_capture_is_played_as_well(self):
        pcap = CAPTURES / "pcap" / "commands-loopback.pcap"
        with tempfile.TemporaryDirectory() as work:
            recording = Path(work) / "rec"
            subprocess.run(
                [BINARY, "analyze", pcap, "--record", recording], check=True, capture_output=True
            )
            with ReplayServer(recording) as server:
                played = play(pcap, server.host, server.port)
        self.assertEqual(played.code, SAME, played.out + played.err)


class Aborts(unittest.TestCase):
    """ABOR goes out in mid-transfer again, with its Synch: without it these servers read it too late."""

    SIZE = 64 << 20

    def aborted(self, name: str) -> None:
        with tempfile.TemporaryDirectory() as local, servers.start(name) as server:
            work, folder = Path(local), server.new_folder()
            with open(folder.path / "big", "wb") as big:
                big.truncate(self.SIZE)
            servers.give_to_user(folder.path / "big")
            with Proxy((server.host, server.port), ["--record", str(work / "rec")]) as proxy:
                target = Target(proxy.host, proxy.port, server.user, server.password)
                with connect(target, "PASV") as ftp:
                    ftp.cwd(folder.remote)
                    recorded = abort_download(ftp, "big", "synch")
                    ftp.quit()
            played = play(work / "rec", server.host, server.port, *login(server, work))
        self.assertLess(recorded.received, self.SIZE)
        self.assertEqual(played.code, SAME, played.out + played.err)
        [abort] = [r for r in played.log if r["kind"] == "command" and r["verb"] == "ABOR"]
        self.assertTrue(abort["urgent"])
        codes = [r["code"] for r in played.log if r["kind"] == "reply" and r["verb"] == "RETR"]
        self.assertEqual(codes, [150, 426])

    def test_urgent(self):
        for name in ("vsftpd", "proftpd"):
            with self.subTest(server=name):
                self.aborted(name)


class OtherServers(unittest.TestCase):
    """What really differs is told, and nothing else."""

    def test_vsftpd_played_to_proftpd(self):
        with recorded("vsftpd", "ftplib", "PASV") as (old, folder, recording, work):
            with servers.start("proftpd") as server:
                other = server.new_folder()
                restore(other, work / "before")
                moved = ["--substitute", f"{folder.remote}={other.remote}"]
                codes = play(
                    recording,
                    server.host,
                    server.port,
                    *login(server, work),
                    *moved,
                    "--compare",
                    "code",
                    "--expect",
                    "RETR down.bin: 226",
                )
                self.assertEqual((other.path / "up.bin").stat().st_size, 100_000)
                restore(other, work / "before")
                texts = play(recording, server.host, server.port, *login(server, work), *moved)
        self.assertEqual(codes.code, SAME, codes.out)
        self.assertEqual(texts.code, DIFFERS)
        self.assertIn("- 220 (vsFTPd 3.0.3)", texts.out)
        self.assertIn("ProFTPD", texts.out)
        self.assertNotIn("    data", texts.out)  # the same bytes

    def test_a_file_that_differs(self):
        with recorded("pyftpdlib", "curl", "EPSV") as (server, folder, recording, work):
            content = bytearray((folder.path / "down.bin").read_bytes())
            content[1234] ^= 1
            (folder.path / "down.bin").write_bytes(content)
            (folder.path / "old-name").unlink()
            played = play(recording, server.host, server.port, *login(server, work))
        self.assertEqual(played.code, DIFFERS)
        self.assertIn("! RETR down.bin", played.out)
        self.assertIn("SHA-256", played.out)
        self.assertIn("! RNFR old-name", played.out)
        self.assertIn("! MLSD" if "MLSD" in played.out else "! LIST", played.out)
        self.assertNotIn("! STOR", played.out)

    def test_expectations(self):
        with ReplayServer("demo") as server:
            place = (CAPTURES / "demo", server.host, server.port, "--compare", "code")
            met = play(*place, "--expect", "RETR readme.txt: 226", "--expect", "DELE: never")
            self.assertEqual(met.code, SAME, met.out)
            unmet = play(*place, "--expect", "RETR readme.txt: 550")
            self.assertEqual(unmet.code, UNEXPECTED)
            self.assertIn("not as expected: RETR readme.txt: 550", unmet.out)
            junit = play(*place, "--junit", "/dev/null", "--json")
            self.assertEqual(junit.code, SAME, junit.err)


class Refused(unittest.TestCase):
    """What is not done, in a sentence, and before a byte is sent."""

    def test_other_machines(self):
        remote = play(CAPTURES / "demo", "192.0.2.1", 21)
        self.assertEqual(remote.code, USAGE)
        self.assertIn("192.0.2.1 is another machine: --allow-remote", remote.err)
        writes = play(CAPTURES / "demo", "192.0.2.1", 21, "--allow-remote")
        self.assertEqual(writes.code, USAGE)
        self.assertIn("the recording writes (STOR upload.txt): --allow-write lets it", writes.err)

    def test_nobody_there(self):
        with servers.listen("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
        played = play(CAPTURES / "demo", "127.0.0.1", port)
        self.assertEqual(played.code, USAGE)
        self.assertIn("connection refused", played.err)

    def test_a_server_that_says_nothing(self):
        with servers.listen("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            played = play(CAPTURES / "demo", "127.0.0.1", port, "--reply-timeout", "0.2")
        self.assertEqual(played.code, DIFFERS)
        self.assertIn("broken off: the server did not answer within", played.out)

    def test_hostile_recordings(self):
        for name, change, complaint in (
            ("link", link_upload, "cannot be read"),
            ("changed", change_upload, "was changed after it was recorded"),
            ("outside", lambda rec: rename_payload(rec, "../secret"), "cannot be read"),
        ):
            with self.subTest(name), tempfile.TemporaryDirectory() as work:
                recording = Path(work) / "rec"
                shutil.copytree(CAPTURES / "demo", recording)
                (Path(work) / "secret").write_bytes(b"not to be sent")
                hash_payloads(recording)
                change(recording)
                played = play(recording, "127.0.0.1", 9)
                self.assertEqual(played.code, USAGE)
                self.assertIn(complaint, played.err)
                self.assertIn("an upload cannot be sent again", played.err)

    def test_a_second_command_in_an_argument(self):
        with tempfile.TemporaryDirectory() as work, ReplayServer("demo") as server:
            records = records_of(CAPTURES / "demo")
            for record in records:
                if record["kind"] == "command" and record["verb"] == "PWD":
                    record["argument"] = "x\r\nDELE readme.txt"
                if record["kind"] == "command" and record["verb"] == "SYST":
                    record["verb"] = "DELE readme.txt"
            shutil.copytree(CAPTURES / "demo", Path(work) / "rec")
            write_records(Path(work) / "rec", records)
            played = play(Path(work) / "rec", server.host, server.port)
        self.assertIn("it has a CR, LF or NUL in it", played.err)
        self.assertIn("a server would read something else from it", played.err)
        self.assertNotIn("DELE", {r["verb"] for r in played.log if r["kind"] == "command"})


def records_of(recording: Path) -> list[dict]:
    return [json.loads(line) for line in (recording / "session.jsonl").read_text().splitlines()]


def write_records(recording: Path, records: list[dict]) -> None:
    text = "".join(json.dumps(record) + "\n" for record in records)
    (recording / "session.jsonl").write_text(text)


def upload_of(recording: Path) -> Path:
    (name,) = (r["payload"] for r in records_of(recording) if r.get("direction") == "upload")
    return recording / name


def hash_payloads(recording: Path) -> None:
    records = records_of(recording)
    for record in records:
        if record.get("payload"):
            content = (recording / record["payload"]).read_bytes()
            record["sha256"] = hashlib.sha256(content).hexdigest()
    write_records(recording, records)


def link_upload(recording: Path) -> None:
    upload_of(recording).unlink()
    upload_of(recording).symlink_to(recording.parent / "secret")


def change_upload(recording: Path) -> None:
    upload_of(recording).write_bytes(b"x" * upload_of(recording).stat().st_size)


def rename_payload(recording: Path, name: str) -> None:
    records = records_of(recording)
    for record in records:
        if record.get("direction") == "upload":
            record["payload"] = name
    write_records(recording, records)


class Timing(unittest.TestCase):
    def test_commands_sent_ahead(self):
        for name in ("vsftpd", "proftpd", "pureftpd"):
            with self.subTest(name):
                with recorded(name, "lftppipe", "PASV") as (server, folder, recording, work):
                    played = play(
                        recording, server.host, server.port, *login(server, work), "--pipelined"
                    )
                self.assertEqual(played.code, SAME, played.out + played.err)

    def test_a_slower_server(self):
        """One that takes 0.1 s is played at a fifth of its speed."""
        with tempfile.TemporaryDirectory() as work:
            with scene("--record", f"{work}/rec") as act:
                session = act.session()
                session.client.send(b"NOOP\r\n")
                session.server.expect(b"NOOP\r\n")
                time.sleep(0.1)
                session.server.send(b"200 Yes.\r\n")
                session.client.expect(b"200 Yes.\r\n")
            recording = Path(work) / "rec"
            with ReplayServer(recording, args=["--speed", "0.2"]) as server:
                place = (recording, server.host, server.port, "--user", "joe")
                slower = play(*place, "--slower-than", "2x")
                self.assertEqual(slower.code, DIFFERS)
                self.assertIn("! NOOP", slower.out)
                self.assertIn("    time", slower.out)
                for args in ([], ["--slower-than", "1000x"]):
                    self.assertEqual(play(*place, *args).code, SAME)

    def test_the_login_is_never_that_of_the_recording(self):
        with ReplayServer("demo") as server:
            played = play(CAPTURES / "demo", server.host, server.port)
        users = [r["argument"] for r in played.log if r.get("verb") == "USER" and "id" in r]
        self.assertEqual(users, ["anonymous"])


if __name__ == "__main__":
    unittest.main()
