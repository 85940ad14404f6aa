"""The client and the server of peers_table.py, on either side of a peer. Both say exactly the bytes that
their case has; what a case says nothing of, they do as decent programs do.

What a client finds out is an exception: Lost("500 to EPSV"). Nothing here knows which peer is between.
"""
from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import hashlib
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import termios
import threading
from pathlib import Path
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hostile import ENDED, Listener, Wire, comma, is_read, payload
from machines import Host, version
from peers_setup import CLIENT, FTP, OUTSIDE, SERVER, STRANGER, Machines
from proxy import authority
from servers import wait_until

FILE = payload(30_011)
SILENCE_S = 2.0
DIGEST = hashlib.sha256(FILE).hexdigest()
TELNET = re.compile(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xfa]", re.S)
SIX = re.compile(rb"(\d+)" + rb"\s*,\s*(\d+)" * 5)
EXTENDED = re.compile(rb"([!-/:-~])\s*([12]?)\s*\1([^\s]*?)\1\s*0*(\d+)")
LONG = re.compile(rb"4,4,(\d+),(\d+),(\d+),(\d+),2,(\d+),(\d+)")
GREETING = b"220 Ready.\r\n"
FEATURES = "211-Features:\r\n EPRT\r\n EPSV\r\n MDTM\r\n MLST type*;size*;\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n211 End\r\n"


class Lost(Exception):
    """What was expected did not happen; the text says in a few words what did."""


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- the server ---

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
        self.stored, self.stored_how = b"", ""  # an upload, and how it ended
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
            self.listeners[-1].sock.settimeout(self.stage.patience_s)
            sock = self.listeners[-1].sock.accept()[0]
        return self.stage.wire(sock)

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
                wire = self.wire(listener.sock.accept()[0])
                wire.sock.settimeout(10 * self.patience_s)
                threading.Thread(target=self._serve, args=[wire], daemon=True).start()

    def _serve(self, wire: Wire) -> None:
        with self.machines.server.entered():
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


@dataclass
class Trap:
    """Somebody who must not be connected to."""

    listener: Listener
    what: str  # if it is
    by: tuple[str, ...] = ()  # whom it is for; nobody: everybody

    def was_called(self) -> bool:
        self.listener.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                caller, address = self.listener.sock.accept()
                caller.close()
                if not self.by or address[0] in self.by:
                    return True
        return False

    @property
    def address(self) -> tuple[str, int]:
        return self.listener.address


# --- the client ---


