"""`ftpscope analyze` on session logs: live ones full of oddities, torn and broken ones, its own output."""
from __future__ import annotations

import ftplib
import io
import json
import signal
import subprocess
import unittest
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import analysis
from analysis import by_session, run
from answering_server import AnsweringServer, download, fetch, log_in, passive
from binary import BINARY, ROOT
from capture import CAPTURES, FOLDER
from check_log import check_bytes
from hostile import Session, scene
from proxy import Proxy
from replay import ReplayServer
from test_analyze import HEALTHY, TIMEOUT_S, Folder, say
from wire import connect

ZOO = [  # (the client's line, the server's replies): each odd in a way of its own
    (b"NOOP\n", b"200 LF only.\r\n"),
    (b"SYST\r\n", b"215 UNIX\n"),
    (b"XYZZY caf\xe9\r\n", b"500 What?\r\n"),
    (b"SIZE x\r\n", b"213 about 12\r\n"),
    (b"MDTM x\r\n", b"213 yesterday\r\n"),
    (b"PWD\r\n", b"257 /no quotes\r\n"),
    (b"STAT\r\n", b"211-Status\r\n 211 not the end\r\n550 nor this\r\n211\r\n"),
    (b"FEAT\r\n", b"211-Features\r\nSIZE\r\n211 End\r\n"),
    (b"NOOP\r\n", b"200 Once.\r\n200 Twice.\r\n"),
    (b"RNTO y\r\n", b"350 Hm.\r\n"),
    (b"CWD a\x1b[31mb\r\n", b"550 No.\r\n"),
    (b"CWD 227 Entering Passive Mode (10,0,0,1,4,1)\r\n", b"550 No.\r\n"),
    (b"RETR x\r\n", b"226 Done without a word.\r\n"),
    (b"MKD\r\n", b"501 What?\r\n"),
    (b"REST 5\r\n", b"350 Well.\r\n"),
    (b"NOOP\r\n", b"227 Entering Passive Mode (10,0,0,1,4,1)\r\n"),
    (b"PASS \r\n", b"530 No.\r\n"),
    (b"PASS x\r\n", b"530 No.\r\n"),
]
DECISIONS = {"FTP-COMMAND-AMBIGUOUS"}  # of the strict posture: no other record has them
# These are answered by the proxy itself, in this posture.
REFUSED = {"raw": [], "strict": [b"NOOP\n"]}


def exchange(session: Session, posture: str) -> None:
    for line, reply in ZOO:
        session.client.send(line)
        if line in REFUSED[posture]:
            session.client.line()
            continue
        session.server.line()
        session.server.send(reply)
        for _ in reply.splitlines():
            session.client.line()


