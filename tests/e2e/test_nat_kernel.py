"""Data connections that the kernel translates (--data-path kernel), in a laboratory of namespaces.

    client 10.1.0.2 -- 10.1.0.1 router 10.2.0.1 -- 10.2.0.2 server         (fd00:1::/64, fd00:2::/64)
    stranger 10.3.0.2 -- 10.3.0.1

ftpscope is on the router. The server has no way to the client but through it: an answer that were not
translated back would go nowhere.
"""
from __future__ import annotations

import contextlib
import ftplib
import json
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

import nat_worlds
import servers
from binary import BINARY
from clients import CLIENTS, Target, bracketed, connect
from machines import Host, Lab
from process_facts import cpu_s
from proxy import Proxy, authority, explained
from wire import address_in, comma
from workload import complaints, prepare, transfers

CLIENT = {4: "10.1.0.2", 6: "fd00:1::2"}
INSIDE = {4: "10.1.0.1", 6: "fd00:1::1"}  # the router, as the client knows it
OUTSIDE = {4: "10.2.0.1", 6: "fd00:2::1"}  # as the server knows it
SERVER = {4: "10.2.0.2", 6: "fd00:2::2"}
STRANGER = "10.3.0.2"
BULK = 512 << 20
ROUNDS = 5
KERNEL = ("--data-path", "kernel")


@dataclass
class World:
    client: Host
    router: Host
    server: Host
    stranger: Host

    def proxy(self, ftp, *args: str, on: Host | None = None) -> Proxy:
        """Not started; its processes are the router's."""
        version = 6 if ":" in ftp.host else 4
        return OnHost(
            on or self.router, (ftp.host, ftp.port), [*KERNEL, *args], authority(INSIDE[version], 0)
        )

    def tables(self) -> list[str]:
        """Ours, that is; the laboratory has some itself."""
        told = json.loads(self.router.run("nft", "-j", "list", "tables"))
        names = [item["table"]["name"] for item in told["nftables"] if "table" in item]
        return [name for name in names if name.startswith("ftpscope")]

    def expectations(self, table: str = "ftpscope") -> int:
        """How many elements our maps hold, of both kinds and families."""
        told = json.loads(self.router.run("nft", "-j", "list", "table", "inet", table))
        return sum(len(item["map"].get("elem", ())) for item in told["nftables"] if "map" in item)


class OnHost(Proxy):
    """A proxy that is started on a machine of the laboratory."""

    def __init__(self, host: Host, *args):
        super().__init__(*args)
        self.machine = host

    def _start(self) -> None:
        with self.machine.entered():
            super()._start()


@contextlib.contextmanager
def world():
    with Lab() as lab:
        w = World(*(lab.host(name) for name in ("client", "router", "server", "stranger")))
        for version in (4, 6):
            lab.link(w.client, CLIENT[version], w.router, INSIDE[version])
            lab.link(w.router, OUTSIDE[version], w.server, SERVER[version])
            w.client.default_route(INSIDE[version])
        lab.link(w.stranger, STRANGER, w.router, "10.3.0.1")
        w.stranger.default_route("10.3.0.1")
        w.router.forwards()
        yield w


@contextlib.contextmanager
def scene(version: int = 4, server: str = "vsftpd", args: tuple[str, ...] = ()):
    """(the machines, the server, the proxy, where the client connects)"""
    with world() as w, w.server.entered(), servers.start(server, SERVER[version]) as ftp:
        with w.proxy(ftp, *args) as proxy:
            yield w, ftp, proxy, Target(proxy.host, proxy.port, ftp.user, ftp.password)
        assert w.tables() == [], f"left after a normal stop: {w.tables()}"


def ended(proxy: Proxy) -> dict:
    return proxy.wait_for("end")


def used(proxy: Proxy) -> list[dict]:
    return [r for r in proxy.records("data") if r["connected"]]


