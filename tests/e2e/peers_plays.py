"""What the clients and servers of peers_cases.py do where a row of a table does not say it.

A play drives the client and raises Lost; an answer is what the server does at a command (peers_server.py).
"""
from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from peers_client import Client, Lost, command
from peers_server import FILE, Answer, Send, active, transfer, verb_of
from peers_setup import CLIENT
from servers import wait_until
from wire import comma

Play = Callable[[Client], None]
PAUSE_S = 2.0


# --- plays ---


def down(mode: str = "PASV", line: str = "RETR file") -> Play:
    def play(c: Client) -> None:
        c.download(mode, line)
        c.in_step()

    return play


def up(mode: str = "PASV", line: str = "STOR file") -> Play:
    def play(c: Client) -> None:
        c.upload(mode, line)
        c.in_step()

    return play


def port_as(form: str) -> Play:
    def play(c: Client) -> None:
        listener = c.listen()
        c.send(own_address(form, listener.address))
        c.reply(200)
        c.send("RETR file\r\n")
        c.receive(c.accept(listener))
        c.in_step()

    return play


def own_address(form: str, address: tuple[str, int]) -> str:
    host, port = address
    numbers = comma(host, port).decode() if "." in host else ""
    zeros = ",".join(number.zfill(3) for number in numbers.split(","))
    places = {"{comma}": numbers, "{zeros}": zeros, "{host}": host, "{port}": str(port)}
    for place, value in places.items():
        form = form.replace(place, value)
    return form


def translated_or_refused(form: str) -> Play:
    """The server never sees the client's inside address, and the client is told."""

    def play(c: Client) -> None:
        listener = c.listen()
        line = form.replace("{spaces}", comma(*listener.address).decode().replace(",", ", "))
        c.send(own_address(line, listener.address))
        code = c.reply()[:1]
        inside = [comma(CLIENT[4], 0)[:-4], CLIENT[4].encode()]
        seen = b"".join(c.server.lines).replace(b" ", b"")
        if any(address in seen for address in inside):
            raise Lost("passes it as it is")
        if code == b"2" and not form.startswith("NOOP"):
            c.send("RETR file\r\n")
            c.receive(c.accept(listener))

    return play


# --- cut into packets ---


def cut_replies(mode: str) -> Play:
    def play(c: Client) -> None:
        at = 1
        # A peer that asks the server in another mode never hears it cut.
        while at == c.server.cuts + 1 and not c.server.whole:
            with where(f"cut at byte {at}"):
                c.download(mode)
            at += 1

    return play


def cut_commands(mode: str) -> Play:
    def play(c: Client) -> None:
        at, size = 1, 2
        while at < size:
            with where(f"cut at byte {at}"):
                size = cut_transfer(c, mode, at)
            at += 1

    return play


def cut_transfer(c: Client, mode: str, at: int) -> int:
    """How long the command is."""
    listener = c.listen() if mode in ("PORT", "EPRT") else None
    line = (command(mode, *listener.address) if listener else mode) + "\r\n"
    c.said = mode
    c.send(line[:at], line[at:])
    c.said = mode
    reply = c.reply(200, 227, 229)
    data = None if listener else c.dial(c.told(mode, reply))
    c.send("RETR file\r\n")
    c.receive(data or c.accept(listener))
    return len(line)


@contextlib.contextmanager
def where(place: str):
    try:
        yield
    except Lost as lost:
        raise Lost(f"{place}: {lost}") from None


def drip(c: Client) -> None:
    listener = c.listen()
    line = command("PORT", *listener.address) + "\r\n"
    c.send(*line)
    c.said = "PORT"
    c.reply(200)
    c.send(*"RETR file\r\n")
    c.receive(c.accept(listener))


def cut_any(line: str, code: int) -> Play:
    def play(c: Client) -> None:
        for at in range(1, len(line)):
            with where(f"cut at byte {at}"):
                c.send(line[:at], line[at:])
                c.reply(code)

    return play


# --- several in a packet ---


def together(*lines: str, codes: tuple[int, ...]) -> Play:
    """Commands in one packet, and their replies in turn."""

    def play(c: Client) -> None:
        c.send("".join(line + "\r\n" for line in lines))
        for line, code in zip(lines, codes):
            c.said = line.split()[0]
            c.reply(code)

    return play


def login_together(c: Client) -> None:
    c.connect()
    together(f"USER {c.name}", "PASS secret", "SYST", codes=(331, 230, 215))(c)
    c.download("PASV")


