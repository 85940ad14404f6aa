"""`ftpscope diff` and expectations: what differs between real sessions, and what only seems to."""

from __future__ import annotations

import ftplib
import io
import json
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import servers
from capture import CAPTURES
from clients import Target, connect
from proxy import BINARY, ROOT, Proxy

DEMO = ROOT / "captures" / "demo"
CONTENT = {"readme.txt": b"Read me.\n" * 20, "firmware.bin": bytes(range(256)) * 300}
UPLOAD = b"uploaded\n" * 50
ALL_SERVERS = ["vsftpd", "proftpd", "pureftpd", "inetutils", "pyftpdlib"]
TIMEOUT_S = 120
# A log is analysed anew, and bytes that a capture did not have are not in its log either.
NOT_AGAIN = {"one-way-client.pcap", "snaplen-96.pcap"}


def diff(a, b, *options: str, stdin: bytes = b"") -> subprocess.CompletedProcess:
    return subprocess.run(
        [BINARY, "diff", a, b, *options], input=stdin, capture_output=True, timeout=TIMEOUT_S
    )


def rows(done: subprocess.CompletedProcess) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def differing(done: subprocess.CompletedProcess) -> list[tuple[str, str, str, str]]:
    """(verb, aspect, what A has, what B has)"""
    found = []
    for row in rows(done):
        side = row.get("b") or row.get("a")
        for difference in row["differences"] if row["kind"] == "transaction" else []:
            found.append((side["verb"], difference["aspect"], difference["a"], difference["b"]))
    return found


def payload_file(command: str) -> str:
    """The file of the demo that has what a command moved."""
    records = [json.loads(line) for line in (DEMO / "session.jsonl").read_text().splitlines()]
    verb, _, argument = command.partition(" ")
    ids = [r["id"] for r in records if (r.get("verb"), r.get("argument")) == (verb, argument)]
    return next(r["payload"] for r in records if r["kind"] == "data" and r["to"] in ids)


def fill(server: servers.Server) -> str:
    """The same files under the same path, whatever the server; returns the path."""
    site = server.root / "site"
    if site.exists():
        shutil.rmtree(site)
    site.mkdir()
    for name, content in CONTENT.items():
        (site / name).write_bytes(content)
        servers.give_to_user(site / name)
    (site / "docs").mkdir()
    servers.give_to_user(site)
    return f"{server.home.rstrip('/')}/site"


def session(target: Target, folder: str, mode: str = "PASV") -> None:
    with connect(target, mode) as ftp:
        ftp.cwd(folder)
        ftp.pwd()
        for listing in ("LIST", "NLST"):
            ftp.retrlines(listing, lambda line: None)
        ftp.voidcmd("TYPE I")
        for name in CONTENT:
            ftp.retrbinary(f"RETR {name}", lambda block: None)
        ftp.sendcmd("MDTM readme.txt")
        ftp.storbinary("STOR up.bin", io.BytesIO(UPLOAD))
        try:
            ftp.retrbinary("RETR nothing", lambda block: None)
        except ftplib.error_perm:
            pass
        ftp.quit()


FIRMWARE = payload_file("RETR firmware.bin")


