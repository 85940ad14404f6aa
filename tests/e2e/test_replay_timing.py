"""A replayed server at a raw socket: each piece of what the recorded one sent, when and how it ended.

Both ends of the recorded session are played by the test. A sleep here is what the server did, and
pauses are judged by a lower bound alone: on a busy machine all takes longer.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
import unittest
from pathlib import Path

from answering_server import log_in
from hostile import Channel, Session, Transfer, scene
from replay import ReplayServer
from replay import payload as recorded_payload
from wire import Wire, address_in, connect, payload, until_read

PAUSE_S = 0.4
AT_LEAST_S = 0.5 * PAUSE_S
SIZE = 30_000


def send_with_pauses(wire: Wire, pieces: list[bytes], pause_s: float = PAUSE_S) -> None:
    """Each is another read of the proxy's."""
    for number, piece in enumerate(pieces):
        if number:
            time.sleep(pause_s)
        wire.send(piece)
        until_read(wire)


class Ear:
    """What came over a connection with each read, and when. `ended`: "fin", "rst", or not yet."""

    def __init__(self, wire: Wire):
        self.wire, self.ended = wire, ""
        self.reads: list[tuple[float, bytes]] = []

    def hear(self, end: bytes = b"") -> "Ear":
        """Until that came, or to the end of the connection."""
        while not self.ended and not (end and self.all().endswith(end)):
            try:
                came = self.wire.sock.recv(1 << 16)
            except ConnectionResetError:
                self.ended = "rst"
                break
            if came:
                self.reads.append((time.monotonic(), came))
            else:
                self.ended = "fin"
        return self

    def all(self) -> bytes:
        return b"".join(came for _, came in self.reads)

    def since_pauses(self) -> list[bytes]:
        """What came between pauses."""
        found: list[bytes] = []
        for number, (at, came) in enumerate(self.reads):
            paused = number and at - self.reads[number - 1][0] >= AT_LEAST_S
            found[-1:] = [*found[-1:], came] if paused or not found else [found[-1] + came]
        return found


class Case(unittest.TestCase):
    def setUp(self):
        work = self.enterContext(tempfile.TemporaryDirectory(prefix="ftpscope-pieces-"))
        self.folder = Path(work) / "rec"
        self.open: list[Wire] = []

    def scene(self):
        return scene("--record", str(self.folder))

    @contextlib.contextmanager
    def replayed(self, *args: str, recording: str | Path = ""):
        with ReplayServer(recording or self.folder, args=args) as server:
            yield server
            while self.open:
                self.open.pop().close()

    def keep(self, wire: Wire) -> Wire:
        """Closed before the server's oracles look."""
        self.open.append(wire)
        return wire

    def caller(self, server: ReplayServer, logs_in: bool = True) -> Wire:
        client = self.keep(connect(server.host, server.port))
        if logs_in:
            log_in(client)
        return client

    def data_of(self, client: Wire) -> Wire:
        client.send(b"PASV\r\n")
        return self.keep(connect(*address_in(client.expect_code(227))))


class Replies(Case):
    PIECES = [b"200-Hel", b"lo\r\n200-all\r", b"\n200 Here\r\n"]

    def record(self) -> None:
        with self.scene() as scene:
            session = scene.session()
            session.client.send(b"STAT\r\n")
            session.server.expect(b"STAT\r\n")
            send_with_pauses(session.server, self.PIECES)
            session.client.expect(b"".join(self.PIECES))
            session.ask(b"QUIT\r\n", b"221 Bye.\r\n")

    def pieces(self, *args: str) -> list[bytes]:
        with self.replayed(*args) as server:
            client = self.caller(server)
            client.send(b"STAT\r\n")
            ear = Ear(client).hear(self.PIECES[-1])
        self.assertEqual(ear.all(), b"".join(self.PIECES))
        return ear.since_pauses()

    def test_pieces_of_a_reply_come_with_its_pauses(self):
        self.record()
        self.assertEqual(self.pieces("--speed", "original"), self.PIECES)
        self.assertEqual(self.pieces("--speed", "0.5"), self.PIECES)
        self.pieces()

    def test_a_pause_before_the_reply(self):
        with self.scene() as scene:
            session = scene.session()
            session.client.send(b"NOOP\r\n")
            session.server.expect(b"NOOP\r\n")
            time.sleep(PAUSE_S)
            session.server.send(b"200 At last.\r\n")
            session.client.expect(b"200 At last.\r\n")
        with self.replayed("--speed", "original") as server:
            client = self.caller(server)
            asked = time.monotonic()
            client.send(b"NOOP\r\n")
            client.expect(b"200 At last.\r\n")
            self.assertGreaterEqual(time.monotonic() - asked, AT_LEAST_S)

    def test_line_ends_are_the_recorded_ones(self):
        replies = [b"200 One\n", b"200-Two\n two\r\n200 Two\n", b"200 Three\r\n"]
        with self.scene() as scene:
            session = scene.session()
            for number, reply in enumerate(replies):
                session.ask(b"STAT %d\r\n" % number, reply)
        with self.replayed() as server:
            client = self.caller(server)
            for number, reply in enumerate(replies):
                client.send(b"STAT %d\r\n" % number)
                client.expect(reply)

    def test_a_word_that_nobody_asked_for(self):
        with self.scene() as scene:
            session = scene.session()
            session.ask(b"NOOP\r\n", b"200 Yes.\r\n")
            time.sleep(1 + PAUSE_S)  # later than what is part of the reply (kPartOfReply)
            session.server.send(b"421 Idle.\r\n")
            session.server.close()
            self.assertEqual(session.client.rest(), b"421 Idle.\r\n")
        with self.replayed("--speed", "original") as server:
            client = self.caller(server)
            client.send(b"NOOP\r\n")
            ear = Ear(client).hear()
        self.assertEqual(ear.since_pauses(), [b"200 Yes.\r\n", b"421 Idle.\r\n"])
        self.assertEqual(ear.ended, "fin")


