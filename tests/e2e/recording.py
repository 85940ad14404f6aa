"""A recording on disk, what must hold of every one, and a client that does again what it tells.

    check_recording(folder)
    play_back(folder, server.host, server.port)
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from check_log import check_bytes

TIMEOUT_S = 20
MADE_GREETING = {"lines": ["220 This recording begins in the middle of a session."]}
SETUP = {"PASV", "EPSV", "LPSV", "PORT", "EPRT", "LPRT"}


def records(folder: Path) -> list[dict]:
    lines = (folder / "session.jsonl").read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def transfers(folder: Path) -> list[dict]:
    return [r for r in records(folder) if r["kind"] == "data" and r["bytes"]]


def content(folder: Path, record: dict) -> bytes:
    return (folder / record["payload"]).read_bytes()


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def check_recording(folder: Path, torn: bool = False) -> None:
    """The log is whole, every payload is what its record says, and nothing else lies there."""
    wrong = check_bytes((folder / "session.jsonl").read_bytes(), allow_torn=torn)
    assert not wrong, wrong[:10]
    timing = (folder / "timing.jsonl").read_bytes().split(b"\n")
    assert torn or timing[-1] == b"", timing[-1]
    for line in timing[:-1]:
        check_timing(json.loads(line))
    named = {"session.jsonl", "timing.jsonl"}
    for record in transfers(folder):
        check_payload(folder, record, named)
    there = {path.name for path in folder.iterdir()}
    assert named <= there and (torn or there == named), there ^ named
    for path in folder.iterdir():
        assert path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def check_timing(line: dict) -> None:
    if line["kind"] == "read":
        assert line.keys() == {"kind", "session", "ts", "from", "line", "byte"}, line
    else:
        assert line.keys() == {"kind", "session", "channel", "from", "points"}, line
        assert line["points"] == sorted(line["points"]) and len(line["points"]) <= 64, line


def check_payload(folder: Path, record: dict, named: set[str]) -> None:
    assert ("unrecorded" in record) == ("unrecorded_why" in record), record
    direction = "bytes_to_server" if record["direction"] == "upload" else "bytes_to_client"
    expected = record[direction] - record.get("unrecorded", 0)
    assert ("payload" in record) == (expected > 0), record
    if expected == 0:
        return
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", record["payload"]), record
    assert len(content(folder, record)) == expected, record
    assert sha(content(folder, record)) == record["sha256"], record
    named.add(record["payload"])


# --- a client that does what the recorded one did ---


@dataclass
class Exchange:
    command: dict
    replies: list[dict]
    data: dict | None


def exchanges(folder: Path) -> tuple[list[dict], list[Exchange]]:
    """(the greeting's replies, the exchanges) of the session that is played."""
    rows = records(folder)
    greeted = [r["session"] for r in rows if r["kind"] == "reply" and r["to"] == 0]
    session = (greeted or [r["session"] for r in rows if r["kind"] == "command"])[0]
    rows = [r for r in rows if r["session"] == session]
    replies: dict[int, list[dict]] = {}
    last = 0
    for row in (r for r in rows if r["kind"] == "reply" and not (r.get("by") and r["to"] is None)):
        last = last if row["to"] is None else row["to"]
        replies.setdefault(last, []).append(row)
    data = {r["to"]: r for r in rows if r["kind"] == "data" and r["to"] and r["connected"]}
    found = [
        Exchange(row, replies.get(row["id"], []), data.get(row["id"]))
        for row in rows
        if row["kind"] == "command"
    ]
    return replies.get(0, [MADE_GREETING]), found


def raw(value) -> bytes:
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])


def text_of(reply: dict) -> bytes:
    endings = {"crlf": b"\r\n", "lf": b"\n", "none": b""}
    marks = reply.get("endings", ["crlf"] * len(reply["lines"]))
    return b"".join(raw(line) + endings[mark] for line, mark in zip(reply["lines"], marks))


class Client:
    """Says what was recorded, with data connections of its own, and compares every byte."""

    def __init__(self, folder: Path, host: str, port: int):
        self.folder, self.host = folder, host
        self.control = socket.create_connection((host, port), TIMEOUT_S)

    def expect(self, wanted: bytes, where: str) -> None:
        got = b""
        while len(got) < len(wanted):
            piece = self.control.recv(len(wanted) - len(got))
            if not piece:
                break
            got += piece
        assert got == wanted, f"{where}: {got!r} instead of {wanted!r}"

    def play(self) -> int:
        """The transfers that moved bytes, all as recorded."""
        greeting, rest = exchanges(self.folder)
        moved = 0
        self.expect(b"".join(map(text_of, greeting)), "greeting")
        for exchange in rest:
            verb = raw(exchange.command["verb"]).decode()
            if verb in SETUP or verb == "AUTH":
                continue
            if exchange.data:
                moved += self.transfer(exchange)
            else:
                self.say(exchange.command)
                self.expect(b"".join(map(text_of, exchange.replies)), verb)
        self.control.close()
        return moved

    def say(self, command: dict) -> None:
        line = raw(command["verb"])
        if "argument" in command:
            line += b" " + raw(command["argument"])
        self.control.sendall(line + b"\r\n")

    def transfer(self, exchange: Exchange) -> int:
        self.control.sendall(b"EPSV\r\n")
        reply = b""
        while not reply.endswith(b"\n"):
            reply += self.control.recv(1)
        port = int(re.search(rb"\(\|\|\|(\d+)\|\)", reply)[1])
        with socket.create_connection((self.host, port), TIMEOUT_S) as data:
            self.say(exchange.command)
            if exchange.data["direction"] == "upload":
                self.upload(exchange, data)
            else:
                self.download(exchange, data)
        self.expect(b"".join(map(text_of, exchange.replies)), str(exchange.command["verb"]))
        return 1 if exchange.data["bytes"] else 0

    def upload(self, exchange: Exchange, data: socket.socket) -> None:
        if "payload" in exchange.data:
            data.sendall(content(self.folder, exchange.data))

    def download(self, exchange: Exchange, data: socket.socket) -> None:
        record, got, reset = exchange.data, b"", False
        try:
            for piece in iter(lambda: data.recv(1 << 16), b""):
                got += piece
        except ConnectionResetError:
            reset = True
        wanted = content(self.folder, record) if "payload" in record else b""
        wanted += b"." * (record["bytes_to_client"] - len(wanted))
        assert got == wanted, f"{len(got)} bytes instead of {len(wanted)}"
        assert reset == (record["how"] == "rst" and record["closed_first"] == "server"), record


def play_back(folder: Path, host: str, port: int) -> int:
    client = Client(folder, host, port)
    try:
        return client.play()
    finally:
        client.control.close()
