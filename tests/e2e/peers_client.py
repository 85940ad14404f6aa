"""The client of peers_table.py. What it finds out is an exception: Lost("500 to EPSV")."""
from __future__ import annotations

import contextlib
import select
import socket
import ssl
from dataclasses import dataclass

from machines import Host, version
from peers_server import (
    DIGEST,
    EXTENDED,
    FILE,
    LONG,
    SIX,
    Served,
    Stage,
    address_of,
    digest,
    verb_of,
)
from peers_setup import INSIDE, STRANGER
from wire import ENDED, Listener, Wire, comma

SILENCE_S = 2.0
CODES = {"PASV": (227,), "EPSV": (229,), "LPSV": (228,)}  # that each mode is answered with


class Lost(Exception):
    """What was expected did not happen; the text says in a few words what did."""


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


class Client:
    """The session of one case. Its thread is on the client's machine."""

    def __init__(self, stage: Stage, name: str, door: tuple[int, int], setting: str = ""):
        self.stage, self.name, self.door, self.setting = stage, name, door, setting
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
        place = self.stage.places.get((self.door, self.setting))
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
        pieces = [p.encode("latin-1") if isinstance(p, str) else p for p in packets]
        self.said = verb_of(b"".join(pieces)) or self.said
        with self.ended():
            for piece in pieces:
                self.wire.send(piece)
                if len(pieces) > 1:
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

    def over(self) -> bytes:
        """All replies to the end, or to a silence: what was to come of the client's words, has come."""
        told = b""
        self.wire.sock.settimeout(SILENCE_S)
        with contextlib.suppress(Lost):
            while True:
                told += self.reply()
        self.wire.sock.settimeout(self.stage.patience_s)
        return told

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
            where = "" if place[0] in INSIDE.values() else f" {place[0]}"
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
        other = Client(self.stage, f"{self.name}-{len(self._open)}", self.door, self.setting)
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


def command(mode: str, host: str, port: int) -> str:
    if mode == "PORT":
        return "PORT " + comma(host, port).decode()
    if mode == "LPRT":
        return f"LPRT 4,4,{host.replace('.', ',')},2,{port >> 8},{port & 255}"
    return f"EPRT |{1 if version(host) == 4 else 2}|{host}|{port}|"
