"""Attacks on whoever reads a capture or a log: threats.md S18, S20, S21, S27 and S29 to S31, for
`ftpscope analyze` and `ftpscope report`. S33 stands in test_extract.py."""
from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import test_threats_lines
import test_threats_log
from analysis import run
from binary import BINARY
from capture import command_line, octets, reply_lines, sessions
from check_log import UNESCAPED, check_bytes, parse
from packets import ACK, CLIENT, SERVER, Capture
from process_facts import room_kib

TIMEOUT_S = 300
MIB = 1 << 20
LIVE = test_threats_log.S30Secrets  # its places and its secrets
IGNORED = {"ts", "session", "client", "from", "seq", "latency_us", "duration_us", "exposed"}


class Captures(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "capture.pcap"

    def file(self, capture: Capture | bytes) -> Path:
        self.path.write_bytes(capture if isinstance(capture, bytes) else capture.bytes())
        return self.path

    def rows(self, capture: Capture | bytes, *options: str) -> list[dict]:
        shown = run(self.file(capture), "--json", *options).stdout
        wrong = check_bytes(shown)
        self.assertEqual(wrong[:5], [])
        return [json.loads(line) for line in shown.splitlines()]

    def everything_shown(self, capture: Capture, *options: str) -> dict[str, bytes]:
        """In all forms, of the capture and of its log."""
        path, log = self.file(capture), self.folder / "log.jsonl"
        log.write_bytes(run(path, "--json", *options).stdout)
        page = self.folder / "page.html"
        argv = [BINARY, "report", log, "-o", page]
        subprocess.run(argv, check=True, timeout=TIMEOUT_S, capture_output=True)
        plain = ["--colour", "never", "-v", "--width", "1000"]
        return {
            "json": log.read_bytes(),
            "text": run(path, *plain, *options).stdout,
            "narrow": run(path, "-v", "--width", "60", *options).stdout,
            "findings": run(path, "--only", "findings", *plain, *options).stdout,
            "json of the log": run(log, "--json").stdout,
            "text of the log": run(log, *plain).stdout,
            "page": page.read_bytes(),
        }


def names(rows: list[dict]) -> list[str]:
    return [row["finding"] for row in rows if row["kind"] == "finding"]


MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code if code >= 0 else 100)
"""


def peak_kib(content: bytes) -> tuple[int, bytes]:
    """(peak memory, the records) of `analyze`. A small process starts it: it would have our peak else."""
    argv = [sys.executable, "-S", "-c", MEASURE, BINARY, "analyze", "-", "--json"]
    with tempfile.TemporaryFile() as given:
        given.write(content)
        given.seek(0)
        done = subprocess.run(argv, stdin=given, capture_output=True, timeout=TIMEOUT_S)
    assert done.returncode in (0, 1), (done.returncode, done.stderr)
    return int(done.stderr.split()[-1]), done.stdout


class S18Listings(Captures):
    def folders(self, count: int) -> Capture:
        """Deeper and deeper, and a PWD without its closing quote each time."""
        capture = Capture()
        control = capture.session()
        for number in range(count):
            control.ask(b"CWD a\r\n", b"250 OK.\r\n")
            control.ask(b"PWD\r\n", b'257 "' + b"/a" * (number % 100) + b"\r\n")
        control.quit()
        return capture

    def test_S18_deep_folders_and_missing_quotes_take_no_memory(self):
        few, _ = peak_kib(self.folders(100).bytes())
        many, shown = peak_kib(self.folders(20_000).bytes())
        # The input's own buffer, and no more for each folder.
        self.assertLess(many - few, room_kib(8 << 10))
        self.assertEqual(shown.count(b"FTP-257-SYNTAX"), 20_000)

    def test_S18_a_listing_of_a_million_entries_is_counted(self):
        entry = b"type=file;size=1; " + b"n" * 20 + b"\r\n"
        capture = Capture()
        control = capture.session()
        data = control.passive()
        control.ask(b"MLSD\r\n", b"150 Go.\r\n")
        for _ in range(1000):
            data.server.send(entry * 1000, size=60_000)
        data.close()
        control.server.send(b"226 Done.\r\n")
        control.quit()
        few, _ = peak_kib(self.folders(100).bytes())
        peak, shown = peak_kib(capture.bytes())
        [row] = [r for r in map(json.loads, shown.splitlines()) if r["kind"] == "data"]
        self.assertEqual(row["bytes"], len(entry) * 1_000_000)
        self.assertLess(peak - few, room_kib(8 << 10))

    def test_S18_names_of_64_kib_in_a_listing(self):
        for verb in (b"MLSD", b"LIST", b"NLST"):
            with self.subTest(verb):
                capture = Capture()
                control = capture.session()
                control.transfer(
                    verb + b"\r\n", b"type=file; " + b"n" * 65536 + b"\r\n" + b"/" * MIB
                )
                control.quit()
                [row] = [r for r in self.rows(capture) if r["kind"] == "data"]
                self.assertGreater(row["bytes"], MIB)


class S20Slipstreaming(Captures):
    ATTACK = b"PORT 10,0,0,5,0,22\r\n"
    BODY = b"x" * 700 + b"\r\n" + ATTACK + b"x" * 700
    POST = b"POST / HTTP/1.1\r\nHost: ftp.example\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY

    def browsers(self, port: int, greets: bool) -> Capture:
        """The same request in segments of every size: one of them begins with the PORT."""
        capture = Capture()
        for size in range(1, 1461):
            browser = capture.connection((CLIENT, capture.free_port()), (SERVER, port))
            browser.open()
            if greets:
                browser.server.send(b"220 Ready.\r\n")
            browser.client.send(self.POST, size=size)
            browser.server.send(b"500 What?\r\n" if greets else b"HTTP/1.1 400 Bad Request\r\n\r\n")
            browser.close()
        return capture

    def test_S20_a_browser_opens_no_port(self):
        for port in (21, 2121, 80):
            for greets in (True, False):
                with self.subTest(port=port, greets=greets):
                    rows = self.rows(self.browsers(port, greets))
                    kinds = {row["kind"] for row in rows}
                    self.assertFalse(kinds & {"channel", "data"})
                    self.assertNotIn("PORT", [r["verb"] for r in rows if r["kind"] == "command"])
                    if port == 21:
                        self.assertEqual(names(rows).count("FTP-NOT-FTP"), 1460)

    def test_S20_other_bytes_in_a_repeated_segment_do_not_count_and_are_told(self):
        capture = Capture()
        control = capture.session()
        control.client.send(b"NOOP 0,0,0,5,0,22\r\n")
        begin = control.client.seq - len(self.ATTACK) + 1
        control.client.segment(ACK, self.ATTACK[:-1], seq=begin)
        control.server.send(b"200 OK.\r\n")
        control.quit()
        rows = self.rows(capture)
        verbs = [row["verb"] for row in rows if row["kind"] == "command"]
        self.assertEqual(verbs, ["USER", "PASS", "NOOP", "QUIT"])
        [overlap] = [row for row in rows if row["kind"] == "overlap"]
        self.assertIn("NOOP", octets(overlap["kept"]).decode())
        self.assertIn("PORT", octets(overlap["other"]).decode())
        self.assertEqual(names(rows).count("FTP-CAPTURE-OVERLAP"), 1)
        self.assertFalse([row for row in rows if row["kind"] in ("channel", "data")])

    def test_S20_a_227_that_nobody_asked_for_is_no_announcement(self):
        capture = Capture()
        control = capture.session()
        port = capture.free_port()
        told = b"227 Entering Passive Mode (198,51,100,2,%d,%d).\r\n" % divmod(port, 256)
        control.ask(b"NOOP\r\n", b"200 OK.\r\n")
        control.server.send(told)
        other = capture.connection((CLIENT, capture.free_port()), (SERVER, port))
        other.open()
        other.server.send(b"secret")
        other.close()
        control.quit()
        rows = self.rows(capture)
        self.assertIn("FTP-227-UNASKED", names(rows))
        self.assertFalse([row for row in rows if row["kind"] in ("channel", "data")])


class S21Cuts(Captures):
    """The same dialogue in other packets is the same dialogue."""

    def play(self, capture: Capture, cuts=(), swap: bool = False, twice: bool = False) -> None:
        control = capture.connection((CLIENT, capture.free_port()), (SERVER, 21))
        control.open()
        for side, data in test_threats_lines.S21Segments.DIALOGUE:
            end = control.client if side == "C" else control.server
            at = [0, *(cut for cut in cuts if cut < len(data)), len(data)]
            first = len(capture.packets)
            for begin, stop in zip(at, at[1:]):
                end.send(data[begin:stop])
            pieces = capture.packets[first:]
            if swap:  # within a window of four; the times stay in order
                groups = [pieces[at : at + 4] for at in range(0, len(pieces), 4)]
                mixed = [packet for group in groups for _, packet in reversed(group)]
                pieces = [(time, packet) for (time, _), packet in zip(pieces, mixed)]
            if twice:
                pieces = [piece for piece in pieces for _ in range(2)]
            capture.packets[first:] = pieces
        control.close()

    def told(self, capture: Capture) -> list[list[dict]]:
        return [[self.bare(row) for row in rows] for rows in sessions(self.rows(capture))]

    @staticmethod
    def bare(row: dict) -> dict:
        return {key: value for key, value in row.items() if key not in IGNORED}

    def compare(self, plays: list[dict]) -> None:
        capture = Capture()
        self.play(capture)
        for one in plays:
            self.play(capture, **one)
        whole, *others = self.told(capture)
        self.assertEqual(len(others), len(plays))
        for one, other in zip(plays, others):
            with self.subTest(one):
                self.assertEqual(other, whole)

    LONGEST = max(len(data) for _, data in test_threats_lines.S21Segments.DIALOGUE)

    def test_S21_a_cut_at_any_place_changes_nothing(self):
        self.compare([{"cuts": [at]} for at in range(1, self.LONGEST)])

    def test_S21_single_bytes_change_nothing(self):
        self.compare([{"cuts": range(1, self.LONGEST)}])

    def test_S21_order_and_repetition_change_nothing(self):
        self.compare([{"cuts": [at], "swap": True} for at in range(1, self.LONGEST)])
        self.compare([{"cuts": [at], "twice": True} for at in range(1, self.LONGEST)])
        self.compare([{"cuts": range(1, self.LONGEST), "swap": True, "twice": True}])


def client_hello(sni: bytes, kind: int = 0) -> bytes:
    """TLS 1.2's, with the one extension (RFC 6066 3)."""
    name = struct.pack("!BH", kind, len(sni) & 0xFFFF) + sni
    names_ = struct.pack("!H", len(name) & 0xFFFF) + name
    extensions = struct.pack("!HH", 0, len(names_) & 0xFFFF) + names_
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\xc0\x2f" + b"\x01\0"
    body += struct.pack("!H", len(extensions) & 0xFFFF) + extensions
    handshake = b"\x01" + struct.pack("!I", len(body))[1:] + body
    pieces = [handshake[at : at + 16384] for at in range(0, len(handshake), 16384)]
    return b"".join(struct.pack("!BHH", 22, 0x0301, len(piece)) + piece for piece in pieces)


