"""Attacks that use things up (threats.md S37 to S41)."""
from __future__ import annotations

import contextlib
import threading
import time
import unittest
import unittest.mock

import proxy as harness
from answering_server import AnsweringServer, download, fetch, log_in, passive
from hostile import Channel, Session, Transfer, scene
from process_facts import cpu_s, room_kib, rss_kib
from proxy import Proxy
from servers import wait_until
from traced import TracedProxy
from wire import GREETING, LOGIN, TIMEOUT_S, Wire, connect, payload

SLACK_S = 1.5  # of a deadline, on a busy machine
FEW_MIB = 4 << 10


class S37SlowPeers(unittest.TestCase):
    TIMEOUT = 0.6

    def check_cut(self, wire: Wire, started_at: float, finding: str, session: Session):
        wire.ending()
        lines = wire.seen.splitlines()
        took = time.monotonic() - started_at
        self.assertTrue(lines[-1].startswith(b"421 "), lines)
        self.assertGreaterEqual(took, self.TIMEOUT - 0.05)
        self.assertLess(took, self.TIMEOUT + SLACK_S)
        self.assertEqual(session.wait_for("end")["how"], "timeout")
        self.assertIn(finding, session.findings())

    def drip(self, slow: Wire, heard: Wire, data: bytes) -> None:
        """A byte now and then, until an answer comes: activity must not put the deadline off."""
        for byte in data:
            slow.send_pieces(bytes([byte]), 1)
            if heard.until_heard(0.1):
                return
        raise AssertionError("nobody cut the line")

    def test_S37_a_line_is_cut_at_its_deadline_however_it_drips(self):
        with scene("--line-timeout", str(self.TIMEOUT)) as s:
            session = s.session()
            started_at = time.monotonic()
            self.drip(session.client, session.client, b"RETR " + b"a" * 100)
            self.check_cut(session.client, started_at, "FTP-TIMEOUT-LINE", session)
            self.assertEqual(session.server.ending()[0], b"")

    def test_S37_a_line_of_the_server_too(self):
        with scene("--line-timeout", str(self.TIMEOUT)) as s:
            session = s.session()
            started_at = time.monotonic()
            self.drip(session.server, session.client, b"200 " + b"a" * 100)
            self.check_cut(session.client, started_at, "FTP-TIMEOUT-LINE", session)

    def test_S37_many_finished_lines_are_no_slow_line(self):
        with scene("--line-timeout", str(self.TIMEOUT)) as s:
            session = s.session()
            for _ in range(10):
                session.client.send(b"NO")
                session.client.until_heard(0.1)
                session.client.send(b"OP\r\n")
                session.server.expect(b"NOOP\r\n")
                session.server.send(b"200 OK.\r\n")
                session.client.expect(b"200 OK.\r\n")

    def test_S37_the_login_has_a_deadline_whatever_else_is_done(self):
        with scene("--login-timeout", str(self.TIMEOUT)) as s:
            started_at = time.monotonic()
            session = s.greeted()
            while b"421 " not in session.client.seen:
                self.noop(session)
                session.client.until_heard(0.1)
            self.check_cut(session.client, started_at, "FTP-TIMEOUT-LOGIN", session)

    @staticmethod
    def noop(session: Session) -> None:
        """Also when the deadline comes in the middle of it."""
        with contextlib.suppress(ConnectionError):
            session.client.send(b"NOOP\r\n")
            if session.server.line():
                session.server.send(b"200 OK.\r\n")
                session.client.line()

    def test_S37_a_silent_server_is_cut_at_the_greeting_deadline(self):
        with scene("--greeting-timeout", str(self.TIMEOUT)) as s:
            started_at = time.monotonic()
            client = s.client()
            session = Session(s.proxy, client, s.keep(s.listener.accept()))
            self.check_cut(client, started_at, "FTP-TIMEOUT-GREETING", session)

    def test_S37_an_idle_session_ends_but_none_with_a_transfer(self):
        with scene("--idle-timeout", str(self.TIMEOUT)) as s:
            busy = s.session()
            t = Transfer(busy, "PASV", "download", Channel(busy, "PASV"))
            t.begin()
            t.reply(b"150 Go.\r\n")
            t.open()
            idle = s.session()
            self.check_cut(idle.client, time.monotonic(), "FTP-TIMEOUT-IDLE", idle)
            t.server.send(b"still here")
            t.server.close()
            self.assertEqual(t.client.rest(), b"still here")
            t.close()
            t.reply(b"226 Done.\r\n")

    def test_S37_slow_clients_do_not_slow_an_honest_one(self):
        with scene("--line-timeout", "1", "--max-sessions-per-client", "0", "--quiet") as s:
            slow = [s.greeted() for _ in range(60)]
            for session in slow:
                session.client.send(b"U")
            took = []
            while not slow[0].client.waiting():
                started_at = time.monotonic()
                session = s.session()
                session.client.close()
                session.server.close()
                took.append(time.monotonic() - started_at)
                slow[0].client.until_heard(0.05)
            self.assertGreater(len(took), 2)
            self.assertLess(max(took), 0.5)
            for session in slow:
                session.client.expect_code(421)


