"""How many system calls the proxy makes a command, a session and a MB: as shipped, its log in a file.

Seconds differ from run to run, these do not: one thread plays the client and the server, and where two
things could reach the proxy at once, the second waits until it sleeps. Start and end of the proxy do
not count: the work is done once by one proxy and many times by another, and the difference is taken.

BOUNDS is a guard against getting slower unnoticed; tests/bench/README.md tells what to do when it
fails.
"""
from __future__ import annotations

import re
import threading
import unittest
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hostile import Channel, Scene, Session, Transfer, scene
from proxy import Proxy
from servers import wait_until
from traced import finished_trace
from wire import GREETING, Wire, payload

STRACE = "strace -D -f -q -s 0 -e signal=none -o".split()
CALL = re.compile(r"^\d+ +(\w+)\((.*)$", re.MULTILINE)
# The worker's timer: as many as time passes.
NOTHING_CAME = re.compile(r"\d+, \[\], \d+, [1-9]\d*\) = 0")
TIMEOUT_S, STEP_S = 10.0, 0.0005
NOOP, OK = b"NOOP\r\n", b"200 OK.\r\n"
PIECE = payload(32 << 10)  # one packet on loopback: never seen in part
MIB = 1 << 20


class CountedProxy(Proxy):
    """When it has stopped: `trace`, and `calls`, how often it made each system call."""

    def _command(self) -> list[str]:
        return [*STRACE, str(self.work / "trace"), *super()._command()]

    def _stop_and_check(self) -> None:
        super()._stop_and_check()
        self.trace = finished_trace(self)
        calls = CALL.findall(self.trace)
        self.calls = Counter(name for name, rest in calls if not NOTHING_CAME.fullmatch(rest))


# --- the work, so many times ---


def commands(s: Scene, times: int) -> None:
    session = begun(s)
    for _ in range(times):
        session.ask(NOOP, OK)


def commands_at_once(s: Scene, times: int) -> None:
    session = begun(s)
    for _ in range(times):
        session.ask(10 * NOOP, 10 * OK)


def sessions(s: Scene, times: int) -> None:
    for _ in range(times):
        session = begun(s)
        download(session, lambda sender, receiver: in_step(sender, receiver, PIECE[:1024]))
        session.ask(b"QUIT\r\n", b"221 Bye.\r\n")
        session.server.close()
        ended(session, session.client)


def pieces(s: Scene, times: int) -> None:
    def move(sender: Wire, receiver: Wire) -> None:
        for _ in range(times):
            in_step(sender, receiver, PIECE)

    download(begun(s), move)


def stream(s: Scene, times: int) -> None:
    def move(sender: Wire, receiver: Wire) -> None:
        sending = threading.Thread(target=lambda: [sender.send(bytes(MIB)) for _ in range(times)])
        sending.start()
        receive(receiver, times * MIB)
        sending.join()

    download(begun(s), move)


# --- of which it is made ---


def begun(s: Scene) -> Session:
    """Connected and logged in."""
    client = s.client()
    server = s.keep(s.listener.accept())
    until_asleep(s.proxy)
    server.send(GREETING)
    client.expect(GREETING)
    session = Session(s.proxy, client, server)
    session.login()
    return session


def download(session: Session, move: Callable[[Wire, Wire], None]) -> None:
    transfer = Transfer(session, "PASV", "download", Channel(session, "PASV"))
    transfer.begin()
    transfer.open()
    until_asleep(session.proxy)
    transfer.reply(b"150 Here it comes.\r\n")
    move(transfer.sender, transfer.receiver)
    transfer.sender.close()
    ended(session, transfer.receiver)
    transfer.reply(b"226 Done.\r\n")


def ended(session: Session, last: Wire) -> None:
    """The FIN of one side has come through, and the other one follows."""
    assert last.rest() == b""
    until_asleep(session.proxy)
    last.close()
    until_asleep(session.proxy)


def in_step(sender: Wire, receiver: Wire, piece: bytes) -> None:
    sender.send(piece)
    receive(receiver, len(piece))


def receive(receiver: Wire, count: int) -> None:
    into = bytearray(MIB)
    while count > 0:
        come = receiver.sock.recv_into(into, min(count, MIB))
        assert come, f"{count} bytes did not come"
        count -= come


def until_asleep(proxy: Proxy) -> None:
    """All that was sent to the proxy until now has been dealt with: what comes over loopback wakes it
    before send(2) returns, and it sleeps in epoll_wait(2) alone."""
    stats = list(Path(f"/proc/{proxy.pid}/task").glob("*/stat"))
    asleep = lambda: all(stat.read_text().rpartition(")")[2].split()[0] == "S" for stat in stats)
    assert wait_until(asleep, TIMEOUT_S, STEP_S), "the proxy does not come to rest"


# --- what it may cost ---


@dataclass(frozen=True)
class Bound:
    work: Callable[[Scene, int], None]
    times: int
    most: float  # system calls each


# Behind each what was measured. How much of a stream a read finds is the kernel's affair; with buffers of
# 64 KiB it would be 32 at least.
BOUNDS = {
    "a command": Bound(commands, 200, 9.1),  # 9
    "ten commands in one segment": Bound(commands_at_once, 100, 9.1),  # 9
    "a session (login, PASV, 1 KB, QUIT)": Bound(
        sessions, 50, 135
    ),  # 133, and a little where a drawn port was taken
    "a piece of 32 KiB of a download": Bound(pieces, 400, 3.1),  # 3
    "a MB of a download": Bound(stream, 64, 20),  # 1 to 7
}


# What is bound to port 0 and listened on next: the kernel has searched for that port, which takes
# milliseconds where some ten thousand connections have ended in the last minute.
SEARCHED = re.compile(
    r"bind\((\d+), \{[^}]*htons\(0\)[^\n]*\n(?:\d+ +\w+\(\1,[^\n]*\n)*?\d+ +listen\(\1,"
)


class SystemCalls(unittest.TestCase):
    def test_ports_for_data_are_not_searched_for(self):
        with scene("--quiet", make=CountedProxy) as s:
            sessions(s, 20)
        self.assertEqual(s.proxy.calls["listen"], 20 + 2)  # and where clients connect, twice
        self.assertIsNone(SEARCHED.search(s.proxy.trace))

    def test_bounds(self):
        for what, bound in BOUNDS.items():
            with self.subTest(what):
                each = calls_each(bound)
                calls = ", ".join(f"{name} {number:.4g}" for name, number in each.most_common())
                told = f"{what}: system calls {each.total():.2f}, at most {bound.most} ({calls})"
                print(told)
                self.assertLessEqual(each.total(), bound.most, told)


def calls_each(bound: Bound) -> Counter:
    once, more = (calls_of(bound.work, times) for times in (1, 1 + bound.times))
    each = {name: (more[name] - once[name]) / bound.times for name in once.keys() | more.keys()}
    return Counter({name: number for name, number in each.items() if number})


def calls_of(work: Callable[[Scene, int], None], times: int) -> Counter:
    with scene("--quiet", make=CountedProxy) as s:
        work(s, times)
    return s.proxy.calls


if __name__ == "__main__":
    unittest.main()