class S27ServerNames(Captures):
    """What a ClientHello asks for is the attacker's text (S27's log parts)."""

    NAMES = {
        "NUL": b"ftp.example\0.evil.example",
        "a path": b"../../etc/passwd",
        "an address": b"192.0.2.1",
        "escapes": b"\x1b]0;owned\x07",
        "a line": b"a\r\n227 Entering Passive Mode (10,0,0,1,4,1)\r\n",
        "not UTF-8": b"\xff\xfe\x9b31m",
        "right to left": "\u202egnp.exe".encode(),
        "JSON": b'"},{"kind":"end","x":"',
        "markup": b"</script><script>alert(1)</script>",
        "nothing": b"",
        "64 KiB": b"n" * 65535,
        "60 KiB": b"n" * 60_000,
    }

    def encrypted(self, hello: bytes) -> Capture:
        capture = Capture()
        control = capture.greeted()
        control.ask(b"AUTH TLS\r\n", b"234 Go on.\r\n")
        control.client.send(hello)
        control.server.send(b"\x15\x03\x03\0\x02\x02\x28")
        control.close()
        return capture

    def test_S27_no_server_name_gets_out_of_its_field(self):
        for what, name in self.NAMES.items():
            with self.subTest(what):
                capture = self.encrypted(client_hello(name))
                shown = self.everything_shown(capture)
                rows = [parse(line) for line in shown["json"].splitlines()]
                check_shown(self, shown)
                tls = [row for row in rows if row["kind"] == "tls"]
                self.assertLessEqual(len(tls), 1)
                self.assertLess(len(shown["json"]), 4 * len(name) + 16_384)
                told = [octets(row["sni"]) for row in tls if row.get("sni")]
                self.assertIn(told, ([name], []))

    def test_S27_a_hello_cut_or_broken_at_any_byte_is_told_and_no_more(self):
        hello = client_hello(b"ftp.example.org")
        for at in range(len(hello)):
            with self.subTest(at):
                broken = hello[:at] + bytes([hello[at] ^ 0xFF]) + hello[at + 1 :]
                for one in (hello[:at], broken):
                    self.assertIn("end", {row["kind"] for row in self.rows(self.encrypted(one))})


