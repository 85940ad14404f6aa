"""The server of peers_table.py: it says exactly the bytes that its case has for a command, and what the
case says nothing of, as decent servers do. Nothing here knows which peer is in front of it.
"""
from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import re
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from machines import version
from peers_setup import FTP, SERVER, Machines
from servers import wait_until
from wire import ENDED, Listener, Wire, comma, is_read, payload

FILE = payload(30_011)
DIGEST = hashlib.sha256(FILE).hexdigest()
TELNET = re.compile(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xfa]", re.S)
SIX = re.compile(rb"(\d+)" + rb"\s*,\s*(\d+)" * 5)
EXTENDED = re.compile(rb"([!-/:-~])\s*([12]?)\s*\1([^\s]*?)\1\s*0*(\d+)")
LONG = re.compile(rb"4,4,(\d+),(\d+),(\d+),(\d+),2,(\d+),(\d+)")
GREETING = b"220 Ready.\r\n"
FEATURES = "211-Features:\r\n EPRT\r\n EPSV\r\n MDTM\r\n MLST type*;size*;\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n211 End\r\n"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


Answer = object  # str | tuple[str, ...] (packets) | Callable[[Served, bytes], Answer | None]


class Served:
    """A control connection at the server. `lines`: all that came, as it came."""

    def __init__(self, stage: "Stage", wire: Wire):
        self.stage, self.wire = stage, wire
        self.host = wire.sock.getsockname()[0]
        self.answers: dict[str, Answer] = dict(ANSWERS)
        self.lines: list[bytes] = []
        self.listeners: list[Listener] = []
        self.target: tuple[str, int] | None = None
        self.offset = 0
        self.stored, self.stored_how = b"", ""  # an upload, and how it ended: fin, rst, none
        self.cuts = 0
        self.whole = False  # a Cut has gone through its reply
        self.over = threading.Event()
        self.held = b""  # said with the next reply
        self.enlisted = False
        self.names_more: dict[str, str] = {}
        self.source_port = 0
        self.early: Wire | None = None

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # whatever ends it
            self.wire.send(GREETING)
            while line := self.wire.line():
                self.lines.append(line)
                self.say(self.answers.get(verb_of(line), "502 What?\r\n"), line)
        self.wire.close()
        for listener in self.listeners:
            listener.close()
        self.over.set()

    def say(self, answer: Answer, line: bytes) -> None:
        while callable(answer):
            answer = answer(self, line)
        packets = (answer,) if isinstance(answer, str) else answer or ()
        for packet in packets:
            self.wire.send(self.held + self.filled(packet))
            self.held = b""
            if len(packets) > 1:
                self.stage.until_read(self.wire)

    def filled(self, text: str) -> bytes:
        """The server's own passive address in the places of a text."""
        host, port = self.listeners[-1].address if self.listeners else (self.host, 0)
        for name, value in (self.names(host, port) | self.names_more).items():
            text = text.replace("{" + name + "}", value)
        return text.encode("latin-1")

    def names(self, host: str, port: int) -> dict[str, str]:
        names = {"host": host, "port": str(port), "high": str(port >> 8), "low": str(port & 255)}
        if version(host) == 4:
            numbers = comma(host, port).decode()
            octets = numbers.split(",")
            names |= {
                "comma": numbers,
                "comma spaces": ", ".join(octets),
                "comma zeros": ",".join(octet.zfill(3) for octet in octets),
                "port pair": ",".join(octets[4:]),
            }
        return names

    def listen(self) -> Listener:
        """The one before stays open: it is not the server that closes the way to it."""
        for old in self.listeners[:-1]:
            old.close()
        del self.listeners[:-1]
        self.listeners.append(Listener(self.host))
        return self.listeners[-1]

    def data(self) -> Wire:
        if self.target:
            place = (self.target[0], self.target[1])
            sock = socket.create_connection(
                place, self.stage.patience_s, source_address=(self.host, self.source_port)
            )
        else:
            sock = self.called(self.listeners[-1].sock)
        return self.stage.wire(sock)

    def called(self, listener: socket.socket) -> socket.socket:
        """Whoever comes, while the client is there."""
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        poll.register(self.wire.sock, select.POLLRDHUP)
        ready = dict(poll.poll(self.stage.patience_s * 1000))
        if listener.fileno() not in ready:
            raise TimeoutError
        return listener.accept()[0]

    def encrypt(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate())
        self.wire.sock = context.wrap_socket(self.wire.sock, server_side=True)


