"""Small sessions of real clients that may go wrong: what went wrong is in the capture, not raised."""
from __future__ import annotations

import contextlib
import ftplib
import io
import subprocess
import tempfile
from pathlib import Path

import servers
from clients import bracketed

PAYLOAD = b"".join(b"line %03d of a file that was recorded\r\n" % number for number in range(75))
CLIENT_TIMEOUT_S = 4


def vsftpd_ports(private: Path, root: Path) -> list[str]:
    """vsftpd with four ports for data connections, as somebody who opens a firewall sets it up, and
    which takes any PORT."""
    argv = servers.vsftpd(private, root)
    with open(argv[-1], "a", encoding="ascii") as config:
        config.write(
            "pasv_min_port=50000\npasv_max_port=50003\nconnect_timeout=5\nport_promiscuous=YES\n"
        )
    return argv


servers.INETD["vsftpd-ports"] = vsftpd_ports


def serve_file(server: servers.Server) -> str:
    """The path of a file as the client names it."""
    path = server.root / "file.txt"
    path.write_bytes(PAYLOAD)
    servers.give_to_user(path)
    return f"{server.home.rstrip('/')}/file.txt"


def curl(host: str, port: int, path: str, *options: str, timeout_s: int = CLIENT_TIMEOUT_S) -> int:
    """Downloads (or what the options say); the exit code."""
    url = f"ftp://{bracketed(host)}:{port}{path}"
    with tempfile.TemporaryDirectory() as local:
        argv = [
            "curl",
            "--silent",
            "--disable",
            "--max-time",
            str(timeout_s),
            "--output",
            "got",
            "--user",
            f"{servers.USER}:{servers.password()}",
            *options,
            url,
        ]
        return subprocess.run(argv, cwd=local, check=False).returncode


def login(
    host: str, port: int, timeout_s: float = CLIENT_TIMEOUT_S, kind=ftplib.FTP, **more
) -> ftplib.FTP:
    ftp = kind(timeout=timeout_s, **more)
    ftp.trust_server_pasv_ipv4_address = True
    ftp.connect(host, port)
    ftp.login(servers.USER, servers.password())
    return ftp


def fetch(ftp: ftplib.FTP, path: str = "file.txt", passive: bool = True) -> bytes:
    """One download; what came before it failed."""
    ftp.set_pasv(passive)
    got = io.BytesIO()
    with contextlib.suppress(ftplib.Error, OSError):
        ftp.retrbinary(f"RETR {path}", got.write)
    return got.getvalue()


def leave(ftp: ftplib.FTP) -> None:
    with contextlib.suppress(ftplib.Error, OSError, EOFError):
        ftp.quit()
    ftp.close()