def check_shown(test: unittest.TestCase, shown: dict[str, bytes]) -> None:
    """Nothing moves a cursor, breaks a line, turns text around or is taken for markup."""
    for form, content in shown.items():
        for line in content.decode().split("\n"):
            if form == "page":
                test.assertNotRegex(line, "[\x00-\x08\x0b-\x1f\x7f]")
            else:
                test.assertIsNone(UNESCAPED.search(line), (form, line))
    page = shown["page"].decode()
    test.assertEqual(len(re.findall("<script", page)), len(re.findall("</script", page)))
    test.assertNotIn("alert(1)</script", page)


class S29Injection(Captures):
    TRICKS = {
        **test_threats_log.S29Injection.TRICKS,
        "markup": b"<img src=x onerror=alert(1)></script><script>",
    }

    def hostile(self, trick: bytes) -> Capture:
        capture = Capture()
        control = capture.session()
        for line in (b"RETR %s\r\n", b"X%s y\r\n", b"SITE %s\r\n", b"USER %s\r\n"):
            control.ask(line % trick, b"550-no\r\n %s\r\n550 %s\r\n" % (trick, trick))
        control.transfer(b"STOR " + trick + b"\r\n", trick, upload=True)
        control.quit()
        return capture

    def test_S29_nothing_from_the_wire_gets_out_of_its_place(self):
        for name, trick in self.TRICKS.items():
            with self.subTest(name):
                capture = self.hostile(trick)
                shown = self.everything_shown(capture)
                check_shown(self, shown)
                lines = shown["json"].split(b"\n")
                rows = [parse(line) for line in lines[:-1]]
                self.assertEqual(lines[-1], b"")
                self.assertEqual(shown["json of the log"], shown["json"])
                self.check_lossless(capture, rows)

    def check_lossless(self, capture: Capture, rows: list[dict]) -> None:
        """decode(log) is what was sent, behind the login."""
        sent = {SERVER: b"", CLIENT: b""}
        for _, packet in capture.packets:
            source, port = packet[12:16], struct.unpack_from("!HH", packet, 20)
            if 21 in port:
                sent[SERVER if source[0] == 198 else CLIENT] += packet[40:]
        told = [r for r in rows if r["kind"] == "command" and r["id"] > 2]
        commands = b"".join(command_line(r) for r in told)
        replies = b"".join(reply_lines(r) for r in rows if r["kind"] == "reply")
        self.assertEqual(commands, sent[CLIENT].partition(b"PASS 1234\r\n")[2])
        self.assertEqual(replies, sent[SERVER])


