"""Attacks by the form of lines: threats.md S01 to S04 and S21."""
from __future__ import annotations

import base64
import itertools
import unittest

from hostile import Session, scene
from process_facts import room_kib, rss_kib
from proxy import MORE_ARGS
from test_threats_control import MANY_KIB, NEXT, POSTURES
from wire import LOGIN, Listener, address_in, comma, until_read

LIMIT = 1024
SHORT_LINES = ("--max-line", str(LIMIT))


def commands_passed(session: Session) -> int:
    """Commands in the log that the proxy did not answer itself."""
    answered = {r["to"] for r in session.records("reply", by="proxy")}
    return sum(1 for r in session.records("command") if r["id"] not in answered)


def bytes_in(field) -> bytes:
    """A field of type bytes, as it was on the wire."""
    return base64.b64decode(field["base64"]) if isinstance(field, dict) else field.encode()


def line_of(length: int, start: bytes = b"CWD ") -> bytes:
    """A line of that length, its end counted."""
    return start + b"a" * (length - len(start) - 2) + b"\r\n"


class S01LongLines(unittest.TestCase):
    def test_S01a_lines_up_to_the_limit_pass(self):
        with scene(*SHORT_LINES) as s:
            session = s.session()
            for length in (LIMIT - 1, LIMIT):
                for piece in (length, 1):
                    with self.subTest(length=length, piece=piece):
                        session.client.send_pieces(line_of(length), piece)
                        session.server.expect(line_of(length))
                        session.server.send(b"250 OK.\r\n")
                        session.client.expect(b"250 OK.\r\n")

    def test_S01a_longer_lines_end_the_session_and_reach_nobody(self):
        longer = [(LIMIT + 1, 1), (2 * LIMIT, 7), (1 << 20, 1000), (1 << 20, 1 << 20)]
        with scene(*SHORT_LINES) as s:
            for length, piece in longer:
                with self.subTest(length=length, piece=piece):
                    session, other = s.session(), s.session()
                    session.client.send_pieces(line_of(length), piece)
                    self.check_cut(session)
                    other.assert_in_step()  # notices nothing

    def test_S01a_without_any_line_end(self):
        with scene(*SHORT_LINES) as s:
            for size, piece in ((LIMIT + 1, 1), (1 << 20, 4096)):
                with self.subTest(size=size, piece=piece):
                    session = s.session()
                    session.client.send_pieces(b"a" * size, piece)
                    self.check_cut(session)

    def check_cut(self, session: Session):
        session.client.expect_code(500)
        self.assertEqual(session.server.ending()[0], b"")
        self.assertEqual(session.client.ending()[0], b"")
        self.assertEqual(session.wait_for("end")["how"], "limit")
        self.assertIn("FTP-LINE-TOO-LONG", session.findings())

    def test_S01b_the_tail_of_a_long_line_is_no_command(self):
        around = range(LIMIT - 20, LIMIT + 5)
        with scene(*SHORT_LINES) as s:
            for k in sorted({*around, *range(0, 3 * LIMIT, 97), 2 * LIMIT - 4, 2 * LIMIT - 5}):
                session = s.session()
                before = len(session.server.seen)
                session.client.send_pieces(b"CWD " + b"a" * k + b"DELE victim\r\n", 500)
                session.client.send_pieces(b"QUIT\r\n", 6)
                session.client.finish()
                if 4 + k + 13 <= LIMIT:
                    session.server.line()
                    session.server.send(b"250 OK.\r\n221 Bye.\r\n")
                received = session.server.ending()[0]
                session.server.close()
                lines = session.server.seen[before:].split(b"\n")
                self.assertFalse(
                    [line for line in lines if line.startswith(b"DELE")], (k, received)
                )

    def test_S01c_long_reply_lines_end_the_session_with_421(self):
        with scene(*SHORT_LINES) as s:
            for length in (LIMIT, LIMIT + 1, 1 << 20):
                with self.subTest(length=length):
                    session = s.session()
                    session.client.send(b"NOOP\r\n")
                    session.server.expect(b"NOOP\r\n")
                    reply = line_of(length, b"200 ")
                    session.server.send_pieces(reply, 1000)
                    if length <= LIMIT:
                        session.client.expect(reply)
                        continue
                    session.client.expect_code(421)
                    self.assertEqual(session.client.ending()[0], b"")
                    session.server.ending()
                    self.assertIn("FTP-LINE-TOO-LONG", session.findings())


