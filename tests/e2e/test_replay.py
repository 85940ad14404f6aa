"""Real clients against a replayed session, in data modes and address families that were not recorded."""

from __future__ import annotations

import ftplib
import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from binary import BINARY
from clients import CURL_MODES, LFTP_MODES, Target, bracketed, connect
from replay import CAPTURES, ReplayServer, payload
from servers import wait_until

HOSTS = {"IPv4": "127.0.0.1", "IPv6": "::1"}
TEXT = payload("demo", "RETR readme.txt")
BINARY_FILE = payload("demo", "RETR firmware.bin")
UPLOAD = payload("demo", "STOR upload.txt")
IPV4_ONLY = {"PASV", "PORT"}
CLIENT_TIMEOUT_S = 20
BIG = 64 << 20


def cases(modes) -> list[tuple[str, str]]:
    """(mode, host) of each that can be."""
    return [
        (mode, host)
        for mode in modes
        for family, host in HOSTS.items()
        if family == "IPv4" or mode not in IPV4_ONLY
    ]


def run(argv: list[str], **options) -> bytes:
    done = subprocess.run(argv, capture_output=True, timeout=CLIENT_TIMEOUT_S, **options)
    assert done.returncode == 0, f"{argv[0]} exits with {done.returncode}: {done.stderr.decode()}"
    return done.stdout


def login(server: ReplayServer, mode: str = "EPSV") -> ftplib.FTP:
    return connect(Target(server.host, server.port, "anyone", "anything"), mode)


def download(ftp: ftplib.FTP, command: str) -> bytes:
    content = io.BytesIO()
    ftp.retrbinary(command, content.write)
    return content.getvalue()


class RealClients(unittest.TestCase):
    def test_curl(self):
        for mode, host in cases(CURL_MODES):
            with self.subTest(mode=mode, host=host), ReplayServer("demo", host) as server:
                self.curl(server, mode)

    def curl(self, server: ReplayServer, mode: str) -> None:
        url = f"ftp://{bracketed(server.host)}:{server.port}/"
        common = ["curl", "-sS", "-g", "-u", "a:b", "--connect-timeout", "5", *CURL_MODES[mode]]
        self.assertEqual(run([*common, f"{url}readme.txt"]), TEXT)
        self.assertEqual(run([*common, f"{url}firmware.bin"]), BINARY_FILE)
        listing = payload("demo", "LIST").replace(b"\r\n", b"\n")  # curl does so with TYPE A
        self.assertEqual(run([*common, url]), listing)
        run([*common, "-T", "-", f"{url}upload.txt"], input=UPLOAD)

    def test_lftp(self):
        # Its EPRT over IPv6 names "::", which every server refuses (test_matrix.py).
        for mode, host in cases(set(LFTP_MODES) - {"EPRT"}):
            with self.subTest(mode=mode, host=host), ReplayServer("demo", host) as server:
                self.lftp(server, mode)

    def lftp(self, server: ReplayServer, mode: str) -> None:
        settings = ["set net:max-retries 1", "set net:timeout 10", "set ftp:ssl-allow no"]
        place = f"open -u a,b -p {server.port} {bracketed(server.host)}"
        steps = ["ls", "get readme.txt", "get firmware.bin", "put upload.txt", "bye"]
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "upload.txt").write_bytes(UPLOAD)
            script = "; ".join([*settings, *LFTP_MODES[mode], place, *steps])
            listing = run(["lftp", "--norc", "-c", script], cwd=folder)
            self.assertIn(b"firmware.bin", listing)
            self.assertEqual((Path(folder) / "readme.txt").read_bytes(), TEXT)
            self.assertEqual((Path(folder) / "firmware.bin").read_bytes(), BINARY_FILE)

    def test_ftplib(self):
        for mode, host in cases(["PASV", "EPSV", "PORT", "EPRT"]):
            with self.subTest(mode=mode, host=host), ReplayServer("demo", host) as server:
                self.ftplib(login(server, mode))

    def ftplib(self, ftp: ftplib.FTP) -> None:
        with ftp:
            self.assertEqual(ftp.pwd(), "/")
            self.assertEqual(
                [name for name, _ in ftp.mlsd()], ["readme.txt", "docs", "firmware.bin"]
            )
            self.assertEqual(sorted(ftp.nlst()), ["docs", "firmware.bin", "readme.txt"])
            for _ in range(3):  # more often than it was recorded
                self.assertEqual(download(ftp, "RETR firmware.bin"), BINARY_FILE)
            self.assertEqual(ftp.size("firmware.bin"), len(BINARY_FILE))
            self.assertEqual(ftp.sendcmd("MDTM readme.txt"), "213 20251121100000")
            ftp.storbinary("STOR upload.txt", io.BytesIO(UPLOAD))
            with self.assertRaisesRegex(ftplib.error_perm, '500 Not in this .*"DELE x".*"QUIT"'):
                ftp.delete("x")

    def test_all_addresses(self):
        with ReplayServer("demo", "") as server:
            for host in HOSTS.values():
                for mode in ("EPSV", "EPRT"):
                    with connect(Target(host, server.port, "a", "b"), mode) as ftp:
                        self.assertEqual(download(ftp, "RETR readme.txt"), TEXT)


