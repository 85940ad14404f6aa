"""Attacks on data connections, their odd endings, the order of 226: threats.md S11 to S15."""
from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hostile import (
    DIRECTIONS,
    MODES,
    Channel,
    Listener,
    Session,
    Transfer,
    address_in,
    comma,
    connect,
    free_ports,
    is_cut,
    is_refused,
    payload,
    scene,
)
from machines import Host, Lab
from servers import wait_until

NEXT = b"NOOP next\r\n"
PAYLOAD = payload(50_000)
SOON_S = 0.5  # the threat list says 50 ms; this machine may be busy


class S11Bounce(unittest.TestCase):
    def test_S11_another_host_is_never_connected_to(self):
        for lines in ("raw", "strict"):
            with scene("--lines", lines) as s, Listener("127.0.0.9") as victim:
                session = s.session()
                for line in (
                    b"PORT " + comma(*victim.address),
                    b"EPRT |1|127.0.0.9|%d|" % victim.port,
                    b"LPRT 4,4,127,0,0,9,2,%d,%d" % (victim.port >> 8, victim.port & 255),
                ):
                    self.check_refused(session, line)
                    # Not even if the client goes on as if nothing had been.
                    session.ask(b"RETR file\r\n", b"425 No.\r\n")
                self.assertIn("FTP-PORT-FOREIGN-ADDRESS", session.findings())
                self.assertEqual(session.records("channel"), [])
                self.assertFalse(victim.was_called())

    def test_S11_ports_below_1024_and_the_proxy_itself_are_refused(self):
        with scene() as s:
            session = s.session()
            for host, port in (
                ("127.0.0.1", 25),
                ("127.0.0.1", 1023),
                (s.proxy.host, s.proxy.port),
            ):
                self.check_refused(session, b"PORT " + comma(host, port))
                self.check_refused(session, b"EPRT |1|%s|%d|" % (host.encode(), port))
            self.assertEqual(session.records("channel"), [])

    def check_refused(self, session: Session, line: bytes):
        session.client.send(line + b"\r\n" + NEXT)
        session.server.expect(NEXT)
        session.client.expect_code(501)
        session.server.send(b"200 OK.\r\n")
        session.client.expect(b"200 OK.\r\n")

    def test_S11_a_stated_address_is_followed_only_when_asked_for(self):
        with scene("--data-address", "stated") as s, Listener("127.0.0.9") as other:
            s.proxy.more_hosts = frozenset({"127.0.0.9"})
            session = s.session()
            session.client.send(b"PORT " + comma(*other.address) + b"\r\n")
            ours = address_in(session.server.line())
            session.server.send(b"200 OK.\r\n")
            session.client.expect(b"200 OK.\r\n")
            with contextlib.closing(connect(*ours)):
                other.accept().close()


class S12ForeignPassiveReply(unittest.TestCase):
    def test_S12_a_227_that_names_another_host_leads_to_the_server(self):
        for mode in ("PASV", "EPSV"):
            victim, own = Listener.twins("127.0.0.9", "127.0.0.1")
            with self.subTest(mode), scene() as s, victim, own:
                session = s.session()
                session.client.send(mode.encode() + b"\r\n")
                session.server.expect(mode.encode() + b"\r\n")
                session.server.send(
                    b"227 OK (" + comma(*victim.address) + b")\r\n"
                    if mode == "PASV"
                    else b"229 OK (|1|127.0.0.9|%d|)\r\n" % victim.port
                )
                ours = address_in(session.client.line())
                self.assertEqual(ours[0], "127.0.0.1")
                with contextlib.closing(connect(*ours)) as data:
                    server_data = own.accept()
                    server_data.send(b"yes")
                    server_data.close()
                    self.assertEqual(data.rest(), b"yes")
                self.assertFalse(victim.was_called())
                self.assertIn("FTP-227-FOREIGN-ADDRESS", session.findings())

    def test_S12_addresses_that_cannot_be_meant(self):
        for text in (
            b"10,0,0,1,20,20",
            b"0,0,0,0,20,20",
            b"224,0,0,1,20,20",
            b"255,255,255,255,20,20",
        ):
            with self.subTest(text), scene() as s:
                session = s.session()
                session.client.send(b"PASV\r\n")
                session.server.expect(b"PASV\r\n")
                session.server.send(b"227 OK (" + text + b")\r\n")
                host, _port = address_in(session.client.line())
                self.assertEqual(host, "127.0.0.1")
                target = session.wait_for("channel")["target"]
                self.assertEqual(target, "127.0.0.1:5140")
                self.assertTrue([f for f in session.findings() if f.startswith("FTP-227-")])

    def test_S12_unusable_ports_and_texts_are_not_followed(self):
        for lines in ("raw", "strict"):
            with scene("--lines", lines) as s:
                for text in (
                    comma("127.0.0.1", 25),
                    comma("127.0.0.1", 0),
                    comma(s.proxy.host, s.proxy.port),
                    b"127,0,0,1,256,20",
                    b"127,0,0,1,20",
                    b"nowhere",
                ):
                    with self.subTest(lines=lines, text=text):
                        self.check_not_followed(s.session(), b"227 OK (" + text + b")\r\n", lines)

    def check_not_followed(self, session: Session, reply: bytes, lines: str):
        session.client.send(b"PASV\r\n")
        session.server.expect(b"PASV\r\n")
        session.server.send(reply)
        if lines == "raw":
            session.client.expect(reply)
        else:
            session.client.expect_code(425)
        session.assert_in_step()
        self.assertEqual(session.records("channel"), [])
        self.assertTrue([f for f in session.findings() if f.startswith("FTP-227-")])