class Transfers(unittest.TestCase):
    """Real clients and servers, up and down, by hash; and what the log says of it."""

    def check(self, server: str, client: str, mode: str, version: int):
        with scene(version, server) as (w, ftp, proxy, target):
            with tempfile.TemporaryDirectory() as local:
                files = prepare(ftp.new_folder(), Path(local))
                with w.client.entered():
                    seen = CLIENTS[client](target, mode, files)
                wrong = complaints(files, seen)
                self.assertFalse(wrong, f"{wrong}\n--- the client's transcript ---\n{seen.output}")
            ended(proxy)
            self.assertEqual(w.expectations(), 0)
        with explained(proxy):
            self.check_log(proxy, client, version, mode in ("PASV", "EPSV"))

    def check_log(self, proxy: Proxy, client: str, version: int, passive: bool):
        data = used(proxy)
        listings = {"LIST", "NLST", "MLSD"}
        told = sorted(
            (r["verb"], r["direction"], r["bytes"]) for r in data if r["verb"] not in listings
        )
        self.assertEqual(told, transfers(client))
        for r in data:
            self.assertEqual((r["path"], r["how"]), ("kernel", "fin"))
            self.assertGreater(r["rate"] or 0, 0)
            # It is the sender who ends a transfer in stream mode.
            sender = {"download": "server", "upload": "client"}[r["direction"]]
            self.assertEqual(r["closed_first"], sender)
            peer, near, far, host = (
                CLIENT[version],
                INSIDE[version],
                OUTSIDE[version],
                SERVER[version],
            )
            hosts = [
                [end.rpartition(":")[0].strip("[]") for end in (r[leg]["from"], r[leg]["to"])]
                for leg in ("client", "server")
            ]
            expected = [[peer, near], [far, host]] if passive else [[near, peer], [host, far]]
            self.assertEqual(hosts, expected)
        loud = [f for f in proxy.records("finding") if f["severity"] != "note"]
        self.assertEqual([f["finding"] for f in loud if f["finding"].startswith("FTP-DATA")], [])
        self.assertEqual(proxy.records("finding", finding="FTP-DATA-RELAYED"), [])


def _add_cases():
    for server in ("vsftpd", "proftpd", "pyftpdlib"):
        for client in ("curl", "ftplib"):
            for version, modes in ((4, ("PASV", "EPSV", "PORT", "EPRT")), (6, ("EPSV", "EPRT"))):
                for mode in modes:

                    def case(self, args=(server, client, mode, version)):
                        self.check(*args)

                    setattr(Transfers, f"test_{server}_{client}_{mode}_IPv{version}", case)


_add_cases()