@functools.cache
def certificate() -> str:
    """A file with a key and a certificate that nobody has signed."""
    folder = tempfile.mkdtemp(prefix="ftpscope-certificate-")
    atexit.register(shutil.rmtree, folder)
    both = f"{folder}/both.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=lab -keyout {both} -out {both}.crt".split(),
        check=True,
        capture_output=True,
    )
    Path(both).write_text(Path(both).read_text() + Path(f"{both}.crt").read_text())
    return both


def verb_of(line: bytes) -> str:
    words = TELNET.sub(b"", line).split(None, 1)
    return words[0].decode("latin-1").upper() if words else ""


def passive(reply: Answer) -> Answer:
    def answer(served: Served, line: bytes) -> Answer:
        if b"ALL" in line.upper():
            return "200 EPSV ALL it is.\r\n"
        if verb_of(line) == "PASV" and version(served.host) == 6:
            return "425 PASV is not for IPv6, use EPSV.\r\n"
        served.target = None
        served.listen()
        return reply

    return answer


def active(served: Served, line: bytes) -> Answer:
    served.target = address_of(line)
    if served.target and not served.enlisted:
        # Who gets a PORT without a login has made a browser say it, and looks what came of it.
        with contextlib.suppress(OSError):
            served.data().close()
    return "200 I will.\r\n" if served.target else "501 What address?\r\n"


def address_of(line: bytes) -> tuple[str, int] | None:
    """In a PORT, EPRT or LPRT, read as laxly as the laxest server does."""
    if found := LONG.search(line) or SIX.search(line):
        numbers = [int(number) for number in found.groups()]
        return ".".join(map(str, numbers[:4])), (numbers[4] << 8 | numbers[5]) & 0xFFFF
    if found := EXTENDED.search(line):
        return found[3].decode(), int(found[4])
    return None


@contextlib.contextmanager
def transfer(served: Served) -> Iterator[Wire | None]:
    try:
        data = served.data()
    except (OSError, IndexError):
        served.say("425 No data connection.\r\n", b"")
        yield None
        return
    with contextlib.closing(data):
        yield data


@dataclass(frozen=True)
class Send:
    """A download: what is said before it and behind it, and which bytes go."""

    before: Answer = "150 Here it comes.\r\n"
    behind: Answer = "226 Done.\r\n"
    content: bytes = FILE
    early: bool = False  # all replies are said before the first byte
    late: bool = False  # and here none until the last is sent

    def __call__(self, served: Served, line: bytes) -> None:
        served.say("" if self.late else self.before, line)
        if self.early:
            served.say(self.behind, line)
        with transfer(served) as data:
            if not data:
                return
            with contextlib.suppress(*ENDED):
                data.send(self.content[served.offset :])
        if self.late:
            served.say(self.before, line)
        if not self.early:
            served.say(self.behind, line)
        served.offset = 0


@dataclass(frozen=True)
class Receive:
    before: Answer = "150 Send it.\r\n"

    def __call__(self, served: Served, line: bytes) -> None:
        served.say(self.before, line)
        with transfer(served) as data:
            if not data:
                served.stored_how = "none"
                return
            served.stored, served.stored_how = data.ending()
        right = served.stored_how == "fin" and digest(served.stored) == DIGEST
        served.say("226 Done.\r\n" if right else "551 Not the right bytes.\r\n", line)


@dataclass(frozen=True)
class Cut:
    """In two packets, at the next byte each time that it is said."""

    text: str

    def __call__(self, served: Served, line: bytes) -> None:
        text = served.filled(self.text)
        served.cuts += 1
        served.whole = served.cuts >= len(text) - 1
        for piece in (text[: served.cuts], text[served.cuts :]):
            served.wire.send(piece)
            served.stage.until_read(served.wire)