class S13Strangers(unittest.TestCase):
    def download(self, session: Session, strangers: int) -> dict:
        channel = Channel(session, "PASV")
        for _ in range(strangers):
            with contextlib.closing(connect(*channel.address, source="127.0.0.7")) as stranger:
                self.assertEqual(stranger.ending()[0], b"")
        self.assertFalse(channel.listener.was_called())
        transfer = Transfer(session, "PASV", "download", channel)
        transfer.begin()
        transfer.open()
        transfer.reply(b"150 Here.\r\n")
        transfer.server.send(PAYLOAD)
        transfer.server.close()
        self.assertEqual(transfer.client.rest(), PAYLOAD)
        transfer.close()
        transfer.reply(b"226 Done.\r\n")
        return session.wait_for("data")

    def test_S13_a_stranger_is_closed_and_the_right_peer_is_served(self):
        with scene() as s:
            session = s.session()
            self.assertEqual(self.download(session, strangers=1)["strangers"], 1)
            finding = session.wait_for("finding", finding="FTP-DATA-STRANGER")
            self.assertTrue(finding["detail"].startswith("127.0.0.7:"), finding)

    def test_S13_two_hundred_strangers_are_counted_and_not_all_told(self):
        with scene("--quiet") as s:
            session = s.session()
            self.assertEqual(self.download(session, strangers=200)["strangers"], 200)
            self.assertLess(session.findings().count("FTP-DATA-STRANGER"), 50)

    def test_S13_in_active_mode_only_the_server_may_connect(self):
        with scene() as s:
            session = s.session()
            channel = Channel(session, "PORT")
            with contextlib.closing(connect(*channel.address, source="127.0.0.7")) as stranger:
                self.assertEqual(stranger.ending()[0], b"")
            for end in channel.open():
                end.close()
            self.assertEqual(session.wait_for("data")["strangers"], 1)

    def test_S13_data_ports_cannot_be_guessed(self):
        with scene("--data-ports", "20000-29999") as s:
            session = s.session()
            ports = [self.passive_port(session) for _ in range(60)]
        self.assertTrue(all(20000 <= port <= 29999 for port in ports), ports)
        steps = {b - a for a, b in zip(ports, ports[1:])}
        self.assertGreater(len(set(ports)), 50)
        self.assertGreater(len(steps), 50, sorted(steps))

    def passive_port(self, session: Session) -> int:
        channel = Channel(session, "PASV")
        channel.listener.close()
        return channel.address[1]


