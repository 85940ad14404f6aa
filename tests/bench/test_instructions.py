"""How many instructions the core needs a command, a transfer and a session, the log's text included.

Callgrind counts them while core_work does fixed work: within 0.1 % the same in every run, as seconds
are not. Start and end do not count: one run does the work twice as often, and the difference is taken.

BOUNDS is a guard against getting slower unnoticed; README.md tells what to do when it fails.
"""
from __future__ import annotations

import os
import re
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE_WORK = os.environ.get("FTPSCOPE_CORE_WORK") or ROOT / "build" / "core_work"
CALLGRIND = "valgrind --tool=callgrind --callgrind-out-file=/dev/null".split()
LEAST, LINE = 8, 16_000  # bytes of a line


@dataclass(frozen=True)
class Bound:
    work: str  # of core_work
    times: int
    most: int  # instructions each


# Behind each what was measured (g++ 12.2); 5 % are left for another compiler, C library or processor.
BOUNDS = {
    "a command (NOOP) and its reply": Bound("commands", 1000, 10_300),  # 9,772
    "the same in 1,000 sessions": Bound("commands_of_1000", 1000, 10_300),  # 9,638
    "PASV and its 227, rewritten": Bound("passive", 200, 35_100),  # 33,443
    "PASV, RETR and the transfer": Bound("downloads", 200, 59_000),  # 56,658
    "a session: login, the same, QUIT": Bound("sessions", 100, 115_000),  # 109,851
    "a line of a session log, read": Bound("log_lines", 1000, 10_600),  # 10,064
    "a byte of a line that comes byte by byte": Bound("line", LINE, 960),  # 915
    "a byte of it, only cut into lines": Bound("split_line", LINE, 205),  # 194
}
# A line of n bytes in n segments: t(2n)/t(n). It would be 4 if each segment cost a copy of the line.
LINEAR = ("line", "split_line")
DOUBLED_MOST = 2.3


class Instructions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        runs = {(b.work, times) for b in BOUNDS.values() for times in (b.times, 2 * b.times)}
        runs |= {(work, LEAST) for work in LINEAR}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            cls.counted = dict(zip(runs, pool.map(lambda run: instructions(*run), runs)))

    def test_bounds(self):
        for what, bound in BOUNDS.items():
            with self.subTest(what):
                added = self.more(bound.work, bound.times, 2 * bound.times) / bound.times
                self.at_most(bound.most, added, f"{what}: instructions")

    def test_a_line_in_segments_costs_linear_time(self):
        for work in LINEAR:
            with self.subTest(work):
                ratio = self.more(work, LEAST, 2 * LINE) / self.more(work, LEAST, LINE)
                self.at_most(DOUBLED_MOST, ratio, f"{work}: t(2n)/t(n)")

    def more(self, work: str, times: int, more_times: int) -> int:
        return self.counted[work, more_times] - self.counted[work, times]

    def at_most(self, most: float, measured: float, what: str) -> None:
        told = f"{what} {measured:,.{0 if most > 100 else 2}f}, at most {most:,}"
        print(told)
        self.assertLessEqual(measured, most, told)


def instructions(work: str, times: int) -> int:
    done = subprocess.run(
        [*CALLGRIND, CORE_WORK, work, str(times)], stderr=subprocess.PIPE, text=True, check=True
    )
    return int(re.search(r"Collected : (\d+)$", done.stderr, re.MULTILINE)[1])


if __name__ == "__main__":
    unittest.main()
