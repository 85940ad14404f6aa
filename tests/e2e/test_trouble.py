"""Trouble between the two ends, named: helpers that rewrite as well, clients with two addresses. The
first in a laboratory of namespaces, with the kernel's own nf_nat_ftp."""
from __future__ import annotations

import contextlib
import unittest

import servers
from hostile import Channel, Session, scene
from machines import Host, Lab
from traced import TracedProxy
from wire import GREETING, Listener, address_in, comma, connect, payload

PAYLOAD = payload(5000)
OUTSIDE = "198.51.100.1"
HELPER = """
  ct helper ftp_lab { type "ftp" protocol tcp; }
  chain helper { type filter hook prerouting priority mangle; tcp dport 21 ct helper set "ftp_lab"; }
"""


def session_of(proxy: TracedProxy, client: Host, to: tuple[str, int], server: Listener) -> Session:
    with client.entered():
        wire = connect(*to)
    control = server.accept()
    control.send(GREETING)
    wire.expect(GREETING)
    session = Session(proxy, wire, control)
    session.login()
    return session


class Helper(unittest.TestCase):
    """A gateway whose outside address is forwarded to the proxy on it; conntrack's helper is on."""

    @contextlib.contextmanager
    def gateway(self, *args: str, more_rules: str = ""):
        with Lab() as lab:
            client, gate = lab.host("client"), lab.host("gate")
            lab.link(client, "10.9.0.2", gate, "10.9.0.1")
            client.default_route("10.9.0.1")
            gate.nft(
                f"""table ip lab {{ {HELPER}
  chain forward_in {{
    type nat hook prerouting priority dstnat
    ip daddr {OUTSIDE} tcp dport 21 dnat to 10.9.0.1:2121
    {more_rules}
  }}
}}"""
            )
            with gate.entered():
                listener = Listener()
                proxy = TracedProxy(listener.address, [*args, "--lines", "strict"], ":2121")
                with listener, proxy:
                    session = session_of(proxy, client, (OUTSIDE, 21), listener)
                    yield client, session
                    session.client.close()
                    session.server.close()

    def download(self, client: Host, session: Session) -> tuple[str, int]:
        """Where the client was told to go."""
        with Listener() as data:
            session.client.send(b"PASV\r\n")
            session.server.expect(b"PASV\r\n")
            session.server.send(b"227 OK (" + comma(*data.address) + b").\r\n")
            told = address_in(session.client.line())
            with client.entered():
                got = connect(*told)
            server_data = data.accept()
            session.client.send(b"RETR file\r\n")
            session.server.expect(b"RETR file\r\n")
            server_data.send(PAYLOAD)
            server_data.close()
            self.assertEqual(got.rest(), PAYLOAD)
            got.close()
            session.server.send(b"226 Done.\r\n")
            session.client.expect(b"226 Done.\r\n")
        return told

    def test_a_helper_of_this_machine_is_named(self):
        with self.gateway() as (client, session):
            told = self.download(client, session)
            self.assertEqual(told[0], OUTSIDE)  # the kernel wrote that
            detail = session.wait_for("finding", finding="FTP-DOUBLE-REWRITE")["detail"]
            said = f"10.9.0.1:{told[1]} was told, {OUTSIDE}:{told[1]} was connected to"
            self.assertEqual(detail, said)

    def test_the_remedy_is_one(self):
        ports = f"ip daddr {OUTSIDE} tcp dport 40000-40099 dnat to 10.9.0.1"
        args = ["--advertise", f"public:{OUTSIDE}", "--data-ports", "40000-40099"]
        with self.gateway(*args, more_rules=ports) as (client, session):
            told = self.download(client, session)
            self.assertEqual(told[0], OUTSIDE)  # we said that
            self.assertNotIn("FTP-DOUBLE-REWRITE", session.findings())