class Client:
    """The session of one case. Its thread is on the client's machine."""

    def __init__(
        self, stage: Stage, name: str, door: tuple[int, int], options: tuple[str, ...] = ()
    ):
        self.stage, self.name, self.door, self.options = stage, name, door, options
        self.said = "connecting"  # last
        self.heard: list[bytes] = []  # replies to a transfer, while its data was awaited
        self.traps: list[Trap] = []
        self._open: list = []

    def close(self) -> None:
        for one in [*self._open, *(trap.listener for trap in self.traps)]:
            one.close()

    def keep(self, one):
        """Closed at the end."""
        self._open.append(one)
        return one

    # talking

    def connect(self, greeted: bool = True) -> None:
        """Once more if a peer turns us away at the door, as under load some do: no case is about that."""
        try:
            self.connect_once(greeted)
        except Lost:
            self.connect_once(greeted)

    def connect_once(self, greeted: bool) -> None:
        place = self.stage.places.get((self.door, self.options))
        if not place:
            raise Lost("no IPv6" if self.door == (6, 6) else "one family only")
        try:
            self.wire = self.keep(
                self.stage.wire(socket.create_connection(place, self.stage.patience_s))
            )
        except OSError as error:
            raise Lost(f"no connection: {error.strerror or error}") from None
        if greeted:
            self.reply(220)

    def login(self) -> None:
        self.connect()
        self.ask(f"USER {self.name}", 331, 230)
        self.ask("PASS secret", 230)

    @property
    def server(self) -> Served:
        if self.name not in self.stage.sessions:
            raise Lost("USER does not reach the server")
        return self.stage.sessions[self.name]

    def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            data = packet.encode("latin-1") if isinstance(packet, str) else packet
            self.said = verb_of(data) or self.said
            with self.ended():
                self.wire.send(data)
            if len(packets) > 1:
                self.stage.until_read(self.wire)

    def reply(self, *codes: int) -> bytes:
        """The next reply, which must have one of the codes, if any are named."""
        with self.ended():
            first = text = self.wire.line()
            if first[3:4] == b"-":
                while not (line := self.wire.line()).startswith(first[:3] + b" "):
                    if not line:
                        raise Lost(f"{first[:3].decode()} to {self.said} has no end")
                    text += line
                text += line
        if not first:
            raise Lost(f"session ends at {self.said}")
        code = first[:3]
        if codes and code not in [b"%d" % wanted for wanted in codes]:
            raise self.lost(first)
        return text

    def lost(self, reply: bytes) -> Lost:
        code = reply[:3].decode() if reply[:3].isdigit() else f"{reply[:8]!r}"
        return Lost(f"{code} to {self.said}")

    @contextlib.contextmanager
    def ended(self):
        try:
            yield
        except TimeoutError:
            raise Lost(f"hangs at {self.said}") from None
        except ENDED:
            raise Lost(f"session reset at {self.said}") from None

    def ask(self, line: str, *codes: int) -> bytes:
        self.send(line + "\r\n")
        return self.reply(*codes)

    def encrypt(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with self.ended():
            try:
                self.wire.sock = context.wrap_socket(self.wire.sock)
            except ssl.SSLError as error:
                raise Lost(f"TLS fails: {error.reason}") from None

    def in_step(self) -> None:
        """The next command gets the next reply."""
        self.ask("SYST", 215)

    def over(self) -> None:
        """To the end, or a silence: what was to come of the client's words, has come."""
        self.wire.sock.settimeout(SILENCE_S)
        with contextlib.suppress(Lost):
            while True:
                self.reply()
        self.wire.sock.settimeout(self.stage.patience_s)

    # data

    def passive(self, mode: str = "PASV") -> Wire:
        return self.dial(self.told(mode, self.ask(mode, *CODES[mode])))

    def told(self, mode: str, reply: bytes) -> tuple[str, int]:
        """Where a client goes that can read all forms."""
        if found := LONG.search(reply) or SIX.search(reply[3:]):
            return address_of(found[0])
        if found := EXTENDED.search(reply):
            return self.wire.sock.getpeername()[0], int(found[4])
        raise Lost(f"no address in the reply to {mode}")

    def dial(self, place: tuple[str, int]) -> Wire:
        try:
            sock = socket.create_connection(place, self.stage.patience_s)
        except ConnectionRefusedError:
            where = "" if place[0] in INSIDE_HOSTS else f" {place[0]}"
            raise Lost(f"data connection to{where or ' the peer'} refused") from None
        except OSError as error:
            raise Lost(f"no data connection: {error.strerror or error}") from None
        try:
            return self.keep(self.stage.wire(sock))
        except OSError:  # gone before we could ask for its name
            raise Lost("data connection reset") from None

    def listen(self) -> Listener:
        return self.keep(Listener(self.wire.sock.getsockname()[0]))

    def active(self, mode: str = "PORT") -> Listener:
        listener = self.listen()
        self.ask(command(mode, *listener.address), 200)
        return listener

    def accept(self, listener: Listener) -> Wire:
        """Or the reply that says why nobody comes. A preliminary reply may be there first."""
        while True:
            if not self.speaks():
                ready = self.either(listener.sock, self.wire.sock)
                if listener.sock.fileno() in ready:
                    data = self.keep(self.stage.wire(listener.sock.accept()[0]))
                    listener.close()
                    return data
                if not ready:
                    raise Lost(f"no data connection comes after {self.said}")
            self.heard.append(self.reply())
            if self.heard[-1][:1] in b"45":
                raise self.lost(self.heard[-1])

    def either(self, *sockets: socket.socket) -> list[int]:
        """Which of them have something to read, as soon as one has."""
        poll = select.poll()
        for one in sockets:
            poll.register(one, select.POLLIN)
        return [descriptor for descriptor, _ in poll.poll(self.stage.patience_s * 1000)]

    def speaks(self) -> bool:
        """Whether there is a reply, or some of it, that nobody has looked at."""
        waiting = b""
        with self.ended(), contextlib.suppress(ssl.SSLWantReadError):
            waiting = self.wire.waiting()
        self.wire.sock.settimeout(self.stage.patience_s)
        return bool(waiting)

    def rest(self, data: Wire) -> bytes:
        try:
            return data.rest()
        except TimeoutError:
            self.no_error()
            raise Lost(f"data hang after {len(data.seen)} bytes") from None
        except ENDED:
            raise Lost("data connection reset") from None

    def no_error(self) -> None:
        """Is there a reply that says why?"""
        while self.speaks():
            reply = self.reply()
            if reply[:1] in b"45":
                raise Lost(f"{self.lost(reply)}, data connection stays open")

    def download(self, mode: str = "PASV", line: str = "RETR file", wanted: bytes = FILE) -> None:
        if mode in CODES:
            data = self.passive(mode)
            self.send(line + "\r\n")
        else:
            listener = self.active(mode)
            self.send(line + "\r\n")
            data = self.accept(listener)
        self.receive(data, wanted)

    def receive(self, data: Wire, wanted: bytes = FILE) -> None:
        content = self.rest(data)
        data.close()
        self.completed()
        if digest(content) != digest(wanted):
            raise Lost(f"{len(content)} of {len(wanted)} bytes arrive, and 226")

    def completed(self) -> None:
        """The transfer's last reply, with or without a mark in front."""
        if not self.heard:
            self.heard.append(self.reply())
        if self.heard[-1][:1] == b"1":
            self.heard.append(self.reply())
        reply = self.heard[-1]
        self.heard.clear()
        if reply[:1] != b"2":
            raise self.lost(reply)

    def upload(self, mode: str = "PASV", line: str = "STOR file", hasty: bool = False) -> None:
        """`hasty`: the bytes go before the server has said 150."""
        if mode in CODES:
            data = self.passive(mode)
            self.send(line + "\r\n")
            if not hasty:
                self.heard.append(self.reply(125, 150))
        else:
            listener = self.active(mode)
            self.send(line + "\r\n")
            data = self.accept(listener)
        with contextlib.suppress(*ENDED):
            data.send(FILE)
        data.close()
        self.completed()
        if digest(self.server.stored) != DIGEST:
            raise Lost(f"{len(self.server.stored)} of {len(FILE)} bytes arrive, and 226")

    # what must not happen

    def trap(
        self, host: Host, address: str, what: str, port: int = 0, by: tuple[str, ...] = ()
    ) -> Trap:
        with host.entered():
            self.traps.append(Trap(Listener(address, port), what, by))
        return self.traps[-1]

    def another(self) -> "Client":
        """A second session with the same script."""
        other = Client(self.stage, f"{self.name}-{len(self._open)}", self.door)
        self.stage.scripts[other.name] = self.stage.scripts[self.name]
        self.keep(other)
        other.login()
        return other

    def victim(self) -> Trap:
        """Another machine."""
        return self.trap(
            self.stage.machines.stranger, STRANGER[self.door[0]], "connects to a third host"
        )

    def check_traps(self) -> None:
        for trap in self.traps:
            if trap.was_called():
                raise Lost(trap.what)

    def stranger(self, place: tuple[str, int]) -> "Stranger":
        """Somebody else comes to a data port, with something to say."""
        return self.keep(Stranger(self.stage, place))


class Stranger:
    def __init__(self, stage: Stage, place: tuple[str, int]):
        self.wire: Wire | None = None
        with contextlib.suppress(OSError), stage.machines.stranger.entered():
            self.wire = stage.wire(socket.create_connection(place, stage.patience_s))
            self.wire.send(b"stolen")

    def check(self) -> None:
        """It has got nothing."""
        with contextlib.suppress(*ENDED):
            if self.wire and self.wire.waiting():
                raise Lost("a stranger gets the data")

    def close(self) -> None:
        if self.wire:
            self.wire.close()


INSIDE_HOSTS = {"10.1.0.1", "fd00:1::1"}
CODES = {"PASV": (227,), "EPSV": (229,), "LPSV": (228,)}


def command(mode: str, host: str, port: int) -> str:
    if mode == "PORT":
        return "PORT " + comma(host, port).decode()
    if mode == "LPRT":
        return f"LPRT 4,4,{host.replace('.', ',')},2,{port >> 8},{port & 255}"
    return f"EPRT |{1 if version(host) == 4 else 2}|{host}|{port}|"
