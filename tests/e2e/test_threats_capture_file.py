"""Attacks by the capture file itself: threats.md S35, damaged, lying and endless ones."""
from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from analysis import run
from binary import BINARY
from capture import FOLDER, sessions
from check_log import check_bytes
from packets import CLIENT, SERVER, SYN, Capture, ipv4
from process_facts import room_kib
from test_threats_capture import MEASURE, TIMEOUT_S, Captures, names, peak_kib
from wire import payload


def pcap_header(magic=0xA1B2C3D4, snaplen=65535, link=101, order="<") -> bytes:
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)


class Lies(Captures):
    def session(self) -> Capture:
        capture = Capture()
        control = capture.session()
        control.transfer(b"RETR x\r\n", b"content")
        control.quit()
        return capture

    def survives(self, content: bytes, *options: str) -> tuple[int, list[dict]]:
        """Exit code 0, or 1 and a sentence; never a signal. What comes out is a right log."""
        done = run("-", "--json", *options, input=content)
        self.assertIn(done.returncode, (0, 1))
        self.assertEqual(done.returncode == 1, bool(done.stderr), done.stderr)
        self.assertEqual(check_bytes(done.stdout)[:5], [])
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def whole(self, rows: list[dict]) -> bool:
        return "RETR" in [row.get("verb") for row in rows if row["kind"] == "data"]


class S35Damage(Lies):
    def test_S35_no_bytes_and_few_bytes(self):
        content = self.session().bytes()
        self.assertEqual(self.survives(b"")[0], 1)
        for count in range(1, 24):
            code, rows = self.survives(content[:count])
            self.assertTrue(code == 1 or "FTP-CAPTURE-DAMAGED" in names(rows), count)

    def test_S35_a_capture_cut_at_each_byte(self):
        capture = Capture()
        control = capture.greeted()
        control.ask(b"USER joe\r\n", b"331 Password.\r\n")
        control.quit()
        content = capture.bytes()
        for count in range(24, len(content)):
            code, rows = self.survives(content[:count])
            self.assertEqual(code, 0)
            if count > 500:
                self.assertIn("session", [row["kind"] for row in rows])

    def test_S35_a_pcapng_cut_at_each_byte(self):
        content = (FOLDER / "pcapng-nanoseconds.pcapng").read_bytes()
        for count in range(0, len(content), 7):
            self.survives(content[:count])

    def test_S35_each_byte_of_the_headers_wrong(self):
        for content in (self.session().bytes(), (FOLDER / "pcapng-comment.pcapng").read_bytes()):
            for at in range(0, 250):
                for flip in (0xFF, 0x01):
                    self.survives(content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :])


