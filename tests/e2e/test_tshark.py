"""ftpscope and tshark read the same captures: the same bytes, commands, replies, data.

Two questions for each capture. Do our records have every byte of the streams that tshark puts
together, in order, and none else? And does tshark's FTP dissector tell the same commands and
replies? It often does not; DIFFERENT says why, and the first question has proven who is right.
"""
from __future__ import annotations

import unittest
from pathlib import Path

import tshark
from capture import CAPTURES, command_line, octets, records, reply_lines, sessions

# Captures that tshark cannot be the arbiter of, and why.
NO_ARBITER = {
    "rubbish.pcap": "tshark stops at the damage, we go on behind it",
}

# Connections of which nothing is told, how many, and why.
LEFT_OUT = {
    "one-way-client.pcap": (1, "the 227 that would tie it to the session went the other way"),
}

# tshark's commands or replies are others than ours in these. The bytes are the same: see Bytes.
DIFFERENT = {
    "tshark takes each segment of a multi-line reply for a reply": [
        "healthy-inetutils-curl.pcap",
        "healthy-inetutils-ftplib.pcap",
        "healthy-inetutils-lftp.pcap",
        "healthy-inetutils-tnftp.pcap",
        "healthy-proftpd-tnftp.pcap",
        "healthy-pyftpdlib-lftp.pcap",
        "healthy-pyftpdlib-tnftp.pcap",
        "healthy-vsftpd-lftp.pcap",
        "healthy-vsftpd-tnftp.pcap",
        "multi-line.pcap",
        "tls-vsftpd-lftp.pcap",
    ],
    "tshark sees the first line of a segment only": [
        "client-stops.pcap",
        "off-by-one.pcap",
        "pipelined.pcap",
    ],
    "tshark takes each piece of a line for a line": ["split-227.pcap"],
    "tshark loses a segment that comes out of order, and doubles one that comes twice": [
        "loss-client.pcap",
        "reordered.pcap",
    ],
    "tshark ends a line at a bare CR or a NUL": ["bad-bytes.pcap", "smuggling.pcap"],
    "tshark takes Telnet's Synch for a verb": ["abor-urgent.pcap"],
    "tshark knows FTP by its port": ["commands-loopback.pcap", "other-port.pcap"],
    "tshark takes TLS behind AUTH SSL for commands": [
        "tls12-vsftpd-curl.pcap",
        "tls13-vsftpd-curl.pcap",
    ],
    "tshark takes HTTP for FTP": ["not-ftp-client.pcap"],
    "a reply that another code ends has that code (RFC 959 4.2)": ["other-code-end.pcap"],
    **{why: [name] for name, why in NO_ARBITER.items()},
}


class Bytes(unittest.TestCase):
    """Against the streams."""

    def test_control_connections_have_all_bytes_of_their_streams(self):
        for path in arbitrated():
            for session, stream in paired(path):
                client, server = session[0]["client"], session[0]["server"]
                with self.subTest(capture=path.name, client=client):
                    self.assertTrue(stream, "tshark has no such stream")
                    check_side(
                        self, "client", own_bytes(session, "command"), stream.sent[client], session
                    )
                    check_side(
                        self, "server", own_bytes(session, "reply"), stream.sent[server], session
                    )

    def test_data_connections_have_as_many_bytes_as_their_streams(self):
        for path in arbitrated():
            found = tshark.streams(path)
            for data in (row for row in records(path) if row["kind"] == "data"):
                leg = data["client"] or data["server"]
                if leg is None:
                    continue
                with self.subTest(capture=path.name, data=data["id"], leg=leg):
                    check_data(self, data, leg, found)

    def test_no_connection_is_left_out(self):
        for path in arbitrated():
            with self.subTest(capture=path.name):
                rows = records(path)
                known = [{row["client"], row["server"]} for row in rows if row["kind"] == "session"]
                legs = [row["client"] or row["server"] for row in rows if row["kind"] == "data"]
                known += [{leg["from"], leg["to"]} for leg in legs if leg]
                left = [one.nodes for one in tshark.streams(path) if set(one.nodes) not in known]
                self.assertEqual(len(left), LEFT_OUT.get(path.name, (0, ""))[0], left)


class Dissector(unittest.TestCase):
    """Against tshark's own idea of FTP."""

    def test_tells_the_same_commands_and_replies(self):
        excepted = {name: why for why, names in DIFFERENT.items() for name in names}
        for path in CAPTURES:
            with self.subTest(capture=path.name):
                ours, theirs = own_dialogue(path), tshark.dialogue(path)
                if path.name in excepted:
                    self.assertNotEqual(ours, theirs, f"no longer different: {excepted[path.name]}")
                else:
                    self.assertEqual(ours.commands, theirs.commands)
                    self.assertEqual(ours.replies, theirs.replies)


def arbitrated() -> list[Path]:
    return [path for path in CAPTURES if path.name not in NO_ARBITER]


def paired(path: Path):
    """(a session's records, its stream). Ports that are used again come in the same order."""
    left = list(tshark.streams(path))
    for session in sessions(records(path, "--log-secrets")):
        ends = {session[0]["client"], session[0]["server"]}
        stream = next((one for one in left if set(one.nodes) == ends), None)
        if stream:
            left.remove(stream)
        yield session, stream


def own_bytes(session: list[dict], kind: str) -> bytes:
    line = command_line if kind == "command" else reply_lines
    return b"".join(line(row) for row in session if row["kind"] == kind)


def check_side(test, side: str, ours: bytes, theirs: bytes, session: list[dict]) -> None:
    if any(row["kind"] == "opaque" for row in session):
        test.assertEqual(ours, theirs[: len(ours)], side)
        rest = theirs[len(ours) :]
        told = any(row.get("finding") == "FTP-TLS-PLAINTEXT-BEHIND-AUTH" for row in session)
        test.assertTrue(told or rest[:1] in (b"", b"\x15", b"\x16"), f"{side}: no TLS: {rest}")
    elif any(row.get("finding") == "FTP-NOT-FTP" for row in session):
        test.assertTrue(theirs.startswith(ours), side)
    else:
        test.assertEqual(ours, theirs, side)


def check_data(test, data: dict, leg: dict, found: list[tshark.Stream]) -> None:
    """The bytes that are there are as many. tshark counts those that are not only if a whole segment
    is missing, and not when the snap length cut it."""
    candidates = [one for one in found if set(one.nodes) == {leg["from"], leg["to"]}]
    test.assertTrue(candidates, "tshark has no such stream")
    active = data["setup"] in ("port", "eprt", "lprt")
    client, server = (leg["to"], leg["from"]) if active else (leg["from"], leg["to"])
    missing = data.get("missing", 0)
    mine = (data["bytes_to_client"], data["bytes_to_server"])
    if missing == 0:
        test.assertIn(mine, [(len(one.sent[server]), len(one.sent[client])) for one in candidates])
    seen = [sum(map(len, one.sent.values())) for one in candidates]
    test.assertIn(sum(mine) - missing, seen)


def own_dialogue(path: Path) -> tshark.Dialogue:
    commands, replies = [], []
    for row in records(path, "--log-secrets"):
        if row["kind"] == "command":
            commands.append((text(row["verb"]).upper(), text(row.get("argument", ""))))
        if row["kind"] == "reply" and row["code"] is not None:
            replies.append((row["code"], text(row["lines"][0])[4:]))
    return tshark.Dialogue(commands, replies)


def text(value) -> str:
    return octets(value).decode(errors="replace")


if __name__ == "__main__":
    unittest.main()
