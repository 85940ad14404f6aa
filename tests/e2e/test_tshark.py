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

# tshark's commands or replies are others than ours in these.
DIFFERENT: dict[str, list[str]] = {}


class Bytes(unittest.TestCase):
    """Against the streams."""

    def test_control_connections_have_all_bytes_of_their_streams(self):
        for path in arbitrated():
            for session, stream in paired(path):
                client, server = session[0]["client"], session[0]["server"]
                with self.subTest(capture=path.name, client=client):
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
    left = tshark.streams(path)
    for session in sessions(records(path, "--log-secrets")):
        ends = {session[0]["client"], session[0]["server"]}
        stream = next((one for one in left if set(one.nodes) == ends), None)
        assert stream, f"{path.name}: tshark has no stream between {ends}"
        left.remove(stream)
        yield session, stream


def own_bytes(session: list[dict], kind: str) -> bytes:
    line = command_line if kind == "command" else reply_lines
    return b"".join(line(row) for row in session if row["kind"] == kind)


def check_side(test, side: str, ours: bytes, theirs: bytes, session: list[dict]) -> None:
    if any(row["kind"] == "opaque" for row in session):
        test.assertEqual(ours, theirs[: len(ours)], side)
        test.assertIn(
            theirs[len(ours) : len(ours) + 1], (b"", b"\x15", b"\x16"), f"{side}: no TLS behind it"
        )
    else:
        test.assertEqual(ours, theirs, side)


def check_data(test, data: dict, leg: dict, found: list[tshark.Stream]) -> None:
    ends = {leg["from"], leg["to"]}
    candidates = [one for one in found if set(one.nodes) == ends]
    test.assertTrue(candidates, "tshark has no such stream")
    active = data["setup"] in ("port", "eprt", "lprt")
    client, server = (leg["to"], leg["from"]) if active else (leg["from"], leg["to"])
    seen = [
        (len(one.sent[server]), len(one.sent[client]), sum(one.missing.values()))
        for one in candidates
    ]
    mine = (data["bytes_to_client"], data["bytes_to_server"], data.get("missing", 0))
    test.assertIn(mine, seen)


def own_dialogue(path: Path) -> tshark.Dialogue:
    commands, replies = [], []
    for row in records(path, "--log-secrets"):
        if row["kind"] == "command":
            commands.append((text(row["verb"]), text(row.get("argument", ""))))
        if row["kind"] == "reply" and row["code"] is not None:
            replies.append((row["code"], text(row["lines"][0])[4:]))
    return tshark.Dialogue(commands, replies)


def text(value) -> str:
    return octets(value).decode(errors="replace")


if __name__ == "__main__":
    unittest.main()
