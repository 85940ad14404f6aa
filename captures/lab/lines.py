"""What servers and clients were seen to do to the control connection; both ends played."""
from __future__ import annotations

import socket
from pathlib import Path

from wire import GREETING, comma

from .played import pause, played, stage, told
from .scenario import scenario

PLAYED = "both ends played (lab/lines.py)"


def case(shows: str, made: str = PLAYED):
    """A scenario of one capture, which has the function's name."""

    def register(record):
        name = record.__name__.replace("_", "-") + ".pcap"

        def into(folder: Path) -> None:
            record(folder / name)

        into.__name__ = name.removesuffix(".pcap")
        scenario(made, {name: shows})(into)
        return record

    return register


@case(
    "a client that sends all commands at once, PASV and RETR too; the replies come in two segments"
)
def pipelined(target: Path) -> None:
    with played(target) as s:
        listener = s.listen_server()
        s.command(b"TYPE I\r\nPASV\r\nSYST\r\n")
        s.say(b"200 Type is I.\r\n" + told(listener) + b"215 UNIX Type: L8\r\n")
        data = s.joined(listener)
        s.command(b"SIZE a\r\nRETR a\r\nPWD\r\n")
        s.say(b"213 5\r\n150 Here it comes.\r\n")
        data.send(b"12345")
        s.say(b'226 Done.\r\n257 "/"\r\n')
        s.quit()


@case("verbs in lower and mixed case, PORT in lower case")
def lower_case(target: Path) -> None:
    with stage(target) as s:
        s.open()
        s.say(GREETING)
        s.ask(b"user joe\r\n", b"331 Password.\r\n")
        s.ask(b"pass 1234\r\n", b"230 In.\r\n")
        s.ask(b"Type i\r\n", b"200 I.\r\n")
        listener = s.listen_client()
        s.ask(b"port " + comma(*listener.address) + b"\r\n", b"200 Ok.\r\n")
        s.command(b"retr a\r\n")
        caller = s.to_client(listener.port)
        s.say(b"150 Here.\r\n")
        callee = s.keep(listener.accept())
        caller.send(b"lower case")
        caller.close()
        callee.rest()
        callee.close()
        s.say(b"226 Done.\r\n")
        s.command(b"quit\r\n")
        s.say(b"221 Bye.\r\n")


@case("each line of the control connection in segments of three bytes, the 227 too")
def split_227(target: Path) -> None:
    with stage(target) as s:
        s.open()

        def bits(sender, receiver, line: bytes) -> None:
            for at in range(0, len(line), 3):
                sender.send(line[at : at + 3])
                receiver.expect(line[at : at + 3])

        def talk(command: bytes, reply: bytes) -> None:
            bits(s.client, s.server, command)
            bits(s.server, s.client, reply)

        talk(b"", GREETING)
        talk(b"USER joe\r\n", b"331 Password.\r\n")
        talk(b"PASS 1234\r\n", b"230 In.\r\n")
        listener = s.listen_server()
        talk(b"PASV\r\n", told(listener))
        data = s.joined(listener)
        talk(b"RETR a\r\n", b"150 Here.\r\n")
        data.send(b"split")
        talk(b"", b"226 Done.\r\n")
        talk(b"QUIT\r\n", b"221 Bye.\r\n")


@case(
    "multi-line replies: hyphens on each line, other codes and final-looking lines inside, a bare code as end, LF only"
)
def multi_line(target: Path) -> None:
    with stage(target) as s:
        s.open()
        s.say(b"220-Welcome\r\n220-to an old device\r\n220 Ready\r\n")
        s.ask(b"USER joe\r\n", b"331-Password\r\n for joe\r\n331 please\r\n")
        s.ask(b"PASS 1234\r\n", b"230-You may\r\n  234 do what\r\n226-you like\r\n230 In\r\n")
        s.ask(b"FEAT\r\n", b"211-Features\r\n SIZE\r\n MDTM\r\n UTF8\r\n211\r\n")
        s.command(b"HELP\r\n")
        s.say(b"214-Commands\r\n550 is a number, this is text\r\n")
        pause()
        s.say(b"214 Ask the operator\r\n")
        s.ask(b"STAT\r\n", b"211-Status\n of a server\n211 End\n")
        s.quit()


