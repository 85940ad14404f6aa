"""What the documents say, held against what there is: the recipes and their output, the sample log,
the table of findings, the options, the files named, the links; and check_log.py itself."""
from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from binary import BINARY, ROOT
from check_log import check_bytes, check_log, schema_errors

HERE = Path(__file__).resolve().parent
SAMPLE = HERE / "sample.jsonl"
ANALYZER = ROOT / "analyzer" / "README.md"
PROXY = ROOT / "proxy" / "README.md"
READMES = [ROOT / "README.md", *sorted(ROOT.glob("*/README.md"))]
KINDS = "session connected command reply reply_part rewrite channel data finding opaque lost end"

# A shell command, and what it prints for the sample if that stands right behind it.
RECIPE = re.compile(r"^```sh\n(jq .*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:cpp|c|h|py|sh|json|jsonl|md|txt))`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#([^)]*))?\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")

OTHERS_FILES = {
    "lib/ftp.c",
    "Lib/ftplib.py",
    "usr.bin/ftp/ftp.c",
    "session.jsonl",
    "timing.jsonl",
} | {"pcap/NAME.jsonl"}
# Of ctest, cmake, jq, docker and our own scripts.
OTHERS_OPTIONS = set("--help --version --allow-torn --test-dir --preset --arg --list".split())
OTHERS_OPTIONS |= {"--table", "--time-stamp-precision", "--network"}


class Recipes(unittest.TestCase):
    """Every block that begins with jq runs, as it stands, on the sample as session.jsonl."""

    def test_the_output_is_the_one_in_the_document(self):
        counts = {}
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(SAMPLE, Path(folder) / "session.jsonl")
            for readme in READMES:
                for command, expected in RECIPE.findall(readme.read_text()):
                    with self.subTest(readme=str(readme.relative_to(ROOT)), command=command):
                        self.run_recipe(command, expected, folder)
                    counts[readme] = counts.get(readme, 0) + 1
        self.assertGreaterEqual(counts[ANALYZER], 11)
        self.assertGreaterEqual(counts[ROOT / "README.md"], 1)

    def run_recipe(self, command: str, expected: str, folder: str) -> None:
        argv = ["bash", "-euo", "pipefail", "-c", command]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotEqual(done.stdout, "")
        if expected:
            self.assertEqual(done.stdout, expected)


class SampleLog(unittest.TestCase):
    def setUp(self):
        self.lines = SAMPLE.read_bytes().splitlines()
        self.records = [json.loads(line) for line in self.lines]

    def test_it_is_right(self):
        self.assertEqual(check_log(SAMPLE), [])

    def test_it_has_every_kind(self):
        self.assertEqual({r["kind"] for r in self.records}, set(KINDS.split()))

    def test_every_field_is_in_the_document(self):
        text = ANALYZER.read_text()
        log = text[text.index("## The log") : text.index("## Findings")]
        missing = {
            f"{r['kind']}.{key}"
            for r in self.records
            for key in r
            if f"`{key}`" not in log and f"`{key}:" not in log
        }
        self.assertEqual(missing, set())

    def test_no_field_may_be_left_out_or_be_of_another_type(self):
        """The schema is strict: a record without one of its fields, or with another, fails."""
        always = set("ts session seq kind to id lines code event how bytes".split())
        for record in self.records:
            for key in always & set(record):
                less = {k: v for k, v in record.items() if k != key}
                self.assertTrue(schema_errors(less), f"without {key}: {record}")
            self.assertTrue(schema_errors(record | {"else": 1}), record)
            self.assertTrue(schema_errors(record | {"ts": "2026-11-21T09:43:39Z"}), record)