class S14PortRange(unittest.TestCase):
    def range_of_four(self) -> tuple[int, int]:
        low = free_ports(4)
        return low, low + 3

    def ask_passive(self, session: Session, target: Listener) -> bytes:
        session.client.send(b"PASV\r\n")
        session.server.expect(b"PASV\r\n")
        started_at = time.monotonic()
        session.server.send(b"227 OK (" + comma(*target.address) + b")\r\n")
        reply = session.client.line()
        self.assertLess(time.monotonic() - started_at, SOON_S)
        return reply

    def test_S14_one_too_many_gets_425_and_ports_come_back(self):
        low, high = self.range_of_four()
        with scene("--data-ports", f"{low}-{high}") as s, Listener() as target:
            sessions = [s.session() for _ in range(6)]
            replies = [self.ask_passive(session, target) for session in sessions]
            self.assertEqual([reply[:3] for reply in replies], [b"227"] * 4 + [b"425"] * 2)
            self.assertEqual({address_in(r)[1] for r in replies[:4]}, set(range(low, high + 1)))
            self.assertIn("FTP-DATA-NO-PORT", sessions[5].findings())
            # One that ends gives its port to one that waits.
            sessions[0].client.close()
            sessions[0].server.ending()
            sessions[0].server.close()
            sessions[0].wait_for("end")
            self.assertEqual(self.ask_passive(sessions[5], target)[:3], b"227")

    def test_S14_without_a_range_it_is_the_kernels(self):
        with Lab() as lab:
            gate = lab.host("gate")
            gate.set("ipv4/ip_local_port_range", "40000 40039")
            ports = self.drawn_on(gate)
            self.assertTrue(all(40000 <= port <= 40039 for port in ports), ports)
            gate.set("ipv4/ip_local_reserved_ports", "40000-40024")
            ports = self.drawn_on(gate)
            self.assertTrue(all(40025 <= port <= 40039 for port in ports), ports)

    def drawn_on(self, gate: Host) -> list[int]:
        with gate.entered(), scene() as s, Listener() as target:
            session = s.session()
            return [address_in(self.ask_passive(session, target))[1] for _ in range(20)]

    def test_S14_ports_that_other_programs_have_are_passed_over(self):
        low, high = self.range_of_four()
        with scene("--data-ports", f"{low}-{high}") as s, contextlib.ExitStack() as stack:
            for port in (low, high):
                stack.enter_context(Listener("127.0.0.1", port))
            target = stack.enter_context(Listener())
            sessions = [s.session() for _ in range(3)]
            for _ in range(20):  # whichever port is drawn first
                replies = [self.ask_passive(session, target) for session in sessions]
                ports = {address_in(reply)[1] for reply in replies[:2]}
                self.assertEqual(ports, {low + 1, high - 1})
                self.assertEqual(replies[2][:4], b"425 ")

    def test_S14_ports_that_nobody_comes_to_expire(self):
        low, high = self.range_of_four()
        args = ("--data-ports", f"{low}-{high}", "--data-connect-timeout", "0.3")
        with scene(*args) as s, Listener() as target:
            session = s.session()
            for _ in range(4):
                address = address_in(self.ask_passive(session, target))
                self.assertTrue(wait_until(lambda: is_refused(*address), 5.0))
            self.assertEqual(len(session.records("data", how="never-connected")), 4)
            session.assert_in_step()

    def test_S14_active_mode_gets_425_too(self):
        low, high = self.range_of_four()
        with scene("--data-ports", f"{low}-{high}") as s, Listener() as target:
            for session in [s.session() for _ in range(4)]:
                self.ask_passive(session, target)
            session = s.session()
            session.client.send(b"PORT " + comma(*target.address) + b"\r\n" + NEXT)
            session.client.expect_code(425)
            session.server.expect(NEXT)

    def test_S14_a_second_pasv_replaces_the_first(self):
        with scene() as s, Listener() as target:
            session = s.session()
            first = address_in(self.ask_passive(session, target))
            second = address_in(self.ask_passive(session, target))
            self.assertTrue(is_refused(*first))
            connect(*second).close()
            target.accept().close()
            self.assertEqual(session.wait_for("data")["how"], "replaced")


# --- S15: what ends a transfer ---


@dataclass(frozen=True)
class Outcome:
    """What the log must say of the data connection. None as a side or way: any."""

    how: str | None = "fin"
    bytes: int = len(PAYLOAD)
    first: str | None = None  # who closed first
    finals: int = 1  # final replies to the transfer command
    finding: str | None = None


def pass_all(t: Transfer) -> None:
    """The payload from end to end, and the sender's FIN behind it."""
    t.sender.send(PAYLOAD)
    t.sender.finish()
    assert t.receiver.rest() == PAYLOAD
    t.receiver.finish()


def orderly(t: Transfer) -> Outcome:
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    pass_all(t)
    t.reply(b"226 Done.\r\n")
    return Outcome(first=t.sending_side)


