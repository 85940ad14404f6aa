"""--server-data: whatever form of set-up the client speaks, to whatever form the server can."""
from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import servers
from binary import BINARY
from clients import CLIENTS, Target
from proxy import Proxy, explained
from six_forms import FORMS, FormClient, FormServer, Refused, read_all, sha256
from workload import complaints, prepare

FAMILIES = {"4": "127.0.0.1", "6": "::1"}
IPV4_ONLY = {"PORT", "PASV"}


@contextlib.contextmanager
def between(server, *args: str, listen: str = "127.0.0.1"):
    host = f"[{listen}]:0" if ":" in listen else f"{listen}:0"
    with Proxy((server.host, server.port), args=args, listen=host) as proxy:
        yield proxy


def asked_again(proxy: Proxy) -> list[str]:
    """What the server got after it had refused another form."""
    refused = [r for r in proxy.records("rewrite") if "refused the other form" in r["why"]]
    return [r["after"].split()[0] for r in refused]


class SixBySix(unittest.TestCase):
    """Each form of the client x each form of the server x the families: down and up, by hash."""

    def check(self, client_family: str, server_family: str) -> None:
        client_host, server_host = FAMILIES[client_family], FAMILIES[server_family]
        for wanted in FORMS:
            if server_family == "6" and wanted in IPV4_ONLY:
                continue
            with (
                FormServer(server_host, speaks={wanted}) as server,
                between(server, "--server-data", wanted.lower(), listen=client_host) as proxy,
            ):
                for form in FORMS:
                    if client_family == "6" and form in IPV4_ONLY:
                        continue
                    with self.subTest(client=form, server=wanted), explained(proxy):
                        self.check_both_ways(server, proxy, form, wanted)

    def check_both_ways(self, server: FormServer, proxy: Proxy, form: str, wanted: str) -> None:
        upload = os.urandom(200_000)
        before = len(server.heard)
        with FormClient(proxy.host, proxy.port) as client:
            self.assertEqual(sha256(client.download(form)), sha256(server.content))
            client.upload(form, upload, form)
            with self.assertRaisesRegex(Refused, "^550"):
                client.download(form, "missing")
            self.assertEqual(sha256(client.download(form)), sha256(server.content))
        self.assertEqual(server.uploaded[form], sha256(upload))
        # One for one: nothing else reached the server.
        one = [wanted, "RETR", wanted, "STOR", wanted, "RETR", wanted, "RETR"]
        self.assertEqual(server.heard[before:], ["USER", "PASS", *one, "QUIT"])

    def test_ipv4_to_ipv4(self):
        self.check("4", "4")

    def test_ipv6_to_ipv4(self):
        self.check("6", "4")

    def test_ipv4_to_ipv6(self):
        self.check("4", "6")

    def test_ipv6_to_ipv6(self):
        self.check("6", "6")


class Same(unittest.TestCase):
    """Without --server-data: one for one in one family, what is needed in two."""

    def test_one_family_is_left_alone(self):
        with FormServer("127.0.0.1", speaks={"PASV"}) as server, between(server) as proxy:
            with FormClient(proxy.host, proxy.port) as client:
                with self.assertRaisesRegex(Refused, "^500 EPSV not understood"):
                    client.download("EPSV")
                self.assertEqual(client.ask("ALGS STATUS64"), "502 ?\r\n")
                self.assertEqual(client.download("PASV"), server.content)
            self.assertEqual(server.heard[2:], ["EPSV", "ALGS", "PASV", "RETR", "QUIT"])

    def test_ipv4_client_of_an_ipv6_server(self):
        with FormServer("::1", speaks={"EPSV", "EPRT"}) as server, between(server) as proxy:
            with FormClient(proxy.host, proxy.port) as client:
                for form in FORMS[:2] + FORMS[3:5]:
                    self.assertEqual(client.download(form), server.content, form)
            sent = [verb for verb in server.heard if verb in FORMS]
            self.assertEqual(sent, ["EPRT", "EPRT", "EPSV", "EPSV"])

    def test_ipv6_client_of_an_old_ipv4_server(self):
        """FTP64 (RFC 6384): it learns once what the server does not know."""
        with FormServer("127.0.0.1", speaks={"PASV", "PORT"}) as server:
            with between(server, listen="::1") as proxy:
                for _ in range(2):
                    with FormClient(proxy.host, proxy.port) as client:
                        for form in ("EPSV", "EPRT", "EPSV", "EPRT"):
                            self.assertEqual(client.download(form), server.content, form)
                self.assertEqual(asked_again(proxy), ["PASV", "PORT"])
            self.assertEqual(server.heard.count("EPSV"), 1)
            self.assertEqual(server.heard.count("EPRT"), 1)
            self.assertEqual(server.heard.count("PASV"), 4)

    def test_algs(self):
        with FormServer("127.0.0.1", speaks={"PASV"}) as server:
            with between(server, "--server-data", "pasv", listen="::1") as proxy:
                with FormClient(proxy.host, proxy.port) as client:
                    self.assertRegex(client.ask("ALGS STATUS64"), "^216 EPSVEPRT ")
                    self.assertRegex(client.ask("ALGS DISABLE64"), "^216 NONE ")
                    with self.assertRaisesRegex(Refused, "^500 EPSV"):
                        client.download("EPSV")
                    self.assertRegex(client.ask("ALGS ENABLE64"), "^216 EPSVEPRT ")
                    self.assertEqual(client.download("EPSV"), server.content)
                    self.assertRegex(client.ask("ALGS"), "^504 ")
                    self.assertEqual(client.ask("EPSV 1")[:4], "522 ")
                    features = "211-Features:\r\n SIZE\r\n EPRT\r\n EPSV\r\n211 End\r\n"
                    self.assertEqual(client.ask("FEAT"), features)
            self.assertNotIn("ALGS", server.heard)

    def test_a_server_that_refuses_both(self):
        with FormServer("127.0.0.1", speaks=()) as server:
            with between(server, "--server-data", "passive") as proxy:
                with FormClient(proxy.host, proxy.port) as client:
                    with self.assertRaisesRegex(Refused, "^500 PASV not understood"):
                        client.download("EPSV")
            self.assertEqual(server.heard[2:4], ["EPSV", "PASV"])


