"""The rows of peers_table.py: what client and server say, and what must come of it.

A case with a `play` of transfers is won when every byte arrives, by hash, and the replies are in step. One
that sets a trap is won when nobody is caught in it.
"""
from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hostile import comma
from servers import wait_until
from peers_scene import (
    FILE,
    P227,
    P229,
    Answer,
    Client,
    Cut,
    Drip,
    Lost,
    Send,
    active,
    command,
    passive,
    transfer,
    verb_of,
)
from peers_setup import CLIENT, INSIDE, OUTSIDE, SERVER

V4, V6, V4TO6, V6TO4 = (4, 4), (6, 6), (4, 6), (6, 4)
TRANSFER = "transfer works"


@dataclass(frozen=True)
class Case:
    group: str
    name: str
    play: Callable[[Client], None]
    answers: dict[str, Answer] = field(default_factory=dict)
    wanted: str = TRANSFER
    door: tuple[int, int] = V4
    login: bool = True
    ours: tuple[str, ...] = ()  # options that ftpscope has for it


PAUSE_S = 2.0


# --- plays ---


def down(mode: str = "PASV", line: str = "RETR file") -> Callable[[Client], None]:
    def play(c: Client) -> None:
        c.download(mode, line)
        c.in_step()

    return play


def up(mode: str = "PASV", line: str = "STOR file") -> Callable[[Client], None]:
    def play(c: Client) -> None:
        c.upload(mode, line)
        c.in_step()

    return play


def modes(group: str) -> list[Case]:
    cases = [
        Case(group, f"{mode} {way}", play(mode))
        for mode in ("PASV", "EPSV", "PORT", "EPRT", "LPSV", "LPRT")
        for way, play in (("down", down), ("up", up))
    ]
    for name, door in (("IPv6", V6), ("IPv4 to IPv6", V4TO6), ("IPv6 to IPv4", V6TO4)):
        of_family = ("EPSV", "EPRT") if door[0] == 6 else ("PASV", "EPSV", "PORT", "EPRT")
        cases += [
            Case(group, f"{name}: {mode} {way}", play(mode), door=door)
            for mode in of_family
            for way, play in (("down", down), ("up", up))
        ]
    return cases


def odd_replies(group: str, mode: str, forms: dict[str, Answer]) -> list[Case]:
    return [Case(group, name, down(mode), {mode: passive(form)}) for name, form in forms.items()]


ODD_227 = {
    "227 without brackets": "227 Entering Passive Mode {comma}\r\n",
    "227 without brackets, full stop": "227 Entering Passive Mode {comma}.\r\n",
    "227 with bare numbers": "227 {comma}\r\n",
    "227 with =": "227 ={comma}\r\n",
    "227 in words of its own (RFC 1123 4.1.2.6)": "227 The port is at {comma} now\r\n",
    "227 with angle brackets": "227 Passive <{comma}>\r\n",
    "227 without the closing bracket": "227 Entering Passive Mode ({comma}\r\n",
    "227 with text and numbers behind": "227 Passive ({comma}). 24 hours, 7 days.\r\n",
    "227 with a digit in the text before": "227 Passive mode 3 ports ({comma}).\r\n",
    "227 with an IPv4 address in the text before": "227 Host 192.0.2.1 passive ({comma}).\r\n",
    "227 with leading zeros": "227 Entering Passive Mode ({comma zeros}).\r\n",
    "227 with spaces behind the commas": "227 Entering Passive Mode ({comma spaces}).\r\n",
    "227 with two spaces behind the code": "227  Entering Passive Mode ({comma}).\r\n",
    "227 with LF alone": "227 Entering Passive Mode ({comma}).\n",
    "227 with CR CR LF": "227 Entering Passive Mode ({comma}).\r\r\n",
    "227 of two lines": "227-Passive Mode follows.\r\n227 Entering Passive Mode ({comma}).\r\n",
    "227 of two lines, two packets": (
        "227-Passive Mode follows.\r\n",
        "227 Entering Passive Mode ({comma}).\r\n",
    ),
    "227 of 500 bytes": "227 " + "Entering Passive Mode " * 21 + "({comma}).\r\n",
}
ODD_229 = {
    "229 with numbers only": "229 (|||{port}|)\r\n",
    "229 with !": "229 Entering Extended Passive Mode (!!!{port}!)\r\n",
    "229 with #": "229 Entering Extended Passive Mode (###{port}#)\r\n",
    "229 with a full stop behind": "229 Entering Extended Passive Mode (|||{port}|).\r\n",
    "229 with brackets in the text before": "229 Extended (long) Passive Mode (|||{port}|)\r\n",
    "229 without brackets": "229 Entering Extended Passive Mode |||{port}|\r\n",
    "229 with a leading zero": "229 Entering Extended Passive Mode (|||0{port}|)\r\n",
    "229 with address": "229 Entering Extended Passive Mode (|1|{host}|{port}|)\r\n",
    "229 of two lines": "229-Extended\r\n229 Entering Extended Passive Mode (|||{port}|)\r\n",
    "229 with LF alone": "229 Entering Extended Passive Mode (|||{port}|)\n",
}


