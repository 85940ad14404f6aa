"""The attacks of peers_cases.py: whatever becomes of them, nothing is opened and nobody is followed."""
from __future__ import annotations

import contextlib
from collections.abc import Callable

from peers_client import Client, Lost, Trap
from peers_plays import Play, own_address
from peers_server import FILE
from peers_setup import CLIENT, INSIDE, OUTSIDE, SERVER
from servers import wait_until
from wire import comma

Make = Callable[[Client], Trap]


def bare_lf(c: Client) -> None:
    """One command, or refused."""
    c.send("NOOP\n")
    c.reply()
    c.in_step()


def smuggle(line: str) -> Play:
    """Whatever becomes of it, the server is not told to delete anything."""

    def play(c: Client) -> None:
        c.send(line)
        c.over()
        no_dele(c)

    return play


def no_dele(c: Client) -> None:
    if any(line.upper().startswith(b"DELE") for line in c.server.lines):
        raise Lost("the server gets DELE")


def smuggle_anywhere(c: Client) -> None:
    """A long line, no part of which may become a line: wherever one cuts it, in one of these
    sessions there is a command."""
    word = "DELE victim"
    sessions = [c.another() for _ in word]
    for at, session in enumerate(sessions):
        with contextlib.suppress(Lost):
            session.send("CWD " + "a" * at + word * (40_000 // len(word)) + "\r\n")
    wait_until(lambda: all(heard(session) for session in sessions), c.stage.patience_s)
    for session in sessions:
        no_dele(session)


def heard(c: Client) -> bool:
    try:
        return c.speaks()
    except Lost:
        return True


# --- addresses of others ---


def foreign_passive(mode: str, make: Make) -> Play:
    """The server's answer names somebody else: the client goes where it is told, and asks for data."""

    def play(c: Client) -> None:
        trap = make(c)
        c.server.names_more = {
            "trap": comma(*trap.address).decode(),
            "trap port": str(trap.address[1]),
        }
        with contextlib.suppress(Lost):
            data = c.passive(mode)
            c.send("RETR file\r\n")
            c.over()
            data.close()

    return play


def foreign_active(line: str, make: Make) -> Play:
    """The client names somebody else."""

    def play(c: Client) -> None:
        trap = make(c)
        with contextlib.suppress(Lost):
            c.ask(own_address(line, trap.address), 200)
            c.send("RETR file\r\n")
            c.over()

    return play


def at_server(port: int) -> Make:
    what = f"opens port {port} of the server"
    return lambda c: c.trap(c.stage.machines.server, SERVER[4], what, port)


def at_client(port: int) -> Make:
    what = f"opens port {port} of the client"
    return lambda c: c.trap(c.stage.machines.client, CLIENT[4], what, port)


def at_router(address: str) -> Make:
    """That somebody else connects there is between them."""
    what, own = "connects to itself", (INSIDE[4], OUTSIDE[4], "127.0.0.1")
    return lambda c: c.trap(c.stage.machines.router, address, what, by=own)


def at_third(c: Client) -> Trap:
    return c.victim()


def unasked(line: str, port: int) -> Play:
    """Something like a 227 that answers no PASV. The client tries what it says."""

    def play(c: Client) -> None:
        at_server(port)(c)
        c.send(line + "\r\n")
        told = c.over()
        places = [(INSIDE[4], port)]
        with contextlib.suppress(Lost):
            places.append(c.told(line, told))
        for place in places:
            with contextlib.suppress(Lost):
                c.dial(place)

    return play


def slipstream(line: str, make: Make) -> Play:
    """A web page makes a browser send a form: what is in it opens nothing."""

    def play(c: Client) -> None:
        trap = make(c)
        c.connect(greeted=False)
        body = own_address(line, trap.address) + "\r\n"
        head = f"POST / HTTP/1.1\r\nHost: ftp\r\nContent-Length: {len(body)}\r\n\r\n"
        with contextlib.suppress(Lost):
            c.send(head, body)
            c.over()

    return play


def theft(mode: str, way: str) -> Play:
    """A stranger is first at the data port: it gets nothing, and the client is served."""

    def play(c: Client) -> None:
        reply = c.ask(mode, 227, 229)
        stranger = c.stranger(c.told(mode, reply))
        try:
            data = c.dial(c.told(mode, reply))
            c.send(f"{way} file\r\n")
            if way == "RETR":
                c.receive(data)
            else:
                c.heard.append(c.reply(125, 150))
                with c.ended():
                    data.send(FILE)
                data.close()
                c.completed()
        except Lost:
            stranger.check()
            if c.server.stored.startswith(b"stolen"):
                raise Lost("a stranger's bytes are stored") from None
            raise
        stranger.check()

    return play


def theft_alone(c: Client) -> None:
    """Only the stranger comes."""
    stranger = c.stranger(c.told("PASV", c.ask("PASV", 227)))
    c.send("RETR file\r\n")
    c.over()
    stranger.check()


def theft_active(mode: str) -> Play:
    """A stranger comes before the server, to what the server was told."""

    def play(c: Client) -> None:
        listener = c.active(mode)
        # Some peers tell the server only when the transfer begins; then there is nothing to steal.
        stranger = c.stranger(c.server.target) if c.server.target else None
        c.send("RETR file\r\n")
        data = c.accept(listener)
        content = c.rest(data)
        if content.startswith(b"stolen"):
            raise Lost("a stranger's bytes reach the client")
        c.completed()
        if content != FILE:
            raise Lost(f"{len(content)} of {len(FILE)} bytes arrive, and 226")
        if stranger:
            stranger.check()

    return play


def after_quit(c: Client) -> None:
    """A port that was never used is closed when the session is over."""
    at_server(5440)(c)
    place = c.told("PASV", c.ask("PASV", 227))
    c.ask("QUIT", 221)
    c.over()
    c.wire.close()
    c.server.over.wait(c.stage.patience_s)
    with contextlib.suppress(Lost):
        c.dial(place)


def after_use(c: Client) -> None:
    """A second connection to a port that has served does not reach the server."""
    place = c.told("PASV", c.ask("PASV", 227))
    data = c.dial(place)
    c.send("RETR file\r\n")
    c.receive(data)
    with contextlib.suppress(Lost):
        c.dial(place)
    if c.server.listeners and c.server.listeners[0].was_called():
        raise Lost("the port is still open")


def after_newer(c: Client) -> None:
    """Nor one to a port that a newer PASV has replaced."""
    old = c.told("PASV", c.ask("PASV", 227))
    new = c.told("PASV", c.ask("PASV", 227))
    if old != new:
        with contextlib.suppress(Lost):
            c.dial(old)
    if len(c.server.listeners) > 1 and c.server.listeners[0].was_called():
        raise Lost("the older port is still open")
    data = c.dial(new)
    c.send("RETR file\r\n")
    c.receive(data)


def refused(*lines: str) -> Play:
    """The last of them gets a 5yz."""

    def play(c: Client) -> None:
        for line in lines[:-1]:
            c.ask(line, 200, 227, 229)
        if (code := c.ask(lines[-1])[:3])[:1] != b"5":
            raise Lost(f"{code.decode()} to {c.said}")

    return play
