"""Attacks on data connections: threats.md S11 to S14."""
from __future__ import annotations

import contextlib
import time
import unittest

from hostile import Channel, Session, Transfer, scene
from machines import Host, Lab
from servers import wait_until
from wire import Listener, address_in, comma, connect, free_ports, is_refused, payload

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


if __name__ == "__main__":
    unittest.main()
