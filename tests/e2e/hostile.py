"""Peers that do to the proxy what no decent FTP program does, one step at a time.

Most tests play both ends themselves, in one thread, so that the order of things is theirs:

    with scene("--max-line", "1024") as s:
        session = s.session()                # client and server logged in, through the proxy
        session.client.send(b"NOOP\\r\\n")
        session.server.expect(b"NOOP\\r\\n")

Where many clients need a server that goes on by itself, AnsweringServer plays one from a table. All
waiting has an end: a peer that hears nothing for TIMEOUT_S fails the test.
"""
from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import os
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import proxy as harness
from proxy import Proxy
from servers import wait_until
from traced import TracedProxy

TIMEOUT_S = 10.0
SIOCATMARK, SIOCOUTQNSD = 0x8905, 0x894B  # ioctl_list(2): at the urgent byte? bytes not sent?
# netlink(7), sock_diag(7)
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, ANY = 4, 20, 1, 0xFFFFFFFF
RQUEUE_AT = 16 + 4 + 48 + 4  # behind the header, the states, the addresses and the timer
GREETING = b"220 Ready.\r\n"
LOGIN = [(b"USER joe\r\n", b"331 Password.\r\n"), (b"PASS 1234\r\n", b"230 In.\r\n")]
ENDED = (ConnectionError, BrokenPipeError)


# --- one connection, byte by byte ---


class Wire:
    """A connected socket. `seen`: all bytes that came, also those that were taken already."""

    def __init__(self, sock: socket.socket):
        self.sock = sock
        sock.settimeout(TIMEOUT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        self.name = authority(sock.getsockname())
        self.peer_name = authority(sock.getpeername())
        self.seen = b""
        self._taken = 0

    # sending

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_pieces(self, data: bytes, size: int) -> None:
        """Many segments; a peer that has closed in the meantime is no error."""
        with contextlib.suppress(*ENDED):
            for at in range(0, len(data), size):
                self.sock.sendall(data[at : at + size])

    def send_urgent(self, data: bytes) -> None:
        """The last byte of it is TCP urgent data."""
        self.sock.send(data, socket.MSG_OOB)

    def finish(self) -> None:
        """FIN; the other way stays open."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    # receiving

    def line(self) -> bytes:
        """The next line with its end; what is left when the stream ends before that."""
        while b"\n" not in self.seen[self._taken :] and self._receive():
            pass
        rest = self.seen[self._taken :]
        return self._take(rest.find(b"\n") + 1 or len(rest))

    def expect(self, wanted: bytes) -> None:
        """Exactly these bytes come next."""
        while len(self.seen) - self._taken < len(wanted) and self._receive():
            pass
        found = self._take(len(wanted))
        assert found == wanted, f"{found!r} came instead of {wanted!r}"

    def expect_until(self, wanted: bytes) -> bytes:
        """All that comes, up to the end of these bytes."""
        while wanted not in self.seen[self._taken :] and self._receive():
            pass
        rest = self.seen[self._taken :]
        assert wanted in rest, f"{wanted!r} is not in {rest!r}"
        return self._take(rest.index(wanted) + len(wanted))

    def expect_code(self, code: int) -> bytes:
        line = self.line()
        assert line.startswith(b"%d " % code), f"{line!r} came instead of a {code}"
        return line

    def rest(self) -> bytes:
        """All up to the FIN. A reset raises ConnectionResetError."""
        while self._receive():
            pass
        return self._take(len(self.seen) - self._taken)

    def ending(self) -> tuple[bytes, str]:
        """(all up to the end, "fin" or "rst")"""
        try:
            return self.rest(), "fin"
        except ConnectionResetError:
            return self._take(len(self.seen) - self._taken), "rst"

    def waiting(self) -> bytes:
        """What is there now, without waiting for more. Not taken."""
        self.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self._receive():
                pass
        self.sock.settimeout(TIMEOUT_S)
        return self.seen[self._taken :]

    def receive_marked(self, count: int) -> tuple[bytes, int | None]:
        """(the next bytes, which one of them is urgent): read singly, to ask in front of each."""
        got, mark = b"", None
        while len(got) < count:
            self.sock.recv(1, socket.MSG_PEEK)  # the mark is known when its byte is here
            urgent = struct.unpack("i", fcntl.ioctl(self.sock, SIOCATMARK, b"\0" * 4))[0]
            byte = self.sock.recv(1)
            if not byte:
                break
            mark = len(got) if urgent else mark
            got += byte
        self.seen += got
        self._take(len(got))
        return got, mark

    def until_heard(self, seconds: float) -> bool:
        """Waits that long at most; True as soon as something comes or the connection ends."""
        self.sock.settimeout(seconds)
        try:
            self._receive()
            return True
        except TimeoutError:
            return False
        except ENDED:
            return True
        finally:
            self.sock.settimeout(TIMEOUT_S)

    def unsent(self) -> int:
        """Bytes that wait in our kernel for room in the peer's."""
        return struct.unpack("i", fcntl.ioctl(self.sock, SIOCOUTQNSD, b"\0" * 4))[0]

    def _receive(self) -> bool:
        data = self.sock.recv(1 << 16)
        self.seen += data
        return bool(data)

    def _take(self, count: int) -> bytes:
        taken = self.seen[self._taken : self._taken + count]
        self._taken += len(taken)
        return taken


def authority(name: tuple) -> str:
    """As the log writes an address."""
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connect(host: str, port: int, source: str | None = None) -> Wire:
    where = (source, 0) if source else None
    return Wire(socket.create_connection((host, port), TIMEOUT_S, source_address=where))


STRANGER = "127.0.0.8"


def is_refused(host: str, port: int) -> bool:
    """Nobody listens there. Asked by a stranger: the proxy would take the peer for the peer."""
    try:
        connect(host, port, STRANGER).close()
    except ConnectionRefusedError:
        return True
    except OSError:  # closed while we were in its queue
        pass
    return False


def is_cut(host: str, port: int) -> bool:
    """Who connects there is reset, perhaps before it can say a word."""
    try:
        with contextlib.closing(connect(host, port)) as caller:
            return caller.ending() == (b"", "rst")
    except OSError as error:
        return isinstance(error, ConnectionResetError) or error.errno == errno.ENOTCONN


def until_read(wire: Wire) -> None:
    """Until the proxy has read all that `wire` sent: so what is sent next is another read's."""
    assert wait_until(lambda: is_read(wire), TIMEOUT_S, 0.0005)


def is_read(wire: Wire) -> bool:
    """Whether nothing waits on this side, nor on the other."""
    return not wire.unsent() and not _unread(wire)


def _unread(wire: Wire) -> int:
    """Bytes in the receive queue of the other end, if that is on this host (or in this thread's network
    namespace) (sock_diag(7)). The kernel is asked for that one socket: /proc/net/tcp has thousands of
    lines when tests have run.
    """
    local, peer = wire.sock.getpeername(), wire.sock.getsockname()
    ports = struct.pack("!HH", local[1], peer[1])
    family = wire.sock.family
    hosts = b"".join(socket.inet_pton(family, end[0]).ljust(16, b"\0") for end in (local, peer))
    request = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 0, ANY) + ports + hosts
    request += struct.pack("=III", 0, ANY, ANY)
    header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(header + request)
        answer = kernel.recv(4096)
    found = struct.unpack_from("=IH", answer)[1] == SOCK_DIAG_BY_FAMILY
    return struct.unpack_from("=I", answer, RQUEUE_AT)[0] if found else 0


