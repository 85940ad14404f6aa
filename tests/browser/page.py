"""A page of `ftpscope report` in headless Chromium, and logs to make pages of.

The browser can reach nothing: every name resolves to an error. Each page that is opened is checked
for what every page must be: no error on the console, no request but the page itself.
"""
from __future__ import annotations

import atexit
import base64
import functools
import io
import json
import os
import subprocess
import tempfile
import unittest
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("FTPSCOPE") or ROOT / "build" / "ftpscope")
SAMPLE = ROOT / "tests" / "e2e" / "sample.jsonl"
WAIT_S = 10
FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run
--disable-background-networking --disable-component-update --disable-sync --disable-extensions
--host-resolver-rules=MAP\t*\t~NOTFOUND"""


def report(*args: str, log: bytes = b"") -> subprocess.CompletedProcess:
    return subprocess.run([BINARY, "report", *args], input=log, capture_output=True, timeout=60)


class Browser:
    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in FLAGS.split():
            options.add_argument(flag.replace("\t", " "))
        options.add_argument(f"--user-data-dir={self.folder.name}/profile")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.count = 0
        self.size()

    def close(self) -> None:
        self.driver.quit()
        self.folder.cleanup()

    # --- pages ---

    def open(self, log: bytes | Path, *args: str | bytes) -> None:
        """Makes a page of the log and opens it."""
        text = log.read_bytes() if isinstance(log, Path) else log
        self.count += 1
        page = Path(self.folder.name) / f"page-{self.count}.html"
        done = report("-", "-o", str(page), *args, log=text)
        assert (done.returncode, done.stderr) == (0, b""), done
        self.load(page)

    def load(self, page: Path) -> None:
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)  # of the page before
        self.page = page
        self.driver.get(page.as_uri())

    def complaints(self) -> list[str]:
        """What the page said on the console, and what it asked for beside itself."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        events = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        asked = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        own = self.page.as_uri()
        return said + [url for url in asked if url.partition("#")[0] != own]

    # --- how it is looked at ---

    def size(self, width: int = 1280, height: int = 900) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def media(self, kind: str = "", scheme: str = "light") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": kind, "features": features}
        )

    def screenshot(self) -> Image.Image:
        return Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")

    def printed(self) -> bytes:
        answer = self.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
        return base64.b64decode(answer["data"])

    # --- what is on it ---

    def js(self, code: str, *args):
        return self.driver.execute_script(code, *args)

    def all(self, selector: str) -> list:
        return self.driver.find_elements("css selector", selector)

    def one(self, selector: str):
        return self.driver.find_element("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        return self.js(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
        )

    def shown(self) -> list[str]:
        """The text of the lines that are not filtered away."""
        return self.js(
            "return [...document.querySelectorAll('.line')].filter(e => e.checkVisibility())"
            ".map(e => e.querySelector('.what').innerText)"
        )

    def focused(self) -> str:
        return self.js("return document.activeElement.innerText")

    def in_view(self) -> bool:
        return self.js(
            "const box = document.activeElement.getBoundingClientRect();"
            "return box.top >= 0 && box.top < innerHeight"
        )

    def keys(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def wait(self, code: str) -> None:
        WebDriverWait(self.driver, WAIT_S, 0.05).until(lambda _: self.js(code), code)


@functools.cache
def the_browser() -> Browser:
    """One for all tests of a process: it takes seconds to start."""
    browser = Browser()
    atexit.register(browser.close)
    return browser


class PageTest(unittest.TestCase):
    """Whatever page it opened last has nothing to complain about."""

    def setUp(self):
        self.browser = the_browser()
        self.browser.size()
        self.browser.media()

    def tearDown(self):
        self.assertEqual(self.browser.complaints(), [])

    def choose(self, number: int) -> None:
        self.browser.js("scrollTo(0, 0)")
        self.browser.all(".pick")[number].click()


def colours(image: Image.Image) -> Counter:
    return Counter({colour: count for count, colour in image.getcolors(image.width * image.height)})


# --- logs ---


class Log:
    """Records of one session, a millisecond apart."""

    def __init__(self, session: str = "20261121T090000.000000Z-000001"):
        self.session = session
        self.records: list[dict] = []
        self.at = datetime(2026, 11, 21, 9)
        self.commands = 0

    def time(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def add(self, kind: str, **fields) -> "Log":
        self.at += timedelta(milliseconds=1)
        return self.now(kind, **fields)

    def now(self, kind: str, **fields) -> "Log":
        first = {"ts": self.time(), "session": self.session, "seq": len(self.records), "kind": kind}
        self.records.append(first | fields)
        return self

    def passes(self, milliseconds: float) -> "Log":
        self.at += timedelta(milliseconds=milliseconds - 1)
        return self

    def begin(self, **fields) -> "Log":
        session = {"schema": 1, "client": "203.0.113.9:51234", "proxy": "198.51.100.7:2121"}
        session |= {"server": "ftp.example.net:21", "lines": "raw", "tls": "pass"} | fields
        return self.add("session", **session)

    def command(self, verb, argument=None, **fields) -> "Log":
        self.commands += 1
        given = {} if argument is None else {"argument": argument}
        return self.add("command", id=self.commands, verb=verb, **given, **fields)

    def reply(self, *lines, **fields) -> "Log":
        code = int(str(lines[0])[:3])
        given = {"to": self.commands, "verb": "X", "code": code, "lines": list(lines)}
        return self.add("reply", **given | {"latency_us": 1000} | fields)

    def finding(self, detail="", **fields) -> "Log":
        given = {"finding": "FTP-REPLY-ILLEGAL-CODE", "severity": "warning", "blame": "server"}
        given |= {"source": "RFC 959 5.4", "title": "a code that may not be", "to": self.commands}
        return self.now("finding", **given | {"detail": detail} | fields)

    def text(self) -> bytes:
        return "".join(json.dumps(record) + "\n" for record in self.records).encode()