class Recordings(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory(prefix="ftpscope-diff-")
        self.addCleanup(work.cleanup)
        self.work = Path(work.name)

    def record(self, server: servers.Server, name: str, mode: str = "PASV") -> Path:
        folder = fill(server)
        recording = self.work / name
        with Proxy((server.host, server.port), ["--record", str(recording)]) as proxy:
            session(Target(proxy.host, proxy.port, server.user, server.password), folder, mode)
        return recording

    def test_the_same_session_twice_has_no_difference(self):
        for name in ALL_SERVERS:
            with self.subTest(server=name), servers.start(name) as server:
                first = self.record(server, f"{name}-1")
                # Dates are told to the minute or the second: files of the second run are younger.
                second = self.record(server, f"{name}-2")
                done = diff(first, second)
                self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout.decode())
                self.assertIn(b"no difference", done.stdout)

    def test_other_data_connections_are_the_only_difference_between_modes(self):
        with servers.start("vsftpd") as server:
            done = diff(self.record(server, "a"), self.record(server, "b", "EPSV"), "--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual({row[:2] for row in differing(done)}, {("EPSV", "command")})

    def test_two_servers(self):
        with servers.start("vsftpd") as server:
            vsftpd = self.record(server, "vsftpd")
        with servers.start("proftpd") as server:
            proftpd = self.record(server, "proftpd")
        # They say the same codes and have the same files, in other words.
        by_code = diff(vsftpd, proftpd, "--compare", "code")
        self.assertEqual(by_code.returncode, 0, by_code.stdout.decode())
        by_text = diff(vsftpd, proftpd, "--json")
        self.assertEqual(by_text.returncode, 1)
        self.assertEqual({aspect for _, aspect, _, _ in differing(by_text)}, {"text"})
        texts = {verb: (a, b) for verb, _, a, b in differing(by_text)}
        self.assertEqual(texts["USER"][0], "331 Please specify the password.")
        self.assertEqual(texts["USER"][1], f"331 Password required for {servers.USER}")
        self.assertNotIn("MDTM", texts)  # a date
        exact = diff(vsftpd, proftpd, "--json", "--compare", "exact")
        self.assertIn(("LIST", "data"), {row[:2] for row in differing(exact)})

    def test_another_byte_another_file_another_reply(self):
        with servers.start("pyftpdlib") as server:
            first = self.record(server, "first")
            changed = bytearray(CONTENT["firmware.bin"])
            changed[1000] ^= 1
            CONTENT["firmware.bin"], kept = bytes(changed), CONTENT["firmware.bin"]
            CONTENT["grown.txt"] = b"x"
            try:
                second = self.record(server, "second")
            finally:
                CONTENT["firmware.bin"] = kept
                del CONTENT["grown.txt"]
        found = differing(diff(first, second, "--json"))
        self.assertIn(("LIST", "data", "", "file 1 grown.txt"), found)
        self.assertIn(("NLST", "data", "", "grown.txt"), found)
        self.assertIn(("RETR", "command", "", "RETR grown.txt"), found)
        contents = [a for verb, aspect, a, _ in found if (verb, aspect) == ("RETR", "data")]
        self.assertEqual(len(contents), 1, found)
        self.assertRegex(contents[0], "^76800 bytes, differs from byte 1000, SHA-256 [0-9a-f]{64}$")


class Inputs(unittest.TestCase):
    def copy(self) -> Path:
        work = tempfile.TemporaryDirectory(prefix="ftpscope-diff-")
        self.addCleanup(work.cleanup)
        return Path(shutil.copytree(DEMO, Path(work.name) / "copy"))

    def test_every_capture_is_what_its_records_say(self):
        for path in CAPTURES:
            with self.subTest(capture=path.name):
                others = {path, path.with_suffix(".jsonl")}
                for other in {path} if path.name in NOT_AGAIN else others:
                    done = diff(path, other)
                    self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)

    def test_a_changed_payload_is_told(self):
        copy = self.copy()
        payload = next(r for r in map(json.loads, open(copy / "session.jsonl")) if r.get("payload"))
        file = copy / payload["payload"]
        content = bytearray(file.read_bytes())
        listing = content.index(b"\r\n") - 1  # the last letter of a name
        content[listing] ^= 1
        file.write_bytes(content)
        done = diff(DEMO, copy)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"1 data", done.stdout)

    def test_a_short_or_missing_payload_is_told(self):
        for change, what in (
            (lambda file: file.write_bytes(file.read_bytes()[:-1]), b"only the size is compared"),
            (Path.unlink, b"cannot be read"),
            (lambda file: (file.unlink(), file.symlink_to("/etc/passwd")), b"cannot be read"),
        ):
            copy = self.copy()
            change(copy / FIRMWARE)
            done = diff(DEMO, copy)
            self.assertIn(f"'{FIRMWARE}' ".encode(), done.stderr)
            self.assertIn(what, done.stderr)

    def test_a_payload_outside_the_folder_is_not_looked_at(self):
        copy = self.copy()
        log = copy / "session.jsonl"
        log.write_text(log.read_text().replace(FIRMWARE, "../../etc/passwd"))
        done = diff(DEMO, copy)
        self.assertIn(b"'../../etc/passwd' cannot be read", done.stderr)

    def test_sessions_are_paired_in_their_order_or_as_asked(self):
        both = (DEMO / "session.jsonl").read_bytes()
        other = (ROOT / "captures" / "misbehaving" / "session.jsonl").read_bytes()
        done = diff("-", DEMO, stdin=both + other)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no session", done.stdout)
        name = json.loads(both.partition(b"\n")[0])["session"]
        self.assertEqual(diff("-", DEMO, "--session", name, stdin=other + both).returncode, 0)
        wrong = diff("-", DEMO, "--session", "nothing", stdin=both)
        self.assertEqual((wrong.returncode, wrong.stdout), (2, b""))
        self.assertIn(name.encode(), wrong.stderr)

    def test_what_cannot_be_compared(self):
        for a, b, sentence in (
            ("/nothing/there", DEMO, b"cannot read /nothing/there: No such file"),
            (ROOT / "README.md", DEMO, b"is neither a capture"),
            ("/dev/null", DEMO, b"is empty"),
            ("-", "-", b"only one of A and B"),
        ):
            done = diff(a, b)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(sentence, done.stderr)
            self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_substitutions(self):
        """The same session on another host, by another user, in another folder."""
        text = (DEMO / "session.jsonl").read_text()
        moved = text.replace("readme.txt", "new/read.me").replace('"demo"', '"other"')
        moved = moved.replace("Goodbye", "Farewell")
        self.assertNotEqual(moved, text)
        self.assertEqual(diff(DEMO, "-", stdin=moved.encode()).returncode, 1)
        words = ["readme.txt=new/read.me", "demo=other", "Goodbye=Farewell"]
        options = [option for word in words for option in ("--substitute", word)]
        done = diff(DEMO / "session.jsonl", "-", *options, "--json", stdin=moved.encode())
        self.assertEqual({row[:2] for row in differing(done)} - {("PASS", "data")}, set())
        wrong = diff(DEMO, DEMO, "--substitute", "=x")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn(b"needs FROM=TO", wrong.stderr)

    def test_nothing_is_left_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            env = {"TMPDIR": folder}
            subprocess.run([BINARY, "diff", CAPTURES[0], CAPTURES[1]], env=env, capture_output=True)
            self.assertEqual(list(Path(folder).iterdir()), [])