def no_data(t: Transfer) -> Outcome:
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.finish()
    assert t.receiver.rest() == b""
    t.receiver.finish()
    t.reply(b"226 Empty.\r\n")
    return Outcome(bytes=0, first=t.sending_side)


def data_before_150(t: Transfer) -> Outcome:
    t.open()
    t.sender.send(PAYLOAD)
    t.begin()
    t.sender.finish()
    assert t.receiver.rest() == PAYLOAD
    t.receiver.finish()
    t.reply(b"150 Went.\r\n226 Done.\r\n")
    return Outcome(first=t.sending_side)


def reply_226_with_the_150(t: Transfer) -> Outcome:
    """In one segment, before any data. Of a download it must not reach the client before that."""
    t.begin()
    t.open()
    t.session.server.send(b"150 Go.\r\n226 Done.\r\n")
    t.session.client.expect(b"150 Go.\r\n")
    if t.direction == "upload":
        t.session.client.expect(b"226 Done.\r\n")
        pass_all(t)
        return Outcome(finding="FTP-REPLY-BEFORE-DATA-END")
    t.sender.send(PAYLOAD)
    assert t.session.client.waiting() == b""
    t.sender.finish()
    assert t.receiver.rest() == PAYLOAD
    t.session.client.expect(b"226 Done.\r\n")
    t.receiver.finish()
    return Outcome(first="server")


def reply_226_before_the_data_ends(t: Transfer) -> Outcome:
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.send(PAYLOAD[:1000])
    t.session.server.send(b"226 Done.\r\n")
    t.sender.send(PAYLOAD[1000:])
    t.sender.finish()
    assert t.receiver.rest() == PAYLOAD
    t.session.client.expect(b"226 Done.\r\n")
    t.receiver.finish()
    return Outcome()


def sender_resets(t: Transfer) -> Outcome:
    """A stream that was cut must not look like one that ended."""
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.send(PAYLOAD)
    while len(t.receiver.waiting()) < len(PAYLOAD):
        t.receiver.until_heard(1.0)
    t.sender.reset()
    assert t.receiver.ending() == (PAYLOAD, "rst")
    t.reply(b"426 Lost.\r\n")
    return Outcome("rst", first=t.sending_side, finding="FTP-DATA-RESET")


def sender_resets_with_its_last_bytes(t: Transfer) -> Outcome:
    """They and the reset are there when the proxy looks."""
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.send(PAYLOAD[:1])
    assert t.receiver.until_heard(1.0)  # so it relays
    with stopped(t.session.proxy.pid):
        t.sender.send(PAYLOAD[1:])
        t.sender.reset()
    assert t.receiver.ending()[1] == "rst"
    t.reply(b"426 Lost.\r\n")
    return Outcome("rst", first=t.sending_side, finding="FTP-DATA-RESET")


@contextlib.contextmanager
def stopped(pid: int):
    os.kill(pid, signal.SIGSTOP)
    state = lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    try:
        assert wait_until(lambda: state() in "Tt", 5.0)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def receiver_resets(t: Transfer) -> Outcome:
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.send(PAYLOAD)
    while len(t.receiver.waiting()) < len(PAYLOAD):
        t.receiver.until_heard(1.0)
    t.receiver.reset()
    assert t.sender.ending() == (b"", "rst")
    t.reply(b"426 Lost.\r\n")
    return Outcome("rst", first=t.receiving_side, finding="FTP-DATA-RESET")


def receiver_half_closes(t: Transfer) -> Outcome:
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.receiver.finish()
    assert t.sender.rest() == b""
    t.sender.send(PAYLOAD)
    t.sender.finish()
    assert t.receiver.rest() == PAYLOAD
    t.reply(b"226 Done.\r\n")
    return Outcome(first=t.receiving_side)


def nobody_connects(t: Transfer) -> Outcome:
    t.begin()
    t.reply(b"150 Waiting.\r\n")
    assert wait_until(lambda: is_refused(*t.channel.address), 5.0)
    t.reply(b"425 Nobody came.\r\n")
    return Outcome("never-connected", bytes=0, finding="FTP-DATA-NEVER-CONNECTED")


def target_refuses(t: Transfer) -> Outcome:
    t.channel.listener.close()
    t.begin()
    t.reply(b"150 Go.\r\n")
    assert is_cut(*t.channel.address)
    t.reply(b"425 Cannot connect.\r\n")
    return Outcome("connect-failed", bytes=0, finding="FTP-DATA-CONNECT-FAILED")


