"""Captures that are written packet by packet: TCP connections over IPv4, as the classic pcap format.

    capture = Capture()
    control = capture.session()                    # a Connection: greeted and logged in
    control.ask(b"SYST\\r\\n", b"215 UNIX\\r\\n")
    data = control.passive()
    data.server.send(b"content")
    path.write_bytes(capture.bytes())
"""
from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field

from wire import GREETING, LOGIN, comma

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
START_US = 1_795_000_000_000_000  # 2026-11-18
STEP_US = 1_000
SEGMENT = 1400
CLIENT, SERVER = "192.0.2.1", "198.51.100.2"
MOD = 1 << 32


@dataclass
class Capture:
    """`packets`: (time in microseconds, IPv4 packet), in the order of the file."""

    packets: list[tuple[int, bytes]] = field(default_factory=list)
    now_us: int = START_US
    next_port: int = 40_000

    def bytes(self) -> bytes:
        parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101)]  # 101: raw IP
        for time_us, packet in self.packets:
            seconds, micros = divmod(time_us, 1_000_000)
            parts += [struct.pack("<IIII", seconds, micros, len(packet), len(packet)), packet]
        return b"".join(parts)

    def connection(self, client: tuple[str, int], server: tuple[str, int]) -> "Connection":
        return Connection(self, client, server)

    def session(self, port: int = 21) -> "Connection":
        control = self.greeted(port)
        for command, reply in LOGIN:
            control.ask(command, reply)
        return control

    def greeted(self, port: int = 21) -> "Connection":
        control = self.connection((CLIENT, self.free_port()), (SERVER, port))
        control.open()
        control.server.send(GREETING)
        return control

    def free_port(self) -> int:
        self.next_port += 1
        return self.next_port


class End:
    """One side of a connection: sends in segments, each of which the other side acknowledges."""

    def __init__(self, connection: "Connection", own: tuple[str, int], first: int):
        self.connection, self.own, self.seq = connection, own, first
        self.peer: End = self

    def send(self, data: bytes, size: int = SEGMENT, lost: frozenset[int] = frozenset()) -> None:
        """`lost`: the numbers of the segments that the capture does not have."""
        for number, at in enumerate(range(0, len(data), size)):
            piece = data[at : at + size]
            if number not in lost:
                self.segment(PSH | ACK, piece)
            self.seq += len(piece)
            self.peer.segment(ACK)

    def segment(self, flags: int, data: bytes = b"", seq: int | None = None) -> None:
        seq = self.seq if seq is None else seq
        ack = self.peer.seq if flags & ACK else 0
        self.connection.capture.now_us += STEP_US
        packet = ipv4(self.own, self.peer.own, seq, ack, flags, data)
        self.connection.capture.packets.append((self.connection.capture.now_us, packet))
        self.seq += 1 if flags & (SYN | FIN) else 0

    def finish(self) -> None:
        self.segment(FIN | ACK)

    def reset(self) -> None:
        self.segment(RST | ACK)


class Connection:
    def __init__(self, capture: Capture, client: tuple[str, int], server: tuple[str, int]):
        self.capture = capture
        # Not those of another one: a session seen twice is known by them.
        first = len(capture.packets) * 1_000_003
        self.client, self.server = End(self, client, first), End(self, server, first + 500_000)
        self.client.peer, self.server.peer = self.server, self.client

    def open(self) -> None:
        self.client.segment(SYN)
        self.server.segment(SYN | ACK)
        self.client.segment(ACK)

    def ask(self, command: bytes, reply: bytes) -> None:
        self.client.send(command)
        self.server.send(reply)

    def close(self, by_client: bool = False) -> None:
        first, second = (self.client, self.server) if by_client else (self.server, self.client)
        first.finish()
        second.finish()
        first.segment(ACK)

    def quit(self) -> None:
        self.ask(b"QUIT\r\n", b"221 Bye.\r\n")
        self.close()

    def passive(self) -> "Connection":
        """PASV, its 227, and the data connection, open."""
        port = self.capture.free_port()
        told = comma(self.server.own[0], port)
        self.ask(b"PASV\r\n", b"227 Entering Passive Mode (" + told + b").\r\n")
        caller = (self.client.own[0], self.capture.free_port())
        data = self.capture.connection(caller, (self.server.own[0], port))
        data.open()
        return data

    def transfer(self, command: bytes, content: bytes, upload: bool = False) -> None:
        data = self.passive()
        self.ask(command, b"150 Go.\r\n")
        (data.client if upload else data.server).send(content)
        data.close(by_client=upload)
        self.server.send(b"226 Done.\r\n")


def ipv4(source: tuple, target: tuple, seq: int, ack: int, flags: int, data: bytes) -> bytes:
    """Without checksums, as network cards with offloading show them."""
    addresses = [ipaddress.IPv4Address(host).packed for host, _ in (source, target)]
    tcp = struct.pack(
        "!HHIIBBHHH", source[1], target[1], seq % MOD, ack % MOD, 0x50, flags, 65535, 0, 0
    )
    head = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0)
    return head + b"".join(addresses) + tcp + data
