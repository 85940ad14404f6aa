#!/usr/bin/python3
"""Records the captures of captures/pcap anew (root):

    captures/record-pcaps.py [--into FOLDER] [SCENARIO...]     all without a name
    captures/record-pcaps.py --list | --table                  the scenarios; the table of README.md

Real servers, real clients and tcpdump in network namespaces of this process: nothing of it is seen
outside, and nothing stays. Needs tests/e2e/install-servers.sh and tcpdump, tshark, nftables,
python3-openssl.
"""
from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "e2e")]

from lab import account  # noqa: E402
from lab.scenario import SCENARIOS, Scenario  # noqa: E402

MODULES = ("healthy", "nat", "lines", "data", "tls", "crafted")
LARGEST = 64 << 10


def record(one: Scenario, into: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        one.record(Path(work))
        for name in one.files:
            content = (Path(work) / name).read_bytes()
            assert len(content) <= LARGEST, f"{name} has {len(content)} bytes"
            (into / name).write_bytes(content)
            print(f"{name}: {len(content)} bytes", flush=True)


def table() -> str:
    rows = ["| capture | what it shows | how it was made |", "|---|---|---|"]
    for one in SCENARIOS.values():
        rows += [f"| `{name}` | {shows} | {one.made} |" for name, shows in one.files.items()]
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    parser.add_argument("--into", type=Path, default=HERE / "pcap", metavar="FOLDER")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    for module in MODULES:
        importlib.import_module(f"lab.{module}")
    if options.list or options.table:
        print(table() if options.table else "\n".join(SCENARIOS))
        return 0
    account.enter()
    failed = []
    for name in options.scenarios or SCENARIOS:
        try:
            record(SCENARIOS[name], options.into)
        except Exception as error:  # noqa: BLE001 - the others are recorded all the same
            failed.append(name)
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    print(f"failed: {' '.join(failed)}" if failed else "all recorded")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
