"""Recordings and the disk: a slow one, one that takes nothing, and 1 GiB."""
from __future__ import annotations

import ftplib
import hashlib
import io
import os
import random
import signal
import socket
import subprocess
import sys
import time
import unittest
import unittest.mock
from pathlib import Path

import servers
from clients import Target, connect
from proxy import BINARY, Proxy
from recording import check_recording, content, records, sha, transfers
from replay import ReplayServer
from servers import wait_until
from test_record import BIG, Case, OneServer, download, target

SLOW_DISK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
/* A disk that takes nothing for so long, at each MiB of a payload; and that is full then. */
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset) {
  ssize_t (*next)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64");
  const char *full = getenv("FULL_DISK");
  if (offset % (1 << 20) == 0) usleep(1000 * (useconds_t)atoi(getenv("SLOW_DISK_MS")));
  if (full && offset >= atoll(full)) {
    errno = ENOSPC;
    return -1;
  }
  return next(fd, bytes, size, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  return pwrite64(fd, bytes, size, offset);
}
"""


class SlowDisk(OneServer):
    """It slows down the transfers that are recorded, and nothing else; when stuck, not even these."""

    SIZE = 32 << 20

    def setUp(self):
        super().setUp()
        source, self.library = self.work / "slow.c", self.work / "slow.so"
        source.write_text(SLOW_DISK)
        argv = ["cc", "-shared", "-fPIC", "-O1", source, "-o", self.library, "-ldl"]
        subprocess.run(argv, check=True)
        with open(self.remote.path / "large", "wb") as large:
            large.truncate(self.SIZE)

    def slow(self, milliseconds: int, **more: str) -> dict[str, str]:
        slow = {"LD_PRELOAD": str(self.library), "SLOW_DISK_MS": str(milliseconds), **more}
        return {**os.environ, **slow}

    def slow_proxy(self, milliseconds: int, *args: str, **more: str) -> Proxy:
        slow = self.slow(milliseconds, **more)
        self.enterContext(unittest.mock.patch.dict(os.environ, slow))
        return self.recording_proxy(self.server, *args)

    def payloads_open(self, proxy: Proxy) -> bool:
        open_files = [os.readlink(path) for path in Path(f"/proc/{proxy.pid}/fd").iterdir()]
        return any(path.endswith(".bin") for path in open_files)

    def test_slow(self):
        # What waits at one time takes a while: slow, and not stuck.
        with self.slow_proxy(650) as proxy, self.login(proxy) as ftp:
            before = resident_kib(proxy.pid)
            ftp.voidcmd("TYPE I")
            with ftp.transfercmd("RETR large") as data, self.login(proxy) as other:
                data.recv(1)
                wait_until(lambda: resident_kib(proxy.pid) - before > 4 << 10, 2)
                # Nobody reads it, and more than the queue holds is on its way: the others go on.
                self.assertTrue(other.sendcmd("NOOP").startswith("200"))
                self.assertLess(resident_kib(proxy.pid) - before, 96 << 10)
                size = 1 + sum(map(len, iter(lambda: data.recv(1 << 20), b"")))
            ftp.voidresp()
            self.assertEqual(size, self.SIZE)
            proxy.wait_for("data", 30)  # it has come: the rest of the recording takes longer
        check_recording(self.folder)
        self.assertEqual(len(content(self.folder, transfers(self.folder)[0])), self.SIZE)

    def test_stuck(self):
        with self.slow_proxy(15_000) as proxy, self.login(proxy) as ftp:
            self.assertEqual(len(download(ftp, "large")), self.SIZE)
            record = proxy.wait_for("data", 30)
            # Its file is closed when the disk lets go of it.
            self.assertTrue(wait_until(lambda: not self.payloads_open(proxy), 60))
        self.assertEqual(record["unrecorded_why"], "the disk took nothing for ten seconds")
        self.assertEqual(record["unrecorded"], self.SIZE)
        self.assertNotIn("payload", record)

    def test_full_under_many(self):
        """What waits for a disk that is full takes the room of no other transfer."""
        with self.slow_proxy(200, FULL_DISK=str(1 << 20)) as proxy:
            url = f"ftp://{self.server.user}:{self.server.password}@{proxy.host}:{proxy.port}"
            argv = ["curl", "-sS", f"{url}/{self.remote.relative}/large", "-o", os.devnull]
            for transfer in [subprocess.Popen(argv) for _ in range(8)]:
                self.assertEqual(transfer.wait(60), 0)
            rows = [proxy.wait_for("data", 30, id=1, session=name) for name in proxy.sessions()]
        self.assertEqual(len(rows), 8)
        for row in rows:
            self.assertEqual(row["unrecorded_why"], "No space left on device")
            self.assertEqual(row["unrecorded"], self.SIZE - (1 << 20))
        check_recording(self.folder)

    def test_a_second_signal_waits_for_what_has_been_read(self):
        proxy = self.slow_proxy(100)
        with self.assertRaisesRegex(AssertionError, "ended by itself with code 0"), proxy:
            ftp = self.login(proxy)
            ftp.voidcmd("TYPE I")
            with ftp.transfercmd("RETR large") as data:
                data.recv(1)
                proxy.wait_for("channel", event="opened")
                proxy.process.send_signal(signal.SIGTERM)
                self.assertTrue(wait_until(lambda: self.is_draining(proxy), 10))
                proxy.process.send_signal(signal.SIGTERM)
                self.assertEqual(proxy.process.wait(30), 0)
            ftp.close()
        check_recording(self.folder)
        [row] = transfers(self.folder)
        self.assertEqual(row["how"], "session-ended")
        self.assertGreater(row["bytes"], 0)
        self.assertEqual(len(content(self.folder, row)), row["bytes"])
        of_session = [r for r in records(self.folder) if r["session"] == row["session"]]
        self.assertEqual(of_session[-1]["kind"], "end")

    def is_draining(self, proxy: Proxy) -> bool:
        with socket.create_connection((proxy.host, proxy.port), 10) as client:
            return client.makefile("rb").readline().startswith(b"421")

    def test_a_replayed_upload(self):
        """It is read faster than it is recorded: what is recorded of it is whole all the same."""
        body = random.Random(7).randbytes(self.SIZE)
        with self.recording_proxy(self.server) as proxy, self.login(proxy) as ftp:
            ftp.storbinary("STOR up", io.BytesIO(body))
        password, again = self.work / "password", self.work / "again"
        password.write_text(self.server.password)
        argv = [BINARY, "replay", "client", self.folder, "--record", again]
        argv += ["--server", f"{self.server.host}:{self.server.port}"]
        argv += ["--user", self.server.user, "--password-file", password]
        done = subprocess.run(argv, env=self.slow(40), capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        [row] = transfers(again)
        self.assertNotIn("unrecorded", row)
        self.assertEqual(row["sha256"], sha(body))
        self.assertEqual(content(again, row), body)


class Big(Case):
    def test_memory_is_flat_for_more_than_a_gigabyte(self):
        with servers.start("vsftpd") as server:
            with open(server.root / "big", "wb") as big:
                big.truncate(BIG)
                for place in range(0, BIG - 9, 999_983):  # no two blocks are the same
                    big.seek(place)
                    big.write(b"%09d" % place)
            servers.give_to_user(server.root / "big")
            with self.recording_proxy(server) as proxy:
                with connect(target(proxy, server), "PASV") as ftp:
                    before = resident_kib(proxy.pid)
                    self.begun = time.monotonic()
                    size = self.receive(ftp)
                    # The queue towards the disk, and a relay buffer.
                    self.assertLess(resident_kib(proxy.pid) - before, (64 << 20) >> 10)
        self.assertEqual(size, BIG)
        self.tell("recorded")
        [record] = transfers(self.folder)
        with open(self.folder / record["payload"], "rb") as payload:
            self.assertEqual(hashlib.file_digest(payload, "sha256").hexdigest(), record["sha256"])
        with ReplayServer(self.folder, args=["--unchecked"]) as replay:
            with connect(Target(replay.host, replay.port, "a", "b"), "EPSV") as ftp:
                before = replay.resident_kib()
                self.begun = time.monotonic()
                self.assertEqual(self.receive(ftp), BIG)
                self.assertLess(replay.resident_kib() - before, 4096)
                self.tell("replayed")

    def tell(self, what: str) -> None:
        """For whoever runs it as a benchmark."""
        rate = BIG / (time.monotonic() - self.begun) / 1e6
        print(f"{BIG >> 20} MiB {what} with {rate:.0f} MB/s, memory flat", file=sys.stderr)

    def receive(self, ftp: ftplib.FTP) -> int:
        ftp.voidcmd("TYPE I")
        with ftp.transfercmd("RETR big") as data:
            buffer, size = bytearray(1 << 20), 0
            while got := data.recv_into(buffer):
                size += got
        ftp.voidresp()
        return size


def resident_kib(pid: int) -> int:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("VmRSS")).split()[1])
