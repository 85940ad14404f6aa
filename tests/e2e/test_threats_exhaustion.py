"""Attacks that use things up (threats.md S37 to S41), and the life of the process."""
from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import unittest.mock

import proxy as harness
from check_log import check_bytes
from hostile import (
    GREETING,
    LOGIN,
    TIMEOUT_S,
    AnsweringServer,
    Channel,
    Listener,
    Session,
    Transfer,
    Wire,
    connect,
    cpu_s,
    download,
    fetch,
    log_in,
    passive,
    payload,
    room_kib,
    rss_kib,
    scene,
)
from proxy import Proxy
from servers import wait_until
from traced import TracedProxy

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


# --- the life of the process ---


class Stopping(Proxy):
    """Ends by a signal of the test's. `exit_code`, then the log must be whole all the same."""

    def _stop_and_check(self):
        code = self.process.wait(harness.STOP_S)
        assert code == 0, f"exit code {code}"
        assert not harness.BAD_WORDS.search(self._read("stderr")), self._read("stderr")
        wrong = check_bytes(self._log_bytes())
        assert not wrong, wrong[:20]

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


class Shutdown(unittest.TestCase):
    def running_transfer(self, s) -> Transfer:
        session = s.session()
        t = Transfer(session, "PASV", "download", Channel(session, "PASV"))
        t.begin()
        t.reply(b"150 Go.\r\n")
        t.open()
        t.server.send(b"first ")
        return t

    def test_LIFE_sigterm_lets_transfers_finish_and_nothing_else_begin(self):
        with scene("--grace", "20", make=Stopping) as s:
            t, idle = self.running_transfer(s), s.session()
            s.proxy.terminate()
            idle.client.expect_code(421)
            self.assertEqual(idle.client.ending()[0], b"")
            self.assertEqual(idle.server.ending()[0], b"")
            newcomer = s.client()
            newcomer.expect_code(421)
            self.assertEqual(newcomer.ending()[0], b"")
            t.server.send(b"last")
            t.server.close()
            self.assertEqual(t.client.rest(), b"first last")
            t.client.close()
            t.session.server.send(b"226 Done.\r\n")
            t.session.client.expect(b"226 Done.\r\n")
            t.session.client.expect_code(421)
            t.close()
        ends = {r["how"] for r in s.proxy.records("end")}
        self.assertLessEqual(ends, {"shutdown", "refused"})

    def test_LIFE_a_transfer_that_does_not_finish_is_cut_when_the_grace_is_over(self):
        with scene("--grace", "0.5", make=Stopping) as s:
            t = self.running_transfer(s)
            started_at = time.monotonic()
            s.proxy.terminate()
            s.proxy.process.wait(TIMEOUT_S)
            self.assertGreaterEqual(time.monotonic() - started_at, 0.45)
            self.assertLess(time.monotonic() - started_at, 0.5 + SLACK_S)
            self.assertEqual(t.client.ending(), (b"first ", "rst"))
            t.close()

    def test_LIFE_a_second_sigterm_ends_at_once(self):
        with scene("--grace", "20", make=Stopping) as s:
            t = self.running_transfer(s)
            s.proxy.terminate()
            newcomer = s.client()  # answered, so the first one has been handled
            newcomer.expect_code(421)
            started_at = time.monotonic()
            s.proxy.terminate()
            s.proxy.process.wait(TIMEOUT_S)
            self.assertLess(time.monotonic() - started_at, SLACK_S)
            t.close()

    def test_LIFE_without_sessions_it_ends_at_once(self):
        with scene("--grace", "20", make=Stopping) as s:
            session = s.session()
            session.ask(b"QUIT\r\n", b"221 Bye.\r\n")
            session.client.close()
            session.server.close()
            session.wait_for("end")
            started_at = time.monotonic()
            s.proxy.terminate()
            s.proxy.process.wait(TIMEOUT_S)
            self.assertLess(time.monotonic() - started_at, SLACK_S)


