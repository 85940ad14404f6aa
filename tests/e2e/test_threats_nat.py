"""What only a proxy in front of many has to stand: threats.md S13, S14, S19 and S20 at their full size."""
from __future__ import annotations

import contextlib
import resource
import unittest

from answering_server import AnsweringServer, download, log_in, passive
from hostile import Channel, Scene, Session, scene
from process_facts import listening, room_kib, rss_kib
from servers import wait_until
from traced import TracedProxy, sanitized
from wire import Listener, Wire, address_in, comma, connect, free_ports, is_refused, payload

POSTURES = ("raw", "strict")
PAYLOAD = payload(3000)


def data_listeners(s: Scene) -> set[tuple[str, int]]:
    return listening(s.proxy.pid) - {(s.proxy.host, s.proxy.port)}


class S13Strangers(unittest.TestCase):
    ROUNDS, STRANGERS = 20, 500

    def test_S13_ten_thousand_attempts_get_nothing_and_the_right_client_is_served(self):
        with scene("--quiet", "--lines", "strict") as s:
            session = s.session()
            for number in range(self.ROUNDS):
                mode = ("PASV", "EPSV", "PORT", "EPRT")[number % 4]
                channel = Channel(session, mode)
                got = [self.attempt(channel.address, i) for i in range(self.STRANGERS)]
                self.assertEqual(got, [b""] * self.STRANGERS)
                self.assertFalse(channel.listener.was_called())
                self.transfer(session, channel)
            counted = [r["strangers"] for r in session.records("data")]
            self.assertEqual(counted, [self.STRANGERS] * self.ROUNDS)

    @staticmethod
    def attempt(address: tuple[str, int], number: int) -> bytes:
        """From one of 200 addresses, with something to say."""
        stranger = connect(*address, source=f"127.0.1.{number % 200 + 1}")
        with contextlib.closing(stranger), contextlib.suppress(ConnectionError):
            stranger.send(b"RETR file\r\n")
            stranger.ending()
        return stranger.seen

    @staticmethod
    def transfer(session: Session, channel: Channel):
        session.client.send(b"RETR file\r\n")
        session.server.expect(b"RETR file\r\n")
        client, server = channel.open()
        server.send(PAYLOAD)
        server.close()
        assert client.rest() == PAYLOAD
        client.close()
        session.server.send(b"226 Done.\r\n")
        session.client.expect(b"226 Done.\r\n")