@dataclass(frozen=True)
class Drip:
    """Each byte in a packet of its own."""

    text: str

    def __call__(self, served: Served, line: bytes) -> None:
        for byte in served.filled(self.text):
            served.wire.send(bytes([byte]))
            served.stage.until_read(served.wire)


def long_passive(served: Served, line: bytes) -> Answer:
    served.target = None
    host, port = served.listen().address
    numbers = host.replace(".", ",")
    return f"228 Entering Long Passive Mode (4,4,{numbers},2,{port >> 8},{port & 255}).\r\n"


def quit_(served: Served, line: bytes) -> None:
    served.say("221 Bye.\r\n", line)
    served.wire.sock.shutdown(socket.SHUT_WR)


def restart(served: Served, line: bytes) -> Answer:
    served.offset = int(line.split()[1])
    return "350 Go on.\r\n"


def user(served: Served, line: bytes) -> Answer:
    served.stage.enlist(served, line.split()[-1].decode("latin-1"))
    return "331 Password.\r\n"


P227 = "227 Entering Passive Mode ({comma}).\r\n"
P229 = "229 Entering Extended Passive Mode (|||{port}|)\r\n"
ANSWERS: dict[str, Answer] = {
    "USER": user,
    "PASS": "230 In.\r\n",
    "TYPE": "200 Type set.\r\n",
    "MODE": "200 Mode set.\r\n",
    "STRU": "200 Structure set.\r\n",
    "NOOP": "200 Yes.\r\n",
    "OPTS": "200 Yes.\r\n",
    "CLNT": "200 Noted.\r\n",
    "SITE": "200 Yes.\r\n",
    "SYST": "215 UNIX Type: L8\r\n",
    "FEAT": FEATURES,
    "PWD": '257 "/" is here.\r\n',
    "CWD": "250 There.\r\n",
    "DELE": "250 Deleted.\r\n",
    "SIZE": f"213 {len(FILE)}\r\n",
    "MDTM": "213 20261121120000\r\n",
    "STAT": "211 Well.\r\n",
    "ABOR": "226 Aborted.\r\n",
    "REST": restart,
    "PASV": passive(P227),
    "EPSV": passive(P229),
    "LPSV": long_passive,
    "PORT": active,
    "EPRT": active,
    "LPRT": active,
    "RETR": Send(),
    "LIST": Send(),
    "NLST": Send(),
    "MLSD": Send(),
    "STOR": Receive(),
    "APPE": Receive(),
    "STOU": Receive("150 FILE: unique.1\r\n"),
    "QUIT": quit_,
}


# --- what both stand on ---


class Stage:
    """The machines, with the server at work. A login's name says which case it is of."""

    def __init__(self, machines: Machines, places: dict, patience_s: float):
        self.machines, self.places, self.patience_s = machines, places, patience_s
        self.scripts: dict[str, dict[str, Answer]] = {}
        self.sessions: dict[str, Served] = {}
        self.listeners: list[Listener] = []

    def __enter__(self) -> "Stage":
        with self.machines.server.entered():
            self.listeners = [Listener(SERVER[v], FTP) for v in (4, 6)]
        for listener in self.listeners:
            listener.sock.settimeout(None)
            threading.Thread(target=self._accept, args=[listener], daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.sock.shutdown(socket.SHUT_RDWR)  # wakes accept()
            listener.close()

    def _accept(self, listener: Listener) -> None:
        with contextlib.suppress(OSError), self.machines.server.entered():
            while True:
                sock = listener.sock.accept()[0]
                threading.Thread(target=self._serve, args=[sock], daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), self.machines.server.entered():
            wire = self.wire(sock)
            sock.settimeout(10 * self.patience_s)
            Served(self, wire).serve()

    def enlist(self, served: Served, name: str) -> None:
        served.answers |= self.scripts.get(name, {})
        served.enlisted = True
        self.sessions[name] = served

    def wire(self, sock: socket.socket) -> Wire:
        wire = Wire(sock)
        sock.settimeout(self.patience_s)
        return wire

    def until_read(self, wire: Wire) -> None:
        """Until what was sent is on its way in a packet, and a peer that takes it has read it."""
        with self.machines.router.entered():
            if not wait_until(lambda: is_read(wire), self.patience_s, 0.0005):
                raise TimeoutError
