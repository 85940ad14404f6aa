"""A server that goes on by itself, in threads, for tests with many clients; and its clients' steps."""
from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from wire import GREETING, LOGIN, Listener, Wire, address_in, comma, connect

Answer = bytes | Callable[["ServedClient", bytes], bytes]


class ServedClient:
    """One connection of an AnsweringServer. `lines`: what it was asked."""

    def __init__(self, wire: Wire):
        self.wire = wire
        self.lines: list[bytes] = []
        self.data: Listener | None = None

    def serve(self, answers: dict[bytes, Answer]) -> None:
        self.wire.send(GREETING)
        while line := self.wire.line():
            self.lines.append(line)
            answer = answers.get(line.split()[0] if line.split() else b"", b"200 OK.\r\n")
            self.wire.send(answer if isinstance(answer, bytes) else answer(self, line))
            if line.startswith(b"QUIT"):
                return

    def close(self) -> None:
        self.wire.close()
        if self.data:
            self.data.close()


class AnsweringServer:
    """Answers by the verb, in a thread a connection; a verb that is not in the table gets 200."""

    def __init__(self, **answers: Answer):
        login = {command.split()[0]: reply for command, reply in LOGIN}
        own = {verb.encode(): answer for verb, answer in answers.items()}
        self.answers = {**login, b"QUIT": b"221 Bye.\r\n", **own}
        self.served: list[ServedClient] = []
        self.listener = Listener()
        self.address = self.listener.address

    def __enter__(self) -> "AnsweringServer":
        self.listener.sock.settimeout(None)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        # shutdown, unlike close, wakes the thread that waits in accept.
        self.listener.sock.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in self.served:
            client.close()

    def lines(self) -> list[bytes]:
        return [line for client in self.served for line in client.lines]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = ServedClient(self.listener.accept())
                client.wire.sock.settimeout(None)
                self.served.append(client)
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: ServedClient) -> None:
        with contextlib.suppress(OSError):
            client.serve(self.answers)
        client.close()


def passive(client: ServedClient, _line: bytes) -> bytes:
    if client.data:
        client.data.close()
    client.data = Listener()
    return b"227 Entering Passive Mode (" + comma(*client.data.address) + b").\r\n"


def download(payload: bytes) -> Answer:
    def retr(client: ServedClient, _line: bytes) -> bytes:
        client.wire.send(b"150 Here it comes.\r\n")
        with contextlib.closing(client.data.accept()) as data:
            data.send(payload)
        return b"226 Done.\r\n"

    return retr


def log_in(client: Wire) -> None:
    """At an AnsweringServer, or any other that takes the login."""
    client.expect_code(220)
    for command, reply in LOGIN:
        client.send(command)
        client.expect(reply)


def fetch(client: Wire) -> bytes:
    """One passive download at an AnsweringServer."""
    client.send(b"PASV\r\n")
    data = connect(*address_in(client.expect_code(227)))
    with contextlib.closing(data):
        client.send(b"RETR file\r\n")
        client.expect_code(150)
        content = data.rest()
    client.expect_code(226)
    return content