class S38Floods(unittest.TestCase):
    def refused(self, client: Wire) -> None:
        client.expect_code(421)
        self.assertEqual(client.ending()[0], b"")
        client.close()

    def test_S38_more_sessions_than_allowed_get_421_and_the_server_is_spared(self):
        with scene("--max-sessions", "5") as s:
            sessions = [s.session() for _ in range(5)]
            self.refused(s.client())
            self.assertFalse(s.listener.was_called())
            for session in sessions:
                session.assert_in_step()
            sessions[0].client.close()
            sessions[0].server.close()
            sessions[0].wait_for("end")
            s.session().assert_in_step()

    def test_S38_one_address_cannot_take_the_place_of_another(self):
        with scene("--max-sessions", "10", "--max-sessions-per-client", "3") as s:
            greedy = [s.session("127.0.0.2") for _ in range(3)]
            # They are refused, and stay: they must not count either.
            refused = [s.client("127.0.0.2") for _ in range(20)]
            other = s.session("127.0.0.3")
            other.assert_in_step()
            for client in refused:
                self.refused(client)
            for session in greedy:
                session.assert_in_step()
        self.assertEqual(len([r for r in s.proxy.records("end") if r["how"] == "refused"]), 20)


class LimitedProxy(Proxy):
    """With no more than so many descriptors, by a limit that it cannot raise."""

    def __init__(self, server, args=(), descriptors: int = 64):
        super().__init__(server, args)
        self.descriptors = descriptors

    def _start(self):
        script = self.work / "limited"
        limit = f"--nofile={self.descriptors}:{self.descriptors}"
        script.write_text(f'#!/bin/sh\nexec prlimit {limit} -- {harness.BINARY} "$@"\n')
        script.chmod(0o755)
        with unittest.mock.patch.object(harness, "BINARY", script):
            super()._start()


class S39Descriptors(unittest.TestCase):
    CLIENTS = 100

    def test_S39_with_few_descriptors_each_client_gets_an_answer(self):
        content = payload(100_000)
        with (
            AnsweringServer(PASV=passive, RETR=download(content)) as server,
            LimitedProxy(server.address, ["--max-sessions-per-client", "0", "--quiet"]) as proxy,
            contextlib.ExitStack() as stack,
        ):
            clients = [connect(proxy.host, proxy.port) for _ in range(self.CLIENTS)]
            for client in clients:
                stack.callback(client.close)
            admitted = self.answers(proxy, clients)
            self.assertGreaterEqual(len(admitted), 5)
            for client in admitted:
                for command, reply in LOGIN:
                    client.send(command)
                    client.expect(reply)
            self.check_transfers(admitted, content)
            self.check_idle(proxy)

    def answers(self, proxy: Proxy, clients: list[Wire]) -> list[Wire]:
        """Who is let in. The others hang on to their connections as long as they can."""
        admitted = []
        for client in clients:
            word = client.line()
            self.assertIn(word[:4], (b"220 ", b"421 "), "closed without a word")
            if word == GREETING:
                admitted.append(client)
        return admitted

    def check_transfers(self, admitted: list[Wire], content: bytes):
        """One after the other: there are descriptors for that, if not for all at once."""
        for client in admitted:
            self.assertEqual(fetch(client), content)

    def check_idle(self, proxy: Proxy):
        before, started_at = cpu_s(proxy.pid), time.monotonic()
        wait_until(lambda: False, 1.0, 0.1)
        self.assertLess((cpu_s(proxy.pid) - before) / (time.monotonic() - started_at), 0.05)

    def test_S39_data_connections_beyond_the_budget_get_425(self):
        with (
            AnsweringServer(PASV=passive) as server,
            TracedProxy(server.address, args=["--max-descriptors", "40", "--quiet"]) as proxy,
            contextlib.ExitStack() as stack,
        ):
            clients = [connect(proxy.host, proxy.port) for _ in range(8)]
            codes = []
            for client in clients:
                stack.callback(client.close)
                log_in(client)
            for client in clients:
                client.send(b"PASV\r\n")
                codes.append(client.line()[:3])
            self.assertEqual(set(codes), {b"227", b"425"})
            for client in clients:
                client.send(b"NOOP\r\n")
                client.expect_code(200)


