"""Captures as lists of packets, to be changed and written again: the classic pcap format, Ethernet
frames with IPv4 or IPv6 and TCP. Only for what this kernel cannot do; each row of README.md says so.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path

ETHERNET, RAW_IP, NULL = 1, 101, 0
MAGIC_MICRO = 0xA1B2C3D4
MOD = 1 << 32


@dataclass(frozen=True)
class Packet:
    time_us: int
    frame: bytes
    length: int  # on the wire

    def with_frame(self, frame: bytes) -> "Packet":
        return replace(self, frame=frame, length=self.length + len(frame) - len(self.frame))

    # of an untagged Ethernet frame

    @property
    def ip_version(self) -> int:
        return self.frame[14] >> 4

    @property
    def tcp_at(self) -> int:
        return 14 + ((self.frame[14] & 15) * 4 if self.ip_version == 4 else 40)

    @property
    def payload_at(self) -> int:
        return self.tcp_at + (self.frame[self.tcp_at + 12] >> 4) * 4

    @property
    def payload(self) -> bytes:
        return self.frame[self.payload_at :]

    @property
    def way(self) -> bytes:
        """Both addresses and both ports: one direction of one connection."""
        hosts = self.frame[26:34] if self.ip_version == 4 else self.frame[22:54]
        return hosts + self.frame[self.tcp_at : self.tcp_at + 4]

    @property
    def way_back(self) -> bytes:
        half = (len(self.way) - 4) // 2
        way = self.way
        return way[half : 2 * half] + way[:half] + way[-2:] + way[-4:-2]

    @property
    def numbers(self) -> tuple[int, int]:
        """(sequence number, acknowledgement)"""
        return struct.unpack_from("!II", self.frame, self.tcp_at + 4)

    @property
    def flags(self) -> int:
        return self.frame[self.tcp_at + 13]

    def with_tcp(self, seq: int, ack: int, payload: bytes | None = None) -> "Packet":
        """With these numbers, and a payload of the same length; the checksum is right."""
        frame = bytearray(self.frame)
        struct.pack_into("!II", frame, self.tcp_at + 4, seq % MOD, ack % MOD)
        if payload is not None:
            assert len(payload) == len(self.payload)
            frame[self.payload_at :] = payload
        struct.pack_into("!H", frame, self.tcp_at + 16, 0)
        struct.pack_into("!H", frame, self.tcp_at + 16, tcp_checksum(frame, self.tcp_at))
        return self.with_frame(bytes(frame))


SYN = 2


def tcp_checksum(frame: bytes, tcp_at: int) -> int:
    hosts = frame[26:34] if frame[14] >> 4 == 4 else frame[22:54]
    covered = bytes(hosts) + struct.pack("!II", len(frame) - tcp_at, 6) + bytes(frame[tcp_at:])
    covered += b"\0" * (len(covered) % 2)
    total = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def read(path: Path) -> list[Packet]:
    content = path.read_bytes()
    assert struct.unpack_from("<I", content)[0] == MAGIC_MICRO, path
    packets, at = [], 24
    while at < len(content):
        seconds, micros, captured, length = struct.unpack_from("<IIII", content, at)
        at += 16
        packets.append(Packet(seconds * 1_000_000 + micros, content[at : at + captured], length))
        at += captured
    return packets


def write(path: Path, packets: list[Packet], link_type: int = ETHERNET, order: str = "<") -> None:
    parts = [struct.pack(order + "IHHiIII", MAGIC_MICRO, 2, 4, 0, 0, 65535, link_type)]
    for packet in packets:
        seconds, micros = divmod(packet.time_us, 1_000_000)
        parts += [
            struct.pack(order + "IIII", seconds, micros, len(packet.frame), packet.length),
            packet.frame,
        ]
    path.write_bytes(b"".join(parts))