class S30Secrets(Captures):
    """The places where the proxy hides a secret, in a capture."""

    def told(self) -> tuple[Capture, int]:
        places = [(False, place, None) for place in LIVE.BEFORE_LOGIN]
        places += [(True, place, None) for place in LIVE.AFTER_LOGIN]
        places += [(False, b"PASS %s\r\n", echo) for echo in LIVE.ECHOES]
        places += [(False, b"PASS " + b"a" * 2000 + b"%s\r\n", None)]
        capture = Capture()
        for number, (logged_in, place, echo) in enumerate(places):
            secret = LIVE.secret(number)
            control = capture.session() if logged_in else capture.greeted()
            control.client.send(place % secret)
            if echo:
                control.server.send(echo % secret)
            control.close(by_client=True)
        return capture, len(places)

    def test_S30_secrets_are_in_no_output(self):
        capture, count = self.told()
        shown = self.everything_shown(capture)
        shown["texts"] = b"\n".join(
            text
            for line in shown["json"].splitlines()
            for text in test_threats_log.texts_in(json.loads(line))
        )
        for form, content in shown.items():
            with self.subTest(form):
                leaks = [n for n in range(count) if LIVE.secret(n) in content]
                self.assertEqual(leaks, [])
                self.assertNotIn(b"hunter", content)

    def test_S30_they_are_there_when_asked_for(self):
        capture, count = self.told()
        rows = self.rows(capture, "--log-secrets")
        texts = b"\n".join(text for row in rows for text in test_threats_log.texts_in(row))
        self.assertGreater(sum(LIVE.secret(n) in texts for n in range(count)), count // 2)

    def test_S30_cut_into_pieces_they_stay_hidden(self):
        capture = Capture()
        for cut in range(1, 30):
            control = capture.greeted()
            control.client.send(b"USER joe\r\n")
            control.server.send(b"331 Password.\r\n")
            control.client.send(b"PASS hunter2correcthorse\r\n", size=cut)
            control.server.send(b"530 No.\r\n")
            control.close()
            # The capture lacks the rest, or the begin, of the line.
            for lost in ({0}, {1}):
                control = capture.greeted()
                control.ask(b"USER joe\r\n", b"331 Password.\r\n")
                control.client.send(b"PASS hunter2correcthorse\r\n", size=13, lost=frozenset(lost))
                control.server.send(b"530 No.\r\n")
                control.close()
        for form, content in self.everything_shown(capture).items():
            with self.subTest(form):
                self.assertNotIn(b"hunter2", content)
                self.assertNotIn(b"horse", content)

    def test_S30_a_log_that_hides_them_is_shown_without_them(self):
        capture, _ = self.told()
        log = run(self.file(capture), "--json").stdout
        shown = run("-", "-v", "--log-secrets", input=log).stdout
        self.assertNotIn(b"hunter", shown)


class S31Bloat(Captures):
    def commands(self, filling: bytes) -> Capture:
        capture = Capture()
        control = capture.session()
        line = b"CWD " + filling * (30_000 // len(filling)) + b"\r\n"
        for _ in range(MIB // len(line)):
            control.ask(line, b"250 OK.\r\n")
        control.quit()
        return capture

    def test_S31_one_mib_of_commands_is_no_more_than_four_of_log(self):
        for filling in (b"a", b"\xff\xff", b'"', "\u00e9".encode()):
            with self.subTest(filling):
                path = self.file(self.commands(filling))
                self.assertLess(len(run(path, "--json").stdout), 4 * MIB)
                self.assertLess(len(run(path, "-v").stdout), 4 * MIB)

    def test_S31_a_long_user_name_is_shown_once_and_cut(self):
        capture = Capture()
        control = capture.greeted()
        control.ask(b"USER " + b"u" * 30_000 + b"\r\n", b"230 In.\r\n")
        for _ in range(100):
            control.ask(b"NOOP\r\n", b"200 OK.\r\n")
        control.quit()
        path = self.file(capture)
        self.assertLess(len(run(path, "--json").stdout), 100_000)
        self.assertLess(len(run(path, "-v").stdout), 50_000)


if __name__ == "__main__":
    unittest.main()