class Listener:
    """An open port; accept() gives the next Wire."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((host, port))
        self.sock.listen(256)
        self.sock.settimeout(TIMEOUT_S)
        self.host, self.port = self.sock.getsockname()[:2]
        self.address = (self.host, self.port)

    @classmethod
    def twins(cls, host: str, other_host: str) -> tuple["Listener", "Listener"]:
        """Two hosts' listeners on the same port, which the kernel can promise for one only."""
        while True:
            first = cls(host)
            try:
                return first, cls(other_host, first.port)
            except OSError:
                first.close()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def accept(self) -> Wire:
        return Wire(self.sock.accept()[0])

    def was_called(self) -> bool:
        """Whether a connection waits to be accepted."""
        self.sock.setblocking(False)
        try:
            self.sock.accept()[0].close()
            return True
        except BlockingIOError:
            return False
        finally:
            self.sock.settimeout(TIMEOUT_S)

    def close(self) -> None:
        self.sock.close()


# --- a session through the proxy, both ends in the test's hands ---


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


def comma(host: str, port: int) -> bytes:
    return f"{host.replace('.', ',')},{port >> 8},{port & 255}".encode()


def address_in(line: bytes) -> tuple[str, int]:
    """The address of a PORT, EPRT, 227 or 229 in its canonical form."""
    if found := re.search(rb"(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)", line):
        numbers = [int(number) for number in found.groups()]
        return ".".join(map(str, numbers[:4])), numbers[4] << 8 | numbers[5]
    if found := re.search(rb"\|([12]?)\|([^|]*)\|(\d+)\|", line):
        return found[2].decode() or "127.0.0.1", int(found[3])
    raise AssertionError(f"no address in {line!r}")


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


# --- a server that goes on by itself ---

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


# --- what the kernel knows of the process ---


def rss_kib(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


@functools.cache
def room_kib(kib: int) -> int:
    """What flat memory may grow by. AddressSanitizer keeps what was freed: 256 MiB."""
    sanitized = b"__asan_init" in harness.BINARY.read_bytes()
    return kib + (400 << 10 if sanitized else 0)


def cpu_s(pid: int) -> float:
    """Seconds on a processor (the 10 ms of /proc/PID/stat are too coarse)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def listening(pid: int) -> set[tuple[str, int]]:
    """Where the process listens (IPv4)."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor)):
                inodes.add(found[1])
    listen = "0A"
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {_endpoint(row[1]) for row in rows if row[3] == listen and row[9] in inodes}


def _endpoint(text: str) -> tuple[str, int]:
    address, port = text.split(":")
    return socket.inet_ntoa(struct.pack("=I", int(address, 16))), int(port, 16)


def free_ports(count: int) -> int:
    """The first of so many that nobody has, below those that the kernel gives out."""
    for low in range(10_000 + os.getpid() % 200 * count, 32_000, count):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(low, low + count):
                stack.enter_context(Listener("127.0.0.1", port))
            return low
    raise AssertionError("no free ports")


def payload(size: int) -> bytes:
    """Bytes of every value, and not with the period of any buffer."""
    pattern = bytes(range(256)) + b"odd"
    return (pattern * (size // len(pattern) + 1))[:size]