class Misbehaving(unittest.TestCase):
    def test_it_does_again_what_it_did(self):
        with ReplayServer("misbehaving") as server:
            control = socket.create_connection((server.host, server.port), CLIENT_TIMEOUT_S)
            with control, control.makefile("rb") as lines:
                heard = []

                def say(line: str, replies: int) -> bytes:
                    control.sendall(line.encode())
                    heard.extend(lines.readline() for _ in range(replies))
                    return heard[-1]

                say("", 3)
                say("TYPE I\r\n", 2)
                say("FEAT\r\n", 4)
                passive = say("PASV\r\n", 1)
                self.assertRegex(passive, rb"^227 \(127,0,0,1,\d+,\d+\)\n$")
                high, low = re.findall(rb"\d+", passive)[-2:]
                with socket.create_connection((server.host, int(high) * 256 + int(low))) as data:
                    # The 226 is there before the data connection has moved anything.
                    self.assertEqual(say("LIST\r\n", 2), b"226 Done\n")
                    content = data.makefile("rb").read()
                self.assertEqual(content, payload("misbehaving", "LIST"))
                self.assertEqual(say("QUIT\r\n", 1), b"221 Bye\n")
            self.assertEqual(
                heard[:9],
                [b"220-Welcome\n", b"220-to an old device\n", b"220 Ready\n"]
                + [b"200 Type is I\r\n"] * 2
                + [b"211-Features\r\n", b" SIZE\r\n", b"\r\n", b"211\r\n"],
            )


class HostileClients(unittest.TestCase):
    def test_a_stranger_named_in_port_is_refused(self):
        with ReplayServer("demo") as server, login(server) as ftp:
            for line in (
                "PORT 192,0,2,1,200,1",
                "PORT 127,0,0,1,0,22",
                "EPRT |1|192.0.2.1|2000|",
                "PORT 1",
            ):
                with self.assertRaisesRegex(ftplib.error_perm, "^501 "):
                    ftp.sendcmd(line)

    def test_a_stranger_at_the_passive_port_is_closed_and_the_client_served(self):
        with ReplayServer("demo") as server, login(server, "PASV") as ftp:
            host, port = ftp.makepasv()
            with socket.create_connection(
                (host, port), source_address=("127.0.0.2", 0)
            ) as stranger:
                stranger.settimeout(CLIENT_TIMEOUT_S)
                self.assertEqual(stranger.recv(1), b"")
            with socket.create_connection((host, port)) as data:
                ftp.sendcmd("RETR readme.txt")
                self.assertEqual(data.makefile("rb").read(), TEXT)
            ftp.voidresp()

    def test_commands_sent_at_once_are_answered_in_order(self):
        with ReplayServer("demo") as server:
            control = socket.create_connection((server.host, server.port), CLIENT_TIMEOUT_S)
            with control, control.makefile("rb") as lines:
                control.sendall(b"NOOP\r\nEPSV\r\n" * 5000 + b"QUIT\r\n")
                heard = lines.read().splitlines()
            self.assertEqual(len(heard), 10002)
            self.assertEqual({line[:3] for line in heard[1:-1:2]}, {b"200"})
            self.assertEqual({line[:3] for line in heard[2:-1:2]}, {b"229"})

    def test_clients_that_vanish_leave_nothing_behind(self):
        with ReplayServer("demo") as server:
            for _ in range(20):
                ftp = login(server)
                data = ftp.transfercmd("RETR firmware.bin")
                reset = struct.pack("ii", 1, 0)
                data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                ftp.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                data.close()
                ftp.close()

    def test_many_clients_at_once_each_from_the_start(self):
        def session(_) -> bytes:
            with login(server) as ftp:
                return download(ftp, "RETR firmware.bin")

        with ReplayServer("demo") as server, ThreadPoolExecutor(16) as pool:
            self.assertEqual(set(pool.map(session, range(64))), {BINARY_FILE})

    def test_descriptors_run_out_and_come_back(self):
        with ReplayServer("demo") as server:
            limit = server.descriptors_at_start + 20
            subprocess.run(
                ["prlimit", f"--nofile={limit}", f"--pid={server.process.pid}"], check=True
            )
            clients = [socket.create_connection((server.host, server.port)) for _ in range(60)]
            before = cpu_seconds(server)
            wait_until(lambda: False, 1.0)
            self.assertLess(cpu_seconds(server) - before, 0.5, "it spins")
            for client in clients:
                client.close()
            self.assertTrue(wait_until(lambda: is_open(server), 5.0))
            with login(server) as ftp:
                self.assertEqual(download(ftp, "RETR readme.txt"), TEXT)