class LogCheck(unittest.TestCase):
    """check_log finds what is wrong with a log; else every other test would prove nothing by it."""

    def setUp(self):
        every = [json.loads(line) for line in SAMPLE.read_bytes().splitlines()]
        first = every[0]["session"]
        self.records = [r for r in every if r["session"] == first]

    def complaints(self, records=None, tail=b"", **options) -> str:
        records = self.records if records is None else records
        lines = [json.dumps(r, separators=(",", ":")).encode() + b"\n" for r in records]
        return "\n".join(check_bytes(b"".join(lines) + tail, "log", **options))

    def index(self, kind: str, **fields) -> int:
        return next(
            i
            for i, r in enumerate(self.records)
            if r["kind"] == kind and all(r.get(k) == v for k, v in fields.items())
        )

    def changed(self, kind: str, fields: dict, **selected) -> str:
        at = self.index(kind, **selected)
        before, record, after = self.records[:at], self.records[at], self.records[at + 1 :]
        return self.complaints([*before, record | fields, *after])

    def test_nothing_wrong(self):
        self.assertEqual(self.complaints(), "")

    def test_a_record_is_missing(self):
        self.assertIn("lacks records", self.complaints(self.records[:5] + self.records[6:]))

    def test_a_lost_record_owns_up_to_it(self):
        lost = {"ts": self.records[6]["ts"], "session": "ftpscope", "seq": 0, "kind": "lost"}
        start = [*self.records[:5], lost | {"records_lost": 1}]
        self.assertEqual(self.complaints([*start, *self.records[6:]]), "")
        self.assertIn("lacks records", self.complaints([*start, *self.records[7:]]))

    def test_no_end(self):
        self.assertIn("no end record", self.complaints(self.records[:-1]))
        self.assertEqual(self.complaints(self.records[:-1], allow_torn=True), "")

    def test_a_torn_line(self):
        torn = b'{"ts":"2026-11-21T09:43:39.1'
        self.assertIn("the last line has no end", self.complaints(tail=torn))
        self.assertEqual(self.complaints(tail=torn, allow_torn=True), "")
        self.assertIn("a torn line", self.complaints(tail=torn + b"\n"))
        self.assertEqual(self.complaints(tail=torn + b"\n", allow_torn=True), "")

    def test_not_strict(self):
        control, twice, part = b'{"ts":"\x07"}', b'{"ts":1,"ts":2}', b'{"ts":1.0}'
        for line in (control, b'{"ts":"\xc2\x85"}', twice, part, b"[]"):
            self.assertIn("not strict JSON", self.complaints(tail=line + b"\n"), line)

    def test_a_reply_to_nothing(self):
        self.assertIn("which is not there", self.changed("reply", {"to": 99}, verb="QUIT"))

    def test_a_second_final_reply(self):
        fields = {"to": 1, "verb": "USER"}
        said = self.changed("reply", fields, verb="PASS")
        self.assertIn("after the final reply to command 1", said)

    def test_a_reply_with_another_verb(self):
        said = self.changed("reply", {"verb": "PASS"}, verb="USER")
        self.assertIn("but command 1 is 'USER'", said)

    def test_time_goes_backwards(self):
        said = self.changed("reply", {"ts": "2026-11-21T09:43:39.000000Z"}, verb="PASS")
        self.assertIn("the time goes backwards", said)

    def test_wrong_totals(self):
        for field in ("commands", "replies", "findings", "data_to_client", "data_to_server"):
            self.assertIn(f"{field} is 77", self.changed("end", {field: 77}))

    def test_wrong_sums(self):
        self.assertIn("sum of both ways", self.changed("data", {"bytes": 1}))
        self.assertIn("rate is 1, not", self.changed("data", {"rate": 1}))
        self.assertIn("duration_us is 1, not", self.changed("data", {"duration_us": 1}))

    def test_a_channel_without_data(self):
        at = self.index("data")
        rest = self.records[:at] + self.records[at + 1 :]
        said = self.complaints([r | {"seq": i} for i, r in enumerate(rest)])
        self.assertIn("no data record of channel [1]", said)

    def test_base64_for_text(self):
        said = self.changed("command", {"argument": {"base64": "YWxpY2U="}}, verb="USER")
        self.assertIn("base64 for bytes that are UTF-8", said)

    def test_a_secret_beside_its_mask(self):
        said = self.changed("command", {"argument": "x"}, verb="PASS")
        self.assertIn("'<hidden>' was expected", said)
        self.assertIn("command.line", self.changed("command", {"line": "PASS x\r\n"}, verb="PASS"))