def abor(t: Transfer) -> Outcome:
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.send(PAYLOAD)
    while len(t.receiver.waiting()) < len(PAYLOAD):
        t.receiver.until_heard(1.0)
    t.session.client.send(b"ABOR\r\n")
    t.session.server.expect(b"ABOR\r\n")
    t.server.close()
    t.client.ending()
    t.client.close()
    t.reply(b"426 Aborted.\r\n226 ABOR done.\r\n")
    return Outcome(None)


def quit_in_mid_transfer(t: Transfer) -> Outcome:
    """RFC 959 4.1.1: the transfer goes on, and the connection closes after its reply."""
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.send(PAYLOAD[:1000])
    t.session.client.send(b"QUIT\r\n")
    t.session.server.expect(b"QUIT\r\n")
    t.sender.send(PAYLOAD[1000:])
    t.sender.finish()
    assert t.receiver.rest() == PAYLOAD
    t.receiver.finish()
    t.reply(b"226 Done.\r\n221 Bye.\r\n")
    t.session.server.close()
    assert t.session.client.rest() == b""
    return Outcome(first=t.sending_side)


def client_leaves_in_mid_transfer(t: Transfer) -> Outcome:
    """An orderly end of the control connection does not cut the data (RFC 959 4.1.1)."""
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.send(PAYLOAD[:1000])
    t.session.client.finish()
    assert t.session.server.rest() == b""
    t.session.server.finish()
    assert t.session.client.rest() == b""
    t.sender.send(PAYLOAD[1000:])
    t.sender.finish()
    assert t.receiver.rest() == PAYLOAD
    t.receiver.finish()
    return Outcome(first=t.sending_side, finals=0, finding="FTP-QUIT-WITH-TRANSFER")


def control_is_reset(t: Transfer) -> Outcome:
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.send(PAYLOAD)
    while len(t.receiver.waiting()) < len(PAYLOAD):
        t.receiver.until_heard(1.0)
    t.session.client.reset()
    assert t.session.server.ending() == (b"", "rst")
    assert t.receiver.ending() == (PAYLOAD, "rst")
    return Outcome("session-ended", finals=0)


def server_dies(t: Transfer) -> Outcome:
    t.begin()
    t.reply(b"150 Go.\r\n")
    t.open()
    t.sender.send(PAYLOAD)
    while len(t.receiver.waiting()) < len(PAYLOAD):
        t.receiver.until_heard(1.0)
    t.session.server.reset()
    assert t.session.client.ending() == (b"", "rst")
    assert t.receiver.ending() == (PAYLOAD, "rst")
    return Outcome("session-ended", finals=0)


class S15Endings(unittest.TestCase):
    def run_ending(self, ending: Callable[[Transfer], Outcome]):
        with scene("--data-connect-timeout", "0.5") as s:
            for mode in MODES:
                for direction in DIRECTIONS:
                    with self.subTest(mode=mode, direction=direction):
                        session = s.session()
                        transfer = Transfer(session, mode, direction, Channel(session, mode))
                        outcome = ending(transfer)
                        transfer.close()
                        self.check(session, transfer, outcome)

    def check(self, session: Session, transfer: Transfer, outcome: Outcome):
        data = session.wait_for("data")
        self.assertEqual(len(session.records("data")), 1)
        self.assertEqual(data["how"], outcome.how or data["how"], data)
        self.assertEqual(data["closed_first"], outcome.first or data["closed_first"], data)
        self.assertEqual((data["bytes"], data["direction"]), (outcome.bytes, transfer.direction))
        sent = "bytes_to_client" if transfer.direction == "download" else "bytes_to_server"
        self.assertEqual(data[sent], outcome.bytes)
        self.assertEqual(data["setup"], transfer.mode.lower())
        replies = [r for r in session.records("reply", to=data["to"]) if not r.get("preliminary")]
        self.assertEqual(len(replies), outcome.finals, replies)
        if outcome.finding:
            self.assertIn(outcome.finding, session.findings())
        self.check_addresses(data, transfer)

    def check_addresses(self, data: dict, t: Transfer):
        """Who connected to whom, as both ends saw it."""
        if not hasattr(t, "client"):
            return
        theirs = {"client": t.client, "server": t.server}
        for side, wire in theirs.items():
            caller = "server" if t.channel.active else "client"
            ends = [wire.name, wire.peer_name] if side == caller else [wire.peer_name, wire.name]
            self.assertEqual([data[side]["from"], data[side]["to"]], ends, side)


