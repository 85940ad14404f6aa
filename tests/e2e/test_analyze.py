"""`ftpscope analyze` as its user meets it: exit codes, options, pipes, terminals."""
from __future__ import annotations

import json
import os
import signal
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from analysis import run
from binary import BINARY
from capture import CAPTURES, FOLDER
from packets import Capture
from servers import wait_until
from terminal import Terminal

HEALTHY = FOLDER / "healthy-vsftpd-curl.pcap"
WITH_WARNING = FOLDER / "nat-server-227-client.pcap"
WITH_ERROR = FOLDER / "data-refused.pcap"
TIMEOUT_S = 30.0
ESCAPE = b"\x1b["


def say(done) -> str:
    return done.stderr.decode()


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def file(self, content: bytes, name: str = "input") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def check_refused(self, done, *words: str, code: int = 1) -> None:
        """One sentence, and nothing else."""
        self.assertEqual(done.returncode, code, say(done))
        self.assertEqual(done.stdout, b"")
        self.assertRegex(say(done), r"\Aftpscope: [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, say(done))


class ExitCodes(Folder):
    def test_0_whatever_the_capture_tells(self):
        for path in (HEALTHY, WITH_WARNING, WITH_ERROR):
            with self.subTest(path.name):
                done = run(path)
                self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_1_what_cannot_be_read_is_told_in_a_sentence(self):
        cases = {
            "no such file": (self.folder / "none", "No such file"),
            "a directory": (self.folder, "Is a directory"),
            "empty": (self.file(b""), "is empty"),
            "neither": (
                self.file(b"GIF89a" + bytes(100), "gif"),
                "neither a capture",
                "JSON Lines",
            ),
            "a text": (self.file(b"Dear customer,\n", "text"), "neither a capture"),
            "a byte": (self.file(b"x", "byte"), "neither a capture"),
        }
        for name, (path, *words) in cases.items():
            with self.subTest(name):
                self.check_refused(run(path), str(path), *words)

    def test_1_no_permission(self):
        path = self.file(HEALTHY.read_bytes())
        path.chmod(0)
        for place in (self.folder, path):
            os.chown(place, 65534, 65534)
        # A copy: the checkout may be where only its owner can read.
        program = shutil.copy2(BINARY, self.folder / "ftpscope")
        argv = [program, "analyze", path]
        who = {"user": 65534, "group": 65534, "extra_groups": []}
        done = subprocess.run(argv, capture_output=True, timeout=TIMEOUT_S, **who)
        self.check_refused(done, str(path), "Permission denied")

    def test_1_when_the_result_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            argv = [BINARY, "analyze", HEALTHY]
            done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(say(done), r"\Aftpscope: cannot write the result: No space left[^\n]*\n\Z")

    def test_1_lines_that_are_no_records_and_the_rest_is_analysed(self):
        log = HEALTHY.with_suffix(".jsonl").read_bytes()
        lines = log.splitlines(keepends=True)
        path = self.file(b"".join([*lines[:5], b'{"what": "is this"}\n', b"\xff\n", *lines[5:]]))
        done = run(path, "--json")
        self.assertEqual((done.returncode, done.stdout), (1, log))
        self.assertRegex(say(done), r"\Aftpscope: .* 2 lines that are no records.* line 6: .*\n\Z")

    def test_2_wrong_usage(self):
        for options in (
            ["--no-such-option"],
            [],
            [HEALTHY, "--fail-on", "note"],
            [HEALTHY, "--only", "errors"],
            [HEALTHY, "--width", "20"],
            [HEALTHY, "--width", "x"],
            [HEALTHY, "--filter", "host and port"],
            [HEALTHY, HEALTHY],
        ):
            with self.subTest(options):
                self.check_refused(run(*options), code=2)

    def test_3_when_asked_to_fail(self):
        expected = {
            HEALTHY: {"warning": 0, "error": 0},
            WITH_WARNING: {"warning": 3, "error": 0},
            WITH_ERROR: {"warning": 3, "error": 3},
        }
        for path, codes in expected.items():
            for severity, code in codes.items():
                for options in ([], ["--json"], ["--only", "findings"]):
                    with self.subTest(path=path.name, severity=severity, options=options):
                        done = run(path, "--fail-on", severity, *options)
                        self.assertEqual((done.returncode, done.stderr), (code, b""))
                        self.assertTrue(done.stdout)

    def test_3_for_a_log_as_well(self):
        log = WITH_ERROR.with_suffix(".jsonl")
        self.assertEqual(run(log, "--fail-on", "error").returncode, 3)
        self.assertEqual(run(log).returncode, 0)


class Options(Folder):
    def two_sessions(self) -> Path:
        capture = Capture()
        first, second = capture.session(), capture.session()
        first.ask(b"XFIRST\r\n", b"500 What?\r\n")
        second.ask(b"XSECOND\r\n", b"500 What?\r\n")
        second.server.send(b"226 Nobody asked.\r\n")
        first.quit()
        second.quit()
        return self.file(capture.bytes())

    def test_session_shows_one(self):
        path = self.two_sessions()
        for number, here, there in (
            ("000001", b"XFIRST", b"XSECOND"),
            ("000002", b"XSECOND", b"XFIRST"),
        ):
            for form in ([], ["--json"]):
                with self.subTest(number=number, form=form):
                    shown = run(path, "--session", number, *form).stdout
                    self.assertIn(here, shown)
                    self.assertNotIn(there, shown)

    def test_session_that_is_not_there_is_told(self):
        done = run(self.two_sessions(), "--session", "000003")
        self.check_refused(done, "000003")

    def test_fail_on_looks_at_the_session_asked_for(self):
        path = self.two_sessions()
        codes = [
            run(path, "--session", number, "--fail-on", "warning").returncode
            for number in ("000001", "000002")
        ]
        self.assertEqual(codes, [0, 3])

    def test_only_findings_shows_them_and_the_lines_they_are_about(self):
        shown = run(self.two_sessions(), "--only", "findings").stdout.decode()
        self.assertIn("FTP-REPLY-", shown)
        self.assertNotIn("XFIRST", shown)
        self.assertNotIn("220 Ready", shown)
        self.assertNotIn("session 1:", shown)

    def test_only_findings_as_json(self):
        shown = run(WITH_WARNING, "--only", "findings", "--json").stdout
        kinds = [json.loads(line)["kind"] for line in shown.splitlines()]
        self.assertEqual(set(kinds), {"finding"})

    def test_verbose_shows_notes(self):
        path = FOLDER / "smuggling.pcap"
        notes = [
            row["finding"]
            for row in map(json.loads, path.with_suffix(".jsonl").read_text().splitlines())
            if row.get("severity") == "note"
        ]
        self.assertTrue(notes)
        quiet, verbose = run(path).stdout.decode(), run(path, "-v").stdout.decode()
        for name in notes:
            self.assertIn(name, verbose)
            self.assertNotIn(f"note {name}", quiet)

    def test_no_line_is_wider_than_asked_for(self):
        for path in CAPTURES:
            for width in (60, 80, 120, 500):
                with self.subTest(path=path.name, width=width):
                    shown = run(path, "--width", str(width), "-v", "--colour", "never").stdout
                    wide = [line for line in shown.decode().splitlines() if len(line) > width]
                    self.assertFalse(wide)

    def test_standard_input(self):
        for path in (HEALTHY, HEALTHY.with_suffix(".jsonl")):
            with self.subTest(path.name):
                done = run("-", "--json", input=path.read_bytes())
                self.assertEqual(done.stdout, HEALTHY.with_suffix(".jsonl").read_bytes())
                with open(path, "rb") as file:
                    self.assertEqual(run("-", "--json", stdin=file).stdout, done.stdout)

    def test_standard_input_that_is_nothing(self):
        self.check_refused(run("-", input=b""), "standard input is empty")
        self.check_refused(run("-", stdin=subprocess.DEVNULL), "standard input is empty")
        folder = os.open(self.folder, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        self.check_refused(run("-", stdin=folder), "standard input", "directory")


class Pipes(Folder):
    """A live capture comes slowly, and whoever reads the result may have enough of it."""

    def test_a_slow_pipe_gives_what_a_file_gives(self):
        content = HEALTHY.read_bytes()
        argv = [BINARY, "analyze", "-", "--json"]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with process:
            for at in range(0, len(content), 997):
                process.stdin.write(content[at : at + 997])
                process.stdin.flush()
            shown = process.communicate(timeout=TIMEOUT_S)[0]
        self.assertEqual(shown, HEALTHY.with_suffix(".jsonl").read_bytes())

    def test_head_ends_it_without_a_complaint(self):
        capture = Capture()
        control = capture.session()
        for _ in range(5_000):  # far more than a pipe holds
            control.ask(b"NOOP\r\n", b"200 Yes.\r\n")
        path = self.file(capture.bytes())
        for form in ("", "--json"):
            with self.subTest(form):
                line = f"'{BINARY}' analyze '{path}' {form} | head -1"
                done = subprocess.run(
                    ["bash", "-c", line + '; echo "${PIPESTATUS[0]}"'],
                    capture_output=True,
                    timeout=TIMEOUT_S,
                )
                self.assertEqual(done.stderr, b"")
                first, code = done.stdout.decode().splitlines()
                self.assertTrue(first)
                # 141: ended by SIGPIPE, as other tools are.
                self.assertEqual(code, "141")

    def interrupted(self, closes: bool) -> tuple[int, bytes, bytes]:
        """Control-C goes to all of `tcpdump -w - | ftpscope analyze -`."""
        argv = [BINARY, "analyze", "-"]
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with process:
            content = WITH_WARNING.read_bytes()
            process.stdin.write(content[:-100])
            process.stdin.flush()
            self.assertTrue(wait_until(lambda: waits_for_input(process.pid), TIMEOUT_S))
            process.send_signal(signal.SIGINT)
            if closes:
                process.stdin.write(content[-100:])
                process.stdin.close()
                process.stdin = None
            elif not wait_until(lambda: process.poll() is not None, TIMEOUT_S):
                process.kill()
            shown, said = process.communicate(timeout=TIMEOUT_S)
        return process.returncode, shown, said

    def test_interrupted_it_takes_the_last_of_who_writes(self):
        code, shown, said = self.interrupted(closes=True)
        self.assertEqual((code, said), (0, b""))
        self.assertEqual(shown, run(WITH_WARNING).stdout)

    def test_interrupted_it_shows_what_has_come(self):
        code, shown, said = self.interrupted(closes=False)
        self.assertEqual(code, 1, said)
        self.assertRegex(said.decode(), r"\Aftpscope: interrupted: [^\n]+\n\Z")
        self.assertIn(b"FTP-227-PRIVATE-ADDRESS", shown)


def waits_for_input(pid: int) -> bool:
    """It has read all that there is, and is asleep in read(2)."""
    return Path(f"/proc/{pid}/wchan").read_text() in ("pipe_read", "anon_pipe_read") or (
        Path(f"/proc/{pid}/syscall").read_text().startswith("0 0x0 ")
    )


class Terminals(Folder):
    def test_colour_on_a_terminal_and_nowhere_else(self):
        self.assertNotIn(ESCAPE, run(WITH_WARNING).stdout)
        self.assertIn(ESCAPE, run(WITH_WARNING, "--colour", "always").stdout)
        cases = {
            (): True,
            ("--colour", "auto"): True,
            ("--colour", "never"): False,
        }
        for options, coloured in cases.items():
            with self.subTest(options), Terminal([BINARY, "analyze", WITH_WARNING, *options]) as t:
                self.assertEqual(ESCAPE in t.all(), coloured)

    def test_no_color(self):
        with Terminal([BINARY, "analyze", WITH_WARNING], NO_COLOR="1") as t:
            self.assertNotIn(ESCAPE, t.all())
        with Terminal([BINARY, "analyze", WITH_WARNING, "--colour", "always"], NO_COLOR="1") as t:
            self.assertIn(ESCAPE, t.all())

    def test_it_is_as_wide_as_the_terminal(self):
        for columns in (72, 133):
            with self.subTest(columns):
                argv = [BINARY, "analyze", WITH_WARNING, "--colour", "never"]
                with Terminal(argv, columns=columns) as t:
                    lines = t.all().decode().splitlines()
                self.assertEqual(max(map(len, lines)), columns)

    def test_a_narrow_terminal_is_none(self):
        """It still shows something; a terminal may be 20 columns wide, or say 0."""
        for columns in (0, 1, 20):
            with self.subTest(columns), Terminal(
                [BINARY, "analyze", HEALTHY], columns=columns
            ) as t:
                self.assertIn(b"session 1", t.all())

    def test_progress_on_a_terminal_when_it_takes_long(self):
        """A capture that comes through a FIFO takes as long as we like."""
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        content = HEALTHY.read_bytes()
        with Terminal([BINARY, "analyze", fifo]) as t:
            with open(fifo, "wb", buffering=0) as writer:
                sent = 0
                while b"\r" not in t.so_far() and sent < len(content):
                    writer.write(content[sent : sent + 100])
                    sent += 100
                    wait_until(lambda: b"\r" in t.so_far(), 0.1)
                self.assertIn(b"\r", t.so_far())
                writer.write(content[sent:])
            shown = t.all()
        self.assertRegex(shown, rb"\r[0-9.]+ (B|KiB)")
        self.assertIn(b"\r\x1b[K", shown)  # and it is gone at the end
        self.assertIn(b"session 1", shown)


if __name__ == "__main__":
    unittest.main()