class RealOnes(unittest.TestCase):
    """curl, lftp and ftplib at a pyftpdlib that lacks what they speak."""

    def check(self, client: str, mode: str, wish: str, lacks: str, families="44") -> None:
        listen, host = FAMILIES[families[0]], FAMILIES[families[1]]
        with (
            self.subTest(client=client, mode=mode, wish=wish, lacks=lacks, families=families),
            servers.start("pyftpdlib", host, lacks=lacks.split()) as server,
            tempfile.TemporaryDirectory() as local,
            between(server, "--server-data", wish, listen=listen) as proxy,
        ):
            files = prepare(server.new_folder(), Path(local))
            target = Target(proxy.host, proxy.port, server.user, server.password)
            seen = CLIENTS[client](target, mode, files)
            wrong = complaints(files, seen)
            with explained(proxy):
                self.assertFalse(wrong, f"{wrong}\n{seen.output}")
                ends = {(r["how"]) for r in proxy.records("data") if r["to"] is not None}
                self.assertEqual(ends, {"fin"})

    def test_curl(self):
        self.check("curl", "PASV", "epsv", "PASV PORT EPRT")
        self.check("curl", "EPSV", "active", "PASV EPSV")
        self.check("curl", "PORT", "passive", "PORT EPRT")
        self.check("curl", "EPRT", "port", "PASV EPSV EPRT")

    def test_lftp(self):
        self.check("lftp", "PASV", "active", "PASV EPSV")
        self.check("lftp", "EPSV", "pasv", "EPSV PORT EPRT")
        self.check("lftp", "PORT", "passive", "PORT EPRT PASV")
        self.check("lftppipe", "PASV", "epsv", "EPSV")

    def test_ftplib(self):
        self.check("ftplib", "PASV", "port", "PASV EPSV EPRT")
        self.check("ftplib", "EPRT", "pasv", "EPSV PORT EPRT")
        self.check("ftplib", "PORT", "eprt", "PASV EPSV PORT")

    def test_mixed_families(self):
        for client in ("curl", "ftplib"):
            self.check(client, "PASV", "same", "", "46")
            self.check(client, "PORT", "same", "", "46")
            self.check(client, "EPSV", "same", "EPSV EPRT", "64")
            self.check(client, "EPRT", "same", "EPSV EPRT", "64")
        self.check("curl", "PORT", "passive", "", "46")
        self.check("lftp", "EPSV", "active", "EPSV EPRT", "64")


class Ports(unittest.TestCase):
    def test_the_source_port_of_active_data(self):
        """One after the other from the same port, one that needs root. Not 20: servers of other
        tests have used that, and TIME_WAIT keeps it from who has set no SO_REUSEADDR."""
        with FormServer("127.0.0.1") as server:
            with between(server, "--active-source-port", "913") as proxy:
                with FormClient(proxy.host, proxy.port) as client:
                    for _ in range(3):
                        self.assertEqual(client.download("PORT"), server.content)
                        self.assertEqual(client.data_peer, ("127.0.0.1", 913))

    def test_a_source_port_that_may_not_be_used(self):
        argv = [str(BINARY), "proxy", "--listen", "127.0.0.1:0", "--server", "127.0.0.1:21"]
        argv += ["--active-source-port", "20"]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=20, user="nobody", group="nogroup"
        )
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "^ftpscope: --active-source-port 20 needs root, or: setcap")

    def test_told_ports_are_others(self):
        with FormServer("127.0.0.1") as server:
            with between(server, "--port-map", "30000-30099=40000") as proxy:
                with FormClient(proxy.host, proxy.port) as client:
                    told = client.ask("EPSV")
                    channel = proxy.wait_for("channel", event="exposed")
                    port = int(channel["address"].rpartition(":")[2])
                    self.assertIn(f"|||{port}|", told)
                    self.assertTrue(40000 <= port < 40100, port)
                    # What stands in front of us would pass it on.
                    listener = ("127.0.0.1", port - 10000)
                    self.assertEqual(self.fetch(client, listener), server.content)

    def fetch(self, client: FormClient, address: tuple[str, int]) -> bytes:
        with socket.create_connection(address, 10) as data:
            self.assertRegex(client.ask("RETR file"), "^150")
            content = read_all(data)
        self.assertRegex(client.reply(), "^226")
        return content

    def test_wrong_maps(self):
        for text, why in {
            "30000-30099": "needs ports",
            "30000-30099=80": "needs ports",
            "30000-30099=65500": "above 65535",
        }.items():
            self.assertIn(why, self.usage_error("--port-map", text))
        both = self.usage_error("--port-map", "30000-30099=40000", "--data-ports", "30050-30150")
        self.assertIn("not in --port-map", both)
        self.assertIn("needs a port", self.usage_error("--active-source-port", "ftp"))

    def usage_error(self, *args: str) -> str:
        argv = [str(BINARY), "proxy", "--listen", "127.0.0.1:0", "--server", "127.0.0.1:21", *args]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2, argv)
        return done.stderr


if __name__ == "__main__":
    unittest.main()
