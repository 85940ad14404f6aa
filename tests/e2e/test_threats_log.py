"""Attacks on the log: threats.md S29 to S32, and what kill -9 leaves."""
from __future__ import annotations

import base64
import contextlib
import os
import re
import resource
import signal
import subprocess
import threading
import unittest
from pathlib import Path

import proxy as harness
from answering_server import AnsweringServer, log_in
from check_log import UNESCAPED, check_bytes, parse
from hostile import Channel, Scene, Session, Transfer, scene
from proxy import Proxy
from servers import wait_until
from wire import TIMEOUT_S, connect, payload

# Less than what FTP-RATE-LOW looks at: S32 counts records, and no clock may add one.
PAYLOAD = payload((1 << 20) - 1)


def bytes_of(field) -> bytes:
    return base64.b64decode(field["base64"]) if isinstance(field, dict) else field.encode()


def texts_in(value):
    """Every text in a record, base64 decoded."""
    if isinstance(value, str):
        yield value.encode()
    elif isinstance(value, dict) and set(value) == {"base64"}:
        yield bytes_of(value)
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_in(part)


def outputs(proxy: Proxy) -> dict[str, bytes]:
    """All that the process shows to anybody, as soon as its sessions are over."""
    kinds = lambda: [r["kind"] for r in proxy.records()]  # noqa: E731
    assert wait_until(lambda: kinds().count("session") == kinds().count("end"), TIMEOUT_S)
    found = {name: (proxy.work / name).read_bytes() for name in ("log.jsonl", "stdout", "stderr")}
    return {**found, "command line": Path(f"/proc/{proxy.pid}/cmdline").read_bytes()}


class S29Injection(unittest.TestCase):
    TRICKS = {
        "terminal title": b"\x1b]0;owned\x07",
        "colour": b"\x1b[31mred",
        "CSI as one byte": b"\x9b31m",
        "C1 in UTF-8": b"\xc2\x9b31m",
        "another record": b'"},{"kind":"reply","code":230,"x":"',
        "a backslash": b'\\"\\u0000\\',
        "a carriage return": b"a\rb",
        "a NUL": b"a\0b",
        "a delete": b"a\x7f\x08b",
        "not UTF-8": b"\xff\xfe\x80",
        "overlong": b"\xc0\xaf\xe0\x80\xaf",
        "lone surrogate": b"\xed\xa0\x80",
        "too high": b"\xf4\x90\x80\x80",
        "half a character": b"caf\xc3",
        "right to left": "file\u202etxt.exe".encode(),
        "line separators": "a\u2028b\u2029c".encode(),
        "isolates": "\u2066a\u2069\u200f".encode(),
        "a noncharacter": "\uffff\ufffe".encode(),
    }

    def exchange(self, session: Session, trick: bytes):
        for line in (b"RETR %s\r\n", b"X%s y\r\n", b"SITE %s\r\n", b"USER %s\r\n"):
            session.client.send(line % trick)
            session.server.expect(line % trick)
            session.server.send(b"550-no\r\n %s\r\n550 %s\r\n" % (trick, trick))
            session.client.expect(b"550-no\r\n %s\r\n550 %s\r\n" % (trick, trick))

    def test_S29_nothing_in_a_command_or_reply_gets_out_of_its_record(self):
        for name, trick in self.TRICKS.items():
            with self.subTest(name), scene("--colour", "never", "--verbose") as s:
                session = s.session()
                self.exchange(session, trick)
                sent, said = session.server.seen, session.client.seen
                s.close()
                shown = outputs(s.proxy)
                self.check_shown(shown["log.jsonl"].decode())
                self.check_shown(shown["stdout"].decode())
                self.check_lossless(s.proxy, sent, said)

    def check_shown(self, text: str):
        for line in text.split("\n"):
            found = UNESCAPED.search(line)
            self.assertIsNone(found, f"{found} in {line!r}")

    def check_lossless(self, proxy: Proxy, sent: bytes, said: bytes):
        commands = [self.line_of(r) for r in proxy.records("command") if not r.get("redacted")]
        self.assertEqual(b"".join(commands), sent.replace(b"PASS 1234\r\n", b""))
        replies = [bytes_of(line) for r in proxy.records("reply") for line in r["lines"]]
        self.assertEqual(b"".join(line + b"\r\n" for line in replies), said)

    @staticmethod
    def line_of(record: dict) -> bytes:
        if "line" in record:
            return bytes_of(record["line"])
        argument = b" " + bytes_of(record["argument"]) if "argument" in record else b""
        return bytes_of(record["verb"]) + argument + b"\r\n"


