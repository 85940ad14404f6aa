"""A session whose both ends are played, line by line, by one thread: the order of things is ours.

    with played(folder / "x.pcap") as s:
        s.ask(b"SYST\\r\\n", b"215 UNIX Type: L8\\r\\n")
        data = s.passive()
"""
from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from wire import GREETING, LOGIN, Listener, Wire, comma, connect

from .network import Namespace, link
from .sniffer import sniff

CLIENT, SERVER, THIRD = "192.0.2.1", "192.0.2.2", "192.0.2.3"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::2"
SHORT_S = 0.05  # what is sent after this is another segment, and a visible pause


@dataclass
class Data:
    client: Wire
    server: Wire

    def send(self, payload: bytes, down: bool = True, end: str = "fin") -> None:
        sender, receiver = (self.server, self.client) if down else (self.client, self.server)
        sender.send(payload)
        receiver.expect(payload)
        if end == "fin":
            sender.close()
            receiver.rest()
            receiver.close()


@dataclass
class Played:
    client_space: Namespace
    server_space: Namespace
    client_host: str
    server_host: str
    listener: Listener
    client: Wire = field(init=False)
    server: Wire = field(init=False)
    opened: list = field(default_factory=list)

    def open(self, source_port: int = 0) -> None:
        with self.client_space:
            self.client = self.keep(
                connect_from(self.server_host, self.listener.port, self.client_host, source_port)
            )
        self.server = self.keep(self.listener.accept())

    def login(self) -> None:
        self.say(GREETING)
        for command, reply in LOGIN:
            self.ask(command, reply)

    def keep(self, thing):
        self.opened.append(thing)
        return thing

    def command(self, line: bytes) -> None:
        self.client.send(line)
        self.server.expect(line)

    def say(self, reply: bytes) -> None:
        self.server.send(reply)
        self.client.expect(reply)

    def ask(self, command: bytes, reply: bytes) -> None:
        self.command(command)
        self.say(reply)

    # data connections

    def listen_server(self) -> Listener:
        with self.server_space:
            return self.keep(Listener(self.server_host))

    def listen_client(self) -> Listener:
        with self.client_space:
            return self.keep(Listener(self.client_host))

    def to_server(self, port: int, source: str | None = None) -> Wire:
        with self.client_space:
            return self.keep(connect(self.server_host, port, source or self.client_host))

    def to_client(self, port: int, source: str | None = None) -> Wire:
        with self.server_space:
            return self.keep(connect(self.client_host, port, source or self.server_host))

    def passive(self) -> Data:
        listener = self.listen_server()
        self.ask(b"PASV\r\n", told(listener))
        return self.joined(listener)

    def joined(self, listener: Listener) -> Data:
        caller = self.to_server(listener.port)
        return Data(caller, self.keep(listener.accept()))

    def active(self) -> Data:
        listener = self.listen_client()
        self.ask(b"PORT " + comma(*listener.address) + b"\r\n", b"200 PORT command successful.\r\n")
        caller = self.to_client(listener.port)
        return Data(self.keep(listener.accept()), caller)

    def quit(self) -> None:
        self.ask(b"QUIT\r\n", b"221 Bye.\r\n")
        self.server.close()
        self.client.rest()
        self.client.close()


def told(listener: Listener) -> bytes:
    return b"227 Entering Passive Mode (" + comma(*listener.address) + b").\r\n"


def connect_from(host: str, port: int, source: str, source_port: int) -> Wire:
    import socket

    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((source, source_port))
    sock.connect((host, port))
    return Wire(sock)


def pause(seconds: float = SHORT_S) -> None:
    time.sleep(seconds)


@contextlib.contextmanager
def stage(target: Path, *options: str, family: int = 4, port: int = 21, tap: str = "client"):
    """Nothing has been said yet, the client is not connected."""
    client, server = Namespace("client"), Namespace("server")
    cable = link(client, [f"{CLIENT}/24", f"{THIRD}/24", f"{CLIENT6}/64"],
                 server, [f"{SERVER}/24", f"{SERVER6}/64"])  # fmt: skip
    hosts = (CLIENT, SERVER) if family == 4 else (CLIENT6, SERVER6)
    with server:
        listener = Listener(hosts[1], port)
    play = Played(client, server, *hosts, listener)
    with sniff(client if tap == "client" else server, cable, target, *options):
        try:
            yield play
        finally:
            for thing in play.opened:
                thing.close()
    listener.close()


@contextlib.contextmanager
def played(target: Path, *options: str, **more):
    """Logged in; QUIT is left to the scenario."""
    with stage(target, *options, **more) as play:
        play.open()
        play.login()
        yield play
