"""A program on a terminal of its own (pty(7)): what it shows there, both of its outputs together.

    with Terminal(["ftpscope", "analyze", path], columns=80) as t:
        shown = t.all()
"""
from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import subprocess
import termios
import threading

TIMEOUT_S = 30.0
ROWS = 24


class Terminal:
    def __init__(self, argv: list, columns: int = 100, **environment: str):
        self.argv, self.columns = [str(word) for word in argv], columns
        self.environment = {"PATH": os.environ["PATH"], "TERM": "xterm", **environment}
        self._shown = b""

    def __enter__(self) -> "Terminal":
        self._master, slave = os.openpty()
        size = struct.pack("HHHH", ROWS, self.columns, 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        modes = termios.tcgetattr(slave)
        modes[1] &= ~termios.OPOST  # LF stays LF
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        self.process = subprocess.Popen(
            self.argv, stdin=slave, stdout=slave, stderr=slave, env=self.environment
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(TIMEOUT_S)
        os.close(self._master)

    def so_far(self) -> bytes:
        return self._shown

    def all(self) -> bytes:
        """As soon as it has ended."""
        self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        return self._shown

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
            while piece := os.read(self._master, 1 << 16):
                self._shown += piece
