"""`ftpscope nat`: the login names the server (--mode forward), what it may be, and several servers
behind one port (--mode reverse)."""
from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import servers
from binary import BINARY
from clients import CLIENTS, Target, run
from hostile import records_of
from proxy import Proxy, authority, explained
from traced import TracedProxy
from wire import GREETING, Listener, connect
from workload import complaints, prepare

LOCAL = ("--allow-server", "127.0.0.0/8:*")  # where the tests' servers are
FORBIDDEN, UNREACHABLE = "FTP-SERVER-FORBIDDEN", "FTP-SERVER-UNREACHABLE"


class ForwardProxy(TracedProxy):
    """Its oracle: it connects to no server but those that are in the log as connected to, or as not
    reached; least of all to one that is forbidden."""

    def _check_connections(self) -> None:
        asked = {r["server"] for r in self.records("connected")}
        asked |= {r["target"] for r in self.records("channel", event="exposed")}
        unreached = " ".join(r["detail"] for r in self.records("finding", finding=UNREACHABLE))
        for ip, port in self.connections:
            # To look a name up, glibc asks a DNS server, and tries its routes by UDP and port 0.
            if port not in (0, 53):
                one = authority(ip, port)
                assert one in asked or f"{one}:" in unreached, f"it connected to {one}"


def forward(*args: str, prefix: list[str] = ()) -> Proxy:
    return ForwardProxy(None, args=["--mode", "forward", *args], command="nat", prefix=prefix)


@contextlib.contextmanager
def talk(proxy: Proxy, source: str | None = None):
    """A client that the proxy has greeted."""
    client = connect(proxy.host, proxy.port, source)
    try:
        assert client.line().startswith(b"220 Which server?"), client.seen
        yield client
    finally:
        client.close()