def is_open(server: ReplayServer) -> bool:
    try:
        with socket.create_connection((server.host, server.port), CLIENT_TIMEOUT_S) as conn:
            return conn.recv(3) == b"220"
    except ConnectionError:
        return False


def cpu_seconds(server: ReplayServer) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class BigPayload(unittest.TestCase):
    """A payload is streamed: its size is neither held in memory nor waited for at SIGTERM."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.recording = Path(folder.name)
        for line in (CAPTURES / "demo" / "session.jsonl").read_text().splitlines():
            record = json.loads(line)
            if record.get("payload") and record["verb"] != "RETR":
                del record["payload"]  # then it is played as dots
            elif record.get("payload"):
                record |= {"payload": "big.bin", "bytes": BIG, "bytes_to_client": BIG}
                del record["sha256"]
            with open(self.recording / "session.jsonl", "a") as log:
                log.write(json.dumps(record) + "\n")
        with open(self.recording / "big.bin", "wb") as big:
            big.truncate(BIG)

    def test_memory_stays_bounded(self):
        with ReplayServer(self.recording) as server, login(server) as ftp:
            before = server.resident_kib()
            with ftp.transfercmd("RETR readme.txt") as data:
                received = sum(map(len, iter(lambda: data.recv(1 << 20), b"")))
            ftp.voidresp()
            self.assertEqual(received, BIG)
            self.assertLess(server.resident_kib() - before, 4096)
            self.assertEqual(set(download(ftp, "NLST")), {ord(".")})

    def test_abor_ends_a_transfer(self):
        with ReplayServer(self.recording) as server, login(server) as ftp:
            with ftp.transfercmd("RETR readme.txt") as data:
                data.recv(1)
                ftp.sock.sendall(b"\xff\xf4\xff", socket.MSG_OOB)
                ftp.sock.sendall(b"\xf2ABOR\r\n")
                while data.recv(1 << 20):
                    pass
            self.assertEqual([ftp.getmultiline()[:3] for _ in range(2)], ["426", "226"])
            self.assertEqual(ftp.sendcmd("NOOP")[:3], "200")

    def test_sigterm_in_the_middle_of_a_transfer(self):
        with ReplayServer(self.recording) as server:
            ftp = login(server)
            with ftp.transfercmd("RETR readme.txt") as data:
                data.recv(1)
                server.stop()
            ftp.close()


class CommandLine(unittest.TestCase):
    def test_errors_are_one_sentence_and_exit_code_2(self):
        with tempfile.TemporaryDirectory() as folder, ReplayServer("demo") as server:
            broken, empty = Path(folder) / "broken.jsonl", Path(folder) / "empty.jsonl"
            broken.write_text("nonsense\n")
            empty.write_text("")
            lonely = Path(folder) / "session.jsonl"
            lonely.write_bytes((CAPTURES / "demo" / "session.jsonl").read_bytes())
            demo = CAPTURES / "demo"
            for recording, listen, sentence in [
                (Path(folder) / "none", "127.0.0.1:0", "No such file"),
                (broken, "127.0.0.1:0", "line 1: not JSON"),
                (empty, "127.0.0.1:0", "no session"),
                (folder, "127.0.0.1:0", "payload-1.bin' is missing"),
                ("/dev/zero", "127.0.0.1:0", "it is no file"),
                (demo, f"127.0.0.1:{server.port}", "address already in use"),
                (demo, "192.0.2.1:2121", "cannot listen"),
            ]:
                with self.subTest(sentence):
                    argv = [BINARY, "replay", "server", recording, "--listen", listen]
                    done = subprocess.run(argv, capture_output=True, text=True, timeout=10)
                    self.assertEqual(done.returncode, 2)
                    self.assertRegex(done.stderr, r"^ftpscope: [^\n]+\n$")
                    self.assertIn(sentence, done.stderr)
                    self.assertEqual(done.stdout, "")

    def test_the_limit_of_a_log(self):
        size = (CAPTURES / "demo" / "session.jsonl").stat().st_size
        argv = [BINARY, "replay", "server", CAPTURES / "demo", "--listen", "127.0.0.1:0"]
        argv += ["--log-limit", str(size - 1)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"has {size} bytes, and {size - 1} are allowed (--log-limit)", done.stderr)
        with ReplayServer("demo", args=["--log-limit", str(size)]) as server:
            login(server).quit()

    def test_quiet_says_where_it_listens_and_nothing_else(self):
        with ReplayServer("demo", args=["--quiet"]) as server:
            login(server).quit()
            self.assertEqual(len(server.stdout_lines()), 1)

    def test_sigint_ends_it(self):
        with ReplayServer("demo") as server:
            login(server).quit()
            server.stop(by=signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