class Vanishing(unittest.TestCase):
    """Whoever goes away in whatever state: the session ends, and the oracles find nothing left."""

    @staticmethod
    def before_the_greeting(s) -> Session:
        client = s.client()
        return Session(s.proxy, client, s.keep(s.listener.accept()))

    @staticmethod
    def half_a_line(s) -> Session:
        session = s.session()
        session.client.send(b"RETR hal")
        session.server.send(b"200 hal")
        return session

    @staticmethod
    def reply_awaited(s) -> Session:
        session = s.session()
        session.client.send(b"STAT\r\n")
        session.server.expect(b"STAT\r\n")
        return session

    @staticmethod
    def barrier(s) -> Session:
        session = s.session()
        session.client.send(b"PASV\r\nRETR f\r\n")
        session.server.expect(b"PASV\r\n")
        return session

    @staticmethod
    def many_in_flight(s) -> Session:
        session = s.session()
        session.client.send(b"NOOP\r\n" * 1000)
        session.server.expect(b"NOOP\r\n" * 32)
        return session

    @staticmethod
    def half_a_reply(s) -> Session:
        session = s.session()
        session.client.send(b"STAT\r\n")
        session.server.expect(b"STAT\r\n")
        session.server.send(b"211-Status\r\n more\r\n")
        return session

    @staticmethod
    def channel_waits(s) -> Session:
        session = s.session()
        Channel(session, "PASV").listener.close()
        return session

    @staticmethod
    def opaque(s) -> Session:
        session = s.greeted()
        session.ask(b"AUTH TLS\r\n", b"234 Go.\r\n")
        return session

    # A client's FIN waits behind its commands, and these wait for the server.
    FIN_WAITS = ["barrier", "many_in_flight"]
    STATES = ["before_the_greeting", "half_a_line", "reply_awaited", "barrier", "many_in_flight",
              "half_a_reply", "channel_waits", "opaque"]  # fmt: skip
    WAYS = {"fin": Wire.close, "rst": Wire.reset}

    def test_VANISH_in_any_state(self):
        """The one that stays is told, and goes as well: a decent peer does."""
        with scene() as s:
            for state in self.STATES:
                for who in ("client", "server"):
                    for how, leave in self.WAYS.items():
                        with self.subTest(state=state, who=who, how=how):
                            session = getattr(self, state)(s)
                            stays = session.server if who == "client" else session.client
                            leave(getattr(session, who))
                            if (who, how) != ("client", "fin") or state not in self.FIN_WAITS:
                                stays.ending()
                            stays.close()
                            end = session.wait_for("end")
                            # A server that resets at once may do so before we have seen it connect.
                            at_once = (state, who, how) == ("before_the_greeting", "server", "rst")
                            ways = {"fin", "rst"} | ({"connect-failed"} if at_once else set())
                            self.assertIn(end["how"], ways)

    def test_VANISH_a_client_while_its_pasv_waits_for_a_silent_server(self):
        with scene() as s:
            session = s.session()
            session.client.send(b"PASV\r\n")
            session.server.expect(b"PASV\r\n")
            session.client.close()
            self.assertEqual(session.server.ending()[0], b"")


class Starting(unittest.TestCase):
    def run_it(self, *args: str) -> subprocess.CompletedProcess:
        command = [str(harness.BINARY), *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)

    def test_LIFE_what_cannot_be_started_says_why_in_one_sentence(self):
        good = ["proxy", "--listen", "127.0.0.1:0", "--server", "127.0.0.1:21"]
        with Listener() as taken, tempfile.TemporaryDirectory() as folder:
            cases = {
                "taken port": ["proxy", "--listen", f"127.0.0.1:{taken.port}", "--server", "h:21"],
                "foreign address": ["proxy", "--listen", "192.0.2.1:0", "--server", "h:21"],
                "unknown option": [*good, "--nonsense"],
                "bad choice": [*good, "--lines", "sloppy"],
                "bad number": [*good, "--max-line", "many"],
                "number too small": [*good, "--max-line", "3"],
                "negative time": [*good, "--idle-timeout", "-1"],
                "ports upside down": [*good, "--data-ports", "5000-4000"],
                "no server": ["proxy", "--listen", "127.0.0.1:0"],
                "bad port": ["proxy", "--listen", "127.0.0.1:99999", "--server", "h"],
                "log in no folder": [*good, "--log", f"{folder}/missing/log"],
                "log is a folder": [*good, "--log", folder],
                "no command": [],
                "unknown command": ["proxi"],
            }
            for name, args in cases.items():
                with self.subTest(name):
                    done = self.run_it(*args)
                    self.assertEqual(done.returncode, 2, done)
                    self.assertTrue(done.stderr.startswith("ftpscope: "), done)
                    self.assertEqual(len(done.stderr.strip().splitlines()), 1, done)
                    self.assertEqual(done.stdout, "")

    def test_LIFE_help_and_version_are_no_errors(self):
        for args in (["--help"], ["--version"], ["proxy", "--help"]):
            done = self.run_it(*args)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_LIFE_a_server_that_is_not_there_is_told_to_the_client(self):
        with Listener() as listener:
            closed = listener.address
        with TracedProxy(closed) as proxy:
            client = connect(proxy.host, proxy.port)
            line = client.expect_code(421)
            self.assertIn(b"refused", line)
            self.assertEqual(client.ending()[0], b"")
            client.close()
            end = proxy.wait_for("end")
            self.assertEqual(end["how"], "connect-failed")
            self.assertIn("refused", end["why"])


if __name__ == "__main__":
    unittest.main()