# A PORT or EPRT of the client's own address in some dress.
ODD_PORT = {
    "port in lower case": "port {comma}\r\n",
    "PoRt": "PoRt {comma}\r\n",
    "PORT with leading zeros": "PORT {zeros}\r\n",
    "PORT with two spaces": "PORT  {comma}\r\n",
    "PORT with a space behind": "PORT {comma} \r\n",
    "eprt in lower case": "eprt |1|{host}|{port}|\r\n",
    "EPRT with !": "EPRT !1!{host}!{port}!\r\n",
    "EPRT with /": "EPRT /1/{host}/{port}/\r\n",
    "EPRT with a leading zero": "EPRT |1|{host}|0{port}|\r\n",
    "EPRT with a space behind": "EPRT |1|{host}|{port}| \r\n",
}


def port_as(form: str) -> Callable[[Client], None]:
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


# What servers read in different ways: at the server it must name the peer, or not arrive.
DOUBTFUL_PORT = {
    "PORT with LF alone": "PORT {comma}\n",
    "PORT with TAB": "PORT\t{comma}\r\n",
    "PORT with a space in front": " PORT {comma}\r\n",
    "PORT with spaces behind the commas": "PORT {spaces}\r\n",
    "PORT with text behind": "PORT {comma}xyz\r\n",
    "PORT with CR CR LF": "PORT {comma}\r\r\n",
    "PORT with Telnet bytes in the verb": "P\xff\xfd\x01ORT {comma}\r\n",
    "PORT behind a CR": "NOOP\rPORT {comma}\r\n",
    "EPRT without the last bar": "EPRT |1|{host}|{port}\r\n",
}


def translated_or_refused(form: str) -> Callable[[Client], None]:
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


def cut_replies(mode: str) -> Callable[[Client], None]:
    def play(c: Client) -> None:
        at = 1
        # A peer that asks the server in another mode never hears it cut.
        while at == c.server.cuts + 1 and not c.server.whole:
            with where(f"cut at byte {at}"):
                c.download(mode)
            at += 1

    return play


def cut_commands(mode: str) -> Callable[[Client], None]:
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


def cut_any(line: str, code: int) -> Callable[[Client], None]:
    def play(c: Client) -> None:
        for at in range(1, len(line)):
            with where(f"cut at byte {at}"):
                c.send(line[:at], line[at:])
                c.reply(code)

    return play


# --- several in a packet ---


def together(*lines: str, codes: tuple[int, ...]) -> Callable[[Client], None]:
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


def pasv_second(c: Client) -> None:
    """Its reply comes in a packet with another."""
    c.send("TYPE I\r\nPASV\r\n")
    c.reply(200)
    c.said = "PASV"
    data = c.dial(c.told("PASV", c.reply(227)))
    c.send("RETR file\r\n")
    c.receive(data)


def pasv_and_retr(c: Client) -> None:
    c.send("PASV\r\nRETR file\r\n")
    c.said = "PASV"
    data = c.dial(c.told("PASV", c.reply(227)))
    c.said = "RETR"
    c.receive(data)
    c.in_step()


def epsv_second(c: Client) -> None:
    c.send("TYPE I\r\nEPSV\r\n")
    c.reply(200)
    c.said = "EPSV"
    data = c.dial(c.told("EPSV", c.reply(229)))
    c.send("RETR file\r\n")
    c.receive(data)


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


def several(*modes_: str) -> Callable[[Client], None]:
    def play(c: Client) -> None:
        for mode in modes_:
            with where(mode):
                c.download(mode)
        c.in_step()

    return play


def twice_then(first: str, second: str) -> Callable[[Client], None]:
    """The first is agreed on and not used."""

    def play(c: Client) -> None:
        if first in ("PORT", "EPRT"):
            c.active(first)
        else:
            c.ask(first, 227, 229)
        c.download(second)

    return play


