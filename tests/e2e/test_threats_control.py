"""Attacks on the control connection: threats.md S05 to S10, S16, and AUTH."""
from __future__ import annotations

import unittest

from answering_server import AnsweringServer, log_in
from hostile import Session, scene
from process_facts import room_kib, rss_kib
from traced import TracedProxy
from wire import GREETING, Listener, address_in, comma, connect, until_read

POSTURES = ("raw", "strict")
MANY_KIB = 2048  # what a process may grow by for reasons of its own allocator
NEXT = b"NOOP next\r\n"


class S05AddressGrammar(unittest.TestCase):
    """Whatever some server's sscanf makes of it, here it is no address of the client's."""

    REFUSED = {
        "PORT": [
            b"256,0,0,1,20,20", b"383,0,0,1,20,20", b"-127,0,0,1,20,20", b"+127,0,0,1,20,20",
            b"0x7f,0,0,1,20,20", b"0177,0,0,1,20,20", b"127, 0,0,1,20,20", b"127,0,0,1,20,20xyz",
            b"127,0,0,1,20", b"127,0,0,1,20,20,20", b"127,0,0,1,0,0", b"127,0,0,1,0,1",
            b"127,0,0,1,3,255", b"127,0,0,1,256,0", b"127,0,0,1,4294967296,21", b"", b"127.0.0.1",
            b"0,0,0,0,20,20", b"255,255,255,255,20,20", b"224,0,0,1,20,20",
            b"169,254,169,254,20,20",
            b"10,0,0,1,20,20", b"127,0,0,2,20,20", b"127,0,0,1,20,20 20", b"127,0,0,1, 20,20",
            b"127,0,0,1,20,-20", b"127,,0,1,20,20", b"1" * 400, b"1," * 300,
        ],
        "EPRT": [
            b"|1|::1|5000|", b"|2|1.2.3.4|5000|", b"|3|127.0.0.1|5000|", b"|2|fe80::1%eth0|5000|",
            b"|2|::ffff:127.0.0.2|5000|", b"1127.0.0.115000|", b"\0001\000127.0.0.1\0005000\0",
            b"|1|127.0.0.1|5000", b"|1|127.0.0.1|", b"|1|127.0.0.1|0|", b"|1|127.0.0.1|1023|",
            b"|1|127.0.0.1|65536|", b"|1|127.0.0.1|4294967317|", b"|1|127.0.0.1|+5000|",
            b"|1|0177.0.0.1|5000|", b"|1|127.1|5000|", b"|1|0.0.0.0|5000|", b"|1|127.0.0.9|5000|",
            b"|1|169.254.169.254|5000|", b"|2|ff02::1|5000|", b"|1|127.0.0.1|00|",
            b"|1|127.0.0.1|5000|x", b"||127.0.0.1|5000|", b"",
        ],
        "LPRT": [
            b"4,4,10,0,0,1,2,20,20", b"4,4,127,0,0,1,2,0,21", b"6,4,127,0,0,1,2,20,20", b"4,4",
        ],
    }  # fmt: skip

    # Where all servers that read them agree; the server gets them without.
    BLANKS_AND_ZEROS = (
        b"PORT  127,0,0,1,%d,%d", b"PORT 127,0,0,1,%d,%d ", b"PORT 127,0,0,001,%d,%d",
        b"EPRT |1|127.0.0.1|0%d| ",
    )  # fmt: skip

    def test_S05_blanks_around_an_address_and_zeros_in_front_do_not_reach_the_server(self):
        for lines in POSTURES:
            with scene("--lines", lines) as s, Listener() as mine:
                session = s.session()
                for form in self.BLANKS_AND_ZEROS:
                    port = mine.port
                    numbers = (port >> 8, port & 255) if form.startswith(b"PORT") else port
                    session.client.send(form % numbers + b"\r\n")
                    received = session.server.line()
                    self.assertRegex(
                        received, rb"^(PORT [1-9,0]+|EPRT \|1\|127.0.0.1\|[1-9]\d*\|)\r\n$"
                    )
                    self.assertNotEqual(address_in(received), mine.address)
                    session.server.send(b"200 OK.\r\n")
                    session.client.expect(b"200 OK.\r\n")

    def test_S05_tricks_with_addresses_reach_no_server(self):
        for lines in POSTURES:
            with scene("--lines", lines) as s:
                for verb, arguments in self.REFUSED.items():
                    session = s.session()
                    for argument in arguments:
                        self.check_refused(session, verb.encode() + b" " + argument + b"\r\n")
                    self.assertEqual(session.records("channel"), [])

    def check_refused(self, session: Session, line: bytes):
        session.client.send(line + NEXT)
        received = session.server.line()
        self.assertEqual(received, NEXT, f"{line!r} reached the server")
        self.assertIn(session.client.line()[:3], (b"500", b"501", b"522"), line)
        session.server.send(b"200 OK.\r\n")
        session.client.expect(b"200 OK.\r\n")