class S35Captures(Lies):
    def test_S35_headers_that_lie(self):
        packets = self.session().bytes()[24:]
        cases = {
            "snaplen 0": (pcap_header(snaplen=0) + packets, True),
            "snaplen 2^31-1": (pcap_header(snaplen=(1 << 31) - 1) + packets, True),
            "snaplen 2^32-1": (pcap_header(snaplen=(1 << 32) - 1) + packets, True),
            "an unknown link type": (pcap_header(link=60_000) + packets, False),
            "link type Ethernet, and it is none": (pcap_header(link=1) + packets, False),
            "nanoseconds": (pcap_header(magic=0xA1B23C4D) + packets, True),
            "another version": (
                struct.pack("<IHHiIII", 0xA1B2C3D4, 9, 9, 0, 0, 99, 101) + packets,
                None,
            ),
        }
        for name, (content, whole) in cases.items():
            with self.subTest(name):
                _, rows = self.survives(content)
                if whole is not None:
                    self.assertEqual(self.whole(rows), whole)

    def test_S35_sizes_that_lie(self):
        """A record says that it is larger than memory: nothing is allocated for what is not there."""
        good = self.session().bytes()
        for size in (1 << 18, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1):
            for captured, length in ((size, size), (size, 60), (60, size)):
                with self.subTest(captured=captured, length=length):
                    bad = struct.pack("<IIII", 1_795_000_000, 0, captured, length) + bytes(60)
                    content = good + bad
                    peak, shown = peak_kib(content)
                    self.assertLess(peak, room_kib(64 << 10))
                    rows = [json.loads(line) for line in shown.splitlines()]
                    self.assertTrue(self.whole(rows))

    def test_S35_blocks_that_lie(self):
        section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        interface = struct.pack("<IIHHII", 1, 20, 101, 0, 0, 20)
        packet = self.session().packets[0][1]
        padded = packet + bytes(-len(packet) % 4)

        def enhanced(captured=len(packet), total=None, number=0) -> bytes:
            size = 32 + len(padded) if total is None else total
            head = struct.pack("<IIIIIII", 6, size, number, 0, 0, captured, captured)
            return head + padded + struct.pack("<I", size)

        blocks = {
            "a size of 4 GB": section + struct.pack("<II", 1, 0xFFFFFFFC) + bytes(100),
            "a size of 0": section + struct.pack("<II", 1, 0) + bytes(100),
            "a size of 11": section + struct.pack("<II", 1, 11) + bytes(100),
            "two sizes": section + interface[:-4] + struct.pack("<I", 24),
            "a captured length beyond the block": section + interface + enhanced(captured=1 << 31),
            "a packet of no interface": section + interface + enhanced(number=7),
            "a packet before its interface": section + enhanced(),
            "a section of 4 GB": struct.pack(
                "<IIIHHqI", 0x0A0D0D0A, 0xFFFFFFFC, 0x1A2B3C4D, 1, 0, -1, 28
            ),
            "an option beyond its block": section
            + struct.pack("<IIHHIHHI", 1, 24, 101, 0, 0, 9, 0xFFFF, 24),
            "a million interfaces": section + interface * 1_000_000,
        }
        for name, content in blocks.items():
            with self.subTest(name):
                peak, _ = peak_kib(content)
                self.assertLess(peak, room_kib(128 << 10))
                self.survives(content)

    def test_S35_fragments_that_overlap(self):
        """Of a datagram, the byte that came first is kept; nothing crashes."""
        capture = self.session()
        packets = []
        for time_us, packet in capture.packets:
            body = packet[20:]
            if len(body) < 32:
                packets.append((time_us, packet))
                continue
            for offset, more, part in ((0, 1, body[:16]), (1, 1, b"\xee" * 16), (2, 0, body[16:])):
                head = bytearray(packet[:20])
                struct.pack_into("!HHH", head, 2, 20 + len(part), 77, more << 13 | offset)
                packets.append((time_us, bytes(head) + part))
        capture.packets = packets
        _, rows = self.survives(capture.bytes())
        self.assertIn("session", [row["kind"] for row in rows])

    def test_S35_sequence_numbers_wrap(self):
        for first in ((1 << 32) - 1, (1 << 32) - 20, (1 << 31) - 5):
            with self.subTest(first):
                capture = Capture()
                control = capture.connection((CLIENT, capture.free_port()), (SERVER, 21))
                control.client.seq, control.server.seq = first, first
                control.open()
                control.server.send(b"220 Ready.\r\n")
                control.ask(b"USER joe\r\n", b"230 In.\r\n")
                control.transfer(b"RETR x\r\n", payload(3000))
                control.quit()
                rows = self.rows(capture)
                self.assertTrue(self.whole(rows))
                self.assertEqual([n for n in names(rows) if "CAPTURE" in n], [])

    def test_S35_a_gap_of_a_gigabyte(self):
        capture = Capture()
        control = capture.session()
        data = control.passive()
        control.ask(b"RETR x\r\n", b"150 Go.\r\n")
        data.server.send(b"begin")
        data.server.seq += 1 << 30
        data.server.send(b"end")
        data.close()
        control.server.send(b"226 Done.\r\n")
        control.client.seq += 1 << 30
        control.server.seq += 1 << 30
        control.quit()
        few, _ = peak_kib(self.session().bytes())
        peak, shown = peak_kib(capture.bytes())
        self.assertLess(peak - few, room_kib(4 << 10))
        rows = [json.loads(line) for line in shown.splitlines()]
        [row] = [row for row in rows if row["kind"] == "data"]
        self.assertEqual((row["bytes"], row["missing"]), ((1 << 30) + 8, 1 << 30))
        self.assertIn("QUIT", [row["verb"] for row in rows if row["kind"] == "command"])
        self.assertEqual(check_bytes(shown)[:5], [])

    def test_S35_a_connection_that_is_reset_before_it_is_known_for_ftp(self):
        capture = Capture()
        control = capture.connection((CLIENT, capture.free_port()), (SERVER, 2121))
        control.open()
        control.client.reset()
        control.server.send(b"220 Ready.\r\n")
        control.client.send(b"USER joe\r\n")
        control.ask(b"PASS x\r\n", b"230 In.\r\n")
        self.survives(capture.bytes())

    def test_S35_the_beginning_is_missing(self):
        whole = self.session()
        for first in range(len(whole.packets)):
            capture = Capture(whole.packets[first:])
            _, rows = self.survives(capture.bytes())
            if first == 8:
                self.assertIn("FTP-CAPTURE-MID-STREAM", names(rows))

    def test_S35_one_direction_only(self):
        for source in (b"\xc0\x00\x02\x01", b"\xc6\x33\x64\x02"):
            capture = self.session()
            capture.packets = [p for p in capture.packets if p[1][12:16] == source]
            _, rows = self.survives(capture.bytes())
            self.assertIn("FTP-CAPTURE-ONE-WAY", names(rows))

    def test_S35_retr_before_port_switches_nothing_off(self):
        """Suricata's 8659: a RETR without a PORT before it ended its parsing."""
        capture = Capture()
        control = capture.session()
        control.ask(b"RETR x\r\n", b"425 No.\r\n")
        control.transfer(b"RETR y\r\n", b"content")
        control.quit()
        rows = self.rows(capture)
        self.assertTrue(self.whole(rows))
        self.assertIn("FTP-ORDER-NO-SETUP", names(rows))

    def test_S35_analysis_goes_on_behind_a_bad_line(self):
        for line in (
            b"\0" * 1000 + b"\r\n",
            b"a" * 100_000 + b"\r\n",
            bytes(range(256)),
            b"\xff" * 50,
        ):
            with self.subTest(line[:10]):
                capture = Capture()
                control = capture.session()
                control.client.send(line)
                control.client.send(b"\r\n")
                control.server.send(b"500 What?\r\n")
                control.transfer(b"RETR y\r\n", b"content")
                control.quit()
                other = capture.session()
                other.transfer(b"RETR z\r\n", b"content")
                other.quit()
                found = sessions(self.rows(capture))
                self.assertTrue(self.whole(found[1]))