class LiveLogs(unittest.TestCase):
    """What the proxy found live is found in its log. (The same is asked of each log of all e2e tests:
    see proxy.py. Here it is shown that there was something to find.)"""

    def zoo(self, posture: str) -> Proxy:
        with scene("--lines", posture) as s:
            session, other = s.session(), s.session()
            for number in range(3):
                exchange(session, posture)
                other.ask(b"NOOP %d\r\n" % number, b"200 Yes.\r\n")
            for one in (session, other):
                one.ask(b"QUIT\r\n", b"221 Bye.\r\n")
                one.client.close()
                one.server.close()
        return s.proxy

    def check(self, proxy: Proxy) -> None:
        log = proxy.final_log
        found = {r["finding"] for r in proxy.records("finding")}
        self.assertGreater(len(found), 15, sorted(found))
        done = run("-", "--json", input=log)
        self.assertEqual(done.returncode, 0, say(done))
        self.assertEqual(by_session(done.stdout), by_session(log))
        # Findings follow from the rest of the log: a log that has none gets them all.
        without = b"".join(
            line for line in log.splitlines(keepends=True) if b'"kind":"finding"' not in line
        )
        again = run("-", "--json", input=without).stdout
        own = [r for r in proxy.records("finding") if r["finding"] not in DECISIONS]
        self.assertEqual(findings(map(json.loads, again.splitlines())), findings(own))

    def test_raw(self):
        self.check(self.zoo("raw"))

    def test_strict(self):
        self.check(self.zoo("strict"))

    def test_tls(self):
        for posture in ("pass", "refuse"):
            with self.subTest(posture), scene("--tls", posture) as s:
                session = s.greeted()
                session.client.send(b"AUTH TLS\r\n")
                if posture == "pass":
                    session.server.expect(b"AUTH TLS\r\n")
                    session.server.send(b"234 Go on.\r\n")
                session.client.line()
                session.client.send(b"\x16\x03\x01\x00\x02ab" if posture == "pass" else b"NOOP\r\n")
                session.server.line() if posture == "refuse" else session.server.expect(b"\x16")
                s.close()
            self.assertEqual(by_session(self.again(s.proxy)), by_session(s.proxy.final_log))
            self.assertIn(
                "FTP-TLS-OPAQUE" if posture == "pass" else "FTP-TLS-REFUSED",
                [r["finding"] for r in s.proxy.records("finding")],
            )

    def test_many_sessions_side_by_side(self):
        answers = {"PASV": passive, "RETR": download(b"x" * 1000), "SYST": b"215 UNIX\n"}
        with AnsweringServer(**answers) as server, Proxy(server.address) as proxy:

            def one(number: int) -> None:
                client = connect(proxy.host, proxy.port)
                log_in(client)
                for _ in range(5):
                    self.assertEqual(fetch(client), b"x" * 1000)
                    client.send(b"SYST\r\n")
                    client.expect(b"215 UNIX\n")
                client.send(b"QUIT\r\n")
                client.rest()
                client.close()

            with ThreadPoolExecutor(20) as pool:
                list(pool.map(one, range(60)))
        log = proxy.final_log
        order = [json.loads(line)["session"] for line in log.splitlines()]
        self.assertGreater(sum(a != b for a, b in pairwise(order)), 100)  # side by side indeed
        self.assertEqual(by_session(self.again(proxy)), by_session(log))

    def again(self, proxy: Proxy) -> bytes:
        return run("-", "--json", input=proxy.final_log).stdout


class KilledProxy(Proxy):
    def _stop_and_check(self):
        assert self.process.returncode == -signal.SIGKILL


RULES_OF_TODAY = {"FTP-227-FORM", "FTP-FEAT-SYNTAX", "FTP-LINE-LF-ONLY", "FTP-PORT-PRIVATE-ADDRESS"}


class BrokenLogs(Folder):
    def log(self) -> bytes:
        return (FOLDER / "healthy-proftpd-tnftp.jsonl").read_bytes()

    def test_a_torn_last_line_is_left_out_without_a_word(self):
        log = self.log()
        last = log.rfind(b"\n", 0, -1) + 1
        for cut in range(last + 1, len(log) - 1):
            done = run("-", "--json", input=log[:cut])
            self.assertEqual((done.returncode, done.stderr, done.stdout), (0, b"", log[:last]), cut)

    def test_a_whole_last_line_without_its_end_counts(self):
        log = self.log()
        self.assertEqual(run("-", "--json", input=log[:-1]).stdout, log)

    def test_a_log_cut_at_any_line_gives_the_lines_before(self):
        lines = self.log().splitlines(keepends=True)
        for count in range(1, len(lines)):
            done = run("-", "--json", input=b"".join(lines[:count]))
            self.assertEqual((done.returncode, done.stderr), (0, b""), count)
            # A finding may follow from the last line, and was to come in the next one.
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual(facts(rows), facts(map(json.loads, lines[:count])))

    def test_the_log_of_a_killed_proxy(self):
        with scene("--quiet", make=KilledProxy) as s:
            session = s.session()
            session.ask(b"SYST\r\n", b"215 UNIX\n")
            s.proxy.process.kill()
            s.proxy.process.wait()
        log = s.proxy.final_log
        self.assertNotIn(b'"kind":"end"', log)
        for torn in (b"", log[:200]):
            done = run("-", "--json", input=log + torn)
            self.assertEqual((done.returncode, done.stderr, done.stdout), (0, b"", log))
        self.assertIn("FTP-LINE-LF-ONLY", run("-", input=log).stdout.decode())

    def test_an_older_log_gets_the_findings_of_today(self):
        """As if recorded when there were no rules yet; nothing else in it changes."""
        for path in (
            ROOT / "captures" / "misbehaving" / "session.jsonl",
            ROOT / "tests/e2e/sample.jsonl",
        ):
            with self.subTest(path.name):
                today = [json.loads(line) for line in path.read_bytes().splitlines()]
                old = [row for row in today if row.get("finding") not in RULES_OF_TODAY]
                self.assertNotEqual(old, today)
                log = b"".join(json.dumps(row).encode() + b"\n" for row in old)
                done = run("-", "--json", input=log)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                new = [json.loads(line) for line in done.stdout.splitlines()]
                self.assertEqual(facts(new), facts(old))
                self.assertEqual(findings(today) - findings(new), Counter())

    def test_a_newer_log_is_read_as_far_as_it_can_be(self):
        """Fields that we do not know are skipped; a kind that we do not know is told."""
        log = self.log()
        richer = log.replace(b'"kind":"reply"', b'"weather":{"rain":[true]},"kind":"reply"')
        self.assertNotEqual(richer, log)
        self.assertEqual(run("-", "--json", input=richer).stdout, log)
        first = json.loads(log.splitlines()[0])
        other = json.dumps({**first, "kind": "weather"}).encode() + b"\n"
        done = run("-", "--json", input=log + other)
        self.assertEqual((done.returncode, done.stdout), (1, log))
        self.assertIn("'weather' is unknown", say(done))

    def test_a_log_of_a_newer_schema_is_told(self):
        done = run("-", "--json", input=self.log().replace(b'"schema":1', b'"schema":2'))
        self.assertEqual(done.returncode, 1)
        self.assertIn("schema", say(done))

    def test_a_log_that_was_continued_behind_a_torn_line(self):
        log = self.log()
        torn = log.splitlines()[0][:100] + b"\n"
        done = run("-", "--json", input=torn + log)
        self.assertEqual((done.returncode, done.stdout), (1, log))
        self.assertIn("line 1", say(done))

    def test_line_ends_of_windows(self):
        log = self.log()
        self.assertEqual(run("-", "--json", input=log.replace(b"\n", b"\r\n")).stdout, log)


