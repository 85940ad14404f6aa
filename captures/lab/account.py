"""A mount namespace in which the test account has a password that may be published.

The account of install-servers.sh has one that is this machine's secret, and a capture shows it. So
/etc/shadow and the file with the password are covered by others, for this process and its children.
"""
from __future__ import annotations

import ctypes
import os
import re
import subprocess
import tempfile
from pathlib import Path

import servers

PASSWORD = "recorded"
CLONE_NEWNS = 0x20000


def enter() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare: root is needed")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    cover(servers.ACCOUNT / "password", PASSWORD + "\n")
    hashed = servers.crypt.crypt(PASSWORD, servers.crypt.METHOD_SHA512)
    cover(Path("/etc/resolv.conf"), "")  # a server that asks for names gets its refusal at once
    shadow = Path("/etc/shadow")
    row = re.compile(rf"^{servers.USER}:[^:]*:", re.M)
    cover(shadow, row.sub(lambda _: f"{servers.USER}:{hashed}:", shadow.read_text()))


def cover(path: Path, content: str) -> None:
    was = path.stat()
    with tempfile.NamedTemporaryFile("w") as other:
        other.write(content)
        other.flush()
        os.chown(other.name, was.st_uid, was.st_gid)
        os.chmod(other.name, was.st_mode)
        subprocess.run(["mount", "--bind", other.name, path], check=True)