class S02OddLineEnds(unittest.TestCase):
    FORMS = (b"\n", b"\r", b"\r\r\n", b"\r\r", b"\n\n", b"\0", b"\r\0", b"\0\n", b"\n\r")
    PLACES = {"verb": b"NO%sOP\r\n", "argument": b"CWD a%sb\r\n", "end": b"NOOP x%s\r\n"}

    def test_S02_each_command_logged_is_one_line_at_the_server(self):
        for lines in POSTURES:
            with scene("--lines", lines) as s:
                for form in self.FORMS:
                    for place, text in self.PLACES.items():
                        with self.subTest(lines=lines, form=form, place=place):
                            self.check_command(s.session(), text % form, lines)

    def check_command(self, session: Session, text: bytes, lines: str):
        before = len(session.server.seen)
        session.client.send(text + NEXT)
        while session.server.line() != NEXT:
            pass
        received = session.server.seen[before:]
        if lines == "raw":
            self.assertEqual(received, text + NEXT)
        else:
            stripped = received.replace(b"\r\n", b"")
            self.assertFalse([b for b in b"\r\n\0" if b in stripped], received)
        logged = commands_passed(session) - len(LOGIN)
        # A server that knows no bare LF sees fewer, none sees more.
        self.assertEqual(logged, received.count(b"\n"), received)

    def test_S02_a_second_command_behind_an_odd_line_end_is_refused(self):
        hidden = [b"NOOP%sPORT 127,0,0,1,4,1\r\n", b"CWD a%sEPRT |1|127.0.0.9|5000|\r\n"]
        for lines in POSTURES:
            with scene("--lines", lines) as s:
                for form in (b"\r", b"\0", b"\r\0", b"\r\r"):
                    for text in hidden:
                        with self.subTest(lines=lines, form=form, text=text):
                            session = s.session()
                            session.client.send(text % form + NEXT)
                            session.server.expect(NEXT)
                            self.assertIn(session.client.line()[:3], (b"500", b"501"))

    def test_S02_reply_lines_in_the_log_are_the_lines_that_the_client_gets(self):
        for lines in POSTURES:
            with scene("--lines", lines) as s:
                for form in self.FORMS:
                    with self.subTest(lines=lines, form=form):
                        self.check_reply(s.session(), b"200 a" + form + b"b\r\n", lines)

    def check_reply(self, session: Session, text: bytes, lines: str):
        session.client.send(b"NOOP\r\n")
        session.server.expect(b"NOOP\r\n")
        before = len(session.client.seen)
        session.server.send(text + b"299 end\r\n")
        while session.client.line() != b"299 end\r\n":
            pass
        received = session.client.seen[before:]
        if lines == "raw":
            self.assertEqual(received, text + b"299 end\r\n")
        logged = [line for r in session.records("reply") for line in r["lines"]]
        self.assertEqual(len(logged) - 1 - len(LOGIN), received.count(b"\n"))