class S14ThousandSessions(unittest.TestCase):
    SESSIONS, PORTS = 1000, 100

    def test_S14_a_thousand_sessions_on_a_hundred_ports(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        low = free_ports(self.PORTS)
        ports = set(range(low, low + self.PORTS))
        args = ["--data-ports", f"{low}-{max(ports)}", "--max-sessions-per-client", "0", "--quiet"]
        server = AnsweringServer(PASV=passive, RETR=download(PAYLOAD))
        with server, TracedProxy(server.address, [*args, "--lines", "strict"]) as proxy:
            clients = []
            for _ in range(self.SESSIONS):
                clients.append(connect(proxy.host, proxy.port))
                log_in(clients[-1])
            waiting, grown = clients, []
            while waiting:
                waiting = self.one_round(waiting, ports)
                grown.append(rss_kib(proxy.pid))
            self.assertEqual(len(grown), self.SESSIONS // self.PORTS)
            self.assertLess(grown[-1], grown[0] + room_kib(2048))
            self.assertEqual(listening(proxy.pid), {(proxy.host, proxy.port)})
            self.check_all_come_back(clients, ports)
            for client in clients:
                client.close()
        refused = proxy.records("finding", finding="FTP-DATA-NO-PORT")
        rounds = self.SESSIONS // self.PORTS
        self.assertEqual(len(refused), sum(range(rounds)) * self.PORTS)

    def one_round(self, clients: list[Wire], ports: set[int]) -> list[Wire]:
        """All ask at once; as many as there are ports are served. Who was not?"""
        for client in clients:
            client.send(b"PASV\r\n")
        replies = [client.line() for client in clients]
        lucky = [(c, r) for c, r in zip(clients, replies) if r.startswith(b"227 ")]
        self.assertEqual({address_in(reply)[1] for _, reply in lucky}, ports)
        self.assertEqual(len(lucky), len(ports))
        for client, reply in lucky:
            with contextlib.closing(connect(*address_in(reply))) as data:
                client.send(b"RETR file\r\n")
                client.expect_code(150)
                self.assertEqual(data.rest(), PAYLOAD)
            client.expect_code(226)
        unlucky = [(c, r) for c, r in zip(clients, replies) if not r.startswith(b"227 ")]
        self.assertEqual({reply[:4] for _, reply in unlucky} | {b"425 "}, {b"425 "})
        return [client for client, _ in unlucky]

    def check_all_come_back(self, clients: list[Wire], ports: set[int]):
        for client in clients[: len(ports)]:
            client.send(b"PASV\r\n")
        told = {address_in(client.expect_code(227))[1] for client in clients[: len(ports)]}
        self.assertEqual(told, ports)


class S19Holes(unittest.TestCase):
    """What a port that is open for data lets through: one at most, for one host, for its time."""

    def test_S19_a_session_never_has_more_than_one(self):
        with scene("--lines", "strict") as s, Listener() as mine:
            session = s.session()
            for _ in range(3):
                for mode in ("PASV", "EPSV", "PORT", "EPRT"):
                    channel = Channel(session, mode)
                    channel.listener.close()
                    self.assertEqual(data_listeners(s), {channel.address})
            foreign = b"PORT " + comma("127.0.0.9", mine.port) + b"\r\n"
            session.client.send(foreign)
            session.client.expect_code(501)
            self.assertEqual(data_listeners(s), {channel.address})

    def test_S19_it_is_gone_after_its_use(self):
        with scene("--lines", "strict") as s:
            session = s.session()
            for mode in ("PASV", "PORT"):
                channel = Channel(session, mode)
                ends = channel.open()
                self.assertEqual(data_listeners(s), set())
                self.assertTrue(is_refused(*channel.address))
                for end in ends:
                    end.close()

    def test_S19_it_is_gone_after_its_time(self):
        with scene("--lines", "strict", "--data-connect-timeout", "0.3") as s:
            session = s.session()
            Channel(session, "PASV").listener.close()
            self.assertTrue(wait_until(lambda: not data_listeners(s), 5.0))
            session.assert_in_step()

    def test_S19_it_is_gone_with_its_session(self):
        with scene("--lines", "strict") as s:
            session = s.session()
            Channel(session, "PASV").listener.close()
            self.assertEqual(len(data_listeners(s)), 1)
            session.client.close()
            session.server.ending()
            session.server.close()
            self.assertTrue(wait_until(lambda: not data_listeners(s), 5.0))

    def test_S19_it_is_gone_with_the_proxy(self):
        with scene("--lines", "strict") as s:
            session = s.session()
            channel = Channel(session, "PASV")
            channel.listener.close()
            s.close()
        self.assertTrue(is_refused(*channel.address))


class S20Slipstreaming(unittest.TestCase):
    """A browser is made to send a form to us: none of what is in it opens anything."""

    LINES = (
        b"PORT 127,0,0,5,0,22",
        b"EPRT |1|127.0.0.5|22|",
        b"PASV",
        b"PORT %s",
        b"EPRT |1|127.0.0.1|%d|",
    )
    SEGMENT = 1460

    def test_S20_a_form_opens_nothing_at_any_segment_size(self):
        for lines in POSTURES:
            with Listener() as inside, scene("--quiet", "--lines", lines) as s:
                form = self.form(inside)
                for size in range(1, self.SEGMENT + 1, 1 if lines == "strict" else 97):
                    session = s.greeted()
                    session.client.send_pieces(form, size)
                    # Somebody who speaks first, as browsers do, is cut before a line of its body.
                    self.assertEqual(session.server.ending()[0], b"", size)
                    session.client.close()
                    session.server.close()
                self.assertEqual(data_listeners(s), set())
                self.assertFalse(inside.was_called())
            self.assertEqual(s.proxy.records("channel"), [])
            self.assertEqual(s.proxy.records("command"), [])
            if not sanitized():
                self.assertEqual(set(s.proxy.connections), {s.proxy.server})

    def form(self, inside: Listener) -> bytes:
        """Each line would stand at the start of a segment at some size."""
        own = {b"PORT %s": comma(*inside.address), b"EPRT |1|127.0.0.1|%d|": inside.port}
        lines = [line % own[line] if line in own else line for line in self.LINES]
        body = b"".join(line + b"\r\n" for line in lines * 40)
        return b"POST / HTTP/1.1\r\nHost: ftp\r\nContent-Length: %d\r\n\r\n" % len(body) + body


if __name__ == "__main__":
    unittest.main()
