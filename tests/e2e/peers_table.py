#!/usr/bin/python3
"""The same cases of FTP through NAT gateways of different make, and one table of what comes of each.

    tests/e2e/peers_table.py                        all of it, as root; about two minutes
    tests/e2e/peers_table.py --only 227 --peer suse --peer ftpscope

Everything is measured: each case is played by a scripted client and a scripted server through each peer, on
machines of its own (network namespaces). `ok` is the outcome of the column "expected"; all else is what
happened instead, as the client saw it. Exit code 1 if a peer has an `ok` where we have not.
"""
from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from machines import LabError
from peers_cases import CASES, Case
from peers_client import Client, Lost
from peers_server import Stage
from peers_setup import PEERS, Peer, machines

PATIENCE_S = 3.0  # of client and server: who says nothing for so long hangs
AT_ONCE = 12  # sessions
OK = "ok"


def outcome(stage: Stage, case: Case, name: str) -> str:
    """ "ok", or what happened instead."""
    stage.scripts[name] = case.answers
    client = Client(stage, name, case.door, case.setting)
    with stage.machines.client.entered(), contextlib.closing(client):
        try:
            if case.login:
                client.login()
            case.play(client)
            client.check_traps()
            return OK
        except Lost as lost:
            return str(lost)
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def through(peer: Peer, cases: list[Case], patience_s: float = PATIENCE_S) -> dict[str, str]:
    """The outcome of each case by its name. LabError if the peer cannot be had on this machine."""
    if missing := peer.missing():
        raise LabError(missing)
    settings = sorted({case.setting for case in cases})
    with (
        machines() as made,
        Stage(made, peer.places(settings), patience_s) as stage,
        peer.start(made, settings),
    ):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            run = {
                case.name: pool.submit(outcome, stage, case, f"case{number}")
                for number, case in enumerate(cases)
            }
        return {name: future.result() for name, future in run.items()}


@dataclass
class Table:
    cases: list[Case]
    outcomes: dict[str, dict[str, str]]  # by peer and case
    absent: dict[str, str]  # by peer: why

    def peers(self) -> list[Peer]:
        return [peer for peer in PEERS if peer.name in self.outcomes]

    def won(self, peer: Peer) -> int:
        return list(self.outcomes[peer.name].values()).count(OK)

    def behind(self) -> list[str]:
        """What another wins and we lose."""
        ours = [peer for peer in self.peers() if peer.ours]
        others = [peer for peer in self.peers() if not peer.ours]
        return [
            f"{mine.name}: {case.name}: {self.outcomes[mine.name][case.name]}"
            for case in self.cases
            for mine in ours
            if self.outcomes[mine.name][case.name] != OK
            and any(self.outcomes[other.name][case.name] == OK for other in others)
        ]

    def markdown(self) -> str:
        lines = [f"- **{peer.name}**: {peer.what}" for peer in self.peers()]
        lines += [f"- **{name}** is not in the table: {why}" for name, why in self.absent.items()]
        names = [peer.name for peer in self.peers()]
        lines += ["", row("case", "expected", *names), row(*["---"] * (len(names) + 2))]
        for group, cases in itertools.groupby(self.cases, lambda case: case.group):
            lines.append(row(f"**{group}**", *[""] * (len(names) + 1)))
            lines += [self.row_of(case, names) for case in cases]
        won = [f"**{self.won(peer)}**" for peer in self.peers()]
        lines.append(row(f"**won, of {len(self.cases)}**", "", *won))
        return "\n".join(lines)

    def row_of(self, case: Case, names: list[str]) -> str:
        title = f"{case.name} [{case.setting}]" if case.setting else case.name
        return row(title, case.wanted, *(self.outcomes[name][case.name] for name in names))


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def measured(peers: list[Peer], cases: list[Case]) -> Table:
    table = Table(cases, {}, {})
    for peer in peers:
        try:
            table.outcomes[peer.name] = through(peer, cases)
        except LabError as error:
            table.absent[peer.name] = str(error)
    return table


def machine() -> str:
    name = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    return f"{name[1] if name else os.uname().sysname}, Linux {os.uname().release}, {os.cpu_count()} processors"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="WORD", help="only the cases whose group or name has it")
    parser.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS])
    options = parser.parse_args()
    cases = [c for c in CASES if not options.only or options.only in f"{c.group} {c.name}"]
    peers = [peer for peer in PEERS if not options.peer or peer.name in options.peer]
    table = measured(peers, cases)
    print(f"Measured {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC on {machine()}.\n")
    print(table.markdown())
    behind = table.behind()
    print(f"\nRows that a peer wins and we lose: {len(behind)}")
    for line in behind:
        print(f"- {line}")
    return 1 if behind or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