class S03Telnet(unittest.TestCase):
    SPLIT_PORT = [b"P\xff\xfd\x01ORT 10,0,0,1,0,25\r\n", b"POR\xff\xf1T 10,9,8,7,20,20\r\n"]

    def test_S03_telnet_inside_a_verb_hides_no_port(self):
        for lines in POSTURES:
            with scene("--lines", lines) as s:
                for text in self.SPLIT_PORT:
                    for cut in range(len(text)):  # 0: whole
                        session = s.greeted()
                        session.client.send(text[:cut])
                        until_read(session.client)
                        session.client.send(text[cut:] + NEXT)
                        session.server.expect(NEXT)
                        self.assertIn(session.client.line()[:3], (b"500", b"501"), (text, cut))
                        self.close(session)

    @staticmethod
    def close(session: Session):
        session.client.close()
        session.server.close()

    def test_S03_own_port_with_telnet_inside_the_verb_is_rewritten_or_refused(self):
        with scene() as s, Listener() as mine:
            session = s.session()
            session.client.send(b"P\xff\xfd\x01ORT " + comma(*mine.address) + b"\r\n" + NEXT)
            line = session.server.line()
            if line != NEXT:
                self.assertTrue(line.startswith(b"PORT "), line)
                self.assertNotEqual(address_in(line), mine.address)

    def test_S03_a_227_behind_telnet_bytes_is_found(self):
        with scene() as s, Listener() as data:
            session = s.session()
            session.client.send(b"PASV\r\n")
            session.server.expect(b"PASV\r\n")
            session.server.send(b"\xff\xfc\x01227 OK (" + comma(*data.address) + b")\r\n")
            self.assertNotEqual(address_in(session.client.line()), data.address)

    def test_S03_a_line_that_ends_in_half_a_telnet_command_swallows_nothing(self):
        for lines in POSTURES:
            with scene("--lines", lines) as s:
                session = s.session()
                session.client.send(b"NOOP a\xff\r\n" + NEXT)
                session.client.expect_code(500)
                session.server.expect(NEXT)

    def test_S03_a_doubled_iac_is_one_byte_of_the_path(self):
        for lines in POSTURES:
            with self.subTest(lines=lines), scene("--lines", lines) as s:
                session = s.session()
                session.ask(b"CWD a\xff\xffb\r\n", b"250 OK.\r\n")
                command = session.wait_for("command", verb="CWD")
                self.assertEqual(bytes_in(command["argument"]), b"a\xffb")

    def test_S03_abor_keeps_its_urgent_mark(self):
        # As clients send it: IAC IP, then IAC DM whose last byte is urgent, then the command.
        with scene() as s:
            for urgent_at in (1, 3):
                session = s.session()
                session.client.send(b"RETR big\r\n")
                session.server.expect(b"RETR big\r\n")
                synch = b"\xff\xf4\xff\xf2"
                session.client.send_urgent(synch[: urgent_at + 1])
                session.client.send(synch[urgent_at + 1 :] + b"ABOR\r\n")
                got, mark = session.server.receive_marked(len(synch) + 6)
                # A strict proxy writes the Synch anew, with the mark where servers leave it in place.
                mark_at = 2 if "strict" in MORE_ARGS else urgent_at
                self.assertEqual((got, mark), (synch + b"ABOR\r\n", mark_at))
                self.assertTrue(session.wait_for("command", verb="ABOR")["urgent"])

    def test_S03_an_urgent_last_byte_is_not_lost(self):
        with scene() as s:
            session = s.session()
            session.client.send_urgent(b"ABOR\r\n")
            got, mark = session.server.receive_marked(6)
            self.assertEqual((got, mark), (b"ABOR\r\n", 5))


class S04Separators(unittest.TestCase):
    FORMS = (
        b"PORT\t%s\r\n",
        b" PORT %s\r\n",
        b"pOrT  %s\r\n",
        b"\tport\v%s\r\n",
        b"  EPRT\t%s\r\n",
    )

    def test_S04_an_address_command_is_known_in_any_dress(self):
        for lines in POSTURES:
            with scene("--lines", lines) as s, Listener() as mine:
                session = s.session()
                for form in self.FORMS:
                    for address in (b"10,0,0,1,0,25", b"10,9,8,7,20,20", comma(*mine.address)):
                        with self.subTest(lines=lines, form=form, address=address):
                            self.check_port(session, form % address, mine.address)

    def check_port(self, session: Session, line: bytes, own: tuple):
        session.client.send(line)
        session.client.send(b"CWD marker\r\n")
        received = session.server.line()
        if received.startswith(b"PORT "):
            self.assertNotIn(b"10,", received[:8])
            self.assertNotEqual(address_in(received), own)
            session.server.send(b"200 OK.\r\n")
            session.client.expect(b"200 OK.\r\n")
            received = session.server.line()
        else:
            self.assertIn(session.client.line()[:3], (b"500", b"501"))
        self.assertEqual(received, b"CWD marker\r\n")
        session.server.send(b"250 OK.\r\n")
        session.client.expect(b"250 OK.\r\n")

    def test_S04_empty_lines_do_not_pile_up(self):
        with scene("--quiet") as s:
            session = s.session()
            before = rss_kib(s.proxy.pid)
            for _ in range(10):
                session.client.send(b"\r\n" * 1000)
                session.server.expect(b"\r\n" * 1000)
            self.assertLess(rss_kib(s.proxy.pid), before + room_kib(MANY_KIB))
            session.assert_in_step()