@case("a multi-line reply closed by another code: 230- ended by 226; the client goes on")
def other_code_end(target: Path) -> None:
    with stage(target) as s:
        s.open()
        s.say(GREETING)
        s.ask(b"USER joe\r\n", b"331 Password.\r\n")
        s.ask(b"PASS 1234\r\n", b"230-Welcome\r\n230-back\r\n226 In.\r\n")
        pause()
        s.ask(b"PWD\r\n", b'257 "/"\r\n')
        s.quit()


@case(
    "two final replies to TYPE, a 226 that nobody asked for, a line without a code, NOOP without an answer"
)
def off_by_one(target: Path) -> None:
    with played(target) as s:
        s.ask(b"TYPE I\r\n", b"200 Type is I.\r\n200 Type is I.\r\n")
        pause()
        s.ask(b"PWD\r\n", b'257 "/"\r\n')
        s.say(b"226 Transfer complete.\r\n")
        pause()
        s.ask(b"SYST\r\n", b"Well, let me see\r\n215 UNIX\r\n")
        s.command(b"ABOR\r\n")
        s.ask(b"NOOP\r\n", b"200 Zzz.\r\n")
        s.quit()


@case(
    "bad bytes: bare CR, NUL, Telnet, Latin-1 with UTF8 on, a terminal escape in a name, 257 without quotes"
)
def bad_bytes(target: Path) -> None:
    with played(target) as s:
        s.ask(b"OPTS UTF8 ON\r\n", b"200 UTF8 is on.\r\n")
        s.ask(b"MKD a\rb\r\n", b'257 "/a" created\r\n')
        s.ask(b"MKD c\0d\r\n", b'257 "/c" created\r\n')
        s.ask(b"CWD caf\xe9\r\n", b"250 In caf\xe9\r\n")
        s.ask(b"\xff\xf9PWD\r\n", b"257 /caf\xe9\r\n")
        s.ask(b"MKD \x1b]0;owned\x07\x1b[2J\r\n", b'257 "/\x1b[2J" created\r\n')
        s.ask(b"XYZZY now\r\n", b"502 What?\r\n")
        s.ask(b"NOOP\n", b"200 Yes.\n")
        s.quit()


@case("a client that speaks HTTP")
def not_ftp_client(target: Path) -> None:
    with stage(target) as s:
        s.open()
        s.command(b"GET / HTTP/1.1\r\nHost: ftp.example.com\r\nUser-Agent: probe\r\n\r\n")
        s.say(GREETING)
        s.say(b"500 What?\r\n" * 4)
        s.client.close()