def port_and_retr(c: Client, *before: str, between: str = "") -> None:
    listener = c.listen()
    lines = [*before, command("PORT", *listener.address), "RETR file"]
    c.send("".join(line + "\r\n" for line in lines))
    for _ in lines[:-1]:
        c.reply(200, 350)
    wanted = FILE[100:] if "REST 100" in before else FILE
    c.receive(c.accept(listener), wanted)
    c.in_step()


def passive_second(mode: str, code: int) -> Play:
    """Its reply comes in a packet with another."""

    def play(c: Client) -> None:
        c.send(f"TYPE I\r\n{mode}\r\n")
        c.reply(200)
        c.said = mode
        data = c.dial(c.told(mode, c.reply(code)))
        c.send("RETR file\r\n")
        c.receive(data)

    return play


def pasv_and_retr(c: Client) -> None:
    c.send("PASV\r\nRETR file\r\n")
    c.said = "PASV"
    data = c.dial(c.told("PASV", c.reply(227)))
    c.said = "RETR"
    c.receive(data)
    c.in_step()


def port_second(c: Client) -> None:
    """Two PORTs in one packet: the second counts."""
    first, second = c.listen(), c.listen()
    c.send("".join(command("PORT", *one.address) + "\r\n" for one in (first, second)))
    c.reply(200)
    c.reply(200)
    c.send("RETR file\r\n")
    c.receive(c.accept(second))


def with_next(text: str) -> Answer:
    """Said in one packet with the next reply, if the next command is here already."""

    def answer(served, line: bytes) -> Answer:
        if b"\n" not in served.wire.waiting():
            return text
        served.held += text.encode()
        return ()

    return answer


# --- orders of events ---


def several(*modes_: str) -> Play:
    def play(c: Client) -> None:
        for mode in modes_:
            with where(mode):
                c.download(mode)
        c.in_step()

    return play


def twice_then(first: str, second: str) -> Play:
    """The first is agreed on and not used."""

    def play(c: Client) -> None:
        if first in ("PORT", "EPRT"):
            c.active(first)
        else:
            c.ask(first, 227, 229)
        c.download(second)

    return play


def rest(mode: str) -> Play:
    def play(c: Client) -> None:
        c.ask("REST 1000", 350)
        if mode in ("PASV", "EPSV"):
            # As clients do that know better: REST directly in front of RETR.
            data = c.passive(mode)
            c.ask("REST 1000", 350)
            c.send("RETR file\r\n")
            c.receive(data, FILE[1000:])
        else:
            c.download(mode, wanted=FILE[1000:])

    return play


def hasty(c: Client) -> None:
    c.upload("PASV", hasty=True)
    c.in_step()


def pausing(served, line: bytes) -> None:
    """In mid-file nothing comes for a while."""
    served.say("150 Half of it.\r\n", line)
    with contextlib.closing(served.data()) as data:
        data.send(FILE[:1000])
        time.sleep(PAUSE_S)
        data.send(FILE[1000:])
    served.say("226 Done.\r\n", line)


def abort(how: str) -> Play:
    """In the middle of a download."""

    def play(c: Client) -> None:
        data = c.passive("PASV")
        c.send("RETR file\r\n")
        c.reply(150)
        data.sock.recv(1)
        c.said = "ABOR"
        if how == "ftplib":
            c.wire.send_urgent(b"ABOR\r\n")
        elif how == "BSD":
            c.wire.send_urgent(b"\xff\xf4\xff")
            c.wire.send(b"\xf2ABOR\r\n")
        else:
            c.wire.send(b"ABOR\r\n")
        if c.reply(426, 225, 226)[:3] == b"426":
            c.reply(225, 226)
        data.close()
        c.in_step()

    return play


def abortable(served, line: bytes) -> None:
    """A download that does not end by itself."""
    served.say("150 All of it.\r\n", line)
    with contextlib.closing(served.data()) as data:
        data.send(FILE)
        asked = served.wire.line()
        served.lines.append(asked)
    if verb_of(asked) == "ABOR":
        served.say("426 Cut off.\r\n226 Aborted.\r\n", line)


def refused_then_again(c: Client) -> None:
    """A transfer that the server refuses, on a data connection that is open already."""
    data = c.passive("PASV")
    c.ask("RETR missing", 550)
    data.close()
    c.in_step()
    c.download("PASV")


def refuse_missing(served, line: bytes) -> Answer:
    return "550 No such file.\r\n" if b"missing" in line else Send()