ENDINGS = [
    orderly, no_data, data_before_150, reply_226_with_the_150, reply_226_before_the_data_ends,
    sender_resets, sender_resets_with_its_last_bytes, receiver_resets, receiver_half_closes,
    nobody_connects, target_refuses, abor, quit_in_mid_transfer, client_leaves_in_mid_transfer,
    control_is_reset, server_dies,
]  # fmt: skip

for _ending in ENDINGS:
    setattr(
        S15Endings,
        f"test_S15_{_ending.__name__}",
        lambda self, ending=_ending: self.run_ending(ending),
    )


class S15MoreEndings(unittest.TestCase):
    def test_S15_a_second_transfer_over_the_channel_of_a_failed_one(self):
        with scene() as s:
            session = s.session()
            channel = Channel(session, "PASV")
            session.ask(b"RETR missing\r\n", b"550 No such file.\r\n")
            transfer = Transfer(session, "PASV", "download", channel)
            orderly(transfer)
            transfer.close()
            self.assertEqual(session.wait_for("data")["bytes"], len(PAYLOAD))

    def test_S15_several_transfers_one_after_the_other(self):
        with scene() as s:
            session = s.session()
            for number in range(12):
                mode = MODES[number % 4]
                direction = list(DIRECTIONS)[number % 2]
                transfer = Transfer(session, mode, direction, Channel(session, mode))
                orderly(transfer)
                transfer.close()
            wait_until(lambda: len(session.records("data")) == 12, 5.0)
            self.assertEqual([r["bytes"] for r in session.records("data")], [len(PAYLOAD)] * 12)

    def test_S15_a_stalled_transfer_is_cut(self):
        with scene("--stall-timeout", "0.5") as s:
            session = s.session()
            t = Transfer(session, "PASV", "download", Channel(session, "PASV"))
            t.begin()
            t.reply(b"150 Go.\r\n")
            t.open()
            t.sender.send(b"a little")
            self.assertEqual(t.receiver.ending(), (b"a little", "rst"))
            t.close()
            self.assertEqual(session.wait_for("data")["how"], "timeout")
            t.reply(b"426 Lost.\r\n")


class Order(unittest.TestCase):
    """RFC 959 5.4: who reads 226 has, or can have at once, all that came before it."""

    def test_S15_all_data_is_with_the_kernel_before_its_226_is(self):
        content = payload(1 << 20)
        for mode in MODES:
            with self.subTest(mode), scene() as s:
                session = s.session()
                t = Transfer(session, mode, "download", Channel(session, mode))
                t.begin()
                t.reply(b"150 Go.\r\n")
                t.open()
                sender = threading.Thread(target=self.send_and_report, args=[t, content])
                sender.start()
                self.check_order(s.proxy.pid, t, content)
                sender.join()
                t.close()

    @staticmethod
    def send_and_report(t: Transfer, content: bytes) -> None:
        t.server.send(content)
        t.server.close()
        t.session.server.send(b"226 Done.\r\n")

    def check_order(self, pid: int, t: Transfer, content: bytes):
        """Reads the data slowly until the 226 is there; then the proxy is stopped, so that whatever
        comes after that must have left it before."""
        got = b""
        while not t.session.client.waiting():
            got += t.client.sock.recv(20_000)
        os.kill(pid, signal.SIGSTOP)
        try:
            got += t.client.rest()
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(len(got), len(content))
        self.assertEqual(got, content)
        t.session.client.expect(b"226 Done.\r\n")

    def test_S15_a_client_that_stops_reading_gets_the_226_after_the_data(self):
        content = payload(16 << 20)  # more than the buffers on the way hold
        with scene() as s:
            session = s.session()
            t = Transfer(session, "PASV", "download", Channel(session, "PASV"))
            t.begin()
            t.reply(b"150 Go.\r\n")
            t.open()
            t.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            sender = threading.Thread(target=self.send_and_report, args=[t, content])
            sender.start()
            self.assertFalse(session.client.until_heard(1.0), "a 226 came before the data")
            self.assertEqual(t.client.rest(), content)
            sender.join()
            session.client.expect(b"226 Done.\r\n")
            t.close()


if __name__ == "__main__":
    unittest.main()