class S30Secrets(unittest.TestCase):
    """Each place gets a secret of its own, so that a leak tells where it is from."""

    BEFORE_LOGIN = [
        b"PASS %s\r\n", b"pass %s\r\n", b"PASS\t%s\r\n", b" PASS %s\r\n", b"PASS  %s\r\n",
        b"PASS %s\n", b"PASS -%s\r\n", b"PASS a b %s\r\n", b"P\xff\xf1ASS %s\r\n",
        b"\xff\xfd\x01PASS %s\r\n", b"PASS \xff\xff%s\r\n", b"PASS a\0%s\r\n", b"PASS\0%s\r\n",
        b"NOOP\rPASS %s\r\n", b"USER joe\rPASS %s\r\n", b"PASS a\rPORT %s\r\n", b"PSAS %s\r\n",
        b"PASSWORD %s\r\n", b"PASS%s\r\n", b"%s\r\n", b"LOGIN joe %s\r\n", b"ACCT %s\r\n",
        b"ADAT %s\r\n", b"MIC %s\r\n", b"CONF %s\r\n", b"ENC %s\r\n", b"SITE PSWD old %s\r\n",
        b"SITE passwd %s\r\n", b"CWD %s\r\n", b"USER joe:%s@host\r\n", b"XPAS %s\r\n",
        b"PASS \xe9%s\r\n", b"PASS %s",
        b"GET ftp://joe:%s@host/ HTTP/1.0\r\n", b"EHLO %s\r\n", b"SSH-%s\r\n",
    ]  # fmt: skip
    AFTER_LOGIN = [
        b"PASS %s\r\n", b"ACCT %s\r\n", b"ADAT %s\r\n", b"SITE PSWD old %s\r\n",
        b"SITE CHPASS %s\r\n", b"site pswd %s\r\n", b"MIC %s\r\n", b"CONF %s\r\n", b"ENC %s\r\n",
        b"\xff\xf1PASS %s\r\n", b"REIN\r\nPASS %s\r\n", b"NOOP\rPASS %s\r\n",
    ]  # fmt: skip
    ECHOES = [
        b"530 %s is wrong.\r\n",
        b"530-No\r\n your %s\r\n530 No.\r\n",
        b"230-%s\r\n230 In.\r\n",
    ]

    def run_places(self, *args: str):
        places = [(False, p, None) for p in self.BEFORE_LOGIN]
        places += [(True, p, None) for p in self.AFTER_LOGIN]
        places += [(False, b"PASS %s\r\n", echo) for echo in self.ECHOES]
        with scene("--verbose", "--max-line", "1024", *args) as s:
            for number, (logged_in, place, echo) in enumerate(places):
                self.tell(s, logged_in, place, echo, self.secret(number))
            self.tell(s, False, b"PASS " + b"a" * 2000 + b"%s\r\n", None, self.secret(len(places)))
            s.close()
            shown = outputs(s.proxy)
            texts = [t for r in s.proxy.records() for t in texts_in(r)]
        everything = b"\n".join([*shown.values(), *texts])
        leaks = [p for n, p in enumerate(places) if self.secret(n) in everything]
        self.assertEqual(leaks, [])
        self.assertNotIn(b"hunter", everything)

    @staticmethod
    def secret(number: int) -> bytes:
        return b"hunter%03dcorrecthorse" % number

    def tell(self, s: Scene, logged_in: bool, place: bytes, echo: bytes | None, secret: bytes):
        session = s.session() if logged_in else s.greeted()
        session.client.send(place % secret)
        if echo:
            session.server.expect(place % secret)
            session.server.send(echo % secret)
            session.client.expect(echo % secret)
        session.client.finish()
        while line := session.server.line():
            if line == b"REIN\r\n":
                session.server.send(b"220 Again.\r\n")
        session.server.close()

    def test_S30_secrets_are_in_no_output(self):
        self.run_places("--lines", "raw")

    def test_S30_secrets_are_in_no_output_of_the_strict_posture(self):
        self.run_places("--lines", "strict")

    def test_S30_they_are_there_when_asked_for(self):
        with scene("--log-secrets") as s:
            s.greeted().ask(b"PASS hunter2\r\n", b"230 In.\r\n")
            self.assertEqual(s.proxy.wait_for("command", verb="PASS")["argument"], "hunter2")


