#!/usr/bin/python3
"""Records the captures of this folder anew, through the real proxy:  captures/record.py demo|misbehaving [FOLDER]

The proxy ($FTPSCOPE, or build/ftpscope) makes the recording. Everything that can be is fixed (contents and times of
files, names of payloads), so that a new recording differs from an old one in its times and ports only.
"""
from __future__ import annotations

import contextlib
import ftplib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BINARY = Path(os.environ.get("FTPSCOPE") or ROOT / "build" / "ftpscope")
TIMEOUT_S = 10

# --- demo: pyftpdlib and Python's ftplib ---

USER, PASSWORD = "demo", "demo"
FILE_TIME = 1763719200   # 2025-11-21T10:00:00Z
FILES = {
    "readme.txt": "".join(f"{line}\r\n" for line in [
        "This file comes from a recording.",
        "",
        "Whoever connects to `ftpscope replay server captures/demo` gets what a real server once sent,",
        "in whichever data mode it likes: PASV, EPSV, PORT or EPRT.",
    ]).encode(),
    "firmware.bin": random.Random(959).randbytes(65543),   # more than one read, and no round number
    "docs/rfc959.txt": b"FTP\r\n",
}
UPLOAD = b"A line of a client.\r\n" * 50


@contextlib.contextmanager
def pyftpdlib(work: Path):
    served = work / "served"
    for name, content in FILES.items():
        (served / name).parent.mkdir(parents=True, exist_ok=True)
        (served / name).write_bytes(content)
    for path in (*served.rglob("*"), served):
        os.utime(path, (FILE_TIME, FILE_TIME))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = subprocess.Popen(
            ["/usr/bin/python3", ROOT / "tests/e2e/pyftpd.py", str(listener.fileno()), served, USER, PASSWORD],
            pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
        try:
            yield listener.getsockname()[1]
        finally:
            server.kill()
            server.wait()


def demo_session(port: int) -> list[bytes]:
    """The payloads, in the order of the transfers."""
    payloads = []
    ftp = ftplib.FTP()
    ftp.connect("127.0.0.1", port, timeout=TIMEOUT_S)
    ftp.login(USER, PASSWORD)

    def get(command: str) -> None:
        with ftp.transfercmd(command) as data:
            payloads.append(read_all(data))
        ftp.voidresp()

    for command in ("SYST", "FEAT", "PWD", "TYPE A"):
        ftp.sendcmd(command)
    get("LIST")
    get("NLST")
    ftp.sendcmd("TYPE I")
    get("MLSD")
    for name in ("readme.txt", "firmware.bin"):
        ftp.sendcmd(f"SIZE {name}")
        ftp.sendcmd(f"MDTM {name}")
        get(f"RETR {name}")
    ftp.set_pasv(False)
    with ftp.transfercmd("STOR upload.txt") as data:
        data.sendall(UPLOAD)
    ftp.voidresp()
    ftp.quit()
    return [*payloads, UPLOAD]


def read_all(conn: socket.socket) -> bytes:
    return b"".join(iter(lambda: conn.recv(65536), b""))


# --- misbehaving: a server of ours that does what servers were seen to do ---

LISTING = b"-rw-r--r-- 1 ftp ftp 3 Nov 21 10:00 late.txt\n"
ANSWERS = {
    "": b"220-Welcome\n220-to an old device\n220 Ready\n",       # LF alone
    "USER": b"331 Password\n",
    "PASS": b"230 In\n",
    "SYST": b"215 UNIX Type: L8\n",
    "FEAT": b"211-Features\r\n SIZE\r\n\r\n211\r\n",              # ended by the code alone
    "PWD": b"257 \"/\"\r\n",
    "TYPE": b"200 Type is I\r\n200 Type is I\r\n",                # said twice
    "NOOP": b"200-Still\r\n 200 here\r\n200 Yes\r\n",
    "QUIT": b"221 Bye\n",
}


@contextlib.contextmanager
def misbehaving_server(_work: Path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=misbehave, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def misbehave(listener: socket.socket) -> None:
    control, _ = listener.accept()
    passive = socket.create_server(("127.0.0.1", 0))
    with control, passive, control.makefile("rb") as lines:
        control.sendall(ANSWERS[""])
        for line in lines:
            verb = line.split()[0].decode()
            if verb == "PASV":
                port = passive.getsockname()[1]
                control.sendall(b"227 =127,0,0,1,%d,%d\n" % divmod(port, 256))   # no parentheses
            elif verb == "LIST":
                data, _ = passive.accept()
                with data:
                    control.sendall(b"150 Here it comes\n226 Done\n")
                    time.sleep(3)   # the proxy takes 2 s of silence for "the data does not come before its 226"
                    data.sendall(LISTING)
            else:
                control.sendall(ANSWERS[verb])


def misbehaving_session(port: int) -> list[bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as control:
        lines = control.makefile("rb")

        def say(line: str, replies: int) -> bytes:
            """The last of so many lines."""
            if line:
                control.sendall(line.encode() + b"\r\n")
            return [lines.readline() for _ in range(replies)][-1]

        say("", 3)
        say("USER demo", 1)
        say("PASS demo", 1)
        say("SYST", 1)
        say("FEAT", 4)
        say("PWD", 1)
        say("TYPE I", 2)
        *_, high, low = re.findall(rb"\d+", say("PASV", 1))
        with socket.create_connection(("127.0.0.1", int(high) * 256 + int(low))) as data:
            say("LIST", 2)
            payload = read_all(data)
        say("NOOP", 3)
        say("QUIT", 1)
    return [payload]


# --- recording ---

CAPTURES = {"demo": (pyftpdlib, demo_session), "misbehaving": (misbehaving_server, misbehaving_session)}


def record(name: str, work: Path) -> Path:
    folder = work / "rec"
    server, session = CAPTURES[name]
    with server(work) as port:
        proxy = subprocess.Popen(
            [BINARY, "proxy", "--quiet", "--listen", "127.0.0.1:0", "--server", f"127.0.0.1:{port}", "--record", folder],
            stdout=subprocess.PIPE, text=True)
        try:
            said = proxy.stdout.readline()   # ftpscope: listening on 127.0.0.1:34567, server ...
            payloads = session(int(said.split(",")[0].rpartition(":")[2]))
        finally:
            proxy.send_signal(signal.SIGTERM)
            proxy.wait(60)
    rename(folder, payloads)
    return folder


def rename(folder: Path, payloads: list[bytes]) -> None:
    """The payloads by numbers, in the order of the transfers."""
    log = folder / "session.jsonl"
    records = [json.loads(line) for line in log.read_text().splitlines()]
    transfers = sorted((r for r in records if r["kind"] == "data"), key=lambda r: r["to"])
    recorded = [(folder / r["payload"]).read_bytes() for r in transfers]
    assert recorded == payloads, "a transfer is not as it was received"
    text = log.read_text()
    for number, name in enumerate(dict.fromkeys(r["payload"] for r in transfers), 1):
        (folder / name).rename(folder / f"payload-{number}.bin")
        text = text.replace(f'"{name}"', f'"payload-{number}.bin"')
    log.write_text(text)


def main(name: str, folder: str = "") -> None:
    into = Path(folder or ROOT / "captures" / name)
    with tempfile.TemporaryDirectory() as work:
        recording = record(name, Path(work))
        shutil.rmtree(into, ignore_errors=True)
        shutil.copytree(recording, into, copy_function=shutil.copyfile)
        into.chmod(0o755)   # not private as what is recorded elsewhere


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1] not in CAPTURES:
        sys.exit(__doc__)
    main(*sys.argv[1:])
