"""Real servers x real clients x PASV, EPSV, PORT, EPRT x IPv4, IPv6, through the proxy.

One class a server and address family, one method a client and mode, generated below. With
FTPSCOPE_DIRECT=1 the clients talk to the servers without the proxy: that proves the harness, and
tells whose fault a failure is.
"""
from __future__ import annotations

import contextlib
import os
import tempfile
import unittest
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import servers
from clients import ABORTS, CLIENTS, Target, abort_download, connect
from proxy import Proxy, explained
from workload import complaints, prepare, transfers

DIRECT = os.environ.get("FTPSCOPE_DIRECT") == "1"
FAMILIES = {"IPv4": "127.0.0.1", "IPv6": "::1"}
MODES = ("PASV", "EPSV", "PORT", "EPRT")
BIG = 64 << 20  # more than all buffers on the way together: an ABOR is always in the middle
LISTINGS = {"LIST", "NLST", "MLSD"}


# --- what is not in the matrix, and why ---


@dataclass(frozen=True)
class Gap:
    """Combinations that are not run. "*" is any; an ABOR case's client is "abor-" and the way."""

    server: str
    client: str
    mode: str
    family: str
    why: str

    def covers(self, *case: str) -> bool:
        return all(
            mine in ("*", its)
            for mine, its in zip((self.server, self.client, self.mode, self.family), case)
        )


LFTP_EPRT = "lftp 4.9.2 names '::' in its EPRT; every server refuses that, and lftp hangs"
LFTP_PORT = "lftp sends PORT whenever the address is IPv4"
PYFTPDLIB_PORT = "pyftpdlib answers a pipelined PORT after the next command's 150; lftp then hangs"
VSFTPD_URGENT = "vsftpd loses the urgent LF, and reads no ABOR before the next command's end"

GAPS = [
    Gap("*", "*", "PASV", "IPv6", "227 has room for an IPv4 address only (RFC 2428 1)"),
    Gap("*", "*", "PORT", "IPv6", "PORT has room for an IPv4 address only (RFC 2428 1)"),
    Gap("*", "lftp", "EPRT", "IPv4", LFTP_PORT),
    Gap("*", "lftppipe", "EPRT", "IPv4", LFTP_PORT),
    Gap("*", "lftp", "EPRT", "IPv6", LFTP_EPRT),
    Gap("*", "lftppipe", "EPRT", "IPv6", LFTP_EPRT),
    Gap("pyftpdlib", "lftppipe", "PORT", "IPv4", PYFTPDLIB_PORT),
    Gap("vsftpd", "abor-line", "*", "*", VSFTPD_URGENT),
    Gap("pureftpd", "abor-line", "*", "*", "Pure-FTPd loses the urgent LF, and answers 500"),
    Gap("proftpd", "abor-line", "*", "*", "ProFTPD loses the urgent LF, and awaits the line's end"),
]

# Steps of the workload, and the ABOR cases, that a client has no part in.
STEP_GAPS = {
    ("lftp", "APPE"): "lftp has no APPE; its case resumes an upload by REST + STOR instead",
    ("lftp", "ABOR"): "lftp sends ABOR by its own judgement only, no script can ask for it",
    ("curl", "ABOR"): "curl never sends ABOR: it closes the connections",
    ("tnftp", "ABOR"): "tnftp sends ABOR on an interrupt from its terminal only",
}


def is_run(*case: str) -> bool:
    return not any(gap.covers(*case) for gap in GAPS)


# --- one case ---


@contextlib.contextmanager
def door(server: servers.Server):
    """(where the client connects, the proxy or None)"""
    if DIRECT:
        yield Target(server.host, server.port, server.user, server.password), None
        return
    with Proxy((server.host, server.port)) as proxy:
        yield Target(proxy.host, proxy.port, server.user, server.password), proxy


def run_workload(test: unittest.TestCase, server: servers.Server, client: str, mode: str) -> None:
    with tempfile.TemporaryDirectory() as local, door(server) as (target, proxy):
        files = prepare(server.new_folder(), Path(local))
        seen = CLIENTS[client](target, mode, files)
        wrong = complaints(files, seen)
        test.assertFalse(wrong, f"{wrong}\n--- the client's transcript ---\n{seen.output}")
    if proxy:
        with explained(proxy):
            check_replies(test, proxy)
            check_channels(test, proxy, mode)
            check_transfers(test, proxy, transfers(client))
            check_no_false_alarm(test, proxy, client)


def run_abort(test: unittest.TestCase, server: servers.Server, how: str, mode: str) -> None:
    folder = server.new_folder()
    make_big(folder.path / "big")
    with door(server) as (target, proxy):
        with connect(target, mode) as ftp:
            ftp.cwd(folder.remote)
            aborted = abort_download(ftp, "big", how)
            check_aborted(test, how, aborted)
            # The session goes on as if nothing had been.
            names: list[str] = []
            ftp.retrlines("NLST", names.append)
            test.assertIn("big", names)
            ftp.quit()
    if proxy:
        with explained(proxy):
            check_replies(test, proxy)
            check_channels(test, proxy, mode)
            check_aborted_log(test, proxy, aborted)


def make_big(path: Path) -> None:
    with open(path, "wb") as big:
        big.truncate(BIG)  # sparse
    servers.give_to_user(path)