class S31Bloat(unittest.TestCase):
    MIB = 1 << 20

    def log_size(self, filling: bytes) -> int:
        """Of 1 MiB of commands with such arguments."""
        line = b"CWD " + filling * (30_000 // len(filling)) + b"\r\n"
        with scene("--quiet") as s:
            session = s.session()
            for _ in range(self.MIB // len(line)):
                session.ask(line, b"250 OK.\r\n")
            s.close()
            return len(outputs(s.proxy)["log.jsonl"])

    def test_S31_one_mib_of_commands_is_no_more_than_four_of_log(self):
        for filling in (b"a", b"\xff\xff", b'"', "\u00e9".encode()):
            with self.subTest(filling):
                self.assertLess(self.log_size(filling), 4 * self.MIB)

    def test_S31_control_characters_cost_their_escapes_and_no_more(self):
        self.assertLess(self.log_size(b"\x01"), 8 * self.MIB)

    def test_S31_a_long_user_name_is_logged_once(self):
        name = b"u" * 30_000
        with scene("--quiet") as s:
            session = s.greeted()
            session.ask(b"USER " + name + b"\r\n", b"230 In.\r\n")
            for _ in range(100):
                session.ask(b"NOOP\r\n", b"200 OK.\r\n")
            s.close()
            content = outputs(s.proxy)["log.jsonl"]
        self.assertLessEqual(content.count(name), 1)
        self.assertLess(len(content), 100_000)


# --- S32: the log cannot be written ---


def more_commands(session: Session, count: int) -> None:
    for number in range(count):
        session.ask(b"CWD folder%d\r\n" % number, b"250 OK.\r\n")


def one_download(session: Session) -> None:
    t = Transfer(session, "PASV", "download", Channel(session, "PASV"))
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    sender = threading.Thread(target=lambda: (t.server.send(PAYLOAD), t.server.close()))
    sender.start()
    content = t.client.rest()
    sender.join()
    t.close()
    assert content == PAYLOAD
    t.reply(b"226 Done.\r\n")


def whole_dialogue(session: Session) -> None:
    """What both runs of a comparison do, so that they make the same number of records."""
    more_commands(session, 20)
    one_download(session)
    more_commands(session, 20)


def leave(session: Session) -> None:
    session.ask(b"QUIT\r\n", b"221 Bye.\r\n")
    session.client.close()
    session.server.close()


def records_of_dialogue(*args: str, rounds: int = 1) -> int:
    """Of a session that nothing disturbs."""
    with scene("--quiet", *args) as s:
        session = s.session()
        for _ in range(rounds):
            whole_dialogue(session)
        leave(session)
        outputs(s.proxy)
        return len(s.proxy.records())


def lost_on_stderr(text: str) -> int:
    found = re.findall(r"(\d+) records? could not be written", text)
    return int(found[-1]) if found else 0


class CountingProxy(Proxy):
    """`lost`: what it said at its end."""

    def _stop_and_check(self):
        super()._stop_and_check()
        self.lost = lost_on_stderr(self._read("stderr"))


class FullLog(CountingProxy):
    """Its log is /dev/full: each write fails with ENOSPC, for ever."""

    def _start(self):
        os.symlink("/dev/full", self.work / "log.jsonl")
        super()._start()

    def _log_bytes(self) -> bytes:
        return b""


class PipedLog(CountingProxy):
    """--log - into a pipe. `reading`: whether anybody reads it; `got` is what was read."""

    def _start(self):
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.got, self.reading = b"", True
        argv = [str(harness.BINARY), "proxy", "--listen", self.listen, "--log", "-"]
        argv += ["--server", harness.authority(*self.server), *self.args]
        with open(self.work / "stderr", "wb") as err, os.fdopen(writer, "wb") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.pid = self.process.pid
        assert wait_until(lambda: self._read("stderr").count("\n"), TIMEOUT_S), self.evidence()
        said = harness.FIRST_LINE.fullmatch(self._read("stderr").partition("\n")[0])
        self.host, self.port = said[1], int(said[2])
        self.descriptors_at_start = self._descriptors()

    def drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.reader, 1 << 16):
                self.got += piece

    def stop_reading(self) -> None:
        self.reading = False

    def close_reader(self) -> None:
        self.drain()
        self.reading = False
        os.close(self.reader)

    def _log_bytes(self) -> bytes:
        if self.reading:
            self.drain()
        return self.got

    def _stdout(self) -> str:
        return ""


class S32LogFailure(unittest.TestCase):
    def test_S32_a_log_that_cannot_grow_is_counted_exactly_and_goes_on_later(self):
        expected = records_of_dialogue(rounds=3)
        with scene("--quiet", make=CountingProxy) as s:
            s.proxy.may_lose_records = True
            session = s.session()
            whole_dialogue(session)
            self.limit_file(s.proxy, (s.proxy.work / "log.jsonl").stat().st_size + 1000)
            whole_dialogue(session)
            self.limit_file(s.proxy, resource.RLIM_INFINITY)
            self.assertFalse(s.proxy.records("lost"))
            whole_dialogue(session)
            leave(session)
            s.proxy.wait_for("lost")
        self.check_counts(s.proxy, expected)

    def check_counts(self, proxy: Proxy, expected: int) -> None:
        """Each record was either written or counted, in the log and on stderr alike."""
        records = self.whole_records(proxy.final_log)
        told = sum(r["records_lost"] for r in records if r["kind"] == "lost")
        self.assertGreater(told, 0)
        self.assertEqual(len([r for r in records if r["kind"] != "lost"]) + told, expected)
        self.assertEqual(proxy.lost, told)

    @staticmethod
    def limit_file(proxy: Proxy, most: int) -> None:
        resource.prlimit(proxy.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    @staticmethod
    def whole_records(log: bytes) -> list[dict]:
        """Without the line that the full disk tore: it counts as lost."""
        records = []
        for line in log.split(b"\n")[:-1]:
            with contextlib.suppress(ValueError):
                records.append(parse(line))
        return records

    def test_S32_a_full_disk_stops_nobody(self):
        expected = records_of_dialogue()
        with scene("--quiet", make=FullLog) as s:
            session = s.session()
            whole_dialogue(session)
            leave(session)
        self.assertEqual(s.proxy.lost, expected)

    def test_S32_a_pipe_whose_reader_died_stops_nobody(self):
        expected = records_of_dialogue(rounds=2)
        with scene(make=PipedLog) as s:
            session = s.session()
            whole_dialogue(session)
            s.proxy.close_reader()
            read = s.proxy.got.count(b"\n")
            s.proxy.got = b""  # cut off on purpose
            whole_dialogue(session)
            leave(session)
        self.assertEqual(s.proxy.lost + read, expected)

    def test_S32_a_pipe_whose_reader_is_stuck_stops_nobody(self):
        rounds = 16
        expected = records_of_dialogue(rounds=rounds)
        with scene(make=PipedLog) as s:
            s.proxy.may_lose_records = True
            session = s.session()
            s.proxy.stop_reading()
            for _ in range(rounds - 1):
                whole_dialogue(session)
            s.proxy.reading = True
            s.proxy.drain()
            whole_dialogue(session)
            leave(session)
        self.check_counts(s.proxy, expected)


# --- kill -9 ---


class KilledProxy(Proxy):
    """Ends by SIGKILL. `old_log`: what the log has when it starts."""

    old_log = b""

    def _start(self):
        (self.work / "log.jsonl").write_bytes(self.old_log)
        super()._start()

    def _stop_and_check(self):
        self._kill()
        wrong = check_bytes(self._log_bytes(), allow_torn=True)
        assert not wrong, wrong[:20]


class RestartedProxy(Proxy):
    """Starts with a log that another process left."""

    def __init__(self, server, old_log: bytes, args=()):
        super().__init__(server, args)
        self.old_log = old_log

    def _start(self):
        (self.work / "log.jsonl").write_bytes(self.old_log)
        super()._start()

    def records(self, kind=None, **fields):
        new = self._log_bytes()[len(self.old_log) :]
        records = [parse(line) for line in new.split(b"\n")[:-1] if line]
        return [r for r in records if harness._matches(r, kind, fields)]

    def _stop_and_check(self):
        self._check_descriptors()
        self._stop()
        assert self.process.returncode == 0
        wrong = check_bytes(self._log_bytes(), allow_torn=True)
        assert not wrong, wrong[:20]


class Kill(unittest.TestCase):
    def killed(self, after: int) -> tuple[list[bytes], bytes]:
        """(what the server saw, the log) of a session killed when it had seen so many commands."""
        with AnsweringServer() as server, KilledProxy(server.address, args=["--quiet"]) as proxy:
            client = connect(proxy.host, proxy.port)
            log_in(client)
            pieces = b"".join(b"NOOP %d\r\n" % n for n in range(4000))
            flood = threading.Thread(target=client.send_pieces, args=[pieces, 700])
            flood.start()
            # Replies must be read, or all ends with full buffers before anything is killed.
            reader = threading.Thread(target=client.ending)
            reader.start()
            assert wait_until(lambda: len(server.lines()) >= after, TIMEOUT_S, 0.0005)
            os.kill(proxy.pid, signal.SIGKILL)
            flood.join()
            reader.join()
            client.close()
            proxy.process.wait()
            self.wait_for_quiet(server)
            return server.lines(), proxy._log_bytes()

    @staticmethod
    def wait_for_quiet(server: AnsweringServer) -> None:
        """Until its thread has read all that the dead proxy had sent."""
        assert wait_until(lambda: all(c.wire.sock.fileno() < 0 for c in server.served), TIMEOUT_S)

    def test_KILL_every_command_that_the_server_saw_is_in_the_log(self):
        for after in (3, 10, 50, 200, 500, 1000):
            with self.subTest(after):
                seen, log = self.killed(after)
                records = S32LogFailure.whole_records(log)
                logged = [S29Injection.line_of(r) for r in records if r["kind"] == "command"]
                self.assertGreaterEqual(len(seen), after)
                self.assertGreaterEqual(len(logged), len(seen))
                self.assertEqual(logged[2 : len(seen)], [line for line in seen[2:] if line])

    def test_KILL_a_torn_last_line_is_ended_at_the_next_start(self):
        _, log = self.killed(20)
        torn = log[: log.rindex(b"\n", 0, -1) + 40]
        self.assertNotEqual(torn[-1:], b"\n")
        with AnsweringServer() as server, RestartedProxy(server.address, torn) as proxy:
            client = connect(proxy.host, proxy.port)
            log_in(client)
            client.send(b"QUIT\r\n")
            client.expect_code(221)
            client.close()
        self.assertTrue(
            proxy.final_log.startswith(torn + b"\n{"), proxy.final_log[len(torn) :][:80]
        )
        self.assertEqual(len(proxy.records("end")), 1)


if __name__ == "__main__":
    unittest.main()
