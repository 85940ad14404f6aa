"""The page of `ftpscope diff --html`, in headless Chromium."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from page import BINARY, ROOT, PageTest

CAPTURES = ROOT / "captures"


class ComparisonPage(PageTest):
    def setUp(self):
        super().setUp()
        work = self.enterContext(tempfile.TemporaryDirectory())
        self.page = Path(work) / "comparison.html"

    def open(self, *options: str | Path) -> None:
        subprocess.run([BINARY, "diff", *options, "--html", self.page], capture_output=True)
        self.browser.load(self.page)

    def test_two_columns_with_what_differs_below(self):
        self.open(CAPTURES / "demo", CAPTURES / "misbehaving", "--expect", "MLSD: 226")
        self.assertIn("differ: ", self.browser.texts(".totals")[0])
        self.assertIn("MLSD: 226: it was not sent", self.browser.texts(".notice")[0])
        self.assertIn("only A", self.browser.texts(".differs > .label"))
        left, right = self.browser.one("pre.a").rect, self.browser.one("pre.b").rect
        self.assertEqual(left["y"], right["y"])
        self.assertLess(left["x"] + left["width"], right["x"])

    def test_what_is_the_same_unfolds_without_scripts(self):
        self.open(CAPTURES / "demo", CAPTURES / "demo")
        self.assertEqual(self.browser.texts("summary"), ["25 the same"])
        self.assertFalse(self.browser.one("details .pair").is_displayed())
        self.browser.one("summary").click()
        self.assertTrue(self.browser.one("details .pair").is_displayed())
        self.assertEqual(self.browser.all("script"), [])

    def test_it_fits_a_narrow_window(self):
        self.browser.size(width=480)
        self.open(CAPTURES / "demo", CAPTURES / "misbehaving")
        self.assertLessEqual(self.browser.js("return document.documentElement.scrollWidth"), 480)
