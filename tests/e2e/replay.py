"""The replayed server as a process, and what every test asserts of it without saying so.

    with ReplayServer("demo") as server:
        ftp.connect(server.host, server.port)

At each stop: the descriptors are back to where they were, SIGTERM ends it with code 0 at once,
stderr is empty, and the log that it wrote is whole (check_log.py).
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from check_log import check_bytes
from proxy import BINARY, ROOT, authority
from servers import wait_until

CAPTURES = ROOT / "captures"
START_S, DESCRIPTORS_S, STOP_S = 10.0, 10.0, 5.0
FIRST_LINE = re.compile(r"ftpscope: listening on (.+):(\d+), playing (.+)")


def payload(capture: str, command: str) -> bytes:
    """What went through the data connection of a recorded transfer, "RETR readme.txt"."""
    folder = CAPTURES / capture
    records = [json.loads(line) for line in (folder / "session.jsonl").read_text().splitlines()]
    verb, _, argument = command.partition(" ")
    wanted = {"kind": "command", "verb": verb, **({"argument": argument} if argument else {})}
    ids = [r["id"] for r in records if wanted.items() <= r.items()]
    names = [r["payload"] for r in records if r["kind"] == "data" and r["to"] in ids]
    assert len(names) == 1, f"{capture} has {command} {len(names)} times"
    return (folder / names[0]).read_bytes()


class ReplayServer:
    """Attributes: host, port, process, log (its path)."""

    def __init__(self, recording: str | Path, listen: str = "127.0.0.1", args: list[str] = ()):
        self.recording = CAPTURES / recording
        self.listen, self.args = listen, list(args)

    def __enter__(self) -> "ReplayServer":
        self.work = tempfile.TemporaryDirectory(prefix="ftpscope-replay-")
        self.log = Path(self.work.name) / "log.jsonl"
        self.stdout, self.stderr = (open(Path(self.work.name) / n, "w+b") for n in ("out", "err"))
        argv = [BINARY, "replay", "server", self.recording, "--log", self.log, "--listen"]
        argv += [authority(self.listen, 0), *self.args]
        self.process = subprocess.Popen(argv, stdout=self.stdout, stderr=self.stderr)
        assert wait_until(lambda: b"\n" in self._said(self.stdout), START_S), self._evidence()
        first = self._said(self.stdout).decode().partition("\n")[0]
        said = FIRST_LINE.fullmatch(first)
        assert said and said[3] == str(self.recording), first
        self.host, self.port = said[1].strip("[]"), int(said[2])
        self.descriptors_at_start = self.descriptors()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        try:
            if error is None:
                self._stop_and_check()
        finally:
            self.process.kill()
            self.process.wait()
            self.stdout.close()
            self.stderr.close()
            self.work.cleanup()

    def _stop_and_check(self) -> None:
        if self.process.poll() is None:
            self._check_descriptors()
            self.stop()
        wrong = check_bytes(self.log.read_bytes())
        assert not wrong, "\n".join(wrong[:10])

    def _check_descriptors(self) -> None:
        start = self.descriptors_at_start
        back = wait_until(lambda: self.descriptors() <= start, DESCRIPTORS_S)
        assert back, f"{self.descriptors()} descriptors, {start} at the start"

    def stop(self, by: int = signal.SIGTERM) -> None:
        self.process.send_signal(by)
        code = self.process.wait(STOP_S)
        assert code == 0 and not self._said(self.stderr), f"exit code {code}\n{self._evidence()}"

    def idle(self) -> bool:
        """All sessions are over, so the log has all of them."""
        log = self.log.read_bytes()
        return log.count(b'"kind":"session"') == log.count(b'"kind":"end"')

    def stdout_lines(self) -> list[bytes]:
        return self._said(self.stdout).splitlines()

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    @staticmethod
    def _said(file) -> bytes:
        file.flush()
        return os.pread(file.fileno(), 1 << 20, 0)

    def _evidence(self) -> str:
        return (self._said(self.stdout) + self._said(self.stderr)).decode(errors="replace")