def check_aborted(test: unittest.TestCase, how: str, aborted) -> None:
    if aborted.replies[0].startswith("426"):
        test.assertLess(aborted.received, BIG)
    else:
        # Without the Synch a server may well read the control connection after the transfer only.
        test.assertNotEqual(how, "synch", aborted)
        test.assertEqual((aborted.replies[0][:3], aborted.received), ("226", BIG), aborted)
    test.assertIn(aborted.replies[1][:3], ("225", "226"))


# --- what the log must tell of it ---


def check_replies(test: unittest.TestCase, proxy: Proxy) -> None:
    """Each command has exactly one final reply, and nothing was answered that nobody asked."""
    commands = {r["id"]: r["verb"] for r in proxy.records("command")}
    finals = Counter(r["to"] for r in proxy.records("reply") if not r.get("preliminary"))
    test.assertEqual(finals, Counter({0: 1, **{number: 1 for number in commands}}), commands)
    test.assertEqual(sorted(commands), list(range(1, len(commands) + 1)))


def check_channels(test: unittest.TestCase, proxy: Proxy, mode: str) -> None:
    """Each data channel was set up in the case's mode, and its four addresses are the real ones."""
    exposed = {r["id"]: r["address"] for r in proxy.records("channel", event="exposed")}
    test.assertTrue(proxy.records("data"))
    for record in proxy.records("data"):
        test.assertEqual(record["setup"], mode.lower(), record)
        for side in ("client", "server"):
            for end in ("from", "to"):
                test.assertEqual(host_of(record[side][end]), proxy.host, record)
        listening = record["client"]["to"] if mode in ("PASV", "EPSV") else record["server"]["to"]
        test.assertEqual(listening, exposed[record["id"]], record)
        test.assertEqual(record["strangers"], 0, record)


def host_of(address: str) -> str:
    host, _, port = address.rpartition(":")
    assert 0 < int(port) < 65536, address
    return host.strip("[]")


def check_transfers(test: unittest.TestCase, proxy: Proxy, expected: list[tuple]) -> None:
    """The data records tell of the transfers that the client did, and of no others."""
    data = proxy.records("data")
    verbs = {r["id"]: r["verb"] for r in proxy.records("command")}
    for record in data:
        test.assertEqual(record["verb"], verbs[record["to"]], record)
        both = record["bytes_to_client"] + record["bytes_to_server"]
        test.assertEqual(record["bytes"], both, record)
        test.assertEqual(record["how"], "fin", record)
    rows = [(r["verb"], r["direction"], r["bytes"]) for r in data]
    test.assertEqual(sorted(row for row in rows if row[0] not in LISTINGS), expected)
    listings = [row for row in rows if row[0] in LISTINGS]
    test.assertTrue(listings)
    for _, direction, size in listings:
        test.assertTrue(direction == "download" and size > 0, listings)
    test.assertEqual(proxy.records("finding", blame="proxy"), [])


# What these clients do wrong, when they are faster than the server's greeting.
TRUE_ALARMS = {"lftppipe": {"FTP-COMMAND-BEFORE-GREETING"}}


def check_no_false_alarm(test: unittest.TestCase, proxy: Proxy, client: str) -> None:
    """Nothing is wrong with these sessions. (That analyze agrees is an oracle of proxy.py.)"""
    alarms = {r["finding"] for r in proxy.records("finding") if r["severity"] != "note"}
    test.assertLessEqual(alarms, TRUE_ALARMS.get(client, set()))


def check_aborted_log(test: unittest.TestCase, proxy: Proxy, aborted) -> None:
    [transfer] = proxy.records("command", verb="RETR")
    [abort] = proxy.records("command", verb="ABOR")
    codes = [
        [r["code"] for r in proxy.records("reply", to=command["id"]) if not r.get("preliminary")]
        for command in (transfer, abort)
    ]
    test.assertEqual(codes, [[int(reply[:3])] for reply in aborted.replies])
    [data] = proxy.records("data", verb="RETR")
    test.assertGreaterEqual(data["bytes_to_client"], aborted.received, data)


# --- the matrix ---


def case_of(kind, name: str, mode: str):
    return lambda self: kind(self, self.server, name, mode)


def methods(server: str, family: str) -> dict:
    made = {}
    for mode in MODES:
        for client in CLIENTS:
            if is_run(server, client, mode, family):
                made[f"test_{client}_{mode}"] = case_of(run_workload, client, mode)
        for how in ABORTS:
            if is_run(server, f"abor-{how}", mode, family):
                made[f"test_abor_{how}_{mode}"] = case_of(run_abort, how, mode)
    return made


def start_server(name: str, host: str):
    def set_up(cls):
        cls.server = cls.enterClassContext(servers.start(name, host))

    return classmethod(set_up)


def matrix_classes():
    for server in servers.NAMES:
        for family, host in FAMILIES.items():
            name = f"Matrix_{server}_{family}"
            body = {
                "setUpClass": start_server(server, host),
                "__module__": __name__,
                **methods(server, family),
            }
            yield name, type(name, (unittest.TestCase,), body)


globals().update(matrix_classes())


class Gaps(unittest.TestCase):
    def test_every_gap_leaves_something_out(self):
        cases = [
            (server, client, mode, family)
            for server in servers.NAMES
            for client in [*CLIENTS, *(f"abor-{how}" for how in ABORTS)]
            for mode in MODES
            for family in FAMILIES
        ]
        for gap in GAPS:
            self.assertTrue(any(gap.covers(*case) for case in cases), gap)
            self.assertTrue(gap.why)


if __name__ == "__main__":
    unittest.main()