class S35Flood(Lies):
    def test_S35_ten_million_connections_that_never_begin(self):
        """A SYN flood, and one session in the middle of it."""
        argv = [sys.executable, "-S", "-c", MEASURE, str(BINARY), "analyze", "-", "--json"]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out, stderr=err)
            process.stdin.write(pcap_header())
            for number, million in enumerate(flood(10)):
                process.stdin.write(million)
                if number == 5:
                    process.stdin.write(self.session().bytes()[24:])
            process.stdin.close()
            self.assertEqual(process.wait(TIMEOUT_S), 0)
            out.seek(0)
            rows = [json.loads(line) for line in out]
            err.seek(0)
            peak = int(err.read().split()[-1])
        few, _ = peak_kib(self.session().bytes())
        self.assertLess(peak - few, room_kib(64 << 10))
        self.assertTrue(self.whole(rows))
        self.assertIn("FTP-CAPTURE-LIMIT", names(rows))
        [capture] = [row for row in rows if row["kind"] == "capture"]
        self.assertGreater(capture["flows"], 10_000_000)


def flood(millions: int) -> Iterator[bytes]:
    """A million SYNs at a time, each of another client."""
    packet = ipv4(("10.0.0.0", 0), (SERVER, 21), 1, 0, SYN, b"")
    record = struct.pack("<IIII", 1_795_000_000, 0, len(packet), len(packet)) + packet
    many, size = bytearray(record * 1_000_000), len(record)
    for at, step in ((13, 1 << 16), (14, 1 << 8), (15, 1)):  # of the client's address
        many[16 + at :: size] = bytes(index // step & 0xFF for index in range(1_000_000))
    for number in range(millions):
        many[16 + 20 :: size] = bytes([number + 1]) * 1_000_000  # its port
        yield bytes(many)