class S21Segments(unittest.TestCase):
    """One dialogue, cut at every position: the other end gets the same, the log says the same."""

    DIALOGUE = [
        ("S", b"220-FileZilla Server version 0.9.48 beta\r\n220-by Tim\r\n220 Please visit\r\n"),
        ("C", b"USER joe\r\n"),
        ("S", b"331 Password required for joe\r\n"),
        ("C", b"PASS secret\r\n"),
        ("S", b"230-Welcome\r\n \r\n230 Logged on\r\n"),
        ("C", b"FEAT\r\n"),
        ("S", b"211-Features:\r\n MDTM\r\n\r\n    SIZE\r\n211 End\r\n"),
        ("C", b"CWD caf\xc3\xa9 \xff\xff\r\n"),
        ("S", b"250 CWD successful. \"/caf\xe9\" is current directory.\r\n"),
        ("C", b"NOOP\n"),
        ("S", b"200 OK\n"),
        ("C", b"NOOP\r\nTYPE I\r\nSYST\r\n"),
        ("S", b"200 OK\r\n200 Type set to I\r\n"),
        ("S", b"215 UNIX\r\n"),
        ("C", b"PORT 10,0,0,1,4,1\r\n"),
        ("C", b"RETR f\r\n"),
        ("S", b"123-First line\r\nSecond line\r\n 234 A line beginning with numbers\r\n"
              b"123 The last line\r\n"),
        ("S", b"550 No such file\r\n"),
        ("C", b"QUIT\r\n"),
        ("S", b"221 Goodbye\r\n"),
    ]  # fmt: skip
    maxDiff = None
    IGNORED = ("ts", "session", "latency_us", "duration_us", "client", "from", "server", "seq")

    def test_S21_a_cut_at_any_place_changes_nothing(self):
        longest = max(len(data) for _, data in self.DIALOGUE)
        self.compare([[at] for at in range(1, longest)])

    def test_S21_single_bytes_change_nothing(self):
        self.compare([range(1, 1000)])

    def compare(self, cuts: list) -> None:
        with scene() as s:
            clients, got = zip(*[self.play(s, at) for at in ([], *cuts)])
        for cut, other in zip(cuts, got[1:]):
            self.assertEqual(other, got[0], cut)
        records = {r[0]["client"]: self.bare(r) for r in s.proxy.sessions().values()}
        whole, *others = [records[client.name] for client in clients]
        for cut, other in zip(cuts, others):
            self.assertEqual(other, whole, cut)

    def play(self, s, cuts) -> tuple:
        """(the client, (what it got, what the server got)), each message cut at these places"""
        client = s.client()
        session = Session(s.proxy, client, s.keep(s.listener.accept()))
        for side, data in self.DIALOGUE:
            sender = session.client if side == "C" else session.server
            inside = [at for at in cuts if at < len(data)]
            for begin, end in itertools.pairwise([0, *inside, len(data)]):
                sender.send(data[begin:end])
                until_read(sender)
        got = client.expect_until(b"221 Goodbye\r\n"), session.server.expect_until(b"QUIT\r\n")
        client.close()
        session.server.rest()
        session.server.close()
        return client, got

    def bare(self, records: list[dict]) -> list[dict]:
        """Without times and addresses; nor the parts in which a slow reply is shown."""
        kept = [record for record in records if record["kind"] != "reply_part"]
        return [{k: v for k, v in record.items() if k not in self.IGNORED} for record in kept]
