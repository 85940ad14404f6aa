"""What tshark reads in a capture: FTP as its dissector tells it, and the bytes of each TCP stream.

The streams are the arbiter where the two disagree: tshark reassembles them without knowing FTP.
"""
from __future__ import annotations

import functools
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT_S = 60
STREAMS_MAX = 12  # asked for in one run, which saves another one for their number
NOBODY = (":0", ":0")  # the nodes of a stream that there is not
GAP = re.compile(rb"\[(\d+) bytes missing in capture file\]\0?")


@dataclass
class Stream:
    """One TCP connection. Addresses as the log writes them."""

    nodes: tuple[str, str]
    sent: dict[str, bytes] = field(default_factory=dict)  # by address, without the gaps
    missing: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Dialogue:
    commands: list[tuple[str, str]]  # (verb in upper case, argument)
    replies: list[tuple[int, str]]  # (code, text behind it)


def run(path: Path, *options: str) -> str:
    """A capture that is cut or damaged ends with an exit code, and with all packets before it."""
    # -n: no names. Sessions are told apart by address and port, and nothing else may be.
    argv = ["tshark", "-n", "-r", str(path), *options]
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S)
    return done.stdout


def dialogue(path: Path) -> Dialogue:
    names = ("ftp.request.command", "ftp.request.arg", "ftp.response.code", "ftp.response.arg")
    options = [word for name in names for word in ("-e", name)]
    commands, replies = [], []
    for packet in json.loads(run(path, "-T", "json", "-Y", "ftp", *options) or "[]"):
        # The first line of the segment is all that there is.
        verb, argument, code, text = (
            packet["_source"]["layers"].get(name, [""])[0] for name in names
        )
        if verb:
            commands.append((verb.upper(), argument))
        if code:
            replies.append((int(code), text))
    return Dialogue(commands, replies)


@functools.cache
def streams(path: Path) -> list[Stream]:
    """In the order of their first packets."""
    follow = [word for number in range(STREAMS_MAX) for word in ("-z", f"follow,tcp,raw,{number}")]
    found = [parse(text) for text in run(path, "-q", *follow).split("Follow: tcp,raw\n")[1:]]
    found = [(number, stream) for number, stream in found if stream.nodes != NOBODY]
    assert len(found) < STREAMS_MAX, f"{path.name}: perhaps there are more streams"
    return [stream for _, stream in sorted(found, key=lambda item: item[0])]


def parse(text: str) -> tuple[int, Stream]:
    number, one, other, *lines = text.splitlines()
    nodes = (authority(one), authority(other))
    stream = Stream(nodes, {node: b"" for node in nodes}, {node: 0 for node in nodes})
    for line in lines:
        if line.startswith("="):
            break
        node = nodes[line.startswith("\t")]
        sent = bytes.fromhex(line)
        if gap := GAP.fullmatch(sent):
            stream.missing[node] += int(gap[1])
        else:
            stream.sent[node] += sent
    return int(number.rpartition(" ")[2]), stream


def authority(line: str) -> str:
    """ "Node 0: 2001:db8::1:21" -> "[2001:db8::1]:21" """
    host, _, port = line.partition(": ")[2].rpartition(":")
    host = host.strip("[]")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