class Bulk(unittest.TestCase):
    """What is gained: the kernel's speed, and no work for the process."""

    def test_as_fast_as_nf_nat_ftp_and_no_work_for_the_process(self):
        with scene() as (w, ftp, proxy, target), OnHost(
            w.router, (ftp.host, ftp.port), [], "10.1.0.1:0"
        ) as relay:
            self.with_helper(w, ftp)
            folder = ftp.new_folder()
            with open(folder.path / "big", "wb") as big:
                big.truncate(BULK)
            servers.give_to_user(folder.path / "big")
            ways = {
                "kernel": (proxy.host, proxy.port),
                "nf_nat_ftp": (ftp.host, ftp.port),
                "relay": (relay.host, relay.port),
            }
            seconds = {way: [] for way in ways}
            work = {"kernel": 0.0, "relay": 0.0}
            for _ in range(ROUNDS):
                for way, door in ways.items():
                    before = {"kernel": cpu_s(proxy.pid), "relay": cpu_s(relay.pid)}
                    seconds[way].append(self.fetch(w, ftp, door, folder))
                    if way in work:
                        after = cpu_s({"kernel": proxy, "relay": relay}[way].pid)
                        work[way] += after - before[way]
            self.assertGreater(w.router.counter("helper", "helped"), 0, "nf_nat_ftp had no part")
            w.router.run("nft", "delete", "table", "inet", "helper")
            self.tell(seconds, work)
        for r in proxy.records("data", verb="RETR"):
            self.assertEqual((r["path"], r["bytes"]), ("kernel", BULK))
        # 2.5 GB: what it costs is the control connection and four packets a transfer.
        self.assertLess(work["kernel"], work["relay"] / 4, work)

    def with_helper(self, w: World, ftp):
        """Source NAT and the kernel's own helper, for who goes to the server past ftpscope."""
        w.router.nft(
            f"""
            table inet helper {{
              counter helped {{ }}
              ct helper ftp {{ type "ftp" protocol tcp; }}
              chain pre {{ type filter hook prerouting priority filter; policy accept;
                ip saddr 10.1.0.2 tcp dport {ftp.port} ct helper set "ftp"
                ct helper "ftp" ct state related counter name helped
                ct state related counter name helped
              }}
              chain post {{ type nat hook postrouting priority srcnat; policy accept;
                ip saddr 10.1.0.2 ip daddr 10.2.0.2 masquerade
              }}
            }}"""
        )

    def fetch(self, w: World, ftp, door: tuple[str, int], folder) -> float:
        url = f"ftp://{bracketed(door[0])}:{door[1]}/{folder.remote}/big"
        argv = ["curl", "-sS", "--ftp-port", "-", "--disable-eprt", "-o", "/dev/null"]
        argv += ["-u", f"{ftp.user}:{ftp.password}", "-w", "%{size_download} %{time_total}", url]
        with w.client.entered():
            done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        size, took = done.stdout.split()
        self.assertEqual(int(size), BULK)
        return float(took)

    def tell(self, seconds: dict[str, list[float]], work: dict[str, float]):
        rate = {way: BULK / statistics.median(took) / 1e6 for way, took in seconds.items()}
        ratios = [a / b for a, b in zip(seconds["nf_nat_ftp"], seconds["kernel"])]
        print("; ".join(f"{way} {mb:.0f} MB/s" for way, mb in rate.items()))
        print(
            f"kernel to nf_nat_ftp, {ROUNDS} rounds in turn: {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )
        total = ROUNDS * BULK / 1e9
        print(f"CPU of the process, s a GB: { {w: round(s / total, 4) for w, s in work.items()} }")


def passive_address(ftp) -> tuple[str, int]:
    return address_in(ftp.sendcmd("PASV").encode() + b"\r\n")


def is_refused(where: tuple[str, int]) -> bool:
    """Nobody answers there but the router's kernel, with RST."""
    try:
        socket.create_connection(where, timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


class Protection(unittest.TestCase):
    """An expectation is for one host, one port and one connection."""

    def test_a_stranger_gets_nothing_and_the_client_is_served(self):
        with scene() as (w, ftp, proxy, target):
            with w.client.entered():
                session = connect(target, "PASV")
            with session:
                where = passive_address(session)
                with w.stranger.entered():
                    for _ in range(20):
                        self.assertTrue(is_refused(where))
                with w.client.entered():
                    data = socket.create_connection(where)
                    self.assertTrue(proxy.wait_for("channel", event="opened"))
                    self.assertTrue(is_refused(where), "a second connection gets in")
                with w.stranger.entered():
                    self.assertTrue(is_refused(where))
                self.assertEqual(w.expectations(), 0)
                with data:
                    session.sendcmd("LIST")
                    while data.recv(65536):
                        pass
                session.voidresp()
                session.quit()
            ended(proxy)
        with explained(proxy):
            (data,) = proxy.records("data")
            self.assertEqual((data["path"], data["how"], data["strangers"]), ("kernel", "fin", 20))
            strangers = proxy.records("finding", finding="FTP-DATA-STRANGER")
            self.assertTrue(strangers)
            self.assertTrue(all(f["detail"].startswith(STRANGER) for f in strangers))

    def test_nobody_comes(self):
        args = ("--data-connect-timeout", "1", "--data-ports", "40321")
        with scene(args=args) as (w, ftp, proxy, target), w.client.entered():
            with connect(target, "PASV") as session:
                where = passive_address(session)
                self.assertEqual(w.expectations(), 2)  # where to, and where from
                data = proxy.wait_for("data")
                self.assertEqual((data["how"], data["path"]), ("never-connected", "kernel"))
                self.assertEqual(w.expectations(), 0)
                self.assertTrue(is_refused(where))
                session.quit()

    def test_the_port_is_nobody_elses_while_it_is_told(self):
        with scene() as (w, ftp, proxy, target), w.client.entered():
            with connect(target, "PASV") as session:
                where = passive_address(session)
                with w.router.entered(), socket.socket() as other:
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    with self.assertRaises(OSError):
                        other.bind(where)
                session.quit()

    def test_the_server_refuses(self):
        with scene() as (w, ftp, proxy, target), w.client.entered():
            with connect(target, "PORT") as session:
                # The client does not listen there: the server's SYN goes through, and its RST back.
                session.sendcmd("PORT " + comma(CLIENT[4], 40001).decode())
                with self.assertRaises(Exception):
                    session.voidcmd("LIST")
                data = proxy.wait_for("data")
                self.assertEqual((data["how"], data["path"]), ("connect-failed", "kernel"))
                session.quit()

    def test_one_expectation_a_session_and_1000_leave_nothing(self):
        with scene(args=("--data-ports", "40000-40099")) as (w, ftp, proxy, target):
            with w.client.entered(), connect(target, "PASV") as session:
                for _ in range(1000):
                    passive_address(session)
                self.assertEqual(w.expectations(), 2)
                session.quit()
            ended(proxy)
            self.assertEqual(w.expectations(), 0)
        self.assertEqual({r["how"] for r in proxy.records("data")}, {"replaced", "session-ended"})
        self.assertEqual({r["path"] for r in proxy.records("data")}, {"kernel"})

    def test_many_small_transfers_leave_nothing(self):
        with scene(args=("--data-ports", "40000-40019")) as (w, ftp, proxy, target):
            folder = ftp.new_folder()
            (folder.path / "small").write_bytes(b"x" * 10)
            servers.give_to_user(folder.path / "small")
            for mode in ("PASV", "PORT"):
                with w.client.entered(), connect(target, mode) as session:
                    session.cwd(folder.remote)
                    for _ in range(100):
                        got = []
                        session.retrbinary("RETR small", got.append)
                        self.assertEqual(b"".join(got), b"x" * 10)
                    session.quit()
            self.assertTrue(servers.wait_until(lambda: len(proxy.records("end")) == 2, 5))
            self.assertEqual(w.expectations(), 0)
        with explained(proxy):
            told = [(r["path"], r["how"], r["bytes"]) for r in proxy.records("data")]
            self.assertEqual(set(told), {("kernel", "fin", 10)})
            self.assertEqual(len(told), 200)


class Ends(unittest.TestCase):
    def test_a_client_that_cuts_a_download(self):
        with scene() as (w, ftp, proxy, target):
            folder = ftp.new_folder()
            with open(folder.path / "big", "wb") as big:
                big.truncate(BULK)
            servers.give_to_user(folder.path / "big")
            with w.client.entered(), connect(target, "PASV") as session:
                session.cwd(folder.remote)
                data = session.transfercmd("RETR big")
                got = len(data.recv(1000, socket.MSG_WAITALL))
                data.close()  # unread data: RST
                with contextlib.suppress(Exception):
                    session.voidresp()
                with contextlib.suppress(Exception):
                    session.quit()
            ended(proxy)
        (data,) = proxy.records("data")
        self.assertEqual((data["path"], data["how"]), ("kernel", "rst"))
        self.assertEqual(data["closed_first"], "client")
        self.assertGreaterEqual(data["bytes"], got)
        self.assertLess(data["bytes"], BULK)

    def test_a_transfer_that_stalls(self):
        with scene(args=("--stall-timeout", "1")) as (w, ftp, proxy, target):
            with w.client.entered(), connect(target, "PASV") as session:
                data = session.transfercmd("STOR up")
                data.sendall(b"x" * 5000)
                told = proxy.wait_for("data", timeout_s=15)
                self.assertEqual((told["path"], told["how"]), ("kernel", "timeout"))
                with self.assertRaises(
                    ConnectionResetError
                ):  # both are told, the one who waits too
                    data.recv(1)
                data.close()
                with self.assertRaises(ftplib.all_errors):
                    session.voidresp()
                session.quit()
            ended(proxy)

    def test_the_control_connection_goes(self):
        """What runs then may end by itself, as with the relay."""
        with scene() as (w, ftp, proxy, target):
            with w.client.entered():
                session = connect(target, "PASV")
                data = session.transfercmd("STOR up")
                data.sendall(b"x" * 5000)
                session.close()
                data.close()
            ended(proxy)
            self.assertEqual(w.expectations(), 0)
        (data,) = proxy.records("data")
        self.assertEqual((data["path"], data["bytes"]), ("kernel", 5000))


class Leavings(unittest.TestCase):
    def test_kill_9_leaves_nothing_and_the_next_start_works(self):
        with world() as w, w.server.entered(), servers.start("vsftpd", SERVER[4]) as ftp:
            doomed = w.proxy(ftp)
            with self.assertRaises(AssertionError), doomed:
                target = Target(doomed.host, doomed.port, ftp.user, ftp.password)
                with w.client.entered():
                    session = connect(target, "PASV")
                passive_address(session)
                self.assertEqual(w.expectations(), 2)
                os.kill(doomed.pid, signal.SIGKILL)
                doomed.process.wait()
                session.close()
                self.assertEqual(w.tables(), [])
                ruleset = w.router.run("nft", "list", "ruleset")
                self.assertNotIn("ftpscope", ruleset)
            with w.proxy(ftp) as proxy:
                self.assertEqual(w.tables(), ["ftpscope"])
                list_once(w, ftp, proxy)
            self.assertEqual({r["path"] for r in proxy.records("data")}, {"kernel"})

    def test_two_instances_do_not_touch_each_other(self):
        with world() as w, w.server.entered(), servers.start("vsftpd", SERVER[4]) as ftp:
            with w.proxy(ftp) as first:
                with w.proxy(ftp) as second:
                    self.assertEqual(sorted(w.tables()), ["ftpscope", "ftpscope-2"])
                    list_once(w, ftp, first)
                    list_once(w, ftp, second)
                self.assertEqual(w.tables(), ["ftpscope"])
                list_once(w, ftp, first)
            for proxy in (first, second):
                self.assertEqual({r["path"] for r in proxy.records("data")}, {"kernel"})


def list_once(w: World, ftp, proxy: Proxy, mode: str = "PASV"):
    target = Target(proxy.host, proxy.port, ftp.user, ftp.password)
    with w.client.entered(), connect(target, mode) as session:
        session.retrlines("LIST", lambda line: None)
        session.quit()


class Rights(unittest.TestCase):
    def test_an_ordinary_user_does_it_with_what_it_keeps(self):
        with world() as w, w.server.entered(), servers.start("vsftpd", SERVER[4]) as ftp:
            where = (ftp.host, ftp.port)
            with OnHost(w.router, where, [*KERNEL], "10.1.0.1:0", "nat", servers.USER) as proxy:
                self.assertEqual(w.tables(), ["ftpscope"])
                for mode in ("PASV", "PORT"):
                    list_once(w, ftp, proxy, mode)
            self.assertEqual(w.tables(), [])
            self.assertEqual([r["path"] for r in proxy.records("data")], ["kernel"] * 2)


class PortMap(unittest.TestCase):
    def test_clients_are_told_the_mapped_port(self):
        args = ("--port-map", "40000-40099=50000")
        with scene(args=args) as (w, ftp, proxy, target):
            with w.client.entered(), connect(target, "PASV") as session:
                told = ftplib.parse227(session.sendcmd("PASV"))[1]
                self.assertIn(told, range(50000, 50100))
                # What stands in front would pass it on.
                with socket.create_connection((INSIDE[4], told - 10000), 10) as data:
                    self.assertRegex(session.sendcmd("LIST"), "^150")
                    while data.recv(65536):
                        pass
                self.assertRegex(session.getresp(), "^226")
                session.quit()
            ended(proxy)
            self.assertEqual([r["path"] for r in used(proxy)], ["kernel"])


class Fallback(unittest.TestCase):
    """What cannot be translated is relayed; why is told once, and in the log."""

    def relayed(self, w: World, ftp, proxy: Proxy, on: Host) -> str:
        target = Target(proxy.host, proxy.port, ftp.user, ftp.password)
        with on.entered(), connect(target, "PASV") as session:
            for _ in range(2):
                session.retrlines("LIST", lambda line: None)
            session.quit()
        ended(proxy)
        self.assertTrue(all("path" not in r for r in proxy.records("data")))
        (told,) = proxy.records("finding", finding="FTP-DATA-RELAYED")
        return told["detail"]

    def test_the_client_is_on_the_same_machine(self):
        with scene() as (w, ftp, proxy, target):
            why = self.relayed(w, ftp, proxy, w.router)
            self.assertIn("on this machine", why)

    def test_the_machine_does_not_forward(self):
        with scene() as (w, ftp, proxy, target):
            w.router.set("ipv4/ip_forward", "0")
            why = self.relayed(w, ftp, proxy, w.client)
            self.assertIn("net.ipv4.ip_forward", why)

    def test_the_client_does_not_know_of_the_proxy(self):
        for name in ("redirect", "tproxy"):
            with self.subTest(name), Lab() as lab:
                made = nat_worlds.WORLDS[name](lab, nat_worlds.IPV4)
                (gate,) = made.gates
                gate.args += KERNEL
                with made.server.entered(), servers.start("vsftpd", made.server_address, 21) as ftp:
                    with nat_worlds.opened(gate) as proxy:
                        with made.client.entered():
                            target = Target(made.reached_at, 21, ftp.user, ftp.password)
                            with connect(target, "PASV") as session:
                                session.retrlines("LIST", lambda line: None)
                                session.quit()
                        (told,) = proxy.records("finding", finding="FTP-DATA-RELAYED")
                        self.assertIn("--mode transparent", told["detail"])

    def test_without_the_right_to(self):
        with world() as w, w.server.entered(), servers.start("vsftpd", SERVER[4]) as ftp:
            with Powerless(w.router, (ftp.host, ftp.port), [*KERNEL], "10.1.0.1:0") as proxy:
                self.assertEqual(w.tables(), [])
                said = proxy._read("stderr")
                self.assertIn("--data-path kernel cannot be had, data is relayed: ", said)
                self.assertEqual(said.count("--data-path"), 1)
                why = self.relayed(w, ftp, proxy, w.client)
                self.assertIn("Operation not permitted", why)

    def test_active_data_has_a_source_port(self):
        with scene(args=("--active-source-port", "20")) as (w, ftp, proxy, target):
            with w.client.entered(), connect(target, "PORT") as session:
                session.retrlines("LIST", lambda line: None)
                session.quit()
            ended(proxy)
            (told,) = proxy.records("finding", finding="FTP-DATA-RELAYED")
            self.assertIn("--active-source-port", told["detail"])
            (data,) = used(proxy)
            self.assertEqual(data["client"]["from"], authority(INSIDE[4], 20))

    def test_recording_needs_the_bytes(self):
        argv = [BINARY, "proxy", "--listen", "127.0.0.1:0", "--server", "127.0.0.1", *KERNEL]
        done = subprocess.run([*argv, "--record", "/nowhere"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--record needs the bytes", done.stderr)


class Powerless(OnHost):
    """A proxy of root's without CAP_NET_ADMIN."""

    def _command(self) -> list[str]:
        return ["setpriv", "--bounding-set", "-net_admin", "--", *super()._command()]


if __name__ == "__main__":
    unittest.main()