class S06EndlessReplies(unittest.TestCase):
    def endless(self, start: bytes, more: bytes, limits: tuple = ()):
        with scene("--quiet", *limits) as s:
            session = s.session()
            session.client.send(b"STAT\r\n")
            session.server.expect(b"STAT\r\n")
            before = rss_kib(s.proxy.pid)
            session.server.send(start)
            session.server.send_pieces(more * (4_000_000 // len(more)), 1 << 16)
            self.assertLess(rss_kib(s.proxy.pid), before + room_kib(MANY_KIB))
            lines = session.client.ending()[0].splitlines()
            self.assertTrue(lines[-1].startswith(b"421 "), lines[-3:])
            session.server.ending()
            self.assertIn("FTP-REPLY-TOO-LONG", session.findings())

    def test_S06_a_reply_of_long_lines_that_never_ends(self):
        self.endless(b"211-Status\r\n", b" " + b"x" * 998 + b"\r\n")

    def test_S06_a_reply_of_empty_lines_that_never_ends(self):
        self.endless(b"211-Status\r\n", b"\r\n")

    def test_S06_a_reply_that_never_ends_with_a_limit_of_lines(self):
        self.endless(b"211-Status\r\n", b"211-x\r\n", ("--max-reply-lines", "10"))

    def test_S06_another_reply_inside_a_reply_is_text(self):
        with scene() as s, Listener() as data:
            session = s.session()
            reply = b"211-a\r\n227 (" + comma(*data.address) + b")\r\n212 b\r\n211 end\r\n"
            session.ask(b"STAT\r\n", reply)
            session.assert_in_step()
            self.assertEqual(session.records("channel"), [])

    def test_S06_odd_codes_leave_the_dialogue_in_step(self):
        with scene() as s:
            session = s.session()
            for code in (b"099", b"600", b"999", b"000"):
                session.ask(b"NOOP\r\n", code + b" odd\r\n")
                session.assert_in_step()

    def test_S06_a_server_that_says_the_same_to_everything_is_no_dead_end(self):
        """250 may not answer NOOP, and behind another 250 it might be that one's second."""
        with scene("--quiet") as s, Listener() as data:
            session = s.session()
            for _ in range(50):
                session.ask(b"CWD a\r\n", b"250 OK.\r\n")
                session.ask(b"NOOP\r\n", b"250 OK.\r\n")
            session.client.send(b"PASV\r\n")
            session.server.expect(b"PASV\r\n")
            session.server.send(b"227 OK (" + comma(*data.address) + b")\r\n")
            self.assertNotEqual(address_in(session.client.line()), data.address)

    def test_S06_preliminary_replies_without_end_stay_with_their_command(self):
        with scene("--quiet") as s:
            session = s.session()
            session.client.send(b"STAT\r\n")
            session.server.expect(b"STAT\r\n")
            before = rss_kib(s.proxy.pid)
            for _ in range(50):
                session.server.send(b"150 soon\r\n" * 100)
                session.client.expect(b"150 soon\r\n" * 100)
            self.assertLess(rss_kib(s.proxy.pid), before + room_kib(MANY_KIB))
            session.server.send(b"211 now\r\n")
            session.client.expect(b"211 now\r\n")
            self.assertEqual(len(session.records("reply", verb="STAT")), 5001)
            session.assert_in_step()

    def test_S06_a_reply_that_nobody_asked_for_triggers_nothing(self):
        with scene() as s, Listener() as data:
            session = s.session()
            reply = b"227 Entering Passive Mode (" + comma(*data.address) + b").\r\n"
            session.server.send(reply)
            session.client.expect(reply)
            session.assert_in_step()
            self.assertIn("FTP-227-UNASKED", session.findings())
            self.assertEqual(session.records("channel"), [])


class S07EchoedReplies(unittest.TestCase):
    def test_S07_an_echo_that_starts_a_segment_is_no_227(self):
        forged = b"227 (10,0,0,1,0,139)\r\n"
        with scene() as s:
            session = s.session()
            session.client.send(b"XXXX " + forged)
            session.server.expect(b"XXXX " + forged)
            session.server.send(b"500 XXXX ")
            until_read(session.server)
            session.server.send(forged)
            session.client.expect(b"500 XXXX " + forged)
            self.assertEqual(session.records("channel"), [])

    def test_S07_text_in_help_that_reads_like_a_227_is_untouched(self):
        text = b"227 Entering Passive Mode (10,0,0,1,0,139).\r\n"
        with scene() as s:
            session = s.session()
            for verb, code in ((b"HELP", b"214"), (b"STAT", b"211"), (b"SITE HELP", b"214")):
                session.ask(verb + b"\r\n", code + b"-see\r\n" + text + code + b" end\r\n")
            self.assertEqual(session.records("channel"), [])

    def test_S07_a_line_of_the_client_that_reads_like_a_reply_is_a_command(self):
        with scene() as s:
            session = s.session()
            session.client.send(b"227 Entering Passive Mode (10,0,0,1,0,139)\r\n")
            session.server.line()
            self.assertEqual(session.records("channel"), [])


class S08Pipelining(unittest.TestCase):
    FLOOD, IN_FLIGHT = 20_000, 32

    def test_S08_a_silent_server_gets_no_more_than_the_commands_in_flight(self):
        with scene("--quiet") as s:
            session = s.session()
            before = rss_kib(s.proxy.pid)
            session.client.send(b"NOOP\r\n" * self.FLOOD)
            session.server.expect(b"NOOP\r\n" * self.IN_FLIGHT)
            # Each reply lets one more through. The proxy writes it in front of the reply, so when
            # that has come, whatever was let through is there.
            for _ in range(100):
                self.assertEqual(session.server.waiting(), b"")
                session.server.send(b"200 OK.\r\n")
                session.client.expect(b"200 OK.\r\n")
                session.server.expect(b"NOOP\r\n")
            self.assertLess(rss_kib(s.proxy.pid), before + room_kib(MANY_KIB))

    def test_S08_all_of_them_are_answered_by_and_by(self):
        count = 3000
        with AnsweringServer() as server, TracedProxy(server.address, args=["--quiet"]) as proxy:
            client = connect(proxy.host, proxy.port)
            log_in(client)
            client.send(b"NOOP\r\n" * count + b"QUIT\r\n")
            self.assertEqual(client.rest(), b"200 OK.\r\n" * count + b"221 Bye.\r\n")
            client.close()
            self.assertEqual(server.lines()[2:-1], [b"NOOP\r\n"] * count)

    def test_S08_nothing_overtakes_a_command_that_changes_the_session(self):
        with scene() as s, Listener() as mine:
            address = comma(*mine.address)
            barriers = [
                (b"AUTH TLS\r\n", b"502 No.\r\n"),
                (b"REIN\r\n", b"220 Again.\r\n"),
                (b"PASV\r\n", b"227 OK (" + address + b")\r\n"),
                (b"EPSV\r\n", b"229 OK (|||%d|)\r\n" % mine.port),
                (b"PORT " + address + b"\r\n", b"200 OK.\r\n"),
            ]
            for command, reply in barriers:
                with self.subTest(command):
                    session = s.session()
                    session.client.send(command + NEXT)
                    verb = session.server.line().split()[0]
                    self.assertEqual(verb, command.split()[0])
                    # One read of the proxy's makes one write: what followed would be here.
                    self.assertEqual(session.server.waiting(), b"")
                    session.server.send(reply)
                    session.server.expect(NEXT)


class S09OtherProtocols(unittest.TestCase):
    HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64))
    FIRST_WORDS = {
        "HTTP": b"GET /marker HTTP/1.1\r\nHost: marker\r\n\r\n",
        "HTTP POST": b"POST /marker HTTP/1.1\r\nX: y\r\n\r\nPORT 10,0,0,5,0,22\r\n",
        "SMTP": b"EHLO marker\r\nMAIL FROM:<marker>\r\n",
        "SSH": b"SSH-2.0-marker\r\n",
        "TLS ClientHello": HELLO + b"marker\r\n",
        "TLS record header only": b"\x16\x03",
        "binary": b"\x00\x01\x02marker\xfe\xff\x80\r\n",
    }

    def test_S09_what_is_not_ftp_is_closed_without_an_echo(self):
        with scene() as s:
            for name, words in self.FIRST_WORDS.items():
                for at_once in (True, False):
                    with self.subTest(name, at_once=at_once):
                        self.check_closed(s, words, at_once)

    def check_closed(self, s, words: bytes, at_once: bool):
        client = s.client()
        if at_once:  # in front of the greeting, which may then be spared
            client.send(words)
        server = s.keep(s.listener.accept())
        server.send(GREETING)
        if not at_once:
            client.expect(GREETING)
            client.send(words)
        self.assertIn(client.ending()[0], (b"", GREETING))
        self.assertEqual(server.ending()[0], b"")
        session = Session(s.proxy, client, server)
        self.assertEqual(session.wait_for("end")["how"], "not-ftp")
        self.assertIn("FTP-NOT-FTP", session.findings())

    def test_S09_a_post_that_carries_a_port_is_cut_at_any_segment_size(self):
        post = b"POST / HTTP/1.1\r\nContent-Length: 24\r\n\r\nPORT 10,0,0,5,0,22\r\n"
        with scene() as s:
            for size in range(1, len(post), 3):
                session = s.greeted()
                session.client.send_pieces(post, size)
                self.assertEqual(session.server.ending()[0], b"", size)
                session.client.close()
                session.server.close()