class Endings(Case):
    """The control connection ends in the middle of things."""

    def ended(self, words: bytes, how: str) -> Ear:
        with self.scene() as scene:
            session = scene.session()
            session.client.send(b"FEAT\r\n")
            session.server.expect(b"FEAT\r\n")
            session.server.send(words)
            until_read(session.server)
            session.server.reset() if how == "rst" else session.server.close()
            self.assertEqual(session.client.ending(), (words, how))
        with self.replayed() as server:
            client = self.caller(server)
            client.send(b"FEAT\r\n")
            return Ear(client).hear()

    def test_without_the_last_line(self):
        for words in (b"211-Features\r\n SIZE\r\n", b"211-Features\r\n SI", b"211 No end", b""):
            with self.subTest(words):
                self.folder = self.folder.with_name(f"rec-{len(words)}")
                ear = self.ended(words, "fin")
                self.assertEqual((ear.all(), ear.ended), (words, "fin"))

    def test_by_rst(self):
        ear = self.ended(b"211 No features\r\n", "rst")
        self.assertEqual((ear.all(), ear.ended), (b"211 No features\r\n", "rst"))


class Data(Case):
    def transfer(self, session: Session) -> Transfer:
        session.ask(b"TYPE I\r\n", b"200 I.\r\n")
        transfer = Transfer(session, "PASV", "download", Channel(session, "PASV"))
        transfer.begin()
        transfer.open()
        transfer.reply(b"150 Here it comes.\r\n")
        return transfer

    def asked(self, server: ReplayServer) -> tuple[Wire, Ear]:
        """(control, data) behind the 150"""
        client = self.caller(server)
        client.send(b"TYPE I\r\n")
        client.expect(b"200 I.\r\n")
        data = self.data_of(client)
        client.send(b"RETR file\r\n")
        client.expect(b"150 Here it comes.\r\n")
        return client, Ear(data)

    def test_pauses_in_the_data_and_before_its_226(self):
        content = payload(SIZE)
        pieces = [content[:1], content[1:20_000], content[20_000:]]
        with self.scene() as scene:
            transfer = self.transfer(scene.session())
            send_with_pauses(transfer.server, pieces)
            transfer.server.close()
            transfer.client.expect(content)
            self.assertEqual(transfer.client.rest(), b"")
            time.sleep(PAUSE_S)
            transfer.reply(b"226 Done.\r\n")
            transfer.close()
        with self.replayed("--speed", "original") as server:
            client, data = self.asked(server)
            self.assertEqual([*map(len, data.hear().since_pauses())], [*map(len, pieces)])
            self.assertTrue(data.all() == content)
            over = time.monotonic()
            client.expect(b"226 Done.\r\n")
            self.assertGreaterEqual(time.monotonic() - over, AT_LEAST_S)
        with self.replayed() as server:
            client, data = self.asked(server)
            self.assertTrue(data.hear().all() == content)
            client.expect(b"226 Done.\r\n")

    def test_the_rate_of_data(self):
        count, pause_s = 40, 0.03
        content = payload(SIZE)
        step = SIZE // count
        with self.scene() as scene:
            transfer = self.transfer(scene.session())
            pieces = [content[at : at + step] for at in range(0, SIZE, step)]
            send_with_pauses(transfer.server, pieces, pause_s)
            transfer.server.close()
            transfer.client.expect(content)
            transfer.reply(b"226 Done.\r\n")
            transfer.close()
        with self.replayed("--speed", "original") as server:
            client, data = self.asked(server)
            data.hear()
            client.expect(b"226 Done.\r\n")
        self.assertTrue(data.all() == content)
        first, last = data.reads[0][0], data.reads[-1][0]
        self.assertGreaterEqual(last - first, 0.5 * count * pause_s)
        early = sum(len(came) for at, came in data.reads if at < first + 0.25 * count * pause_s)
        self.assertLess(early, 0.6 * SIZE, "a quarter of the time brought most of it")

    def test_a_reset_at_a_byte(self):
        content = payload(12_345)
        with self.scene() as scene:
            transfer = self.transfer(scene.session())
            transfer.server.send(content)
            transfer.client.expect(content)
            transfer.server.reset()
            self.assertEqual(transfer.client.ending(), (b"", "rst"))
            transfer.reply(b"426 Broken.\r\n")
            transfer.close()
        for args in ([], ["--speed", "original"]):
            with self.replayed(*args) as server:
                client, data = self.asked(server)
                self.assertEqual((data.hear().all(), data.ended), (content, "rst"))
                client.expect(b"426 Broken.\r\n")

    def test_a_226_before_the_data(self):
        """Recorded by captures/record.py: 150 and 226 in one write, three seconds before the data."""
        with self.replayed("--speed", "original", recording="misbehaving") as server:
            client = self.caller(server, logs_in=False)
            client.expect(b"220-Welcome\n220-to an old device\n220 Ready\n")
            client.send(b"PASV\r\n")
            told = client.line()
            self.assertRegex(told, rb"^227 =?\(?127,0,0,1,\d+,\d+\)?\n$")
            data = self.keep(connect(*address_in(told)))
            client.send(b"LIST\r\n")
            control = Ear(client).hear(b"226 Done\n")
            listing = Ear(data).hear()
        self.assertEqual([came for _, came in control.reads], [b"150 Here it comes\n226 Done\n"])
        self.assertEqual(listing.all(), recorded_payload("misbehaving", "LIST"))
        self.assertGreaterEqual(listing.reads[0][0] - control.reads[0][0], 1.5)


if __name__ == "__main__":
    unittest.main()
