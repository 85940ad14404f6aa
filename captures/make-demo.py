#!/usr/bin/python3
"""Records captures/demo anew: a session of Python's ftplib with pyftpdlib, through the proxy.

    FTPSCOPE=build/ftpscope captures/make-demo.py [FOLDER]

The proxy writes the log; it does not keep payloads yet, so this script puts them beside it and names them in the
`data` records. Everything that can be is fixed (contents, times of files), so that a new recording differs from an old
one in its times and ports only.
"""
from __future__ import annotations

import ftplib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BINARY = Path(os.environ.get("FTPSCOPE") or ROOT / "build" / "ftpscope")
USER, PASSWORD = "demo", "demo"
FILE_TIME = 1763719200   # 2025-11-21T10:00:00Z

README = "".join(f"{line}\r\n" for line in [
    "This file comes from a recording.",
    "",
    "Whoever connects to `ftpscope replay server captures/demo` gets what a real server once sent,",
    "in whichever data mode it likes: PASV, EPSV, PORT or EPRT.",
]).encode()
FIRMWARE = random.Random(959).randbytes(65543)   # more than one read, and no round number
UPLOAD = b"A line of a client.\r\n" * 50


def fill(folder: Path) -> None:
    (folder / "docs").mkdir()
    for name, content in {"readme.txt": README, "firmware.bin": FIRMWARE, "docs/rfc959.txt": b"FTP\r\n"}.items():
        (folder / name).write_bytes(content)
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (FILE_TIME, FILE_TIME))


class Recorder:
    """An ftplib session that keeps the payload of every transfer, in their order."""

    def __init__(self, port: int):
        self.payloads: list[bytes] = []
        self.ftp = ftplib.FTP()
        self.ftp.connect("127.0.0.1", port, timeout=10)

    def get(self, command: str) -> None:
        content = io.BytesIO()
        with self.ftp.transfercmd(command) as data:
            while chunk := data.recv(65536):
                content.write(chunk)
        self.ftp.voidresp()
        self.payloads.append(content.getvalue())

    def put(self, command: str, content: bytes) -> None:
        with self.ftp.transfercmd(command) as data:
            data.sendall(content)
        self.ftp.voidresp()
        self.payloads.append(content)

    def run(self) -> list[bytes]:
        ftp = self.ftp
        ftp.login(USER, PASSWORD)
        for command in ("SYST", "FEAT", "PWD", "TYPE A"):
            ftp.sendcmd(command)
        self.get("LIST")
        self.get("NLST")
        ftp.sendcmd("TYPE I")
        self.get("MLSD")
        for name in ("readme.txt", "firmware.bin"):
            ftp.sendcmd(f"SIZE {name}")
            ftp.sendcmd(f"MDTM {name}")
            self.get(f"RETR {name}")
        ftp.set_pasv(False)
        self.put("STOR upload.txt", UPLOAD)
        ftp.quit()
        return self.payloads


def record(work: Path) -> tuple[list[dict], list[bytes]]:
    served, log = work / "served", work / "log.jsonl"
    served.mkdir()
    fill(served)
    listener = socket.create_server(("127.0.0.1", 0))
    server = subprocess.Popen(
        ["/usr/bin/python3", ROOT / "tests/e2e/pyftpd.py", str(listener.fileno()), served, USER, PASSWORD],
        pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
    proxy = subprocess.Popen(
        [BINARY, "proxy", "--quiet", "--listen", "127.0.0.1:0", "--server",
         f"127.0.0.1:{listener.getsockname()[1]}", "--log", log], stdout=subprocess.PIPE, text=True)
    try:
        said = proxy.stdout.readline()   # ftpscope: listening on 127.0.0.1:34567, server ...
        payloads = Recorder(int(said.split(",")[0].rpartition(":")[2])).run()
    finally:
        proxy.send_signal(signal.SIGTERM)
        proxy.wait(30)
        server.kill()
        server.wait()
    return [json.loads(line) for line in log.read_text().splitlines()], payloads


def write(folder: Path, records: list[dict], payloads: list[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    transfers = sorted((r for r in records if r["kind"] == "data"), key=lambda r: r["to"])
    assert [r["bytes"] for r in transfers] == [len(p) for p in payloads], "a transfer is not as it was received"
    for number, (transfer, payload) in enumerate(zip(transfers, payloads), 1):
        transfer["payload"] = f"payload-{number}.bin"
        (folder / transfer["payload"]).write_bytes(payload)
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
    (folder / "session.jsonl").write_text("\n".join(lines) + "\n")


def main(folder: str = str(ROOT / "captures" / "demo")) -> None:
    with tempfile.TemporaryDirectory() as work:
        write(Path(folder), *record(Path(work)))


if __name__ == "__main__":
    main(*sys.argv[1:])