def facts(rows: Iterable[dict]) -> list[dict]:
    kept = [dict(row) for row in rows if row["kind"] != "finding"]
    for row in kept:
        del row["seq"]
        row.pop("findings", None)
    return sorted(kept, key=lambda row: row["session"])


def findings(rows: Iterable[dict]) -> Counter:
    return Counter((r["session"], r["finding"], r["to"]) for r in rows if r["kind"] == "finding")


class OwnOutput(Folder):
    """The JSON of a capture is a log like any other."""

    def test_analyze_gives_it_again(self):
        for path in CAPTURES:
            with self.subTest(path.name):
                log = self.file(run(path, "--json").stdout)
                self.assertEqual(analysis.what_changes(log), "")

    def test_report_takes_it(self):
        for path in CAPTURES:
            with self.subTest(path.name):
                log, page = self.file(run(path, "--json").stdout), self.folder / "page.html"
                done = subprocess.run(
                    [BINARY, "report", log, "-o", page], capture_output=True, timeout=TIMEOUT_S
                )
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertIn(b"</html>", page.read_bytes()[-100:])

    def test_jq_takes_it(self):
        for path in CAPTURES:
            with self.subTest(path.name):
                shown = run(path, "--json").stdout
                done = subprocess.run(
                    ["jq", "-c", ".kind"], input=shown, capture_output=True, timeout=TIMEOUT_S
                )
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertEqual(done.stdout.count(b"\n"), shown.count(b"\n"))
                self.assertFalse(check_bytes(shown, path.name))

    def test_replay_server_plays_it(self):
        """A capture becomes a recording: its log, and what it carried, in one folder."""
        folder = self.folder / "recording"
        log = run(HEALTHY, "--json", "--extract", folder).stdout
        (folder / "session.jsonl").write_bytes(log)
        rows = [json.loads(line) for line in log.splitlines()]
        payloads = {r["verb"]: folder / r["payload"] for r in rows if r.get("payload")}
        with ReplayServer(folder) as server, ftplib.FTP() as ftp:
            ftp.connect(server.host, server.port, TIMEOUT_S)
            ftp.login("any", "any")
            got = io.BytesIO()
            ftp.retrbinary("RETR down.bin", got.write)
            first = next(r for r in rows if r["kind"] == "data" and r["verb"] == "RETR")
            self.assertEqual(got.getvalue(), (folder / first["payload"]).read_bytes())
            lines: list[str] = []
            ftp.retrlines("LIST", lines.append)
            self.assertEqual(lines, payloads["LIST"].read_text().splitlines())
