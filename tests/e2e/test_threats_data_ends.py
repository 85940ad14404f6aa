"""Data connections that end oddly, and the order of 226: threats.md S15."""
from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hostile import DIRECTIONS, MODES, Channel, Session, Transfer, scene
from servers import wait_until
from test_threats_data import PAYLOAD
from wire import is_cut, is_refused, payload


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
