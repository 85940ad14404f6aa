"""What every client does in one session: the files before, and what must be there afterwards.

    PWD, a listing, RETR, STOR, REST + RETR, APPE (lftp: REST + STOR), RNFR + RNTO, MKD, RMD, DELE

Each client says this in its own words (clients.py); what must come of it is checked here, once.
"""
from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from servers import Folder, give_to_user

MIB = 1 << 20
LOG_START, LOG_TAIL = b"first line\n", b"appended line\n"


@dataclass(frozen=True)
class Seen:
    """What the client says it has seen."""

    pwd: str
    listing: str
    output: str  # its whole transcript, for the failure message


@dataclass(frozen=True)
class Files:
    remote: Folder  # the server's side
    local: Path  # the client's: up.bin, tail.txt, log.txt, partial.bin; got.bin comes here
    down_sha: str
    up_sha: str


def prepare(remote: Folder, local: Path, size: int = MIB) -> Files:
    down, up = os.urandom(size), os.urandom(size)
    for name, content in {
        "down.bin": down,
        "log.txt": LOG_START,
        "old-name": b"x",
        "to-delete": b"x",
    }.items():
        (remote.path / name).write_bytes(content)
        give_to_user(remote.path / name)
    (remote.path / "empty-dir").mkdir()
    give_to_user(remote.path / "empty-dir")
    local_files = {
        "up.bin": up,
        "partial.bin": down[: size // 2],
        "tail.txt": LOG_TAIL,
        "log.txt": LOG_START + LOG_TAIL,
    }
    for name, content in local_files.items():
        (local / name).write_bytes(content)
    return Files(remote, local, sha(down), sha(up))


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content_sha(path: Path) -> str:
    return sha(path.read_bytes()) if path.exists() else "no such file"


def complaints(files: Files, seen: Seen) -> list[str]:
    """One sentence for each thing that is not as it must be; empty if all is well."""
    remote, local = files.remote.path, files.local
    checks = {
        "RETR: got.bin differs from down.bin": content_sha(local / "got.bin") == files.down_sha,
        "STOR: up.bin differs": content_sha(remote / "up.bin") == files.up_sha,
        "REST + RETR: partial.bin is not the whole file": content_sha(local / "partial.bin")
        == files.down_sha,
        "APPE: log.txt differs": (remote / "log.txt").read_bytes() == LOG_START + LOG_TAIL,
        "RNTO: new-name is missing": (remote / "new-name").exists(),
        "RNFR: old-name is still there": not (remote / "old-name").exists(),
        "MKD: made-dir is missing": (remote / "made-dir").is_dir(),
        "RMD: empty-dir is still there": not (remote / "empty-dir").exists(),
        "DELE: to-delete is still there": not (remote / "to-delete").exists(),
        f"PWD: {files.remote.remote} is not in {seen.pwd!r}": files.remote.remote in seen.pwd,
        "the listing lacks down.bin": "down.bin" in seen.listing,
    }
    return [sentence for sentence, holds in checks.items() if not holds]


def transfers(client: str) -> list[tuple[str, str, int]]:
    """What the log's data records must tell, listings apart: (verb, direction, bytes)."""
    append = "STOR" if client.startswith("lftp") else "APPE"
    return sorted(
        [
            ("RETR", "download", MIB),
            ("RETR", "download", MIB - MIB // 2),
            ("STOR", "upload", MIB),
            (append, "upload", len(LOG_TAIL)),
        ]
    )
