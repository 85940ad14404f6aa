"""Captures that were recorded and then changed, since this kernel has neither VLANs nor netem, and since
damage does not come when it is wanted."""
from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from . import pcap_file
from .pcap_file import NULL, RAW_IP, SYN, Packet
from .played import played
from .scenario import scenario
from .transfers import PAYLOAD

LONG = PAYLOAD * 3  # six segments
Packets = list[Packet]


def session(target: Path, family: int = 4) -> Packets:
    """Login, SYST, one passive download, one upload, QUIT; EPSV over IPv6."""
    with played(target, family=family) as s:
        s.ask(b"SYST\r\n", b"215 UNIX Type: L8\r\n")
        for command, down in ((b"RETR a\r\n", True), (b"STOR b\r\n", False)):
            if family == 4:
                data = s.passive()
            else:
                listener = s.listen_server()
                s.ask(
                    b"EPSV\r\n", b"229 Extended Passive Mode Entered (|||%d|)\r\n" % listener.port
                )
                data = s.joined(listener)
            s.ask(command, b"150 Go.\r\n")
            data.send(LONG, down)
            s.say(b"226 Done.\r\n")
        s.quit()
    return pcap_file.read(target)


def changed(name: str, shows: str, how: str, family: int = 4, **options):
    """One capture, made of one session by a function from packets to packets."""

    def register(change: Callable[[Packets], Packets]):
        def record(folder: Path) -> None:
            pcap_file.write(folder / name, change(session(folder / "base", family)), **options)

        record.__name__ = name.rpartition(".")[0]
        scenario(f"both ends played; {how} afterwards by lab/crafted.py", {name: shows})(record)
        return change

    return register


# --- link types ---


def tagged(packets: Packets, tags: bytes) -> Packets:
    return [packet.with_frame(packet.frame[:12] + tags + packet.frame[12:]) for packet in packets]


@changed("vlan.pcap", "802.1Q, VLAN 42", "tagged")
def vlan(packets: Packets) -> Packets:
    return tagged(packets, struct.pack("!HH", 0x8100, 42))


@changed("qinq.pcap", "802.1ad, VLAN 7 in VLAN 100", "tagged")
def qinq(packets: Packets) -> Packets:
    return tagged(packets, struct.pack("!HHHH", 0x88A8, 100, 0x8100, 7))


@changed(
    "raw-ip.pcap",
    "raw IP (link type 101), IPv6",
    "without its Ethernet headers",
    6,
    link_type=RAW_IP,
)
def raw_ip(packets: Packets) -> Packets:
    return [packet.with_frame(packet.frame[14:]) for packet in packets]


@changed(
    "null.pcap",
    "BSD loopback (link type 0), IPv6 with family 30",
    "with another link header",
    6,
    link_type=NULL,
)
def null(packets: Packets) -> Packets:
    return [packet.with_frame(struct.pack("<I", 30) + packet.frame[14:]) for packet in packets]


@changed(
    "big-endian.pcap",
    "a file of the other byte order",
    "written in the other byte order",
    order=">",
)
def big_endian(packets: Packets) -> Packets:
    return packets


@changed(
    "ipv6-extensions.pcap",
    "IPv6 with hop-by-hop and destination options, and fragments of the data",
    "extension headers inserted",
    6,
)
def ipv6_extensions(packets: Packets) -> Packets:
    return [part for number, packet in enumerate(packets) for part in extended(packet, number)]


def extended(packet: Packet, number: int) -> Packets:
    """Hop-by-hop and destination options (PadN); two fragments if the payload is long."""
    body = packet.frame[54:]
    options = bytes([60, 0, 1, 4, 0, 0, 0, 0]) + bytes([6, 0, 1, 4, 0, 0, 0, 0])
    if len(body) < 1000:
        return [with_ipv6_body(packet, 0, options + body)]
    cut = 704  # a multiple of eight
    headers = [bytes([60, 0, 1, 4, 0, 0, 0, 0]) + struct.pack("!BBHI", 60, 0, offset | more, number)
               for offset, more in ((0, 1), (8 + cut, 0))]  # fmt: skip
    headers[0] = bytes([44]) + headers[0][1:]
    headers[1] = bytes([44]) + headers[1][1:]
    whole = options[8:] + body
    return [with_ipv6_body(packet, 0, headers[0] + whole[: 8 + cut]),
            with_ipv6_body(packet, 0, headers[1] + whole[8 + cut :])]  # fmt: skip


def with_ipv6_body(packet: Packet, next_header: int, body: bytes) -> Packet:
    head = bytearray(packet.frame[:54])
    struct.pack_into("!HB", head, 18, len(body), next_header)
    return packet.with_frame(bytes(head) + body)


# --- order, repetition, numbers ---


