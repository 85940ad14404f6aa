"""An FTP server and a client that speak each of the six forms of data connection set-up, and no
other that they are not told to: for what real ones cannot be made to do (LPRT, LPSV, refusals).

    with FormServer("127.0.0.1", speaks={"PASV"}) as server, FormClient(host, port) as client:
        assert client.download("EPSV") == server.content
    server.heard   # the verbs that it got, in their order
"""
from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import re
import socket
import threading

FORMS = ("PORT", "EPRT", "LPRT", "PASV", "EPSV", "LPSV")
ACTIVE = FORMS[:3]
TIMEOUT_S = 10.0
REFUSALS = {"EPRT": 522, "LPRT": 521, "LPSV": 521}  # RFC 2428 2, RFC 1639 4; the others 500


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_address(form: str, host: str, port: int) -> str:
    """The argument, or what stands in the parentheses of the reply."""
    ip = ipaddress.ip_address(host)
    if form == "EPSV":
        return f"|||{port}|"
    if form == "EPRT":
        return f"|{1 if ip.version == 4 else 2}|{ip}|{port}|"
    parts = [*ip.packed, port >> 8, port & 255]
    if form in ("LPRT", "LPSV"):
        parts = [ip.version, len(ip.packed), *ip.packed, 2, port >> 8, port & 255]
    elif ip.version == 6:
        raise ValueError(f"{form} cannot carry {host}")
    return ",".join(map(str, parts))


def read_address(form: str, text: str, host: str) -> tuple[str, int]:
    if form in ("EPRT", "EPSV"):
        fields = text.split(text[0])
        return fields[2] or host, int(fields[3])
    parts = [int(part) for part in text.split(",")]
    if form in ("LPRT", "LPSV"):
        parts = [*parts[2 : 2 + parts[1]], *parts[-2:]]
    return str(ipaddress.ip_address(bytes(parts[:-2]))), parts[-2] << 8 | parts[-1]


def listening(host: str) -> socket.socket:
    listener = socket.create_server((host, 0), family=family(host))
    listener.settimeout(TIMEOUT_S)
    return listener


def family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class FormServer:
    def __init__(self, host: str, speaks=FORMS, size: int = 300_000):
        self.host, self.speaks = host, set(speaks)
        self.content = os.urandom(size)
        self.heard: list[str] = []
        self.uploaded: dict[str, str] = {}  # name: SHA-256
        self.problems: list[str] = []

    def __enter__(self) -> "FormServer":
        self.listener = listening(self.host)
        self.listener.settimeout(None)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return self

    def __exit__(self, *error) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(TIMEOUT_S)
        self.listener.close()
        assert not self.problems, self.problems

    def _serve(self) -> None:
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            conn.settimeout(TIMEOUT_S)
            try:
                with conn:
                    _Session(self, conn).run()
            except (OSError, ValueError) as problem:
                self.problems.append(repr(problem))


class _Session:
    def __init__(self, server: FormServer, conn: socket.socket):
        self.server, self.conn = server, conn
        self.lines = conn.makefile("r", newline="\r\n")
        self.target: tuple[str, int] | None = None
        self.listener: socket.socket | None = None

    def say(self, reply: str) -> None:
        self.conn.sendall((reply + "\r\n").encode())

    def run(self) -> None:
        self.say("220 six forms")
        for line in self.lines:
            verb, _, argument = line.rstrip("\r\n").partition(" ")
            self.server.heard.append(verb)
            if verb in FORMS:
                self.set_up(verb, argument)
            elif verb in ("RETR", "STOR"):
                self.transfer(verb, argument)
            elif verb == "FEAT":
                self.say("211-Features:\r\n SIZE\r\n211 End")
            else:
                self.say(
                    {"USER": "331 and?", "PASS": "230 in", "QUIT": "221 bye"}.get(verb, "502 ?")
                )
            if verb == "QUIT":
                break
        self.lines.close()
        if self.listener:
            self.listener.close()

    def set_up(self, verb: str, argument: str) -> None:
        if verb not in self.server.speaks:
            self.say(f"{REFUSALS.get(verb, 500)} {verb} not understood")
            return
        self.target = None
        if self.listener:
            self.listener.close()
            self.listener = None
        own = self.conn.getsockname()[0]
        if verb in ACTIVE:
            self.target = read_address(verb, argument, own)
            self.say(f"200 {verb} command successful")
            return
        if argument:
            raise ValueError(f"{verb} {argument}")
        self.listener = listening(own)
        address = write_address(verb, own, self.listener.getsockname()[1])
        code = {"PASV": 227, "EPSV": 229, "LPSV": 228}[verb]
        self.say(f"{code} passive ({address})")

    def transfer(self, verb: str, name: str) -> None:
        if name == "missing":
            self.say("550 no such file")
            return
        self.say("150 here we go")
        if self.target:
            data = socket.create_connection(self.target, TIMEOUT_S)
        else:
            data, _ = self.listener.accept()
            data.settimeout(TIMEOUT_S)
        with data:
            if verb == "RETR":
                data.sendall(self.server.content)
            else:
                self.server.uploaded[name] = sha256(read_all(data))
        self.say("226 done")


def read_all(data: socket.socket) -> bytes:
    parts = []
    while part := data.recv(65536):
        parts.append(part)
    return b"".join(parts)


class Refused(Exception):
    pass


class FormClient:
    def __init__(self, host: str, port: int):
        self.conn = socket.create_connection((host, port), TIMEOUT_S)
        self.lines = self.conn.makefile("r", newline="\r\n")
        self.own, self.proxy = self.conn.getsockname()[0], host
        self.data_peer: tuple | None = None  # who it had the last data connection with

    def __enter__(self) -> "FormClient":
        assert self.reply().startswith("220")
        self.ask("USER u")
        self.ask("PASS p")
        return self

    def __exit__(self, *error) -> None:
        try:
            if error[0] is None:
                self.ask("QUIT")
        finally:
            self.lines.close()
            self.conn.close()

    def reply(self) -> str:
        text = line = next(self.lines)
        while not re.match(r"\d{3} ", line):
            line = next(self.lines)
            text += line
        return text

    def ask(self, line: str) -> str:
        self.conn.sendall((line + "\r\n").encode())
        return self.reply()

    def download(self, form: str, name: str = "file") -> bytes:
        return self._transfer(form, f"RETR {name}", None)

    def upload(self, form: str, content: bytes, name: str) -> None:
        self._transfer(form, f"STOR {name}", content)

    def _transfer(self, form: str, command: str, content: bytes | None) -> bytes:
        data, listener = None, None
        if form in ACTIVE:
            listener = listening(self.own)
            reply = self.ask(f"{form} {write_address(form, self.own, listener.getsockname()[1])}")
        else:
            reply = self.ask(form)
        with listener or contextlib.nullcontext():
            if not reply.startswith("2"):
                raise Refused(reply.strip())
            if form not in ACTIVE:
                address = read_address(form, re.search(r"\((.*)\)", reply)[1], self.proxy)
                data = socket.create_connection(address, TIMEOUT_S)
            begun = self.ask(command)
            if not begun.startswith("1"):
                raise Refused(begun.strip())
            if listener:
                data, _ = listener.accept()
                data.settimeout(TIMEOUT_S)
            with data:
                self.data_peer = data.getpeername()
                if content is not None:
                    data.sendall(content)
                    data.shutdown(socket.SHUT_WR)
                received = read_all(data)
        assert self.reply().startswith("226")
        return received