class S10UnknownCommands(unittest.TestCase):
    def test_S10_the_third_unknown_command_before_login_ends_the_session(self):
        with scene() as s:
            session = s.greeted()
            for number in (1, 2):
                session.ask(b"XYZ%d marker\r\n" % number, b"500 What?\r\n")
            session.client.send(b"XYZ3 marker\r\n")
            last_words = session.client.ending()[0]
            self.assertTrue(last_words.startswith(b"421 "), last_words)
            self.assertNotIn(b"marker", last_words)
            self.assertEqual(session.server.ending()[0], b"")
            self.assertIn("FTP-TOO-MANY-UNKNOWN", session.findings())

    def test_S10_after_login_any_number_passes(self):
        with scene() as s:
            session = s.session()
            for number in range(10):
                session.ask(b"XYZ%d\r\n" % number, b"500 What?\r\n")

    def test_S10_own_answers_repeat_nothing_of_the_client(self):
        sent = [b"PORT marker\r\n", b"EPRT |marker|\r\n", b"NOOP marker\rPORT 1,2\r\n"]
        with scene("--tls", "refuse") as s:
            session = s.session()
            for line in [*sent, b"AUTH marker\r\n"]:
                session.client.send(line)
                self.assertNotIn(b"marker", session.client.line())


class S16EpsvAll(unittest.TestCase):
    def test_S16_after_epsv_all_only_epsv_is_left(self):
        with scene() as s, Listener() as mine:
            session = s.session()
            session.ask(b"EPSV ALL\r\n", b"200 OK.\r\n")
            address = comma(*mine.address)
            for line in (b"PASV", b"PORT " + address, b"LPSV", b"EPRT |1|127.0.0.1|5000|"):
                with self.subTest(line):
                    session.client.send(line + b"\r\n" + NEXT)
                    session.server.expect(NEXT)
                    self.assertEqual(session.client.line()[:1], b"5")
                    session.server.send(b"200 OK.\r\n")
                    session.client.expect(b"200 OK.\r\n")
            session.client.send(b"EPSV\r\n")
            session.server.expect(b"EPSV\r\n")


