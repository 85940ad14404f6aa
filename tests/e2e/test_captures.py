"""Each capture of captures/pcap gives exactly the records beside it, FTPSCOPE_UPDATE=1 writes them."""
from __future__ import annotations

import difflib
import json
import os
import re
import unittest

from binary import ROOT
from capture import CAPTURES, FOLDER, analyze, records
from check_log import check_bytes

UPDATE = os.environ.get("FTPSCOPE_UPDATE") == "1"
LARGEST, ALL = 64 << 10, 1536 << 10
HEALTHY = "healthy-"


class Records(unittest.TestCase):
    def test_are_as_expected(self):
        for path in CAPTURES:
            with self.subTest(capture=path.name):
                got = analyze(path, "--json")
                beside = path.with_suffix(".jsonl")
                if UPDATE:
                    beside.write_bytes(got)
                self.assertFalse(difference(beside.read_bytes(), got))

    def test_are_valid(self):
        for path in CAPTURES:
            with self.subTest(capture=path.name):
                self.assertFalse(check_bytes(analyze(path, "--json"), path.name))

    def test_healthy_sessions_have_no_finding_above_note(self):
        healthy = [path for path in CAPTURES if path.name.startswith(HEALTHY)]
        self.assertEqual(len(healthy), 5 * 4)
        for path in healthy:
            with self.subTest(capture=path.name):
                findings = [row for row in records(path) if row["kind"] == "finding"]
                loud = [f["finding"] for f in findings if f["severity"] != "note"]
                self.assertFalse(loud)

    def test_nor_have_they_when_only_port_21_was_captured(self):
        for path in CAPTURES:
            if not path.name.startswith(HEALTHY):
                continue
            with self.subTest(capture=path.name):
                rows = records(path, "--filter", "port 21")
                findings = {r["finding"]: r["severity"] for r in rows if r["kind"] == "finding"}
                self.assertIn("FTP-CAPTURE-DATA-MISSING", findings)
                self.assertEqual(set(findings.values()), {"note"})

    def test_have_no_password_unless_asked(self):
        for path in CAPTURES:
            with self.subTest(capture=path.name):
                passwords = [
                    row for row in records(path, "--log-secrets") if row.get("verb") == "PASS"
                ]
                shown = [row for row in records(path) if row.get("verb") == "PASS"]
                self.assertEqual(len(shown), len(passwords))
                hidden = {row["argument"] for row in shown if row["kind"] == "command"}
                self.assertLessEqual(hidden, {"<hidden>"})


class Folder(unittest.TestCase):
    def test_each_capture_has_a_row_in_the_readme_and_the_other_way_round(self):
        readme = (ROOT / "captures" / "README.md").read_text()
        rows = re.findall(r"^\| `([^`]+\.pcap(?:ng)?)` \|", readme, re.M)
        self.assertEqual(sorted(rows), sorted(path.name for path in CAPTURES))

    def test_expectations_belong_to_captures(self):
        beside = {path.with_suffix(".jsonl").name for path in CAPTURES}
        self.assertEqual({path.name for path in FOLDER.glob("*.jsonl")}, beside)

    def test_captures_are_small(self):
        sizes = {path.name: path.stat().st_size for path in CAPTURES}
        self.assertFalse({name: size for name, size in sizes.items() if size > LARGEST})
        self.assertLess(sum(sizes.values()), ALL)


def difference(expected: bytes, got: bytes) -> str:
    """The first lines that differ, readable."""
    sides = [[readable(line) for line in text.decode().splitlines()] for text in (expected, got)]
    return "\n".join(list(difflib.unified_diff(*sides, "expected", "got", lineterm="", n=1))[:20])


def readable(line: str) -> str:
    return json.dumps(json.loads(line), ensure_ascii=False)[:300]


if __name__ == "__main__":
    unittest.main()