def rest(mode: str) -> Callable[[Client], None]:
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


def abort(how: str) -> Callable[[Client], None]:
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


def answered(line: str, code: int, wanted: str = "", seen: str = "") -> Callable[[Client], None]:
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


def bare_lf(c: Client) -> None:
    """One command, or refused."""
    c.send("NOOP\n")
    c.reply()
    c.in_step()


def smuggle(line: str) -> Callable[[Client], None]:
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


LONG_REPLY = "".join(f"214-{n:04} {'words ' * 20}\r\n" for n in range(180)) + "214 End.\r\n"
WIDE_REPLY = "250 " + "x" * 3000 + "\r\n"


# --- what must not happen ---

NOTHING = "nothing is opened"
REFUSED = "refused, or translated"


def foreign_passive(mode: str, make: Callable[[Client], object]) -> Callable[[Client], None]:
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


def foreign_active(line: str, make: Callable[[Client], object]) -> Callable[[Client], None]:
    """The client names somebody else."""

    def play(c: Client) -> None:
        trap = make(c)
        with contextlib.suppress(Lost):
            c.ask(own_address(line, trap.address), 200)
            c.send("RETR file\r\n")
            c.over()

    return play


def at_server(port: int) -> Callable[[Client], object]:
    what = f"opens port {port} of the server"
    return lambda c: c.trap(c.stage.machines.server, SERVER[4], what, port)


def at_client(port: int) -> Callable[[Client], object]:
    what = f"opens port {port} of the client"
    return lambda c: c.trap(c.stage.machines.client, CLIENT[4], what, port)


def at_router(address: str) -> Callable[[Client], object]:
    """That somebody else connects there is between them."""
    what, own = "connects to itself", (INSIDE[4], OUTSIDE[4], "127.0.0.1")
    return lambda c: c.trap(c.stage.machines.router, address, what, by=own)


def at_third(c: Client) -> object:
    return c.victim()


def unasked(line: str, port: int) -> Callable[[Client], None]:
    """Something like a 227 that answers no PASV. The client tries what it says."""

    def play(c: Client) -> None:
        at_server(port)(c)
        c.send(line + "\r\n")
        told = b""
        with contextlib.suppress(Lost):
            while True:
                told += c.reply()
        places = [(INSIDE[4], port)]
        with contextlib.suppress(Lost):
            places.append(c.told(line, told))
        for place in places:
            with contextlib.suppress(Lost):
                c.dial(place)

    return play


def named(port: int, host: str = SERVER[4]) -> str:
    return comma(host, port).decode()


def slipstream(line: str, make: Callable[[Client], object]) -> Callable[[Client], None]:
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


def theft(mode: str, way: str) -> Callable[[Client], None]:
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


def theft_active(mode: str) -> Callable[[Client], None]:
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


def refused(*lines: str) -> Callable[[Client], None]:
    """The last of them gets a 5yz."""

    def play(c: Client) -> None:
        for line in lines[:-1]:
            c.ask(line, 200, 227, 229)
        if (code := c.ask(lines[-1])[:3])[:1] != b"5":
            raise Lost(f"{code.decode()} to {c.said}")

    return play


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


def tls_if_possible(mode: str) -> Callable[[Client], None]:
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
    if c.server.stored_how != "rst":
        raise Lost("the server takes it as whole" if c.server.stored_how else "the server waits on")


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


# --- all of them ---

TLS_REFUSE = ("--tls", "refuse")
LARGE = FILE * 200
HELP = "214-Help\r\n 226 is not its end\r\n\r\n  nor this\r\n214-nor this\r\n214 End.\r\n"
PATH = "CWD /" + "d" * 4990

