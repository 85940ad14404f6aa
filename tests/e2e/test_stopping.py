"""The life of the process: how it starts and stops, and what becomes of sessions then."""
from __future__ import annotations

import signal
import subprocess
import tempfile
import time
import unittest
import unittest.mock

import proxy as harness
from check_log import check_bytes
from hostile import Channel, Session, Transfer, scene
from proxy import Proxy
from test_threats_exhaustion import SLACK_S
from traced import TracedProxy
from wire import TIMEOUT_S, Listener, Wire, connect


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