def two_at_once(c: Client) -> None:
    """Two sessions, each with a data connection, taken crosswise."""
    other = c.another()
    mine, others = c.passive("PASV"), other.passive("PASV")
    other.send("RETR file\r\n")
    c.send("RETR file\r\n")
    c.receive(mine)
    other.receive(others)


# --- text ---


def answered(line: str, code: int, wanted: str = "", seen: str = "") -> Play:
    """The server gets `seen` (the line itself), and the client its whole answer."""

    def play(c: Client) -> None:
        told = c.ask(line, code)
        if (seen or line).encode("latin-1") + b"\r\n" not in c.server.lines:
            raise Lost("arrives changed")
        if wanted and told != wanted.encode("latin-1"):
            raise Lost(f"{len(told)} bytes of the {len(wanted)} of its reply arrive")
        c.in_step()

    return play


def features(c: Client) -> None:
    """Somebody may add what it can itself."""
    told = c.ask("FEAT", 211)
    if lost := [one for one in ("MDTM", "REST STREAM", "SIZE", "UTF8") if one.encode() not in told]:
        raise Lost(f"{lost[0]} is lost")


# --- TLS ---


def tls_refused(c: Client) -> None:
    """By the server; the client goes on in clear."""
    if (code := c.ask("AUTH TLS")[:3])[:1] not in b"45":
        raise Lost(f"{code.decode()} to AUTH")
    c.download("PASV")


def tls_dialogue(c: Client) -> None:
    c.ask("AUTH TLS", 234)
    c.encrypt()
    c.ask("NOOP", 200)
    c.in_step()


def tls_if_possible(mode: str) -> Play:
    """A client that would like TLS, and wants its file all the same."""

    def play(c: Client) -> None:
        if c.ask("AUTH TLS")[:3] == b"234":
            c.encrypt()
        c.download(mode)

    return play


def tls_answer(served, line: bytes) -> None:
    served.say("234 Go on.\r\n", line)
    served.encrypt()


# --- data in other orders ---


def client_leaves(c: Client) -> None:
    """It closes its data connection in the middle, without ABOR."""
    data = c.passive("PASV")
    c.send("RETR file\r\n")
    data.sock.recv(1)
    data.close()
    c.reply(150)
    c.reply(226, 426)
    c.in_step()
    c.download("PASV", "LIST")


def endless(served, line: bytes) -> None:
    """Sends until nobody takes it."""
    served.say("150 Much of it.\r\n", line)
    with contextlib.closing(served.data()) as data, contextlib.suppress(OSError):
        while True:
            data.send(FILE)
    served.say("426 You left.\r\n", line)


def client_resets(c: Client) -> None:
    """An upload that is cut off: the server must not take what came for the whole file."""
    data = c.passive("PASV")
    c.send("STOR file\r\n")
    c.reply(150)
    data.send(FILE[:1000])
    data.reset()
    wait_until(lambda: c.server.stored_how, c.stage.patience_s)
    if not c.server.stored_how:
        raise Lost("the server waits on")
    if c.server.stored_how == "fin":
        raise Lost("the server takes it as whole")


def late_dial(c: Client) -> None:
    """The data connection comes after the command."""
    place = c.told("PASV", c.ask("PASV", 227))
    c.send("RETR file\r\n")
    c.receive(c.dial(place))


def eager_server(served, line: bytes) -> Answer:
    """Connects as soon as it knows where to."""
    answer = active(served, line)
    with contextlib.suppress(OSError):
        served.early = served.data()
    return answer


def from_early(served, line: bytes) -> None:
    served.say("150 On its way.\r\n", line)
    with contextlib.closing(served.early) as data:
        data.send(FILE)
    served.say("226 Done.\r\n", line)


def after_accept(served, line: bytes) -> None:
    with transfer(served) as data:
        if not data:
            return
        served.say("150 You are here.\r\n", line)
        data.send(FILE)
    served.say("226 Done.\r\n", line)


def from_port_20(served, line: bytes) -> None:
    served.source_port = 20
    Send()(served, line)


def error_after_150(c: Client) -> None:
    data = c.passive("PASV")
    c.send("RETR file\r\n")
    c.reply(150)
    c.rest(data)
    c.reply(451)
    c.in_step()


def retr_and_quit(c: Client) -> None:
    data = c.passive("PASV")
    c.send("RETR file\r\nQUIT\r\n")
    c.said = "RETR"
    c.receive(data)
    c.said = "QUIT"
    c.reply(221)
