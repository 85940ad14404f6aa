"""`ftpscope report` as a command: where the page goes, and what it says when it cannot."""
from __future__ import annotations

import os
import shutil
import tempfile
import unittest
from pathlib import Path

from page import ROOT, SAMPLE, report

TOO_LARGE = (128 << 20) + 1


class ReportCommand(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)
        self.log = self.work / "session.jsonl"
        shutil.copy(SAMPLE, self.log)

    def succeeds(self, *args: str, log: bytes = b"") -> bytes:
        done = report(*args, log=log)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def fails(self, words: str, *args: str, log: bytes = b"") -> None:
        """One sentence on stderr that says why, exit code 2, and nothing left behind."""
        before = sorted(self.work.iterdir())
        done = report(*args, log=log)
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertRegex(done.stderr.decode(), rf"^ftpscope: [^\n]*{words}[^\n]*\n$")
        self.assertEqual(sorted(self.work.iterdir()), before)

    def test_the_page_stands_beside_the_log(self):
        said = self.succeeds(str(self.log))
        page = self.work / "session.html"
        self.assertEqual(said.decode(), f"ftpscope: {page}: 113 records\n")
        self.assertTrue(page.read_bytes().startswith(b"<!doctype html>"))
        self.assertIn(b"<title>FTP sessions in session.jsonl</title>", page.read_bytes())
        self.assertEqual(sorted(self.work.iterdir()), [page, self.log])

    def test_a_folder_with_a_recording(self):
        page = self.work / "demo.html"
        self.succeeds(f"{ROOT}/captures/demo/", "-o", str(page), "--title", "A & B")
        self.assertIn(b"<title>A &amp; B</title>", page.read_bytes())

    def test_standard_input_and_output(self):
        page = self.succeeds("-", log=SAMPLE.read_bytes())
        self.assertTrue(page.endswith(b"</html>\n"))
        self.succeeds(str(self.log), "-o", str(self.work / "a.html"), "--title", "FTP sessions")
        self.assertEqual(page, (self.work / "a.html").read_bytes())

    def test_an_older_page_is_replaced(self):
        page = self.work / "session.html"
        page.write_text("old")
        link = self.work / "link.html"
        link.symlink_to(page)
        self.succeeds(str(self.log), "-o", str(link))
        self.assertTrue(link.is_symlink())
        self.assertGreater(page.stat().st_size, 10_000)

    def test_a_pipe_is_written_to(self):
        self.assertTrue(self.succeeds(str(self.log), "-o", "/dev/stdout").startswith(b"<!doctype"))

    def test_others_cannot_read_it(self):
        self.succeeds(str(self.log))
        self.assertEqual((self.work / "session.html").stat().st_mode & 0o007, 0)

    def test_lines_that_are_no_records_are_told(self):
        said = self.succeeds("-", "-o", str(self.work / "x.html"), log=SAMPLE.read_bytes() + b"x\n")
        self.assertIn(b"113 records, 1 line was none", said)

    def test_it_does_not_overwrite_the_log(self):
        text = self.log.read_bytes()
        os.link(self.log, self.work / "other-name")
        for output in ("session.jsonl", "./session.jsonl", "other-name"):
            self.fails("would overwrite the log", str(self.log), "-o", str(self.work / output))
        self.assertEqual(self.log.read_bytes(), text)

    def test_what_cannot_be_read(self):
        self.fails("cannot read the log .*No such file", str(self.work / "none.jsonl"))
        folder = self.work / "folder"
        folder.mkdir()
        self.fails("cannot read the log .*No such file", str(folder))
        (folder / "session.jsonl").mkdir()
        self.fails("cannot read the log .*Is a directory", str(folder))

    def test_what_is_no_log(self):
        self.fails("no line of standard input is a record", "-", log=b"\xd4\xc3\xb2\xa1\n\0\0")

    def test_a_log_that_no_browser_would_show(self):
        large = self.work / "large.jsonl"
        with large.open("wb") as file:
            file.truncate(TOO_LARGE)
        self.fails("larger than 128 MiB", str(large))

    def test_what_cannot_be_written(self):
        self.fails("cannot write the page .*No such file", str(self.log), "-o", "/none/x.html")
        self.fails("cannot write the page .*No space left", str(self.log), "-o", "/dev/full")
        self.fails("cannot write the page", str(self.log), "-o", str(self.work))

    def test_wrong_usage(self):
        self.fails("LOG is required.*ftpscope report --help")

    def test_the_help_teaches(self):
        text = self.succeeds("--help").decode()
        for words in (
            "ftpscope report session.jsonl",
            "--title TEXT",
            "-o,--output PAGE",
            "Exit codes",
        ):
            self.assertIn(words, text)


if __name__ == "__main__":
    unittest.main()