@case("a server that is SSH on port 21")
def not_ftp_server(target: Path) -> None:
    with stage(target) as s:
        s.open()
        s.say(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
        s.command(b"USER joe\r\n")
        s.say(b"Invalid SSH identification string.\r\n")
        s.server.close()
        s.client.rest()


@case("FTP on port 3333, known by its dialogue only; active and passive")
def other_port(target: Path) -> None:
    with stage(target, port=3333) as s:
        s.open()
        s.login()
        for set_up in (s.passive, s.active):
            data = set_up()
            s.ask(b"RETR a\r\n", b"150 Here.\r\n")
            data.send(b"found by its words")
            s.say(b"226 Done.\r\n")
        s.quit()


@case("LPRT and LPSV (RFC 1639)")
def long_address(target: Path) -> None:
    with played(target) as s:
        for verb in (b"LPSV", b"LPRT"):
            listener = s.listen_server() if verb == b"LPSV" else s.listen_client()
            numbers = comma(*listener.address).split(b",")
            text = b",".join([b"4", b"4", *numbers[:4], b"2", *numbers[4:]])
            if verb == b"LPSV":
                s.ask(b"LPSV\r\n", b"228 Entering Long Passive Mode (" + text + b")\r\n")
            else:
                s.ask(b"LPRT " + text + b"\r\n", b"200 LPRT command successful.\r\n")
            caller = (s.to_server if verb == b"LPSV" else s.to_client)(listener.port)
            callee = s.keep(listener.accept())
            s.ask(b"RETR a\r\n", b"150 Here.\r\n")
            sender, receiver = (callee, caller) if verb == b"LPSV" else (caller, callee)
            sender.send(b"long")
            sender.close()
            receiver.rest()
            receiver.close()
            s.say(b"226 Done.\r\n")
        s.quit()


@case(
    "wrong order: RNTO without RNFR, REST without a transfer, RETR without PASV, PORT after EPSV ALL"
)
def wrong_order(target: Path) -> None:
    with stage(target) as s:
        s.open()
        s.say(GREETING)
        s.ask(b"PASS 1234\r\n", b"503 USER first.\r\n")
        s.ask(b"CWD /\r\n", b"530 Log in first.\r\n")
        s.ask(b"USER joe\r\n", b"331 Password.\r\n")
        s.ask(b"PASS 1234\r\n", b"230 In.\r\n")
        s.ask(b"RNTO b\r\n", b"503 RNFR first.\r\n")
        s.ask(b"RNFR a\r\n", b"350 And now?\r\n")
        s.ask(b"PWD\r\n", b'257 "/"\r\n')
        s.ask(b"REST 100\r\n", b"350 From 100.\r\n")
        s.ask(b"NOOP\r\n", b"200 Yes.\r\n")
        s.ask(b"RETR a\r\n", b"425 Use PASV or PORT first.\r\n")
        s.ask(b"EPSV ALL\r\n", b"200 EPSV ALL.\r\n")
        s.ask(b"PORT 192,0,2,1,200,1\r\n", b"501 EPSV only.\r\n")
        s.ask(b"CDUP up\r\n", b"501 No argument.\r\n")
        s.ask(b"RETR\r\n", b"501 What?\r\n")
        s.quit()


@case(
    "bad addresses: a bounce to a third host, port 25, malformed PORT, 227 with 0.0.0.0, a private and a foreign one, a 227 unasked"
)
def bad_addresses(target: Path) -> None:
    with played(target) as s:
        s.ask(b"PORT 198,51,100,9,200,1\r\n", b"501 Not you.\r\n")
        s.ask(b"PORT 192,0,2,1,0,25\r\n", b"501 Not that port.\r\n")
        s.ask(b"PORT 192,0,2,300,200,1\r\n", b"501 What?\r\n")
        s.ask(b"PORT 10,0,0,5,200,1\r\n", b"200 As you like.\r\n")
        s.ask(b"EPRT |2|192.0.2.1|4444|\r\n", b"522 Use (1).\r\n")
        for address in (b"0,0,0,0,200,1", b"10,0,0,5,200,1", b"198,51,100,9,200,1", b"192,0,2,2,0,22",
                        b"224,0,0,1,200,1"):  # fmt: skip
            s.ask(b"PASV\r\n", b"227 Entering Passive Mode (" + address + b")\r\n")
        s.ask(b"PASV\r\n", b"227 Entering Passive Mode\r\n")
        s.ask(b"EPSV\r\n", b"229 Entering Extended Passive Mode (|||66000|)\r\n")
        s.ask(b"EPSV\r\n", b"227 Entering Passive Mode (192,0,2,2,200,1)\r\n")
        s.say(b"227 Entering Passive Mode (198,51,100,9,200,1)\r\n")
        s.quit()


@case(
    "a 227 as =h1,h2,... without parentheses, one of several lines, and a 229 with other delimiters; all transfers work"
)
def odd_227(target: Path) -> None:
    with played(target) as s:
        for form in ("equals", "lines", "229"):
            listener = s.listen_server()
            text = comma(*listener.address)
            if form == "equals":
                s.ask(b"PASV\r\n", b"227 =" + text + b"\r\n")
            elif form == "lines":
                s.ask(b"PASV\r\n", b"227-Entering Passive Mode\r\n (" + text + b")\r\n227 Go.\r\n")
            else:
                s.ask(b"EPSV\r\n", b"229 Extended (!!!%d!)\r\n" % listener.port)
            data = s.joined(listener)
            s.ask(b"RETR a\r\n", b"150 Here.\r\n")
            data.send(form.encode())
            s.say(b"226 Done.\r\n")
        s.quit()


@case(
    "EPSV refused over IPv6 with 500, PASV answered with a 227 all the same, EPRT refused with 522"
)
def ipv6_refused(target: Path) -> None:
    with played(target, family=6) as s:
        s.ask(b"EPSV\r\n", b"500 EPSV not understood.\r\n")
        s.ask(b"PASV\r\n", b"227 Entering Passive Mode (0,0,0,0,200,1)\r\n")
        s.ask(b"EPRT |2|2001:db8::1|50000|\r\n", b"522 Network protocol not supported, use (1)\r\n")
        s.quit()


@case("five wrong passwords, then 421 and a close; a new try")
def password_guessing(target: Path) -> None:
    with stage(target) as s:
        for _ in range(2):
            s.open()
            s.say(GREETING)
            for word in (b"1234", b"secret", b"admin", b"letmein", b"root"):
                s.ask(b"USER admin\r\n", b"331 Password required for admin.\r\n")
                s.ask(b"PASS " + word + b"\r\n", b"530 Login incorrect.\r\n")
            s.say(b"421 Too many tries.\r\n")
            s.server.close()
            s.client.rest()
            s.client.close()


@case(
    "421 in mid-session; then a session that the server closes without a word; then one that it resets"
)
def server_leaves(target: Path) -> None:
    with stage(target) as s:
        for how in ("421", "close", "reset"):
            s.open()
            s.login()
            s.ask(b"PWD\r\n", b'257 "/"\r\n')
            if how == "421":
                s.say(b"421 Idle too long.\r\n")
                s.server.close()
                s.client.rest()
            elif how == "close":
                s.command(b"LIST\r\n")
                s.server.close()
                s.client.rest()
            else:
                s.server.reset()
                s.client.ending()
            s.client.close()


@case(
    "the same four ports for two sessions, the first ended by RST; and a keep-alive probe in the second"
)
def ports_again(target: Path) -> None:
    with stage(target) as s:
        s.open(40000)
        s.login()
        s.ask(b"PWD\r\n", b'257 "/first"\r\n')
        s.client.reset()
        s.server.ending()
        s.server.close()
        s.open(40000)
        s.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        s.client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        s.client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        s.login()
        s.ask(b"PWD\r\n", b'257 "/second"\r\n')
        pause(2.5)
        s.ask(b"NOOP\r\n", b"200 Still here.\r\n")
        s.quit()


@case("a slow server: 3.5 s to the greeting, 5.5 s to the login, 2 s to a NOOP")
def slow_server(target: Path) -> None:
    with stage(target) as s:
        s.open()
        pause(3.5)
        s.say(GREETING)
        s.ask(b"USER joe\r\n", b"331 Password.\r\n")
        s.command(b"PASS 1234\r\n")
        pause(5.5)
        s.say(b"230 In.\r\n")
        s.command(b"NOOP\r\n")
        pause(2)
        s.say(b"200 Yes.\r\n")
        s.quit()


@case(
    "AUTH TLS refused with 502, then the login in clear; a USER in the same segment as AUTH; a 234 with replies behind it"
)
def auth_refused(target: Path) -> None:
    with stage(target) as s:
        s.open()
        s.say(GREETING)
        s.ask(b"FEAT\r\n", b"211-Features\r\n AUTH TLS\r\n PBSZ\r\n PROT\r\n211 End\r\n")
        s.ask(b"AUTH TLS\r\n", b"502 Not implemented.\r\n")
        s.ask(b"USER joe\r\n", b"331 Password.\r\n")
        s.ask(b"PASS 1234\r\n", b"230 In.\r\n")
        s.quit()
        s.open()
        s.say(GREETING)
        s.command(b"AUTH TLS\r\nUSER joe\r\n")
        s.say(b"234 Go on.\r\n331 Password.\r\n")
        s.client.close()
        s.server.rest()


@case("command smuggling: an echo of a 227 in an error text, CR NUL and CR inside one command")
def smuggling(target: Path) -> None:
    with played(target) as s:
        forged = b"227 Entering Passive Mode (192,0,2,3,200,1)"
        s.ask(b"RETR x\r\n", b"550-x\r\n" + forged + b"\r\n550 No such file.\r\n")
        s.ask(b"CWD a\rDELE b\r\n", b"250 Ok.\r\n")
        s.ask(b"RETR " + forged + b"\r\n", b"550 " + forged + b": no such file.\r\n")
        s.quit()


@case("MLSD: a listing with an entry that is none (a line end in a name), behind one that is right")
def bad_mlsd(target: Path) -> None:
    with played(target) as s:
        for listing in (
            b"type=dir;modify=20260101120000; pub\r\ntype=file;size=5; a b\r\n",
            b"type=file;size=5;modify=20260101120000; first\r\ntype=file;size=1; two\nlines\r\n",
        ):
            data = s.passive()
            s.command(b"MLSD\r\n")
            s.say(b"150 Here it comes.\r\n")
            data.send(listing)
            s.say(b"226 Done.\r\n")
        s.quit()