class S40Memory(unittest.TestCase):
    SIZE = 256 << 20

    def test_S40_a_receiver_that_stops_costs_no_memory(self):
        for direction in ("download", "upload"):
            with self.subTest(direction), scene("--quiet") as s:
                session = s.session()
                t = Transfer(session, "PASV", direction, Channel(session, "PASV"))
                t.begin()
                t.reply(b"150 Go.\r\n")
                t.open()
                before = rss_kib(s.proxy.pid)
                sender = Sender(t.sender, self.SIZE)
                sender.start()
                self.assertTrue(sender.has_stalled())
                self.assertLess(rss_kib(s.proxy.pid), before + room_kib(FEW_MIB))
                self.assertEqual(self.drain(t.receiver), self.SIZE)
                self.assertLess(rss_kib(s.proxy.pid), before + room_kib(FEW_MIB))
                sender.join()
                t.close()
                t.reply(b"226 Done.\r\n")
                self.assertEqual(session.wait_for("data")["bytes"], self.SIZE)

    @staticmethod
    def drain(wire: Wire) -> int:
        buffer, total = bytearray(1 << 20), 0
        while count := wire.sock.recv_into(buffer):
            total += count
        return total

    def test_S40_a_client_that_reads_no_replies_stops_the_server(self):
        """Replies that nobody reads stay in the server."""
        with scene("--quiet") as s:
            session = s.session()
            session.client.send(b"STAT\r\n")
            session.server.expect(b"STAT\r\n")
            before = rss_kib(s.proxy.pid)
            sender = Sender(session.server, 64 << 20, b"150 " + b"x" * 9990 + b"\r\n")
            sender.start()
            self.assertTrue(sender.has_stalled())
            self.assertLess(rss_kib(s.proxy.pid), before + room_kib(FEW_MIB))
            session.client.reset()
            sender.join()


class Sender(threading.Thread):
    def __init__(self, wire: Wire, size: int, text: bytes = b"x"):
        super().__init__(daemon=True)
        self.wire, self.size, self.sent = wire, size, 0
        self.block = text * ((1 << 18) // len(text))

    def run(self) -> None:
        with contextlib.suppress(ConnectionError):
            while self.sent < self.size:
                self.sent += self.wire.sock.send(self.block[: self.size - self.sent])
            self.wire.finish()

    def has_stalled(self) -> bool:
        """Whether it stands still before it is through."""
        last = [-1, 0.0]

        def stands_still() -> bool:
            if self.sent != last[0]:
                last[:] = [self.sent, time.monotonic()]
            return self.sent > 0 and time.monotonic() - last[1] > 0.3

        return wait_until(stands_still, TIMEOUT_S) and self.sent < self.size


class S41Time(unittest.TestCase):
    """Twice the input takes twice the time, not four times."""

    RATIO, NOISE_S = 3.2, 0.05

    def time_of(self, proxy: Proxy, work) -> float:
        before = cpu_s(proxy.pid)
        work()
        return cpu_s(proxy.pid) - before

    def check_linear(self, proxy: Proxy, work, size: int):
        once = min(self.time_of(proxy, lambda: work(size)) for _ in range(2))
        twice = min(self.time_of(proxy, lambda: work(2 * size)) for _ in range(2))
        self.assertLess(twice, once * self.RATIO + self.NOISE_S, (once, twice))

    def test_S41_a_long_line_in_single_bytes(self):
        with scene("--max-line", "70000", "--quiet") as s:
            session = s.session()

            def work(size: int):
                line = b"CWD " + b"a" * size + b"\r\n"
                session.client.send_pieces(line, 1)
                session.server.expect(line)
                session.server.send(b"250 OK.\r\n")
                session.client.expect(b"250 OK.\r\n")

            self.check_linear(s.proxy, work, 32_000)

    def test_S41_lines_of_telnet_commas_and_blanks(self):
        with scene("--max-line", "140000", "--quiet") as s:
            session = s.session()
            for start, filling in ((b"CWD ", b"\xff\xff"), (b"PORT ", b"1,"), (b"NOOP ", b"\xff\xf1"),
                                   (b"CWD ", b"\r"), (b"", b" "), (b"EPRT ", b"|")):  # fmt: skip

                def work(size: int, start=start, filling=filling):
                    for _ in range(5):
                        self.pass_line(session, start + filling * (size // 2) + b"\r\n")

                with self.subTest(start + filling):
                    self.check_linear(s.proxy, work, 60_000)

    @staticmethod
    def pass_line(session: Session, line: bytes):
        session.client.send(line + b"CWD marker\r\n")
        session.server.expect_until(b"CWD marker\r\n")
        # Whether it came or was refused: one reply to each.
        session.server.send(b"200 OK.\r\n250 marker.\r\n")
        session.client.expect_until(b"250 marker.\r\n")

    def test_S41_a_reply_of_many_lines(self):
        with scene("--max-reply", "1000000", "--max-reply-lines", "100000", "--quiet") as s:
            session = s.session()

            def work(lines: int):
                reply = b"211-a\r\n" + b" 227 b\r\n" * lines + b"211 end\r\n"
                session.client.send(b"STAT\r\n")
                session.server.expect(b"STAT\r\n")
                session.server.send_pieces(reply, 500)
                session.client.expect(reply)

            self.check_linear(s.proxy, work, 20_000)


if __name__ == "__main__":
    unittest.main()
