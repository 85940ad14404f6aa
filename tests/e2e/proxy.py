"""The proxy under test as a process, and what every test asserts of it without saying so.

    with Proxy(server=("127.0.0.1", port), args=["--lines", "strict"]) as p:
        ftp.connect(p.host, p.port)
        ...
        p.wait_for("finding", finding="FTP-227-FOREIGN-ADDRESS")
    p.records("data")          # the whole log is still there after the stop

The hidden oracles, at each stop: all sessions are over and their descriptors closed, SIGTERM ends
it with code 0, stderr tells of no internal error and no sanitizer, the log is whole, in each line
and as a story (check_log.py), and `ftpscope analyze` finds in it what the proxy found live, byte for
byte (analysis.py). A test that leaves sessions open on purpose sets `p.leaves_sessions = True` (and
passes a short --grace), one that takes the log's disk away `p.may_lose_records = True`.

What it runs: $FTPSCOPE, or build/ftpscope, with the options of $FTPSCOPE_ARGS added ("--lines
strict" runs the whole suite in that posture) where the test does not give them itself. Where analyzer/log.schema.json is missing, all fails.
"""
from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import analysis
from binary import BAD_WORDS, BINARY, ROOT
from check_log import check_bytes
from servers import wait_until

MORE_ARGS = os.environ.get("FTPSCOPE_ARGS", "").split()
START_S, WAIT_S, DESCRIPTORS_S = 10.0, 5.0, 5.0
STOP_S = 35.0  # the default grace is 30
FIRST_LINE = re.compile(r"ftpscope: listening on (\[[0-9a-f:.%\w]+\]|[0-9.]+):(\d+), server (.+)")


def authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Proxy:
    """The process. Attributes: host, port (where clients connect), pid, process, work (folder)."""

    def __init__(
        self,
        server: tuple[str, int] | None,
        args: list[str] = (),
        listen: str | None = None,
        command: str = "proxy",
        user: str | None = None,
        prefix: list[str] = (),
    ):
        """Without a server, the args have a --mode. `user`: whom it is to become; the folder with
        its log is theirs then. `prefix` is what execs the program."""
        self.command = command
        self.user = user
        self.prefix = list(prefix)
        self.server = server
        self.args = [*args, *(["--user", user] if user else [])]
        v6 = server is not None and ":" in server[0]
        self.listen = listen or authority("::1" if v6 else "127.0.0.1", 0)
        self.leaves_sessions = False
        self.may_lose_records = False
        self.final_log: bytes | None = None
        self.last_words: str | None = None

    # --- running ---

    def __enter__(self) -> "Proxy":
        self.work = Path(tempfile.mkdtemp(prefix="ftpscope-proxy-"))
        if self.user:
            shutil.chown(self.work, self.user)
        try:
            self._start()
        except BaseException:
            self._kill()
            shutil.rmtree(self.work, ignore_errors=True)
            raise
        return self

    def __exit__(self, kind, error, traceback) -> None:
        try:
            if error is None:
                self._stop_and_check()
            else:
                self._stop()
                error.add_note(self.evidence())
        except AssertionError as failure:
            failure.add_note(self.evidence())
            raise
        finally:
            self._kill()
            self.last_words = self.evidence()
            self.final_log = self._log_bytes()
            shutil.rmtree(self.work, ignore_errors=True)

    def _command(self) -> list[str]:
        return [
            *self.prefix,
            str(BINARY),
            self.command,
            "--listen",
            self.listen,
            *(["--server", authority(*self.server)] if self.server else []),
            "--log",
            str(self.work / "log.jsonl"),
            *([] if set(MORE_ARGS) & set(self.args) else MORE_ARGS),
            *self.args,
        ]

    def _start(self) -> None:
        # Files, not pipes: a test must not stall the proxy by not reading what it says.
        with open(self.work / "stdout", "wb") as out, open(self.work / "stderr", "wb") as err:
            self.process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.work
            )
        self.pid = self.process.pid
        wait_until(lambda: self._stdout().count("\n") or self.process.poll() is not None, START_S)
        said = FIRST_LINE.fullmatch(self._stdout().partition("\n")[0])
        ended = f"exit code {self.process.poll()}"
        assert said, f"no 'ftpscope: listening on …' as first line ({ended})\n{self.evidence()}"
        self.host, self.port = said[1].strip("[]"), int(said[2])
        self.descriptors_at_start = self._descriptors()

    def _stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._kill()

    def _kill(self) -> None:
        if hasattr(self, "process") and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # --- the log ---

    def records(self, kind: str | None = None, **fields) -> list[dict]:
        """The records so far, in the file's order; only of the kind and the fields, if given."""
        # What follows the last line end is not written out yet.
        lines = self._log_bytes().split(b"\n")[:-1]
        return [r for r in map(json.loads, lines) if _matches(r, kind, fields)]

    def sessions(self) -> dict[str, list[dict]]:
        sessions: dict[str, list[dict]] = {}
        for record in self.records():
            sessions.setdefault(record["session"], []).append(record)
        return sessions

    def wait_for(self, kind: str, timeout_s: float = WAIT_S, **fields) -> dict:
        """The first record of the kind with these fields, as soon as it is there."""
        found: list[dict] = []
        wait_until(lambda: found.extend(self.records(kind, **fields)) or found, timeout_s)
        assert found, f"no record {kind} {fields} within {timeout_s} s"
        return found[0]

    # --- the oracles ---

    def _stop_and_check(self) -> None:
        code = self.process.poll()
        assert code is None, f"it ended by itself with code {code}"
        if not self.leaves_sessions:
            self._check_descriptors()
        self._stop()
        assert self.process.returncode == 0, f"exit code {self.process.returncode} after SIGTERM"
        bad = BAD_WORDS.search(self._read("stderr"))
        assert not bad, f"stderr tells of {bad[0]!r}" if bad else ""
        wrong = check_bytes(self._log_bytes())
        assert not wrong, "the log is wrong:\n" + "\n".join(wrong[:20])
        lost = self.records("lost")
        assert self.may_lose_records or not lost, f"records were lost: {lost}"
        if not lost:
            self._check_analysis()

    def _check_analysis(self) -> None:
        """A log of its own: not every proxy's is a file."""
        path = self.work / "analyzed.jsonl"
        path.write_bytes(self._log_bytes())
        changed = analysis.what_changes(path) if path.stat().st_size else ""
        assert not changed, f"analyze tells another story than the log:\n{changed}"

    def _check_descriptors(self) -> None:
        over = wait_until(self._all_ended, DESCRIPTORS_S)
        assert over, f"sessions not over within {DESCRIPTORS_S} s"
        base = self.descriptors_at_start
        back = wait_until(lambda: len(self._descriptors()) <= len(base), DESCRIPTORS_S)
        assert back, f"descriptors, {len(base)} at the start: {self._descriptors()}"

    def _all_ended(self) -> bool:
        kinds = Counter(record["kind"] for record in self.records())
        return kinds["session"] == kinds["end"]

    def _descriptors(self) -> dict[str, str]:
        folder, found = f"/proc/{self.pid}/fd", {}
        for name in os.listdir(folder):
            try:
                found[name] = os.readlink(f"{folder}/{name}")
            except FileNotFoundError:
                pass  # closed since it was listed
        return found

    # --- what it wrote ---

    def _log_bytes(self) -> bytes:
        if self.final_log is not None:
            return self.final_log
        path = self.work / "log.jsonl"
        return path.read_bytes() if path.exists() else b""

    def _read(self, name: str) -> str:
        return (self.work / name).read_text(errors="replace")

    def _stdout(self) -> str:
        return self._read("stdout")

    def evidence(self) -> str:
        """The ends of its stdout, stderr and log, for a failure's message; also after the stop."""
        if self.last_words is not None:
            return self.last_words
        parts = {
            "stdout": self._stdout(),
            "stderr": self._read("stderr"),
            "log": self._log_bytes().decode(errors="replace"),
        }
        return "\n".join(f"--- the proxy's {what} ---\n{_tail(t)}" for what, t in parts.items())


@contextlib.contextmanager
def explained(proxy: Proxy):
    """A failure inside gets the proxy's evidence: for what is asserted after the stop."""
    try:
        yield
    except AssertionError as failure:
        failure.add_note(proxy.evidence())
        raise


def _matches(record: dict, kind: str | None, fields: dict) -> bool:
    return (kind is None or record.get("kind") == kind) and all(
        record.get(k) == v for k, v in fields.items()
    )


def _tail(text: str, lines: int = 60) -> str:
    all_lines = text.splitlines()
    cut = [f"… {len(all_lines) - lines} lines before"] if len(all_lines) > lines else []
    return "\n".join(cut + all_lines[-lines:])