class Tls(unittest.TestCase):
    HELLO = S09OtherProtocols.HELLO

    def opaque(self, s, behind_auth: bytes = b"", behind_234: bytes = b"") -> Session:
        session = s.greeted()
        session.client.send(b"AUTH TLS\r\n" + behind_auth)
        session.server.expect(b"AUTH TLS\r\n")
        self.assertEqual(session.server.waiting(), b"")
        session.server.send(b"234 Go on.\r\n" + behind_234)
        session.client.expect(b"234 Go on.\r\n" + behind_234)
        session.server.expect(behind_auth)
        return session

    def test_TLS_a_hello_in_the_segment_of_auth_waits_for_the_234(self):
        with scene() as s:
            session = self.opaque(s, behind_auth=self.HELLO)
            session.wait_for("opaque")
            self.assertNotIn("FTP-TLS-PLAINTEXT-BEHIND-AUTH", session.findings())

    def test_TLS_after_the_234_every_byte_passes_both_ways_unread(self):
        # Among them lines that would be rewritten, refused or logged if anyone read them.
        content = (
            bytes(range(256)) * 300 + b"PORT 10,0,0,1,4,1\r\nPASS marker\r\nGET / HTTP/1.1\r\n"
        )
        answer = b"227 (10,0,0,1,4,1)\r\n" + bytes(reversed(range(256))) * 300
        with scene("--max-line", "64", "--max-reply", "64") as s:
            session = self.opaque(s, self.HELLO)
            session.client.send(content)
            session.server.expect(content)
            session.server.send(answer)
            session.client.expect(answer)
            session.client.finish()
            self.assertEqual(session.server.rest(), b"")
            session.server.send(b"last words")
            session.server.close()
            self.assertEqual(session.client.rest(), b"last words")
            session.client.close()
        records = s.proxy.records()
        self.assertEqual([r["verb"] for r in records if r["kind"] == "command"], ["AUTH"])
        self.assertIn("FTP-TLS-OPAQUE", [r.get("finding") for r in records])

    def test_TLS_bytes_behind_the_234_in_its_segment_are_opaque_too(self):
        with scene() as s:
            session = self.opaque(s, behind_234=b"\x15\x03\x03\x00\x02\x02\x28")
            self.assertEqual(len(session.records("reply")), 2)  # the greeting and the 234

    def test_TLS_plain_commands_behind_auth_are_told(self):
        with scene() as s:
            session = self.opaque(s, behind_auth=b"USER joe\r\n")
            session.wait_for("finding", finding="FTP-TLS-PLAINTEXT-BEHIND-AUTH")
            self.assertEqual(session.records("command", verb="USER"), [])

    def test_TLS_a_refused_auth_goes_on_in_plain(self):
        with scene() as s:
            session = s.greeted()
            session.client.send(b"AUTH TLS\r\nUSER joe\r\n")
            session.server.expect(b"AUTH TLS\r\n")
            session.server.send(b"502 No.\r\n")
            session.client.expect(b"502 No.\r\n")
            session.server.expect(b"USER joe\r\n")

    def test_TLS_refuse_answers_534_and_hides_it_in_feat(self):
        feat = b"211-Features:\r\n AUTH TLS\r\n MDTM\r\n PBSZ\r\n PROT\r\n211 End\r\n"
        with scene("--tls", "refuse") as s:
            session = s.greeted()
            session.client.send(b"AUTH TLS\r\nFEAT\r\n")
            session.client.expect_code(534)
            session.server.expect(b"FEAT\r\n")
            session.server.send(feat)
            session.client.expect(b"211-Features:\r\n MDTM\r\n211 End\r\n")
            session.login()


if __name__ == "__main__":
    unittest.main()
