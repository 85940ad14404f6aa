"""The oracle of the log: sample.jsonl is right, and each of these changes to it must be found."""
from __future__ import annotations

import re
import unittest
from pathlib import Path

from check_log import check_bytes

SAMPLE = (Path(__file__).resolve().parent / "sample.jsonl").read_text()
# The changes are made to its first session alone: a `lost` record elsewhere excuses some of them.
FIRST = SAMPLE[: SAMPLE.index('"kind":"end"')]
LINES = SAMPLE.splitlines(keepends=True)[: FIRST.count("\n") + 1]
END = next(number for number, line in enumerate(LINES) if '"kind":"end"' in line)
DATA = next(number for number, line in enumerate(LINES) if '"kind":"data"' in line)
REPLY = next(number for number, line in enumerate(LINES) if '"kind":"reply"' in line)


def without(number: int) -> str:
    return "".join(LINES[:number] + LINES[number + 1 :])


def changed(number: int, pattern: str, by: str) -> str:
    line = re.sub(pattern, by, LINES[number], count=1)
    assert line != LINES[number], (pattern, LINES[number])
    return "".join(LINES[:number] + [line] + LINES[number + 1 :])


WRONG = {
    "half a line at the end": "".join(LINES)[:-1],
    "a line that is not JSON": "".join(LINES) + "{\n",
    "a key twice": changed(0, '"kind"', '"seq":0,"kind"'),
    "a session without its first record": without(0),
    "a gap in seq": without(REPLY),
    "a session without its end": without(END),
    "two ends": "".join(LINES[: END + 1] + [LINES[END]] + LINES[END + 1 :]),
    "the end counts another number of commands": changed(END, '"commands":', '"commands":1'),
    "an unknown field": changed(DATA, '"bytes":', '"octets":1,"bytes":'),
    "a missing field": changed(DATA, '"strangers":\\d+,?', ""),
    "bytes that do not add up": changed(DATA, '"bytes":', '"bytes":1'),
    "an address without a port": changed(0, '("client":"[^"]*):\\d+"', '\\1"'),
}


class LogOracle(unittest.TestCase):
    def test_the_sample_is_right(self):
        self.assertEqual(check_bytes(SAMPLE.encode()), [])
        self.assertEqual(check_bytes("".join(LINES).encode()), [])

    def test_each_change_is_found(self):
        for name, content in WRONG.items():
            with self.subTest(name):
                self.assertTrue(check_bytes(content.encode()))


if __name__ == "__main__":
    unittest.main()