class Output(unittest.TestCase):
    def hostile(self) -> bytes:
        """The demo with names that try to leave every format there is."""
        log = (DEMO / "session.jsonl").read_bytes()
        for name in (
            rb'"readme]]>&lt;\u0000\u001b[31m"',
            rb'"readme\uffff\u202e\"><x y=\u0027"',
            b'{"base64":"//79"}',
        ):
            log += log.replace(b'"readme.txt"', name).replace(b"-000001", b"-00000" + name[-2:-1])
        return log.replace(b"-00000'", b"-000002").replace(b'-00000"', b"-000003")

    def test_junit(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "result.xml"
            options = ("--junit", str(file), "--expect", "RETR *: 226", "--expect", "DELE: any")
            done = diff("-", DEMO, *options, "--json", stdin=self.hostile())
            root = ElementTree.parse(file).getroot()
        self.assertEqual(done.returncode, 3)
        suites = root.findall("testsuite")
        cases, failures = root.findall(".//testcase"), root.findall(".//failure")
        self.assertEqual(int(root.get("tests")), len(cases))
        self.assertEqual(int(root.get("failures")), len(failures))
        for suite in suites:
            self.assertEqual(int(suite.get("tests")), len(suite.findall("testcase")))
            self.assertEqual(int(suite.get("failures")), len(suite.findall(".//failure")))
        summary = rows(done)[-1]
        self.assertEqual(summary["sessions"] + 1, len(suites))  # and the expectations
        unmet = [f.get("message") for f in suites[-1].findall(".//failure")]
        self.assertEqual(unmet, ["it was not sent"])
        alone = diff(DEMO, DEMO, "--junit", "-")
        self.assertEqual(len(ElementTree.fromstring(alone.stdout).findall(".//failure")), 0)

    def test_no_format_lets_control_characters_through(self):
        for options in (
            (),
            ("--side-by-side", "--all"),
            ("--json",),
            ("--junit", "-"),
            ("--html", "-"),
        ):
            done = diff("-", DEMO, *options, stdin=self.hostile())
            self.assertEqual(done.returncode, 1)
            text = done.stdout.decode()
            strange = {c for c in text if ord(c) < 32 and c != "\n" or c in "\x7f\u202e"}
            self.assertEqual(strange, set(), options)

    def test_many_transactions(self):
        """10,000 of which none is in both: the alignment has a limit."""
        logs = []
        for side in ("a", "b"):
            log = [{"kind": "session", "schema": 1, "client": "192.0.2.1:9", "proxy": None}]
            log[0] |= {"server": "192.0.2.2:21", "lines": None, "tls": None}
            for number in range(1, 10_001):
                log.append({"kind": "command", "id": number, "verb": "SIZE"})
                log[-1]["argument"] = f"{side}{number}"
                log.append({"kind": "reply", "to": number, "verb": "SIZE", "code": 213})
                log[-1] |= {"lines": [f"213 {number}"], "latency_us": 1}
            head = {"ts": "2026-11-21T11:23:22.235595Z", "session": side}
            lines = [json.dumps(head | {"seq": i} | r) for i, r in enumerate(log)]
            logs.append("\n".join(lines).encode() + b"\n")
        with tempfile.NamedTemporaryFile() as b:
            b.write(logs[1])
            b.flush()
            done = diff("-", b.name, "--json", stdin=logs[0])
        self.assertEqual(rows(done)[-1]["differences"]["command"], 10_000)
        self.assertEqual(rows(done)[-1]["transactions"], 10_001)  # with the greeting


class Expectations(unittest.TestCase):
    MET = ("RETR readme.txt: 226", "FEAT: 211 /MLST/", "DELE: never", "PASS: 2xx", "greeting: any")

    def test_met_and_unmet(self):
        expect = [word for text in self.MET for word in ("--expect", text)]
        for command in (["analyze", DEMO / "session.jsonl"], ["diff", DEMO, DEMO]):
            done = subprocess.run([BINARY, *command, *expect], capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, b""), command)
            argv = [BINARY, *command, *expect, "--expect", "RETR *.bin: 550"]
            done = subprocess.run(argv, capture_output=True)
            self.assertEqual(done.returncode, 3)
            told = 'not as expected: RETR *.bin: 550: RETR firmware.bin got "226 '
            self.assertIn(told, (done.stdout + done.stderr).decode())

    def test_a_file_of_them(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("# of the demo\n" + "\n".join(self.MET) + "\n")
            file.flush()
            self.assertEqual(diff(DEMO, DEMO, "--expect-file", file.name).returncode, 0)
            file.write("RETR\n")
            file.flush()
            done = diff(DEMO, DEMO, "--expect-file", file.name)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"line 7: 'RETR' is no expectation", done.stderr)


if __name__ == "__main__":
    unittest.main()
