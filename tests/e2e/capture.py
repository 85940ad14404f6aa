"""`ftpscope analyze` on the captures of captures/pcap, which captures/README.md explains."""
from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

from binary import BAD_WORDS, BINARY, ROOT

FOLDER = ROOT / "captures" / "pcap"
CAPTURES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".pcap", ".pcapng"))
TIMEOUT_S = 60
ENDINGS = {"crlf": b"\r\n", "lf": b"\n", "none": b""}


def analyze(path: Path, *options: str) -> bytes:
    """What it prints. Neither what a capture carries nor its damage is an error."""
    argv = [BINARY, "analyze", path, *options]
    done = subprocess.run(argv, capture_output=True, timeout=TIMEOUT_S)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 0, f"{path.name}: exit code {done.returncode}: {said}"
    assert not BAD_WORDS.search(said), f"{path.name}: {said}"
    return done.stdout


def records(path: Path, *options: str) -> list[dict]:
    return [json.loads(line) for line in analyze(path, "--json", *options).splitlines()]


def sessions(rows: list[dict]) -> list[list[dict]]:
    """The records of each session, in order of their starts; not those of the capture itself."""
    found: dict[str, list[dict]] = {}
    for row in rows:
        found.setdefault(row["session"], []).append(row)
    return [rows for rows in found.values() if rows[0]["kind"] == "session"]


def octets(value) -> bytes:
    """A field of the kind *bytes*."""
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value.encode()


def command_line(command: dict) -> bytes:
    """The line as it was on the wire."""
    if "line" in command:
        return octets(command["line"])
    argument = b" " + octets(command["argument"]) if "argument" in command else b""
    return octets(command["verb"]) + argument + b"\r\n"


def reply_lines(reply: dict) -> bytes:
    endings = reply.get("endings", ["crlf"] * len(reply["lines"]))
    return b"".join(octets(line) + ENDINGS[end] for line, end in zip(reply["lines"], endings))
