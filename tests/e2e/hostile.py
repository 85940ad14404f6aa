"""Peers that do to the proxy what no decent FTP program does, one step at a time.

Most tests play both ends themselves, in one thread, so that the order of things is theirs:

    with scene("--max-line", "1024") as s:
        session = s.session()                # client and server logged in, through the proxy
        session.client.send(b"NOOP\\r\\n")
        session.server.expect(b"NOOP\\r\\n")

Where many clients need a server that goes on by itself, answering_server.py plays one from a table.
"""
from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy import Proxy
from servers import wait_until
from traced import TracedProxy
from wire import GREETING, LOGIN, TIMEOUT_S, Listener, Wire, address_in, comma, connect


@dataclass
class Session:
    proxy: Proxy
    client: Wire
    server: Wire

    def ask(self, command: bytes, reply: bytes) -> None:
        """The command arrives as it is, and so does the reply."""
        self.client.send(command)
        self.server.expect(command)
        self.server.send(reply)
        self.client.expect(reply)

    def login(self) -> None:
        for command, reply in LOGIN:
            self.ask(command, reply)

    def assert_in_step(self) -> None:
        """Nothing else is on its way to the server or the client: the next words are the next."""
        self.ask(b"NOOP still here\r\n", b"200 Yes.\r\n")

    def records(self, kind: str | None = None, **fields) -> list[dict]:
        return records_of(self.proxy, self.client, kind, **fields)

    def wait_for(self, kind: str, **fields) -> dict:
        found: list[dict] = []
        wait_until(lambda: found.extend(self.records(kind, **fields)) or found, TIMEOUT_S)
        assert found, f"no record {kind} {fields} of the session of {self.client.name}"
        return found[0]

    def findings(self) -> list[str]:
        return [record["finding"] for record in self.records("finding")]


def records_of(proxy: Proxy, client: Wire, kind: str | None = None, **fields) -> list[dict]:
    """The records of the session of this client."""
    begun = proxy.records("session", client=client.name)
    return proxy.records(kind, session=begun[-1]["session"], **fields) if begun else []


class Scene:
    def __init__(self, proxy: Proxy, listener: Listener):
        self.proxy, self.listener = proxy, listener
        self._open: list = []

    def keep(self, wire):
        """Closed at the end of the scene, before the oracles look."""
        self._open.append(wire)
        return wire

    def client(self, source: str | None = None) -> Wire:
        return self.keep(connect(self.proxy.host, self.proxy.port, source))

    def greeted(self, source: str | None = None) -> Session:
        client = self.client(source)
        server = self.keep(self.listener.accept())
        server.send(GREETING)
        client.expect(GREETING)
        return Session(self.proxy, client, server)

    def session(self, source: str | None = None) -> Session:
        session = self.greeted(source)
        session.login()
        return session

    def close(self) -> None:
        for wire in self._open:
            wire.close()


@contextlib.contextmanager
def scene(*args: str, host: str = "127.0.0.1", make: Callable[..., Proxy] = TracedProxy):
    """A proxy in front of a listener that the test answers for."""
    with Listener(host) as listener, make(listener.address, args=list(args)) as proxy:
        act = Scene(proxy, listener)
        try:
            yield act
        finally:
            act.close()


# --- data connections ---

MODES = ("PORT", "PASV", "EPRT", "EPSV")
DIRECTIONS = {"download": b"RETR", "upload": b"STOR"}


class Channel:
    """A data connection that was agreed on. `address`: where to connect to; the proxy then connects
    to `listener`. In active mode the server connects, else the client."""

    def __init__(self, session: Session, mode: str, names: tuple[str, int] | None = None):
        self.active = mode in ("PORT", "EPRT")
        self.listener = Listener()
        told = names or self.listener.address
        self.address = (_ask_active if self.active else _ask_passive)(session, mode, told)

    def open(self) -> tuple[Wire, Wire]:
        """(the client's end, the server's end)"""
        caller = connect(*self.address)
        called = self.listener.accept()
        self.listener.close()
        return (called, caller) if self.active else (caller, called)


def _ask_active(session: Session, mode: str, told: tuple[str, int]) -> tuple[str, int]:
    if mode == "PORT":
        session.client.send(b"PORT " + comma(*told) + b"\r\n")
    else:
        session.client.send(b"EPRT |1|%s|%d|\r\n" % (told[0].encode(), told[1]))
    line = session.server.line()
    assert line.startswith(mode.encode()), line
    session.server.send(b"200 Thanks.\r\n")
    session.client.expect(b"200 Thanks.\r\n")
    return address_in(line)


def _ask_passive(session: Session, mode: str, told: tuple[str, int]) -> tuple[str, int]:
    session.client.send(mode.encode() + b"\r\n")
    session.server.expect(mode.encode() + b"\r\n")
    session.server.send(
        b"227 Entering Passive Mode (" + comma(*told) + b").\r\n"
        if mode == "PASV"
        else b"229 Extended (|||%d|)\r\n" % told[1]
    )
    return address_in(session.client.line())


@dataclass
class Transfer:
    """A transfer command under way, its data connections in the hands of the test."""

    session: Session
    mode: str
    direction: str
    channel: Channel
    client: Wire = field(init=False)  # the data connections
    server: Wire = field(init=False)

    def begin(self) -> None:
        command = DIRECTIONS[self.direction] + b" file\r\n"
        self.session.client.send(command)
        self.session.server.expect(command)

    def open(self) -> None:
        self.client, self.server = self.channel.open()

    def reply(self, text: bytes) -> None:
        """From the server; the client gets it."""
        self.session.server.send(text)
        self.session.client.expect(text)

    @property
    def sender(self) -> Wire:
        return self.server if self.direction == "download" else self.client

    @property
    def receiver(self) -> Wire:
        return self.client if self.direction == "download" else self.server

    @property
    def sending_side(self) -> str:
        return "server" if self.direction == "download" else "client"

    @property
    def receiving_side(self) -> str:
        return "client" if self.direction == "download" else "server"

    def close(self) -> None:
        self.channel.listener.close()
        for name in ("client", "server"):
            if hasattr(self, name):
                getattr(self, name).close()