class HelperInFrontOfTheServer(unittest.TestCase):
    def test_a_port_that_changed_on_the_way_is_named_when_the_server_tells(self):
        with Lab() as lab:
            names = ("client", "gate", "router", "server")
            client, gate, router, server = map(lab.host, names)
            lab.link(client, "10.1.0.2", gate, "10.1.0.1")
            lab.link(gate, "10.2.0.2", router, "10.2.0.1")
            lab.link(router, "203.0.113.1", server, "203.0.113.2")
            gate.default_route("10.2.0.1")
            router.forwards()
            router.nft(
                f"""table ip lab {{ {HELPER}
  chain out {{ type nat hook postrouting priority srcnat; oifname "server" masquerade; }}
}}"""
            )
            with server.entered():
                listener = Listener("203.0.113.2", 21)
            with listener, gate.entered(), TracedProxy(listener.address, [], ":2121") as proxy:
                session = session_of(proxy, client, ("10.1.0.1", 2121), listener)
                session.client.send(b"PORT " + comma("10.1.0.2", 5000) + b"\r\n")
                line = session.server.line()
                self.assertEqual(address_in(line)[0], "203.0.113.1")
                session.server.send(b"200 PORT command successful.\r\n")
                session.client.expect_code(200)
                heard = line.removeprefix(b"PORT ").strip()
                # As inetutils-ftpd and its kin say it.
                status = b"211-status:\r\n     PORT (" + heard + b")\r\n211 End of status\r\n"
                session.ask(b"STAT\r\n", status)
                told = session.wait_for("channel", event="exposed")["address"]
                detail = session.wait_for("finding", finding="FTP-PORT-CHANGED")["detail"]
                self.assertTrue(detail.startswith(f"{told} was sent, "), detail)
                self.assertIn(" the server heard 203.0.113.1:", detail)
                session.client.close()
                session.server.close()


class RealServersTell(unittest.TestCase):
    """What that check goes by, in the servers' own words."""

    @contextlib.contextmanager
    def at(self, name: str):
        with servers.start(name) as server, TracedProxy(
            (server.host, server.port)
        ) as proxy, Listener() as data:
            client = connect(proxy.host, proxy.port)
            with contextlib.closing(client):
                client.expect_until(b"220 ")
                client.line()
                for command, code in (
                    ("USER " + server.user, 331),
                    ("PASS " + server.password, 230),
                ):
                    client.send(command.encode() + b"\r\n")
                    client.expect_until(b"%d " % code)
                    client.line()
                client.send(b"PORT " + comma(*data.address) + b"\r\n")
                client.expect_code(200)
                yield client, data
            sent = proxy.records("channel", event="exposed")[0]["address"]
            self.told_port = int(sent.rpartition(":")[2])
        self.assertFalse(proxy.records("finding", finding="FTP-PORT-CHANGED"))

    def test_inetutils_in_the_answer_to_stat(self):
        with self.at("inetutils") as (client, _):
            client.send(b"STAT\r\n")
            status = client.expect_until(b"\r\n211 ")
            told = address_in(status[status.index(b"PORT (") :])
        self.assertEqual(told, ("127.0.0.1", self.told_port))

    def test_pure_ftpd_at_each_transfer(self):
        with self.at("pureftpd") as (client, data):
            client.send(b"NLST\r\n")
            line = client.expect_code(150)
            data.accept().close()
            client.expect_until(b"226")
        self.assertEqual(line, b"150 Connecting to port %d\r\n" % self.told_port)


class SecondAddress(unittest.TestCase):
    def test_a_client_whose_data_comes_from_its_other_address(self):
        with scene("--data-connect-timeout", "1", "--lines", "strict") as s:
            session = s.session()
            channel = Channel(session, "PASV")
            for _ in range(2):
                with contextlib.closing(connect(*channel.address, source="127.0.0.7")) as other:
                    self.assertEqual(other.ending()[0], b"")
            found = session.wait_for("finding", finding="FTP-DATA-OTHER-ADDRESS")
            self.assertEqual(found["detail"], "127.0.0.7, the client is 127.0.0.1")
            stranger = session.wait_for("finding", finding="FTP-DATA-STRANGER")["detail"]
            self.assertIn(", a neighbour of the client, 127.0.0.1", stranger)
            channel.listener.close()


if __name__ == "__main__":
    unittest.main()
