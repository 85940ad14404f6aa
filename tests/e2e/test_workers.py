"""--workers: processes that share the clients (proxy/README.md)."""
from __future__ import annotations

import contextlib
import ftplib
import os
import signal
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import clients
import servers
from binary import BINARY
from check_log import check_bytes
from proxy import FIRST_LINE, Proxy
from servers import wait_until

WORKERS = 3
SESSIONS = 24  # that all of them come to one worker is less likely than 1 to 10^11
WAIT_S = 20.0


def children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as listed:
        return [int(child) for child in listed.read().split()]


def all_children(pid: int) -> list[int]:
    """The first worker says that the ports are open: the others may still be on their way."""
    assert wait_until(lambda: len(children(pid)) == WORKERS, WAIT_S), children(pid)
    return children(pid)


def number(session: str) -> int:
    return int(session.rpartition("-")[2])


class EndingProxy(Proxy):
    """Its process ends before the test does, or some of its workers do."""

    exit_code = 0

    def _stop_and_check(self):
        self._stop()
        assert self.process.returncode == self.exit_code, self.process.returncode
        wrong = check_bytes(self._log_bytes(), allow_torn=True)
        assert not wrong, wrong[:20]


class Workers(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(servers.start("pyftpdlib"))
        self.folder = self.server.new_folder()
        (self.folder.path / "small").write_bytes(b"small")
        self.address = (self.server.host, self.server.port)

    def proxy(self, *args: str, kind: type[Proxy] = Proxy, **more) -> Proxy:
        return kind(self.address, args=["--workers", str(WORKERS), *args], **more)

    def login(self, proxy: Proxy) -> ftplib.FTP:
        target = clients.Target(proxy.host, proxy.port, self.server.user, self.server.password)
        ftp = clients.connect(target, "PASV")
        ftp.cwd(self.folder.remote)
        return ftp

    def logins(self, proxy: Proxy, stack: contextlib.ExitStack) -> list[ftplib.FTP]:
        return [stack.enter_context(self.login(proxy)) for _ in range(SESSIONS)]

    def download(self, ftp: ftplib.FTP) -> None:
        got = bytearray()
        ftp.retrbinary("RETR small", got.extend)
        self.assertEqual(got, b"small")

    def of_worker(self, proxy: Proxy) -> dict[str, int]:
        """Who serves each session: worker N gives the numbers N + 1, N + 1 + WORKERS, ..."""
        return {name: (number(name) - 1) % WORKERS for name in proxy.sessions()}

    def test_sessions_are_spread_and_logged_whole(self):
        with self.proxy() as proxy, contextlib.ExitStack() as stack:
            for ftp in self.logins(proxy, stack):
                self.download(ftp)
        serving = self.of_worker(proxy)
        self.assertEqual(len(serving), SESSIONS)
        self.assertGreater(len(set(serving.values())), 1)

    def test_data_ports_are_divided(self):
        low = 24000
        ports = range(low, low + 12)
        with self.proxy("--data-ports", f"{ports[0]}-{ports[-1]}") as proxy:
            with contextlib.ExitStack() as stack:
                for ftp in self.logins(proxy, stack):
                    self.download(ftp)
        serving = self.of_worker(proxy)
        exposed = proxy.records("channel", event="exposed")
        self.assertEqual(len(exposed), SESSIONS)
        for record in exposed:
            port = int(record["address"].rpartition(":")[2])
            self.assertEqual((port - low) // (len(ports) // WORKERS), serving[record["session"]])

    def test_one_that_crashes_takes_only_its_own_sessions_along(self):
        with self.proxy(kind=EndingProxy) as proxy, contextlib.ExitStack() as stack:
            ftps = self.logins(proxy, stack)
            # Old enough to be begun again.
            self.assertTrue(wait_until(lambda: age_s(proxy.pid) > 2, WAIT_S))
            crashing = all_children(proxy.pid)[0]
            lost = sum(serving == 0 for serving in self.of_worker(proxy).values())
            os.kill(crashing, signal.SIGKILL)
            replaced = lambda: len(set(children(proxy.pid)) - {crashing}) == WORKERS
            self.assertTrue(wait_until(replaced, WAIT_S))
            alive = [ftp for ftp in ftps if self.answers(ftp)]
            self.assertEqual(len(alive), SESSIONS - lost)
            for ftp in [*alive, *self.logins(proxy, stack)]:
                self.download(ftp)
            told = proxy.evidence()
            for ftp in ftps:
                ftp.close()
        self.assertIn("worker 0 was ended by signal 9, and its sessions with it", told)

    def answers(self, ftp: ftplib.FTP) -> bool:
        try:
            return ftp.voidcmd("NOOP").startswith("2")
        except (EOFError, OSError):
            return False

    def test_one_that_cannot_even_begin_ends_all(self):
        with self.proxy(kind=EndingProxy) as proxy:
            proxy.exit_code = 1
            os.kill(all_children(proxy.pid)[1], signal.SIGKILL)
            self.assertEqual(proxy.process.wait(WAIT_S), 1)
            self.assertIn("worker 1 was ended by signal 9", proxy.evidence())

    def test_they_end_with_the_first_process(self):
        with self.proxy(kind=EndingProxy) as proxy:
            proxy.exit_code = -signal.SIGKILL
            workers = all_children(proxy.pid)
            proxy.process.kill()
            gone = lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers)
            self.assertTrue(wait_until(gone, WAIT_S))

    def test_an_end_with_grace(self):
        """A terminal's Ctrl-C lets a transfer finish: it reaches each worker once."""
        with self.proxy("--grace", "60", kind=EndingProxy, prefix=["setsid"]) as proxy:
            ftp = self.login(proxy)
            ftp.voidcmd("TYPE I")
            with ftp.transfercmd("STOR up") as data:
                data.sendall(b"first ")
                proxy.wait_for("channel", event="opened")
                os.killpg(proxy.pid, signal.SIGINT)
                self.assertTrue(wait_until(lambda: not self.can_connect(proxy), WAIT_S))
                data.sendall(b"last")
            self.assertEqual(ftp.voidresp()[:3], "226")
            self.assertEqual(proxy.process.wait(WAIT_S), 0)
            ftp.close()
        self.assertEqual((self.folder.path / "up").read_bytes(), b"first last")

    def can_connect(self, proxy: Proxy) -> bool:
        try:
            with ftplib.FTP() as ftp:
                ftp.connect(proxy.host, proxy.port, timeout=WAIT_S)
                return True
        except (OSError, ftplib.Error):
            return False


NO_FORK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>
/* The second one finds no room, and the next would. */
pid_t fork(void) {
  static int forks;
  pid_t (*next)(void) = dlsym(RTLD_NEXT, "fork");
  if (++forks != 2) return next();
  errno = EAGAIN;
  return -1;
}
"""


class Begin(unittest.TestCase):
    def test_one_that_cannot_be_forked_ends_all(self):
        work = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="ftpscope-workers-")))
        source, library = work / "fork.c", work / "fork.so"
        source.write_text(NO_FORK)
        argv = ["cc", "-shared", "-fPIC", source, "-o", library, "-ldl"]
        subprocess.run(argv, check=True)
        argv = [BINARY, "proxy", "--listen", "127.0.0.1:0", "--server", "127.0.0.1:1"]
        proxy = subprocess.Popen(
            [*argv, "--workers", "4"],
            env={
                **os.environ,
                "LD_PRELOAD": str(library),
                "ASAN_OPTIONS": "verify_asan_link_order=0",  # of the sanitized build
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            told = proxy.communicate(timeout=WAIT_S)[1]  # it ends when the last of them does
        finally:
            for pid in [*descendants(proxy.pid), proxy.pid] if proxy.poll() is None else []:
                os.kill(pid, signal.SIGKILL)
        self.assertEqual(proxy.returncode, 1)
        self.assertIn("worker 1 cannot begin", told)


def descendants(pid: int) -> list[int]:
    return [below for child in children(pid) for below in [*descendants(child), child]]


class ToAPipe(unittest.TestCase):
    """A pipe takes more than 4096 bytes in pieces: those of another worker wait."""

    TALKERS, ROUNDS, AT_ONCE = 12, 30, 20

    def setUp(self):
        self.server = self.enterContext(servers.start("pyftpdlib"))
        self.address = (self.server.host, self.server.port)

    def test_lines_are_whole(self):
        argv = [BINARY, "proxy", "--listen", "127.0.0.1:0", "--workers", str(WORKERS), "--log", "-"]
        argv += ["--server", f"{self.address[0]}:{self.address[1]}"]
        proxy = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        log: list[str] = []
        reader = threading.Thread(target=lambda: log.extend(proxy.stdout))
        reader.start()
        try:
            port = int(FIRST_LINE.match(proxy.stderr.readline())[2])
            talkers = [threading.Thread(target=self.talk, args=[port]) for _ in range(self.TALKERS)]
            for talker in talkers:
                talker.start()
            for talker in talkers:
                talker.join()
        finally:
            proxy.terminate()
            proxy.stderr.read()
            proxy.wait(WAIT_S)
            reader.join()
            proxy.stdout.close()
            proxy.stderr.close()
        wrong = check_bytes("".join(log).encode())
        self.assertFalse(wrong, wrong[:5])
        self.assertGreaterEqual(len(log), self.TALKERS * self.ROUNDS * self.AT_ONCE * 2)

    def talk(self, port: int) -> None:
        with ftplib.FTP() as ftp:
            ftp.connect("127.0.0.1", port, timeout=WAIT_S)
            ftp.login(self.server.user, self.server.password)
            for _ in range(self.ROUNDS):
                ftp.sock.sendall(b"HELP\r\n" * self.AT_ONCE)
                for _ in range(self.AT_ONCE):
                    ftp.getresp()


class Usage(unittest.TestCase):
    def refused(self, *args: str) -> str:
        argv = [BINARY, "proxy", "--listen", "127.0.0.1:0", "--server", "127.0.0.1:1", *args]
        ended = subprocess.run(argv, stderr=subprocess.PIPE, text=True, timeout=WAIT_S)
        self.assertEqual(ended.returncode, 2)
        return ended.stderr

    def test_numbers(self):
        for text in ("0", "-1", "many", "257", ""):
            self.assertIn("is neither auto nor 1 to 256", self.refused("--workers", text))

    def test_what_is_for_one_worker(self):
        self.assertIn("for one worker", self.refused("--workers", "2", "--record", "/nowhere"))
        told = self.refused("--workers", "2", "--data-path", "kernel")
        self.assertIn("for one worker", told)

    def test_fewer_ports_than_workers(self):
        told = self.refused("--workers", "3", "--data-ports", "40000-40001")
        self.assertIn("fewer data ports", told)
        told = self.refused("--workers", "3", "--port-map", "40000-40001=50000")
        self.assertIn("fewer data ports (--data-ports, --port-map)", told)


def age_s(pid: int) -> float:
    told = subprocess.run(
        ["ps", "-o", "etimes=", "-p", str(pid)], stdout=subprocess.PIPE, text=True
    )
    return float(told.stdout)


if __name__ == "__main__":
    unittest.main()
