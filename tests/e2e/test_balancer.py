"""Behind a load balancer and in front of one: the PROXY protocol (proxy/README.md)."""
from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import clients
import servers
import workload
from answering_server import AnsweringServer, download, log_in, passive
from balancer import (
    BALANCER,
    CLIENT,
    LOCAL,
    PUBLIC,
    SERVER,
    SIGNATURE,
    documented,
    enter_network,
    haproxy,
    v1_header,
    v2_header,
)
from binary import BINARY
from hostile import Session, scene
from proxy import Proxy
from wire import Listener, address_in, comma, connect, payload, until_read

REAL = ("198.51.100.50", 50000)  # the client that a header names
VIP = ("192.0.2.1", 21)
HERE = "127.0.0.0/8"
REFUSED = b"421 "


def host_of(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def worse_than_notes(proxy: Proxy, session: dict) -> list[dict]:
    findings = proxy.records("finding", session=session["session"])
    return [r for r in findings if r["severity"] != "note"]


class HaproxyInFront(unittest.TestCase):
    """The documented set-up as it stands there, two instances and all."""

    @classmethod
    def setUpClass(cls):
        enter_network()
        cls.open = contextlib.ExitStack()
        config, instances = documented()
        cls.server = cls.open.enter_context(servers.start("pyftpdlib", SERVER, 21))
        cls.instances = [
            cls.open.enter_context(Proxy((i["server"], 21), args=i["args"], listen=i["listen"]))
            for i in instances
        ]
        cls.open.enter_context(haproxy(config))

    @classmethod
    def tearDownClass(cls):
        cls.open.close()

    def run_client(self, client: str, mode: str) -> dict:
        """The whole workload, then the session record."""
        before = self.sessions()
        target = clients.Target(PUBLIC, 21, self.server.user, self.server.password)
        with tempfile.TemporaryDirectory(prefix="ftpscope-client-") as local:
            files = workload.prepare(self.server.new_folder(), Path(local))
            seen = clients.CLIENTS[client](target, mode, files)
            wrong = workload.complaints(files, seen)
        self.assertFalse(wrong, "\n".join([*wrong, seen.output]))
        new = [r for r in self.sessions() if r not in before]
        self.assertEqual(len(new), 1, new)
        return new[0]

    def sessions(self) -> list[dict]:
        """Not those of the balancer's checks."""
        records = [r for instance in self.instances for r in instance.records("session")]
        return [r for r in records if host_of(r["client"]) != BALANCER]

    def instance_of(self, session: dict) -> Proxy:
        return next(i for i in self.instances if session in i.records("session"))

    def check(self, client: str, mode: str) -> None:
        session = self.run_client(client, mode)
        self.assertEqual(host_of(session["client"]), CLIENT)
        self.assertEqual(host_of(session["balancer"]), BALANCER)
        self.assertEqual(session["reached"], f"{PUBLIC}:21")
        instance = self.instance_of(session)
        data = instance.records("data", session=session["session"])
        self.assertGreaterEqual(len(data), 5)
        for record in data:
            self.assertEqual(record["how"], "fin", record)
            self.assertEqual(record["setup"], mode.lower())
            self.assertIn(CLIENT, {host_of(end) for end in record["client"].values()}, record)
            self.assertEqual(record["strangers"], 0)
        self.assertEqual(worse_than_notes(instance, session), [])

    def test_curl_pasv(self):
        self.check("curl", "PASV")

    def test_curl_epsv(self):
        self.check("curl", "EPSV")

    def test_curl_port(self):
        self.check("curl", "PORT")

    def test_curl_eprt(self):
        self.check("curl", "EPRT")

    def test_lftp_pasv(self):
        self.check("lftp", "PASV")

    def test_lftp_epsv(self):
        self.check("lftp", "EPSV")

    def test_lftp_port(self):
        self.check("lftp", "PORT")

    def test_both_instances_serve_at_the_same_time(self):
        """Each with a transfer that is open: every data connection finds its own instance."""
        name = "big.bin"
        content = payload(1 << 20)
        (self.server.root / name).write_bytes(content)
        with contextlib.ExitStack() as stack:
            sessions = [stack.enter_context(self.logged_in()) for _ in range(4)]
            open_data = []
            for wire in sessions:
                wire.send(b"PASV\r\n")
                data = connect(*address_in(wire.expect_code(227)))
                stack.callback(data.close)
                wire.send(b"RETR " + name.encode() + b"\r\n")
                self.assertIn(wire.line()[:3], (b"150", b"125"))
                open_data.append(data)
            for wire, data in zip(sessions, open_data):
                self.assertEqual(data.rest(), content)
                wire.expect_code(226)
            served = [len(self.of_client(i, [w.name for w in sessions])) for i in self.instances]
            self.assertEqual(served, [2, 2])  # leastconn

    @contextlib.contextmanager
    def logged_in(self):
        wire = connect(PUBLIC, 21)
        try:
            wire.expect_code(220)
            wire.send(b"USER " + self.server.user.encode() + b"\r\n")
            wire.expect_code(331)
            wire.send(b"PASS " + self.server.password.encode() + b"\r\n")
            wire.expect_code(230)
            wire.send(b"TYPE I\r\n")
            wire.expect_code(200)
            yield wire
        finally:
            wire.close()

    @staticmethod
    def of_client(instance: Proxy, names: list[str]) -> list[dict]:
        return [r for r in instance.records("session") if r["client"] in names]

    def test_its_health_checks_are_sessions_of_its_own(self):
        for instance in self.instances:
            self.assertTrue(servers.wait_until(lambda: self.checks(instance), 15.0))
            check = self.checks(instance)[0]
            self.assertEqual(check["client"], check["balancer"])
            self.assertNotIn("reached", check)
            # It has heard the 221, and leaves by RST when the FIN is not there yet.
            told = {r["finding"] for r in worse_than_notes(instance, check)}
            self.assertLessEqual(told, {"FTP-CONTROL-RESET"})

    @staticmethod
    def checks(instance: Proxy) -> list[dict]:
        return [r for r in instance.records("session") if host_of(r["client"]) == BALANCER]

    def test_who_is_no_balancer_may_not_speak_for_others(self):
        for instance in self.instances:
            with contextlib.closing(connect(instance.host, instance.port, CLIENT)) as liar:
                liar.expect_code(220)
                liar.send(v1_header(("203.0.113.9", 1), (PUBLIC, 21)))
                liar.expect_code(421)
        for instance in self.instances:
            finding = instance.wait_for("finding", finding="FTP-PROXY-HEADER-UNASKED")
            session = instance.records("session", session=finding["session"])[0]
            self.assertEqual(host_of(session["client"]), CLIENT)


# --- headers by hand; the test is the balancer, and the server ---


def session_of(s, header: bytes, behind: bytes = b"", source: str | None = None) -> Session:
    """Greeted, behind a header."""
    client = s.client(source)
    client.send(header + behind)
    server = s.keep(s.listener.accept())
    server.send(b"220 Ready.\r\n")
    client.expect(b"220 Ready.\r\n")
    return Session(s.proxy, client, server)


def record_of(s, **fields) -> dict:
    return s.proxy.wait_for("session", **fields)


class HeadersIn(unittest.TestCase):
    def test_both_versions_and_families(self):
        ends = {"4": (REAL, VIP), "6": (("2001:db8::1", 1), ("2001:db8::2", 21))}
        with scene("--accept-proxy", HERE) as s:
            for (name, (client, reached)), make in (
                (end, make) for end in ends.items() for make in (v1_header, v2_header)
            ):
                with self.subTest(name=name, version=make.__name__):
                    session = session_of(s, make(client, reached))
                    session.login()
                    begun = s.proxy.records("session")[-1]
                    texts = [f"[{h}]:{p}" if ":" in h else f"{h}:{p}" for h, p in (client, reached)]
                    self.assertEqual([begun["client"], begun["reached"]], texts)
                    self.assertEqual(begun["balancer"], session.client.name)

    def test_a_header_in_any_number_of_pieces(self):
        with scene("--accept-proxy", HERE) as s:
            for header in (v1_header(REAL, VIP), v2_header(REAL, VIP, b"\x05\0\x02id")):
                for size in (1, 5, 16):
                    client = s.client()
                    client.send_pieces(header + b"USER joe\r\n", size)
                    server = s.keep(s.listener.accept())
                    server.send(b"220 Ready.\r\n")
                    client.expect(b"220 Ready.\r\n")
                    server.expect(b"USER joe\r\n")  # what came behind the header is not lost

    def test_a_balancers_own_connection(self):
        """LOCAL and UNKNOWN: health checks."""
        with scene("--accept-proxy", HERE) as s:
            for header in (LOCAL, b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x21\0\0\0"):
                session = session_of(s, header)
                begun = record_of(s, client=session.client.name)
                self.assertEqual(begun["balancer"], session.client.name)
                self.assertNotIn("reached", begun)

    def refused(self, s, finding: str, client, text: bytes = REFUSED) -> None:
        self.assertTrue(client.line().startswith(text))
        self.assertEqual(client.ending()[0], b"")
        told = s.proxy.wait_for("finding", finding=finding)
        records = s.proxy.records(session=told["session"])
        self.assertEqual(records[0]["client"], client.name)
        self.assertEqual(records[-1]["how"], "refused")
        self.assertEqual(s.proxy.records("connected"), [], "nobody is connected to")

    def test_no_header(self):
        for behind in (b"USER joe\r\n", b"\r\n\r\nUSER", b"PROXYTCP4 "):
            with self.subTest(behind), scene("--accept-proxy", HERE) as s:
                client = s.client()
                client.send(behind)
                self.refused(s, "FTP-PROXY-HEADER-MISSING", client)

    def test_nothing_at_all(self):
        """As a client does that connects directly: it waits for the greeting."""
        for behind in (b"", b"PROXY TCP4", SIGNATURE):
            args = ("--accept-proxy", HERE, "--proxy-header-timeout", "0.2")
            with self.subTest(behind), scene(*args) as s:
                client = s.client()
                client.send(behind)
                self.refused(s, "FTP-PROXY-HEADER-MISSING", client)

    def test_the_proxy_stops_while_one_is_awaited(self):
        with contextlib.ExitStack() as stack:
            with scene("--accept-proxy", HERE) as s:
                s.proxy.leaves_sessions = True
                wire = connect(s.proxy.host, s.proxy.port)
                stack.callback(wire.close)
                wire.send(b"PROXY TCP4 ")
                until_read(wire)
            self.assertEqual(wire.ending()[0], b"")

    def test_closed_before_its_header(self):
        with scene("--accept-proxy", HERE) as s:
            s.client().close()
            told = s.proxy.wait_for("finding", finding="FTP-PROXY-HEADER-MISSING")
            self.assertEqual(told["detail"], "it was closed")

    def test_malformed(self):
        headers = [
            b"PROXY TCP4 192.0.2.1 198.51.100.7 50000\r\n",
            b"PROXY UNKNOWN " + b"x" * 200,
            SIGNATURE + b"\x31\x11\0\x0c" + b"x" * 12,
            SIGNATURE + b"\x21\x11\xff\xff",
            v2_header(REAL, VIP, b"\x03\0\x04wrong"[:7]),
        ]
        for header in headers:
            with self.subTest(header), scene("--accept-proxy", HERE) as s:
                client = s.client()
                client.send(header)
                self.refused(s, "FTP-PROXY-HEADER-MALFORMED", client)

    def test_from_somebody_else(self):
        with scene("--accept-proxy", "127.0.0.5") as s:
            direct = s.greeted()  # without a header, as ever
            direct.login()
            for header in (v1_header(REAL, VIP), v2_header(REAL, VIP)):
                liar = s.greeted()
                liar.client.send(header)
                liar.client.expect_until(REFUSED)
                liar.wait_for("finding", finding="FTP-PROXY-HEADER-UNASKED")
                self.assertNotIn(b"192.0.2.1", liar.server.rest())
            balancer = session_of(s, v2_header(REAL, VIP), source="127.0.0.5")
            balancer.login()

    def test_limits_are_of_the_real_client(self):
        with scene("--accept-proxy", HERE, "--max-sessions-per-client", "1") as s:
            for last in (1, 2, 3):
                session_of(s, v2_header((f"203.0.113.{last}", 1), VIP)).login()
            client = s.client()
            client.send(v2_header(("203.0.113.2", 2), VIP))
            self.assertTrue(client.line().startswith(b"421 Too many sessions from your address"))

    def test_port_may_name_the_real_client_only(self):
        with scene("--accept-proxy", HERE) as s, Listener("127.0.0.9") as own:
            session = session_of(s, v2_header(("127.0.0.9", 1), VIP))
            session.login()
            session.client.send(b"PORT " + comma("127.0.0.1", 2000) + b"\r\n")
            session.client.expect_code(501)
            session.client.send(b"PORT " + comma(*own.address) + b"\r\n")
            self.assertTrue(session.server.line().startswith(b"PORT "))


class DataIn(unittest.TestCase):
    """A client at 127.0.0.9 behind a balancer at 127.0.0.5."""

    def passive(self, s) -> tuple[Session, Listener, tuple[str, int]]:
        session = session_of(s, v2_header(("127.0.0.9", 1), ("127.0.0.1", 21)), source="127.0.0.5")
        session.login()
        listener = s.keep(Listener())
        session.client.send(b"PASV\r\n")
        session.server.expect(b"PASV\r\n")
        session.server.send(b"227 Here (" + comma(*listener.address) + b").\r\n")
        return session, listener, address_in(session.client.line())

    @staticmethod
    def send_all(sender, content: bytes) -> None:
        sender.send(content)
        sender.finish()

    def test_around_the_balancer(self):
        with scene("--accept-proxy", "127.0.0.5") as s:
            session, listener, place = self.passive(s)
            stranger = s.keep(connect(*place, "127.0.0.5"))  # the balancer is nobody here
            s.proxy.wait_for("finding", finding="FTP-DATA-STRANGER")
            self.assertEqual(stranger.ending()[0], b"")
            s.keep(connect(*place, "127.0.0.9"))
            s.keep(listener.accept())

    def test_through_the_balancer(self):
        with scene("--accept-proxy", "127.0.0.5", "--accept-proxy-data") as s:
            session, listener, place = self.passive(s)
            wrong = [
                (v1_header(("127.0.0.8", 5), place), "FTP-DATA-STRANGER"),
                (LOCAL, "FTP-DATA-STRANGER"),
                (b"data", "FTP-PROXY-HEADER-MISSING"),
                (SIGNATURE + b"\x31\x11\0\0", "FTP-PROXY-HEADER-MALFORMED"),
            ]
            for header, finding in wrong:
                caller = s.keep(connect(*place, "127.0.0.5"))
                caller.send(header)
                self.assertEqual(caller.ending()[0], b"")
                s.proxy.wait_for("finding", finding=finding)
            # An upload: its first bytes come in one segment with the header.
            content = payload(3 << 20)
            sender = s.keep(connect(*place, "127.0.0.5"))
            sender.send(v2_header(("127.0.0.9", 7), place) + content[:1000])
            taker = s.keep(listener.accept())
            taker.expect(content[:1000])
            session.client.send(b"STOR file\r\n")
            session.server.expect(b"STOR file\r\n")
            session.server.send(b"150 Go on.\r\n")
            session.client.expect(b"150 Go on.\r\n")
            sender.sock.settimeout(20)
            thread = threading.Thread(target=self.send_all, args=[sender, content[1000:]])
            thread.start()
            self.assertEqual(taker.rest(), content[1000:])
            thread.join()
            taker.close()
            sender.close()
            session.server.send(b"226 Done.\r\n")
            session.client.expect(b"226 Done.\r\n")
            data = s.proxy.wait_for("data")
            self.assertEqual(data["client"]["from"], "127.0.0.9:7")
            self.assertEqual((data["bytes_to_server"], data["strangers"]), (len(content), 4))

    def test_directly_all_the_same(self):
        """Who is no balancer comes without a header, also with --accept-proxy-data."""
        with scene("--accept-proxy", "127.0.0.5", "--accept-proxy-data") as s:
            _, listener, place = self.passive(s)
            caller = s.keep(connect(*place, "127.0.0.9"))
            caller.send(b"data")
            s.keep(listener.accept()).expect(b"data")

    def test_many_that_say_nothing(self):
        args = ("--accept-proxy", "127.0.0.5", "--accept-proxy-data")
        with scene(*args) as s:
            _, listener, place = self.passive(s)
            for _ in range(4):
                s.keep(connect(*place, "127.0.0.5"))
            one_more = s.keep(connect(*place, "127.0.0.5"))
            self.assertEqual(one_more.ending()[0], b"")
            caller = s.keep(connect(*place, "127.0.0.9"))
            caller.send(b"data")
            s.keep(listener.accept()).expect(b"data")


class HeadersOut(unittest.TestCase):
    def test_before_all_else_and_in_one_write(self):
        for version, make in (("v1", v1_header), ("v2", v2_header)):
            args = ("--accept-proxy", HERE, "--send-proxy", version)
            with self.subTest(version), scene(*args) as s:
                client = s.client()
                client.send(v2_header(REAL, VIP) + b"USER joe\r\n")
                server = s.keep(s.listener.accept())
                first = server.sock.recv(1 << 16)
                self.assertEqual(first, make(REAL, VIP) + b"USER joe\r\n")
                server.send(b"220 Ready.\r\n331 Password.\r\n")
                client.expect(b"220 Ready.\r\n331 Password.\r\n")
                self.assertEqual(s.proxy.records("connected")[0]["proxy_header"], version)

    def test_of_a_client_that_came_directly(self):
        with scene("--send-proxy", "v1") as s:
            client = s.client()
            server = s.keep(s.listener.accept())
            host, port = client.sock.getsockname()
            server.expect(v1_header((host, port), (s.proxy.host, s.proxy.port)))

    def test_haproxy_reads_them(self):
        """HAProxy takes our header and sends one of its own: it names the same client."""
        with Listener() as server, contextlib.closing(Listener()) as free:
            place = ("127.0.0.4", free.port)
            config = f"""
defaults
    mode tcp
    timeout connect 5s
    timeout client 10s
    timeout server 10s
listen out
    bind {place[0]}:{place[1]} accept-proxy
    server s {server.host}:{server.port} send-proxy
"""
            for version in ("v1", "v2"):
                args = ["--accept-proxy", HERE, "--send-proxy", version]
                with haproxy(config), Proxy(place, args=args) as proxy:
                    with contextlib.closing(connect(proxy.host, proxy.port)) as client:
                        client.send(v2_header(REAL, VIP))
                        with contextlib.closing(server.accept()) as wire:
                            wire.expect(v1_header(REAL, VIP))

    def test_one_of_ours_behind_one_of_ours(self):
        rear_args = ["--accept-proxy", HERE, "--accept-proxy-data"]
        front_args = ["--send-proxy", "v2", "--send-proxy-data"]
        content = payload(1 << 20)
        with AnsweringServer(PASV=passive, RETR=download(content)) as server:
            with Proxy(server.address, args=rear_args) as rear:
                with Proxy((rear.host, rear.port), args=front_args) as front:
                    client = connect(front.host, front.port, "127.0.0.9")
                    with contextlib.closing(client):
                        log_in(client)
                        client.send(b"PASV\r\n")
                        data = connect(*address_in(client.expect_code(227)), "127.0.0.9")
                        with contextlib.closing(data):
                            client.send(b"RETR file\r\n")
                            client.expect_code(150)
                            self.assertEqual(data.rest(), content)
                        client.expect_code(226)
                        name = client.name
                    record = rear.wait_for("data")
                    self.assertEqual(record["client"]["from"], data.name)
                    self.assertEqual(rear.records("session")[0]["client"], name)


class Usage(unittest.TestCase):
    def test_wrong_options(self):
        cases = {
            ("--accept-proxy", "10.0.0.0/33"): "'10.0.0.0/33' is no network",
            ("--accept-proxy-data",): "--accept-proxy",
            ("--send-proxy-data",): "--send-proxy",
            ("--send-proxy", "v3"): "v3",
        }
        for args, says in cases.items():
            done = subprocess.run(
                [str(BINARY), "proxy", "--listen", "127.0.0.1:0", "--server", "127.0.0.1", *args],
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, 2, args)
            self.assertIn(says, done.stderr)
