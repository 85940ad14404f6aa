"""One connection, byte by byte, and what listens for one: the ends of every hostile test.

All waiting has an end: a peer that hears nothing for TIMEOUT_S fails the test.
"""
from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import socket
import struct

from servers import wait_until

TIMEOUT_S = 10.0
SIOCATMARK, SIOCOUTQNSD = 0x8905, 0x894B  # ioctl_list(2): at the urgent byte? bytes not sent?
# netlink(7), sock_diag(7)
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, ANY = 4, 20, 1, 0xFFFFFFFF
RQUEUE_AT = 16 + 4 + 48 + 4  # behind the header, the states, the addresses and the timer
GREETING = b"220 Ready.\r\n"
LOGIN = [(b"USER joe\r\n", b"331 Password.\r\n"), (b"PASS 1234\r\n", b"230 In.\r\n")]
ENDED = (ConnectionError, BrokenPipeError)


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