def dead_port() -> int:
    """Nobody listens there, and nobody else is given it soon: the kernel hands out others first."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class RealServers(unittest.TestCase):
    """Real clients that know nothing of a proxy but what to type as user name."""

    def check(self, name: str, client: str, mode: str) -> None:
        with servers.start(name) as server, forward(*LOCAL) as proxy, explained(proxy):
            with tempfile.TemporaryDirectory() as local:
                files = prepare(server.new_folder(), Path(local))
                login = f"{server.user}@{server.host}:{server.port}"
                target = Target(proxy.host, proxy.port, login, server.password)
                seen = CLIENTS[client](target, mode, files)
                self.assertEqual(complaints(files, seen), [], seen.output)
            name = f"{server.host}:{server.port}"
            self.assertEqual({r["name"] for r in proxy.records("connected")}, {name})
            rewrite = proxy.records("rewrite", what="USER")[0]
            self.assertEqual(rewrite["before"], f"USER {login}\r\n")
            self.assertEqual(rewrite["after"], f"USER {server.user}\r\n")

    def test_lftp(self):
        for name, mode in {"vsftpd": "PASV", "proftpd": "EPSV", "pyftpdlib": "PORT"}.items():
            with self.subTest(name):
                self.check(name, "lftp", mode)

    def test_tnftp(self):
        self.check("pureftpd", "tnftp", "EPSV")

    def test_python(self):
        self.check("vsftpd", "ftplib", "PASV")

    def test_curl(self):
        """The '@' and the ':' of the login are written %40 and %3A in a URL."""
        with servers.start("vsftpd") as server, forward(*LOCAL) as proxy, explained(proxy):
            with tempfile.TemporaryDirectory() as local:
                files = prepare(server.new_folder(), Path(local))
                login = f"{server.user}%40{server.host}%3A{server.port}:{server.password}"
                url = f"ftp://{login}@{proxy.host}:{proxy.port}/{files.remote.relative}"
                run(["curl", "-sS", f"{url}/down.bin", "-o", "got.bin"], files)
                run(["curl", "-sS", "-T", "up.bin", f"{url}/"], files)
                got = (files.local / "got.bin").read_bytes()
                self.assertEqual(got, (files.remote.path / "down.bin").read_bytes())
                put = (files.remote.path / "up.bin").read_bytes()
                self.assertEqual(put, (files.local / "up.bin").read_bytes())


class Naming(unittest.TestCase):
    def test_a_second_server_when_the_first_cannot_be_had(self):
        """Unreachable, then turned away, then taken; what was sent ahead waits for that."""
        with Listener() as full, Listener() as good, forward(*LOCAL) as proxy, talk(
            proxy
        ) as client:
            client.send(b"USER bob@127.0.0.1:%d\r\n" % dead_port())
            self.assertIn(b"connection refused", client.expect_code(530))
            client.send(b"SITE 127.0.0.1 %d\r\n" % full.port)
            wire = full.accept()
            wire.send(b"421 Too many users.\r\n")
            self.assertIn(b"says 421 Too many users.", client.expect_code(530))
            self.assertEqual(wire.rest(), b"")  # the proxy has gone
            client.send(b"USER bob@127.0.0.1:%d\r\nPASS 1234\r\n" % good.port)
            wire = good.accept()
            wire.send(b"220-Hello\r\n" + GREETING)
            wire.expect(b"USER bob\r\n")
            wire.send(b"331 Password.\r\n")
            client.expect(b"331 Password.\r\n")
            wire.expect(b"PASS 1234\r\n")
            wire.send(b"230 In.\r\n")
            client.expect(b"230 In.\r\n")
            client.send(b"PASV\r\n")
            wire.expect(b"PASV\r\n")
            wire.send(b"227 Passive (127,0,0,1,200,10)\r\n")
            client.expect_code(227)
            wire.close()
            client.close()
            proxy.wait_for("end")
            found = [r["finding"] for r in proxy.records("finding")]
            self.assertEqual(found[:2], [UNREACHABLE, "FTP-421"])
            self.assertIn("FTP-SERVER-TURNED-AWAY", found)
            names = [r["name"] for r in proxy.records("connected")]
            self.assertEqual(names, [f"127.0.0.1:{full.port}", f"127.0.0.1:{good.port}"])

    def test_two_modes_at_once(self):
        with Listener() as fixed, Listener() as named:
            modes = ["--mode", f"reverse:127.0.0.1:{fixed.port}", "--mode", "forward@127.0.0.1:0"]
            with Proxy(None, args=[*modes, *LOCAL], command="nat") as proxy:
                second = proxy._stdout().splitlines()[1]
                where, what = second.removeprefix("ftpscope: listening on ").split(", server ")
                self.assertEqual(what, "forward")
                one, two = connect(proxy.host, proxy.port), connect(
                    "127.0.0.1", int(where.split(":")[1])
                )
                wire = fixed.accept()
                wire.send(GREETING)
                one.expect(GREETING)
                two.expect_code(220)
                two.send(b"USER bob@127.0.0.1:%d\r\n" % named.port)
                other = named.accept()
                other.send(GREETING)
                other.expect(b"USER bob\r\n")
                for open_one in (one, two, wire, other):
                    open_one.close()


class Forbidden(unittest.TestCase):
    """threats.md S17: the address that is connected to decides, not the name."""

    def refused(self, proxy: Proxy, login: str) -> str:
        """What the log says of it; the client is told no more than that it is not to be."""
        with talk(proxy) as client:
            client.send(f"USER {login}\r\n".encode())
            reply = client.expect_code(530)
            self.assertIn(b"This proxy does not connect to", reply)
            client.send(b"QUIT\r\n")
            client.expect_code(221)
            self.assertEqual(client.rest(), b"")
            ended = proxy.wait_for("end", session=records_of(proxy, client)[0]["session"])
            finding = records_of(proxy, client, "finding")[0]
            self.assertEqual((finding["finding"], ended["how"]), (FORBIDDEN, "fin"))
            self.assertEqual(records_of(proxy, client, "connected"), [])
            return finding["detail"]

    def test_by_default(self):
        with Listener() as inside, forward() as proxy:
            port = inside.port
            for login, why in {
                f"u@127.0.0.1:{port}": "is a loopback address",
                f"u@localhost:{port}": "is a loopback address",
                f"u@0x7f.1:{port}": "127.0.0.1",
                f"u@2130706433:{port}": "127.0.0.1",
                f"u@[::1]:{port}": "[::1]",
                f"u@[::ffff:127.0.0.1]:{port}": "127.0.0.1",
                f"u@0.0.0.0:{port}": "is no address of a host",
                f"a@b@127.0.0.1:{port}": "is a loopback address",
                "u@169.254.169.254:80": "is a link-local address",
                "u@[fe80::1]": "is a link-local address",
                "u@224.0.0.1": "is a multicast address",
                "u@192.0.2.1:25": "has a port below 1024",
                "u@192.0.2.1:22": "has a port below 1024",
                f"u@127.0.0.1:{proxy.port}": "is this proxy itself",
            }.items():
                with self.subTest(login):
                    self.assertIn(why, self.refused(proxy, login))
            self.assertFalse(inside.was_called())

    def test_itself_even_if_allowed(self):
        with forward(*LOCAL) as proxy:
            self.assertIn("this proxy itself", self.refused(proxy, f"u@127.0.0.1:{proxy.port}"))
            self.assertEqual(len(proxy.records("session")), 1)

    def test_by_rules(self):
        with Listener() as server:
            rules = [*LOCAL, "--deny-server", f"127.0.0.1:{server.port}"]
            with forward(*rules) as proxy:
                why = self.refused(proxy, f"u@127.0.0.1:{server.port}")
                self.assertIn(f"is forbidden by --deny-server 127.0.0.1:{server.port}", why)
            with forward("--allow-server", "*.example") as proxy:
                why = self.refused(proxy, f"u@127.0.0.1:{server.port}")
                self.assertIn("is allowed by no --allow-server", why)
            self.assertFalse(server.was_called())

    def test_names_by_what_they_resolve_to(self):
        """Of two names one is inside; a third is both, and only its good address is connected to."""
        with tempfile.TemporaryDirectory() as folder:
            hosts = Path(folder) / "hosts"
            lines = ["127.0.0.2 good.example", "127.0.0.1 inside.example"]
            lines += ["127.0.0.1 both.example", "127.0.0.2 both.example"]
            hosts.write_text("\n".join(lines) + "\n")
            mount = 'mount --bind "$0" /etc/hosts && exec "$@"'
            prefix = ["unshare", "-m", "sh", "-c", mount, str(hosts)]
            inside, good = Listener.twins("127.0.0.1", "127.0.0.2")
            rules = ["--allow-server", "127.0.0.2", "--allow-server", "*.example"]
            with inside, good, forward(*rules, prefix=prefix) as proxy:
                why = self.refused(proxy, f"u@inside.example:{inside.port}")
                self.assertIn(f"127.0.0.1:{inside.port} is a loopback address", why)
                for name in ("good", "both"):
                    with talk(proxy) as client:
                        client.send(f"USER u@{name}.example:{good.port}\r\n".encode())
                        wire = good.accept()
                        wire.send(GREETING)
                        wire.expect(b"USER u\r\n")
                        connected = records_of(proxy, client, "connected")
                        self.assertEqual(connected[0]["server"], f"127.0.0.2:{good.port}")
                        wire.close()
                self.assertFalse(inside.was_called())


class Usage(unittest.TestCase):
    def refused(self, *args: str) -> str:
        argv = [BINARY, *args]
        done = subprocess.run(argv, stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertEqual(done.returncode, 2, done)
        return done.stderr

    def test_rules_that_would_restrict_nothing(self):
        for rule in ("--allow-server", "--deny-server"):
            told = self.refused("proxy", "--listen", ":0", "--server", "a", rule, "10.0.0.0/8")
            self.assertIn(f"{rule}: is for --mode forward", told)

    def test_several_servers_have_a_mode(self):
        told = self.refused("proxy", "--listen", ":0", "--server", "a,b:2121")
        self.assertIn("--mode reverse:a,b:2121", told)

    def test_a_command_that_does_not_exist(self):
        self.assertIn("there is no command 'frob'", self.refused("frob"))
        self.assertIn("A subcommand is required", self.refused())


class SeveralServers(unittest.TestCase):
    def greet(self, proxy: Proxy, server: Listener, source: str | None = None):
        """A session that this server gets; its name in the log."""
        client = connect(proxy.host, proxy.port, source)
        wire = server.accept()
        wire.send(GREETING)
        client.expect(GREETING)
        name = records_of(proxy, client, "connected")[0]["name"]
        findings = [r["finding"] for r in records_of(proxy, client, "finding")]
        client.close()
        wire.close()
        return name, findings

    def reverse(self, *addresses: tuple[str, int], args: tuple[str, ...] = ()) -> Proxy:
        mode = "reverse:" + ",".join(f"{host}:{port}" for host, port in addresses)
        return Proxy(None, args=["--mode", mode, *args], command="nat")

    def test_a_dead_one_is_passed_over_and_then_tried_last(self):
        with Listener() as live:
            dead = ("127.0.0.1", dead_port())
            with self.reverse(dead, live.address) as proxy:
                name = f"127.0.0.1:{live.port}"
                self.assertEqual(self.greet(proxy, live), (name, [UNREACHABLE]))
                detail = proxy.records("finding")[0]["detail"]
                self.assertIn(f"127.0.0.1:{dead[1]}: connection refused", detail)
                self.assertEqual(self.greet(proxy, live), (name, []))

    def test_all_dead(self):
        with self.reverse(("127.0.0.1", dead_port()), ("127.0.0.1", dead_port())) as proxy:
            client = connect(proxy.host, proxy.port)
            self.assertIn(b"Cannot reach the server", client.expect_code(421))
            self.assertEqual(client.rest(), b"")
            client.close()
            self.assertEqual(proxy.wait_for("end")["how"], "connect-failed")

    def test_one_that_does_not_answer_is_given_up(self):
        """A full backlog: the kernel drops the SYN, as a firewall would."""
        with socket.socket() as silent, Listener() as live, contextlib.ExitStack() as stack:
            silent.bind(("127.0.0.1", 0))
            silent.listen(0)
            for _ in range(3):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(silent.getsockname())
            args = ("--connect-timeout", "0.3")
            with self.reverse(silent.getsockname(), live.address, args=args) as proxy:
                self.assertEqual(self.greet(proxy, live)[1], [UNREACHABLE])
                self.assertIn("timed out", proxy.records("finding")[0]["detail"])

    def test_round_robin(self):
        with Listener() as one, Listener() as two:
            args = ("--balance", "round-robin")
            with self.reverse(one.address, two.address, args=args) as proxy:
                for server in (one, two, one, two):
                    self.assertEqual(self.greet(proxy, server), (f"127.0.0.1:{server.port}", []))

    def test_a_client_keeps_its_server(self):
        with Listener() as one, Listener() as two:
            args = ("--balance", "client")
            with self.reverse(one.address, two.address, args=args) as proxy:
                got: dict[str, set[str]] = {}
                for source in [f"127.0.0.{number}" for number in range(10, 22)] * 2:
                    client = connect(proxy.host, proxy.port, source)
                    session = proxy.wait_for("session", client=client.name)["session"]
                    name = proxy.wait_for("connected", session=session)["name"]
                    wire = (one if name.endswith(f":{one.port}") else two).accept()
                    got.setdefault(source, set()).add(name)
                    wire.close()
                    client.close()
                self.assertEqual({len(names) for names in got.values()}, {1})
                self.assertEqual(len(set.union(*got.values())), 2)


class ExplainLogin(unittest.TestCase):
    def explain(self, *args: str) -> tuple[int, str]:
        done = subprocess.run([BINARY, "explain-login", *args], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def test_what_would_be_done(self):
        code, said = self.explain("bob@192.0.2.1:2121", "--json")
        told = json.loads(said)
        self.assertEqual(code, 0)
        self.assertEqual(told["command"], "USER bob@192.0.2.1:2121")
        self.assertEqual((told["server"], told["sends"]), ("192.0.2.1:2121", "USER bob"))
        addresses = [{"address": "192.0.2.1:2121", "allowed": True, "why": None}]
        self.assertEqual(told["addresses"], addresses)
        self.assertTrue(told["connects"])

    def test_what_would_not(self):
        for login, why in {
            "bob@localhost": "is a loopback address",
            "SITE 192.0.2.1:25": "has a port below 1024",
            "bob": "Say which server as well",
            "bob@192.0.2.1:99999": "That is no port",
            "bob@nobody.invalid": "cannot be found",
        }.items():
            with self.subTest(login):
                code, said = self.explain(login)
                self.assertEqual(code, 1)
                self.assertIn(why, said)
                self.assertFalse(json.loads(self.explain(login, "--json")[1])["connects"])

    def test_rules_are_those_of_the_proxy(self):
        self.assertEqual(self.explain("bob@127.0.0.1", "--allow-server", "127.0.0.1")[0], 0)
        code, said = self.explain("bob@192.0.2.1", "--deny-server", "192.0.2.0/24")
        self.assertEqual(code, 1)
        self.assertIn("is forbidden by --deny-server 192.0.2.0/24", said)


if __name__ == "__main__":
    unittest.main()
