"""The rows of peers_table.py: what client and server say, and what must come of it.

A case of transfers is won when every byte arrives, by hash, and the replies are in step. One that sets a
trap is won when nobody is caught in it.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import peers_attacks as attacks
import peers_plays as plays
from peers_attacks import at_client, at_router, at_server, at_third
from peers_plays import Play, down, up
from peers_server import FILE, P227, P229, Answer, Cut, Drip, Send, passive
from peers_setup import CLIENT, INSIDE, NO_TLS, OUTSIDE, SERVER, TO_ACTIVE, TO_PASSIVE
from wire import comma

NOTHING = "nothing is opened"
REFUSED = "refused, or translated"


V4, V6, V4TO6, V6TO4 = (4, 4), (6, 6), (4, 6), (6, 4)
TRANSFER = "transfer works"


@dataclass(frozen=True)
class Case:
    group: str
    name: str
    play: Play
    answers: dict[str, Answer] = field(default_factory=dict)
    wanted: str = TRANSFER
    door: tuple[int, int] = V4
    login: bool = True
    setting: str = ""  # of peers_setup


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


LONG_REPLY = "".join(f"214-{n:04} {'words ' * 20}\r\n" for n in range(180)) + "214 End.\r\n"
WIDE_REPLY = "250 " + "x" * 3000 + "\r\n"


def named(port: int, host: str = SERVER[4]) -> str:
    return comma(host, port).decode()


LARGE = FILE * 200
HELP = "214-Help\r\n 226 is not its end\r\n\r\n  nor this\r\n214-nor this\r\n214 End.\r\n"
PATH = "CWD /" + "d" * 4990

REFUSES = "502 Not here.\r\n"
NO_PASSIVE = {verb: REFUSES for verb in ("PASV", "EPSV", "LPSV")}
NO_ACTIVE = {verb: REFUSES for verb in ("PORT", "EPRT", "LPRT")}


def translations(group: str) -> list[Case]:
    """A server that can only one of the two ways, whatever the client likes."""
    return [
        Case(group, f"{mode} {way}, {what}", play(mode), answers, setting=setting)
        for what, setting, answers, modes_ in (
            ("the server only passive", TO_PASSIVE, NO_ACTIVE, ("PASV", "PORT", "EPRT")),
            ("the server only active", TO_ACTIVE, NO_PASSIVE, ("PORT", "PASV", "EPSV")),
        )
        for mode in modes_
        for way, play in (("down", down), ("up", up))
    ]


CASES: list[Case] = [
    *modes("modes and families"),
    *translations("modes and families"),
    *odd_replies("odd 227", "PASV", ODD_227),
    *odd_replies("odd 229", "EPSV", ODD_229),
    *(Case("odd PORT", name, plays.port_as(form)) for name, form in ODD_PORT.items()),
    *(
        Case("odd PORT", name, plays.translated_or_refused(form), wanted=REFUSED)
        for name, form in DOUBTFUL_PORT.items()
    ),
    # packets
    Case(
        "packets", "227 cut at each byte", plays.cut_replies("PASV"), {"PASV": passive(Cut(P227))}
    ),
    Case(
        "packets", "229 cut at each byte", plays.cut_replies("EPSV"), {"EPSV": passive(Cut(P229))}
    ),
    Case("packets", "227 byte by byte", down(), {"PASV": passive(Drip(P227))}),
    Case("packets", "229 byte by byte", down("EPSV"), {"EPSV": passive(Drip(P229))}),
    Case(
        "packets",
        "227 of two lines cut at each byte",
        plays.cut_replies("PASV"),
        {"PASV": passive(Cut("227-Passive\r\n" + P227))},
    ),
    Case("packets", "PORT cut at each byte", plays.cut_commands("PORT")),
    Case("packets", "EPRT cut at each byte", plays.cut_commands("EPRT")),
    Case("packets", "PASV cut at each byte", plays.cut_commands("PASV")),
    Case("packets", "EPSV cut at each byte", plays.cut_commands("EPSV")),
    Case("packets", "PORT and RETR byte by byte", plays.drip),
    Case("packets", "SYST cut at each byte", plays.cut_any("SYST\r\n", 215)),
    Case("packets", "USER and PASS in one", plays.login_together, login=False),
    Case("packets", "PORT and RETR in one", plays.port_and_retr),
    Case("packets", "TYPE, PORT and RETR in one", lambda c: plays.port_and_retr(c, "TYPE I")),
    Case(
        "packets",
        "NOOP, NOOP, PORT and RETR in one",
        lambda c: plays.port_and_retr(c, "NOOP", "NOOP"),
    ),
    Case("packets", "two PORTs in one, the second counts", plays.port_second),
    Case("packets", "PASV and RETR in one", plays.pasv_and_retr),
    Case("packets", "RETR and QUIT in one", plays.retr_and_quit),
    Case("packets", "TYPE and PASV in one", plays.passive_second("PASV", 227)),
    Case(
        "packets",
        "227 second line of its packet",
        plays.passive_second("PASV", 227),
        {"TYPE": plays.with_next("200 I.\r\n")},
    ),
    Case(
        "packets",
        "229 second line of its packet",
        plays.passive_second("EPSV", 229),
        {"TYPE": plays.with_next("200 I.\r\n")},
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
        plays.together(*["SYST"] * 20, codes=(215,) * 20),
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
    Case("transfers", "REST and RETR by PASV", plays.rest("PASV")),
    Case("transfers", "REST and RETR by PORT", plays.rest("PORT")),
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
    Case(
        "transfers", "six in a row", plays.several("PASV", "PORT", "PASV", "PORT", "PORT", "PASV")
    ),
    Case(
        "transfers",
        "EPSV, EPRT, PASV, PORT in a row",
        plays.several("EPSV", "EPRT", "PASV", "PORT"),
    ),
    Case("transfers", "PASV again, before any transfer", plays.twice_then("PASV", "PASV")),
    Case("transfers", "PORT after an unused PASV", plays.twice_then("PASV", "PORT")),
    Case("transfers", "PASV after an unused PORT", plays.twice_then("PORT", "PASV")),
    Case(
        "transfers", "EPSV ALL, then EPSV", lambda c: (c.ask("EPSV ALL", 200), c.download("EPSV"))
    ),
    Case("transfers", "upload that does not wait for 150", plays.hasty),
    Case("transfers", "data connection only after RETR", plays.late_dial),
    Case("transfers", "150 only after the data connection", down(), {"RETR": plays.after_accept}),
    Case("transfers", "no 150", down(), {"RETR": Send(before=())}),
    Case("transfers", "data before 150", down(), {"RETR": Send(late=True)}),
    Case("transfers", "226 before the data", down(), {"RETR": Send(early=True)}),
    Case(
        "transfers",
        "server connects at PORT already",
        down("PORT"),
        {"PORT": plays.eager_server, "RETR": plays.from_early},
    ),
    Case("transfers", "server connects from port 20", down("PORT"), {"RETR": plays.from_port_20}),
    Case(
        "transfers",
        "550 with an open data connection, then another",
        plays.refused_then_again,
        {"RETR": plays.refuse_missing},
    ),
    Case(
        "transfers",
        "451 after 150",
        plays.error_after_150,
        {"RETR": Send(behind="451 Disk.\r\n")},
        "451 arrives",
    ),
    Case("transfers", "two seconds of silence in mid-file", down(), {"RETR": plays.pausing}),
    Case("transfers", "two sessions, crosswise", plays.two_at_once),
    Case("transfers", "ABOR", plays.abort("plain"), {"RETR": plays.abortable}, "426, 226, in step"),
    Case(
        "transfers",
        "ABOR as urgent data (ftplib)",
        plays.abort("ftplib"),
        {"RETR": plays.abortable},
        "426, 226, in step",
    ),
    Case(
        "transfers",
        "ABOR behind IAC IP IAC DM (BSD ftp)",
        plays.abort("BSD"),
        {"RETR": plays.abortable},
        "426, 226, in step",
    ),
    Case(
        "transfers",
        "client leaves in mid-file",
        plays.client_leaves,
        {"RETR": plays.endless},
        "426, the next works",
    ),
    Case(
        "transfers", "upload cut off by a reset", plays.client_resets, wanted="not taken as whole"
    ),
    # text
    Case("text", "FEAT", plays.features, wanted="what the server can"),
    Case("text", "OPTS UTF8 ON", plays.answered("OPTS UTF8 ON", 200), wanted="as the client says"),
    Case("text", "CLNT", plays.answered("CLNT lab", 200), wanted="as the client says"),
    Case("text", "SIZE", plays.answered("SIZE file", 213), wanted="as the client says"),
    Case("text", "MDTM", plays.answered("MDTM file", 213), wanted="as the client says"),
    Case(
        "text", "SITE CHMOD", plays.answered("SITE CHMOD 644 a b", 200), wanted="as the client says"
    ),
    Case(
        "text",
        "path with 8-bit bytes",
        plays.answered("CWD /\xc3\xa4\xe2\x82\xac", 250),
        wanted="as the client says",
    ),
    Case(
        "text",
        "path with a space at its end",
        plays.answered("CWD /a b ", 250),
        wanted="as the client says",
    ),
    Case(
        "text",
        "path with IAC IAC",
        plays.answered("CWD /a\xff\xffb", 250),
        wanted="as the client says",
    ),
    Case("text", "path of 5000 bytes", plays.answered(PATH, 250), wanted="as the client says"),
    Case(
        "text",
        "reply of 180 lines, 23 kB",
        plays.answered("HELP", 214, LONG_REPLY),
        {"HELP": LONG_REPLY},
        "as the server says",
    ),
    Case(
        "text",
        "reply line of 3000 bytes",
        plays.answered("CWD /", 250, WIDE_REPLY),
        {"CWD": WIDE_REPLY},
        "as the server says",
    ),
    Case(
        "text",
        "reply with codes and an empty line in its text",
        plays.answered("HELP", 214, HELP),
        {"HELP": HELP},
        "as the server says",
    ),
    # attacks
    Case("attacks", "LF alone ends a command", attacks.bare_lf, wanted="one command, or refused"),
    Case(
        "attacks",
        "CR in a command",
        attacks.smuggle("NOOP\rDELE victim\r\n"),
        wanted="one command, or refused",
    ),
    Case(
        "attacks",
        "NUL in a command",
        attacks.smuggle("CWD a\0DELE victim\r\n"),
        wanted="one command, or refused",
    ),
    Case("attacks", "a line of 40 kB", attacks.smuggle_anywhere, wanted="one command, or refused"),
    Case(
        "attacks",
        "227 names a third host",
        attacks.foreign_passive("PASV", at_third),
        {"PASV": "227 Passive ({trap}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "229 names a third host",
        attacks.foreign_passive("EPSV", at_third),
        {"EPSV": "229 Passive (|1|10.3.0.2|{trap port}|)\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 names port 22 of the server",
        attacks.foreign_passive("PASV", at_server(22)),
        {"PASV": "227 Passive ({trap}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "229 names port 23 of the server",
        attacks.foreign_passive("EPSV", at_server(23)),
        {"EPSV": "229 Passive (|||{trap port}|)\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 names the gateway",
        attacks.foreign_passive("PASV", at_router(OUTSIDE[4])),
        {"PASV": "227 Passive ({trap}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 names the gateway's loopback",
        attacks.foreign_passive("PASV", at_router("127.0.0.1")),
        {"PASV": "227 Passive ({trap}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "PORT names a third host",
        attacks.foreign_active("PORT {comma}", at_third),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "EPRT names a third host",
        attacks.foreign_active("EPRT |1|{host}|{port}|", at_third),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "port in lower case names a third host",
        attacks.foreign_active("port {comma}", at_third),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT with TAB names a third host",
        attacks.foreign_active("PORT\t{comma}", at_third),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT names port 25 of the client",
        attacks.foreign_active("PORT {comma}", at_client(25)),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "EPRT names port 26 of the client",
        attacks.foreign_active("EPRT |1|{host}|{port}|", at_client(26)),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT with 256 comes out at port 22",
        attacks.foreign_active("PORT 10,1,0,2,256,22", at_client(22)),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT names the gateway",
        attacks.foreign_active("PORT {comma}", at_router(INSIDE[4])),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "PORT names the gateway's loopback",
        attacks.foreign_active("PORT {comma}", at_router("127.0.0.1")),
        wanted=NOTHING,
    ),
    Case(
        "attacks",
        "stranger first at the port of PASV, RETR",
        attacks.theft("PASV", "RETR"),
        wanted="the client is served",
    ),
    Case(
        "attacks",
        "stranger first at the port of PASV, STOR",
        attacks.theft("PASV", "STOR"),
        wanted="the client is served",
    ),
    Case(
        "attacks",
        "stranger first at the port of EPSV, RETR",
        attacks.theft("EPSV", "RETR"),
        wanted="the client is served",
    ),
    Case(
        "attacks",
        "stranger alone at the port of PASV",
        attacks.theft_alone,
        wanted="it gets nothing",
    ),
    Case(
        "attacks",
        "stranger first at the port of PORT",
        attacks.theft_active("PORT"),
        wanted="the client is served",
    ),
    Case(
        "attacks",
        "stranger first at the port of EPRT",
        attacks.theft_active("EPRT"),
        wanted="the client is served",
    ),
    Case(
        "attacks",
        "227 that nobody asked for",
        attacks.unasked("SITE x", 5433),
        {"SITE": f"227 Passive ({named(5433)}).\r\n"},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 in the text of a reply",
        attacks.unasked("STAT", 5434),
        {"STAT": ("211-Status\r\n", f"227 Passive ({named(5434)}).\r\n", "211 End\r\n")},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 in a directory's name with a line end",
        attacks.unasked("PWD", 5435),
        {"PWD": ('257 "a\r\n', f'227 Passive ({named(5435)}).\r\n" is here.\r\n')},
        NOTHING,
    ),
    Case(
        "attacks",
        "227 in an echo, at the start of a packet",
        attacks.unasked("XYZZY", 5436),
        {"XYZZY": ("500 What is ", f"227 Passive ({named(5436)}).\r\n")},
        NOTHING,
    ),
    Case(
        "attacks",
        "the port of an unused PASV, after QUIT",
        attacks.after_quit,
        {"PASV": f"227 Passive ({named(5440)}).\r\n"},
        "closed",
    ),
    Case("attacks", "the port of PASV, after its transfer", attacks.after_use, wanted="closed"),
    Case("attacks", "the port of PASV, after a newer PASV", attacks.after_newer, wanted="closed"),
    Case(
        "attacks",
        "PORT after EPSV ALL",
        attacks.refused("EPSV ALL", f"PORT {named(5000, CLIENT[4])}"),
        wanted="refused",
    ),
    Case("attacks", "PASV after EPSV ALL", attacks.refused("EPSV ALL", "PASV"), wanted="refused"),
    Case(
        "attacks",
        "slipstreaming: a form with PORT",
        attacks.slipstream("PORT {comma}", at_client(8022)),
        wanted=NOTHING,
        login=False,
    ),
    Case(
        "attacks",
        "slipstreaming: a form with EPRT",
        attacks.slipstream("EPRT |1|{host}|{port}|", at_client(8023)),
        wanted=NOTHING,
        login=False,
    ),
    Case(
        "attacks",
        "slipstreaming: a form with PORT of another host",
        attacks.slipstream("PORT {comma}", at_third),
        wanted=NOTHING,
        login=False,
    ),
    # TLS
    Case("TLS", "AUTH TLS refused by the server", plays.tls_refused),
    Case(
        "TLS",
        "AUTH TLS accepted, commands in TLS",
        plays.tls_dialogue,
        {"AUTH": plays.tls_answer},
        "passes",
    ),
    Case(
        "TLS",
        "client that would like TLS, PASV",
        plays.tls_if_possible("PASV"),
        {"AUTH": plays.tls_answer},
        setting=NO_TLS,
    ),
    Case(
        "TLS",
        "client that would like TLS, PORT",
        plays.tls_if_possible("PORT"),
        {"AUTH": plays.tls_answer},
        setting=NO_TLS,
    ),
]