@changed(
    "reordered.pcap",
    "packets out of order within a window of four, one in five twice",
    "shuffled (seed 959)",
)
def reordered(packets: Packets) -> Packets:
    dice = random.Random(959)
    times = [packet.time_us for packet in packets]
    numbered = list(enumerate(packets))
    # Handshakes keep their place: what a path reorders is a train of segments.
    mixed = sorted(
        numbered, key=lambda item: item[0] + (dice.random() * 4 if item[1].payload else 0)
    )
    ordered = [packet for _, packet in mixed]
    timed = [replace(packet, time_us=time) for packet, time in zip(ordered, times)]
    return [copy for packet in timed for copy in [packet] * (2 if dice.random() < 0.2 else 1)]


@changed("sequence-wrap.pcap", "sequence numbers that pass 2^32 in each connection", "renumbered")
def sequence_wrap(packets: Packets) -> Packets:
    shift = {packet.way: -30 - packet.numbers[0] for packet in packets if packet.flags & SYN}
    return [
        packet.with_tcp(packet.numbers[0] + shift[packet.way],
                        packet.numbers[1] + shift[packet.way_back] if packet.flags & 16 else 0)
        for packet in packets
    ]  # fmt: skip


def index_of(packets: Packets, start: bytes) -> int:
    return next(at for at, packet in enumerate(packets) if packet.payload.startswith(start))


@changed(
    "overlap.pcap",
    "RETR a sent again as RETR z with the same sequence number: an attack on whoever watches",
    "with a packet more",
)
def overlap(packets: Packets) -> Packets:
    at = index_of(packets, b"RETR")
    again = packets[at].with_tcp(*packets[at].numbers, b"RETR z\r\n")
    return packets[: at + 1] + [again] + packets[at + 1 :]


@changed(
    "gap-control.pcap",
    "the 215 and the 227 of the first transfer are missing",
    "with two packets less",
)
def gap_control(packets: Packets) -> Packets:
    lost = {index_of(packets, b"215"), index_of(packets, b"227")}
    return [packet for at, packet in enumerate(packets) if at not in lost]


@changed(
    "gap-data.pcap",
    "two segments of the download and one of the upload are missing",
    "with three packets less",
)
def gap_data(packets: Packets) -> Packets:
    full = [at for at, packet in enumerate(packets) if len(packet.payload) > 1400]
    lost = {full[2], full[3], full[-3]}
    return [packet for at, packet in enumerate(packets) if at not in lost]


# --- damage of the file ---


def damaged(name: str, shows: str, how: str, change: Callable[[bytes], bytes]) -> None:
    def record(folder: Path) -> None:
        session(folder / "base")
        (folder / name).write_bytes(change((folder / "base").read_bytes()))

    record.__name__ = name.rpartition(".")[0]
    scenario(f"both ends played; {how} afterwards by lab/crafted.py", {name: shows})(record)


def rubbish_in_the_middle(content: bytes) -> bytes:
    half = len(content) // 2
    return content[:half] + random.Random(959).randbytes(100) + content[half + 100 :]


damaged(
    "cut-file.pcap",
    "a file that ends in the middle of a packet",
    "cut",
    lambda content: content[:-1000],
)
damaged(
    "rubbish.pcap",
    "100 bytes of rubbish in the middle of the file",
    "overwritten",
    rubbish_in_the_middle,
)


# --- pcapng ---


def tool(*argv: object) -> None:
    subprocess.run([str(word) for word in argv], check=True, capture_output=True)


@scenario("both ends played, mergecap of both sides' captures",
          {"pcapng-two-interfaces.pcapng": "pcapng, two interfaces of different link types (Ethernet, raw IP), a session each"})  # fmt: skip
def two_interfaces(folder: Path) -> None:
    session(folder / "ethernet.pcap")
    packets = session(folder / "other.pcap", 6)
    pcap_file.write(folder / "raw.pcap", raw_ip(packets), link_type=RAW_IP)
    tool(
        "mergecap",
        "-F",
        "pcapng",
        "-w",
        folder / "pcapng-two-interfaces.pcapng",
        folder / "ethernet.pcap",
        folder / "raw.pcap",
    )


@scenario("both ends played, editcap -F pcapng with a comment on packet 5",
          {"pcapng-comment.pcapng": "pcapng with a comment, microseconds"})  # fmt: skip
def comment(folder: Path) -> None:
    session(folder / "base.pcap")
    tool(
        "editcap",
        "-F",
        "pcapng",
        "-a",
        "5:here it begins",
        folder / "base.pcap",
        folder / "pcapng-comment.pcapng",
    )


@scenario("both ends played, nanosecond tcpdump, editcap -F pcapng and a decryption secrets block",
          {"pcapng-nanoseconds.pcapng": "pcapng, if_tsresol 9, and a block of a type that is skipped"})  # fmt: skip
def nanoseconds(folder: Path) -> None:
    with played(folder / "base.pcap", "--time-stamp-precision=nano") as s:
        s.ask(b"NOOP\r\n", b"200 Yes.\r\n")
        s.quit()
    (folder / "keys").write_text("# no keys\n")
    tool(
        "editcap",
        "-F",
        "pcapng",
        "--inject-secrets",
        f"tls,{folder / 'keys'}",
        folder / "base.pcap",
        folder / "pcapng-nanoseconds.pcapng",
    )