def catalogue() -> str:
    """The rows of all families, in the order of findings.cpp."""
    families = re.findall(r"findings::k(\w+)[,)]", (ROOT / "analyzer" / "findings.cpp").read_text())
    names = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", family).lower() for family in families]
    return "".join((ROOT / "analyzer" / "findings" / f"{n}.h").read_text() for n in names)


class Tables(unittest.TestCase):
    def test_the_findings(self):
        """To make the table anew: put the output of `ftpscope explain --markdown` in its place."""
        table = self.output("explain", "--markdown")
        lines = ANALYZER.read_text().splitlines(keepends=True)
        first = lines.index(table.splitlines(keepends=True)[0])
        written = "".join(itertools.takewhile(lambda line: line != "\n", lines[first:]))
        self.assertEqual(written, table, "build/ftpscope explain --markdown makes it anew")

    def test_the_rows_of_the_findings_are_those_of_json(self):
        rows = [json.loads(line) for line in self.output("explain", "--json").splitlines()]
        source = catalogue()
        self.assertEqual(
            [r["finding"] for r in rows], re.findall(r'^    \{\w+, "(FTP-[^"]+)"', source, re.M)
        )

    def output(self, *arguments: str) -> str:
        argv = [BINARY, *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def test_findings_named_elsewhere_exist(self):
        source = catalogue()
        names = set(re.findall(r'"(FTP-[^"]+)"', source))
        for readme in READMES:
            named = set(re.findall(r"`(FTP-[A-Z0-9-]+[A-Z0-9])`", readme.read_text()))
            self.assertEqual(named - names, set(), readme)

    def test_the_options(self):
        """proxy/README.md has every option with its default; no document has one that is not."""
        options = self.proxy_options()
        known = self.every_option() | OTHERS_OPTIONS
        lines = PROXY.read_text().splitlines()
        for name, default in options.items():
            row = re.compile(rf"\| `{name}[ `]")
            line = next((line for line in lines if row.match(line)), None)
            self.assertIsNotNone(line, f"{name} has no line in proxy/README.md")
            if default is not None:
                self.assertEqual(line.split(" | ")[1], f"`{default}`", name)
        for readme in READMES:
            named = set(OPTION.findall(readme.read_text()))
            self.assertEqual(named - known, set(), readme)

    def every_option(self, *command: str) -> set[str]:
        """Of all commands and their subcommands, as --help tells them."""
        text = self.output(*command, "--help")
        options = set(re.findall(r"^  (?:-\w,)?(--[a-z][a-z-]*)", text, re.MULTILINE))
        subcommands = text.partition("\nSubcommands:\n")[2].partition("\n\n")[0]
        for name in re.findall(r"^  (\w+) ", subcommands, re.MULTILINE):
            options |= self.every_option(*command, name)
        return options

    def proxy_options(self) -> dict[str, str | None]:
        text = self.output("proxy", "--help")
        options = {}
        for line in re.findall(r"^  (?:-\w,)?(--[a-z].*)$", text, re.MULTILINE):
            name = re.match(r"--[a-z-]+", line)[0]
            default = re.search(r"=(\S+)", line)
            options[name] = default[1] if default and name != "--help" else None
        del options["--help"]
        self.assertGreater(len(options), 25)
        return options


def anchors(document: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Links(unittest.TestCase):
    def test_what_is_linked_exists(self):
        for readme in READMES:
            for target, anchor in LINK.findall(readme.read_text()):
                place = readme.parent / target
                self.assertTrue(place.exists(), f"{readme.relative_to(ROOT)}: {target}")
                if anchor:
                    self.assertIn(anchor, anchors(place), f"{readme.relative_to(ROOT)}: {target}")

    def test_files_named_exist(self):
        """`like/this.cpp` or `this.h`, from the root or beside the document."""
        for readme in READMES:
            for name in FILE_NAME.findall(readme.read_text()):
                places = [ROOT / name, readme.parent / name]
                found = any(place.exists() for place in places)
                found = found or name in OTHERS_FILES
                self.assertTrue(found, f"{readme.relative_to(ROOT)}: {name}")


if __name__ == "__main__":
    unittest.main()
