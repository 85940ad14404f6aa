"""`ftpscope analyze` as a process, and the promise that a log which it reads comes out again.

    done = run("log.jsonl", "--only", "findings")
    assert not difference(log, run(log_path, "--json").stdout)
"""
from __future__ import annotations

import difflib
import json
import subprocess
from pathlib import Path

from binary import BAD_WORDS, BINARY

TIMEOUT_S = 120


def run(*options, **more) -> subprocess.CompletedProcess:
    """It ends by itself and says nothing of an internal error; how it ended is the caller's."""
    argv = [BINARY, "analyze", *options]
    done = subprocess.run(argv, capture_output=True, timeout=TIMEOUT_S, **more)
    said = done.stderr.decode(errors="replace")
    assert done.returncode >= 0, f"ended by signal {-done.returncode}: {said}"
    assert not BAD_WORDS.search(said), said
    return done


def what_changes(log: Path) -> str:
    """What `analyze --json` tells otherwise than this log; empty when it gives all of it again."""
    done = run(log, "--json")
    if done.returncode != 0:
        return f"exit code {done.returncode}: {done.stderr.decode(errors='replace')}"
    return difference(log.read_bytes(), done.stdout)


def difference(expected: bytes, got: bytes) -> str:
    """The first lines that differ, session by session: a finding that waits for the end of its
    session may come behind a record of another one."""
    if expected == got:
        return ""
    sides = [by_session(text) for text in (expected, got)]
    names = [*sides[0], *(name for name in sides[1] if name not in sides[0])]
    lines = []
    for name in names:
        both = [side.get(name, []) for side in sides]
        lines += difflib.unified_diff(*both, f"log {name}", f"analyze {name}", lineterm="", n=1)
    return "\n".join(line[:400] for line in lines[:20])


def by_session(log: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in log.decode().splitlines():
        found.setdefault(json.loads(line)["session"], []).append(line)
    return found