CASES: list[Case] = [
    *modes("modes and families"),
    *odd_replies("odd 227", "PASV", ODD_227),
    *odd_replies("odd 229", "EPSV", ODD_229),
    *(Case("odd PORT", name, port_as(form)) for name, form in ODD_PORT.items()),
    *(
        Case("odd PORT", name, translated_or_refused(form), wanted=REFUSED)
        for name, form in DOUBTFUL_PORT.items()
    ),
    # packets
    Case("packets", "227 cut at each byte", cut_replies("PASV"), {"PASV": passive(Cut(P227))}),
    Case("packets", "229 cut at each byte", cut_replies("EPSV"), {"EPSV": passive(Cut(P229))}),
    Case("packets", "227 byte by byte", down(), {"PASV": passive(Drip(P227))}),
    Case("packets", "229 byte by byte", down("EPSV"), {"EPSV": passive(Drip(P229))}),
    Case(
        "packets",
        "227 of two lines cut at each byte",
        cut_replies("PASV"),
        {"PASV": passive(Cut("227-Passive\r\n" + P227))},
    ),
    Case("packets", "PORT cut at each byte", cut_commands("PORT")),
    Case("packets", "EPRT cut at each byte", cut_commands("EPRT")),
    Case("packets", "PASV cut at each byte", cut_commands("PASV")),
    Case("packets", "EPSV cut at each byte", cut_commands("EPSV")),
    Case("packets", "PORT and RETR byte by byte", drip),
    Case("packets", "SYST cut at each byte", cut_any("SYST\r\n", 215)),
    Case("packets", "USER and PASS in one", login_together, login=False),
    Case("packets", "PORT and RETR in one", port_and_retr),
    Case("packets", "TYPE, PORT and RETR in one", lambda c: port_and_retr(c, "TYPE I")),
    Case("packets", "NOOP, NOOP, PORT and RETR in one", lambda c: port_and_retr(c, "NOOP", "NOOP")),
    Case("packets", "two PORTs in one, the second counts", port_second),
    Case("packets", "PASV and RETR in one", pasv_and_retr),
    Case("packets", "RETR and QUIT in one", retr_and_quit),
    Case("packets", "TYPE and PASV in one", pasv_second),
    Case(
        "packets", "227 second line of its packet", pasv_second, {"TYPE": with_next("200 I.\r\n")}
    ),
    Case(
        "packets", "229 second line of its packet", epsv_second, {"TYPE": with_next("200 I.\r\n")}
    ),
    Case(
        "packets",
        "150 and 226 in one",
        down(),
        {"RETR": Send(before=(), behind="150 It went.\r\n226 Done.\r\n")},
    ),
    Case(
        "packets",
        "20 commands in one",
        together(*["SYST"] * 20, codes=(215,) * 20),
        wanted="all are answered",
    ),
    # transfers
    *(
        Case("transfers", f"{verb} by PASV", down("PASV", verb))
        for verb in ("LIST", "NLST", "MLSD")
    ),
    Case("transfers", "LIST by PORT", down("PORT", "LIST")),
    Case("transfers", "retr in lower case", down("PASV", "retr file")),
    Case("transfers", "APPE", up("PASV", "APPE file")),
    Case("transfers", "STOU", up("PASV", "STOU")),
    Case("transfers", "REST and RETR by PASV", rest("PASV")),
    Case("transfers", "REST and RETR by PORT", rest("PORT")),
    Case(
        "transfers",
        "an empty file by PASV",
        lambda c: c.download(wanted=b""),
        {"RETR": Send(content=b"")},
    ),
    Case(
        "transfers",
        "an empty file by PORT",
        lambda c: c.download("PORT", wanted=b""),
        {"RETR": Send(content=b"")},
    ),
    Case(
        "transfers",
        "6 MB by PASV",
        lambda c: c.download(wanted=LARGE),
        {"RETR": Send(content=LARGE)},
    ),
    Case(
        "transfers",
        "6 MB by PORT",
        lambda c: c.download("PORT", wanted=LARGE),
        {"RETR": Send(content=LARGE)},
    ),
    Case("transfers", "six in a row", several("PASV", "PORT", "PASV", "PORT", "PORT", "PASV")),
    Case("transfers", "EPSV, EPRT, PASV, PORT in a row", several("EPSV", "EPRT", "PASV", "PORT")),
    Case("transfers", "PASV again, before any transfer", twice_then("PASV", "PASV")),
    Case("transfers", "PORT after an unused PASV", twice_then("PASV", "PORT")),
    Case("transfers", "PASV after an unused PORT", twice_then("PORT", "PASV")),
    Case(
        "transfers", "EPSV ALL, then EPSV", lambda c: (c.ask("EPSV ALL", 200), c.download("EPSV"))
    ),
    Case("transfers", "upload that does not wait for 150", hasty),
    Case("transfers", "data connection only after RETR", late_dial),
    Case("transfers", "150 only after the data connection", down(), {"RETR": after_accept}),
    Case("transfers", "no 150", down(), {"RETR": Send(before=())}),
    Case("transfers", "data before 150", down(), {"RETR": Send(late=True)}),
    Case("transfers", "226 before the data", down(), {"RETR": Send(early=True)}),
    Case(
        "transfers",
        "server connects at PORT already",
        down("PORT"),
        {"PORT": eager_server, "RETR": from_early},
    ),
    Case("transfers", "server connects from port 20", down("PORT"), {"RETR": from_port_20}),
    Case(
        "transfers",
        "550 with an open data connection, then another",
        refused_then_again,
        {"RETR": refuse_missing},
    ),
    Case(
        "transfers",
        "451 after 150",
        error_after_150,
        {"RETR": Send(behind="451 Disk.\r\n")},
        "451 arrives",
    ),
    Case("transfers", "two seconds of silence in mid-file", down(), {"RETR": pausing}),
    Case("transfers", "two sessions, crosswise", two_at_once),
    Case("transfers", "ABOR", abort("plain"), {"RETR": abortable}, "426, 226, in step"),
    Case(
        "transfers",
        "ABOR as urgent data (ftplib)",
        abort("ftplib"),
        {"RETR": abortable},
        "426, 226, in step",
    ),
    Case(
        "transfers",
        "ABOR behind IAC IP IAC DM (BSD ftp)",
        abort("BSD"),
        {"RETR": abortable},
        "426, 226, in step",
    ),
    Case(
        "transfers",
        "client leaves in mid-file",
        client_leaves,
        {"RETR": endless},
        "426, the next works",
    ),
    Case("transfers", "upload cut off by a reset", client_resets, wanted="not taken as whole"),
    # text
    Case("text", "FEAT", features, wanted="what the server can"),
    Case("text", "OPTS UTF8 ON", answered("OPTS UTF8 ON", 200), wanted="as the client says"),
    Case("text", "CLNT", answered("CLNT lab", 200), wanted="as the client says"),
    Case("text", "SIZE", answered("SIZE file", 213), wanted="as the client says"),
    Case("text", "MDTM", answered("MDTM file", 213), wanted="as the client says"),
    Case("text", "SITE CHMOD", answered("SITE CHMOD 644 a b", 200), wanted="as the client says"),
    Case(
        "text",
        "path with 8-bit bytes",
        answered("CWD /\xc3\xa4\xe2\x82\xac", 250),
        wanted="as the client says",
    ),
    Case(
        "text",
        "path with a space at its end",
        answered("CWD /a b ", 250),
        wanted="as the client says",
    ),
    Case(
        "text", "path with IAC IAC", answered("CWD /a\xff\xffb", 250), wanted="as the client says"
    ),
    Case("text", "path of 5000 bytes", answered(PATH, 250), wanted="as the client says"),
    Case(
        "text",
        "reply of 180 lines, 23 kB",
        answered("HELP", 214, LONG_REPLY),
        {"HELP": LONG_REPLY},
        "as the server says",
    ),
    Case(
        "text",
        "reply line of 3000 bytes",
        answered("CWD /", 250, WIDE_REPLY),
        {"CWD": WIDE_REPLY},
        "as the server says",
    ),
    Case(
        "text",
        "reply with codes and an empty line in its text",
        answered("HELP", 214, HELP),
        {"HELP": HELP},
        "as the server says",
    ),
    # attacks
    Case("attacks", "LF alone ends a command", bare_lf, wanted="one command, or refused"),
    Case(
        "attacks",
        "CR in a command",
        smuggle("NOOP\rDELE victim\r\n"),
        wanted="one command, or refused",
    ),
    Case(
        "attacks",
        "NUL in a command",
        smuggle("CWD a\0DELE victim\r\n"),
        wanted="one command, or refused",
    ),
    Case("attacks", "a line of 40 kB", smuggle_anywhere, wanted="one command, or refused"),
    Case(
        "attacks",
        "227 names a third host",
        foreign_passive("PASV", at_third),
        {"PASV": "227 Passive ({trap}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "229 names a third host",
        foreign_passive("EPSV", at_third),
        {"EPSV": "229 Passive (|1|10.3.0.2|{trap port}|)\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 names port 22 of the server",
        foreign_passive("PASV", at_server(22)),
        {"PASV": "227 Passive ({trap}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "229 names port 23 of the server",
        foreign_passive("EPSV", at_server(23)),
        {"EPSV": "229 Passive (|||{trap port}|)\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 names the gateway",
        foreign_passive("PASV", at_router(OUTSIDE[4])),
        {"PASV": "227 Passive ({trap}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 names the gateway's loopback",
        foreign_passive("PASV", at_router("127.0.0.1")),
        {"PASV": "227 Passive ({trap}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "PORT names a third host",
        foreign_active("PORT {comma}", at_third),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "EPRT names a third host",
        foreign_active("EPRT |1|{host}|{port}|", at_third),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "port in lower case names a third host",
        foreign_active("port {comma}", at_third),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT with TAB names a third host",
        foreign_active("PORT\t{comma}", at_third),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT names port 25 of the client",
        foreign_active("PORT {comma}", at_client(25)),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "EPRT names port 26 of the client",
        foreign_active("EPRT |1|{host}|{port}|", at_client(26)),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT with 256 comes out at port 22",
        foreign_active("PORT 10,1,0,2,256,22", at_client(22)),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT names the gateway",
        foreign_active("PORT {comma}", at_router(INSIDE[4])),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT names the gateway's loopback",
        foreign_active("PORT {comma}", at_router("127.0.0.1")),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "stranger first at the port of PASV, RETR",
        theft("PASV", "RETR"),
        wanted="the client is served",
    ),
    Case(
        "attacks",
        "stranger first at the port of PASV, STOR",
        theft("PASV", "STOR"),
        wanted="the client is served",
    ),
    Case(
        "attacks",
        "stranger first at the port of EPSV, RETR",
        theft("EPSV", "RETR"),
        wanted="the client is served",
    ),
    Case("attacks", "stranger alone at the port of PASV", theft_alone, wanted="it gets nothing"),
    Case(
        "attacks",
        "stranger first at the port of PORT",
        theft_active("PORT"),
        wanted="the client is served",
    ),
    Case(
        "attacks",
        "stranger first at the port of EPRT",
        theft_active("EPRT"),
        wanted="the client is served",
    ),
    Case(
        "attacks",
        "227 that nobody asked for",
        unasked("SITE x", 5433),
        {"SITE": f"227 Passive ({named(5433)}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 in the text of a reply",
        unasked("STAT", 5434),
        {"STAT": ("211-Status\r\n", f"227 Passive ({named(5434)}).\r\n", "211 End\r\n")},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 in a directory's name with a line end",
        unasked("PWD", 5435),
        {"PWD": ('257 "a\r\n', f'227 Passive ({named(5435)}).\r\n" is here.\r\n')},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 in an echo, at the start of a packet",
        unasked("XYZZY", 5436),
        {"XYZZY": ("500 What is ", f"227 Passive ({named(5436)}).\r\n")},
        NOTHING,
    ),
    Case(
        "attacks",
        "the port of an unused PASV, after QUIT",
        after_quit,
        {"PASV": f"227 Passive ({named(5440)}).\r\n"},
        "closed",
    ),
    Case("attacks", "the port of PASV, after its transfer", after_use, wanted="closed"),
    Case("attacks", "the port of PASV, after a newer PASV", after_newer, wanted="closed"),
    Case(
        "attacks",
        "PORT after EPSV ALL",
        refused("EPSV ALL", f"PORT {named(5000, CLIENT[4])}"),
        wanted="refused",
    ),
    Case("attacks", "PASV after EPSV ALL", refused("EPSV ALL", "PASV"), wanted="refused"),
    Case(
        "attacks",
        "slipstreaming: a form with PORT",
        slipstream("PORT {comma}", at_client(8022)),
        wanted=NOTHING,
        login=False,
    ),
    Case(
        "attacks",
        "slipstreaming: a form with EPRT",
        slipstream("EPRT |1|{host}|{port}|", at_client(8023)),
        wanted=NOTHING,
        login=False,
    ),
    Case(
        "attacks",
        "slipstreaming: a form with PORT of another host",
        slipstream("PORT {comma}", at_third),
        wanted=NOTHING,
        login=False,
    ),
    # TLS
    Case("TLS", "AUTH TLS refused by the server", tls_refused),
    Case("TLS", "AUTH TLS accepted, commands in TLS", tls_dialogue, {"AUTH": tls_answer}, "passes"),
    Case(
        "TLS",
        "client that would like TLS, PASV",
        tls_if_possible("PASV"),
        {"AUTH": tls_answer},
        ours=TLS_REFUSE,
    ),
    Case(
        "TLS",
        "client that would like TLS, PORT",
        tls_if_possible("PORT"),
        {"AUTH": tls_answer},
        ours=TLS_REFUSE,
    ),
]
