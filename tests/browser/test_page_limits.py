"""The HTML report of hostile and of large logs, in headless Chromium."""
from __future__ import annotations

import time
from datetime import timedelta

from page import SAMPLE, Log, PageTest, colours
from selenium.webdriver.common.keys import Keys

LONG = 10_000
MANY = 1000
LOAD_S = 15  # of a large page on a busy machine; about one second on one that has time


HOSTILE = [
    "</script><script>window.broken='script'</script>",
    "<!--<script>",
    "<img src=x onerror=\"window.broken='img'\">",
    "<svg onload=window.broken='svg'>",
    "\"'><a href=javascript:window.broken=1>",
    "{{log}}{{script}}",
    "\\u003c/script\\u003e",
    "&lt;script&gt;&amp;",
    "a\u202eb\u2066c\u200bd\ufeffe",
    "\x1b[31mred\x1b]0;title\x07",
    "\u0000\u0007\u0085\u2028\u2029",
    "__proto__",
    "constructor",
    "${window.broken=1}`",
    "\ud800\udc00\U000e0041",
    " ",
    "",
]


class Hostile(PageTest):
    def log(self, text: str) -> Log:
        log = Log().begin(server=text, client=text, proxy=text, lines=text, tls=text)
        log.command("USER", text).command(text, text, known=False, line=text).command(
            {"base64": text}, {"base64": 7}
        )
        log.add(
            "reply",
            to=1,
            verb=text,
            code=200,
            lines=[text, "200 " + text],
            endings=[text, text],
            latency_us=5,
        )
        log.now("rewrite", to=1, what="200", before="200 " + text, after=text, why=text)
        log.finding(text, title=text, source=text, blame=text, severity=text)
        log.finding(text, finding=text, to=None)
        log.add(
            "channel",
            id=text,
            to=1,
            event="exposed",
            setup=text,
            facing=text,
            address=text,
            target=text,
        )
        log.add("data", id=text, to=1, verb=text, setup=text, direction=text, client={"from": text, "to": text}, server=text,
                bytes=text, how=text, closed_first=text, payload=text, sha256=text, type=text, connected=text)  # fmt: skip
        log.add(
            "tls",
            channel=text,
            version=text,
            sni=text,
            alpn=[text],
            names=[text],
            close_notify=text,
        )
        log.add("overlap", **{"from": text}, kept=text, other=text).add(
            "gap", **{"from": text}, bytes=text
        )
        log.add(text or "kind", more=text, **{text or "key": text}).add(
            "end", by=text, how=text, why=text
        )
        return log

    def test_names_from_the_wire_do_not_run_and_do_not_break_out(self):
        for text in HOSTILE:
            with self.subTest(text):
                log = self.log(text)
                notes = (
                    Log("capture")
                    .add("damage", packet=text, offset=text, what=text)
                    .add("lost", records_lost=text)
                )
                other = Log(text or "x").begin().command("NOOP")
                title = text.replace("\0", "").encode(errors="surrogatepass")
                bad = ("not a record " + text).encode(errors="surrogatepass")
                self.browser.open(
                    log.text() + notes.text() + other.text() + bad + b"\n",
                    "--title",
                    title,
                )
                self.check_harmless()
                self.assertEqual(len(self.browser.all("#session-rows tr")), 2)
                for number in range(2):
                    self.choose(number)
                    self.browser.keys("g")
                    for _ in range(len(self.browser.all(".line"))):
                        self.browser.keys(Keys.ENTER, "j")
                    self.check_harmless()

    def check_harmless(self) -> None:
        self.assertIsNone(self.browser.js("return window.broken ?? null"))
        self.assertEqual(len(self.browser.all("script")), 3)
        self.assertEqual(
            self.browser.all("img, iframe, object, embed, a, link, base, #session script"), []
        )
        self.assertEqual(self.browser.js("return [...document.querySelectorAll('*')].filter(e => [...e.attributes]"
                                    ".some(a => a.name.startsWith('on'))).length"), 0)  # fmt: skip
        odd = self.browser.js(
            r"return document.body.innerText.match(/[\u0000-\u0008\u000e-\u001f\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/)?.[0] ?? ''"
        )
        self.assertEqual(odd, "", "controls and marks that turn text are shown as escapes")

    def test_what_cannot_be_seen_is_shown(self):
        self.browser.open(Log().begin().command("RETR", "a\u202eb\x1b[0m ").text())
        self.assertIn("RETR a\\u{202e}b\\x1b[0m\u00b7", self.browser.one(".line.command").text)

    def test_the_policy_stops_what_would_run(self):
        """The last line of defence, if ever markup were made of a text."""
        self.browser.open(SAMPLE)
        self.browser.js(
            "const e = document.createElement('div');"
            'e.innerHTML = \'<img src=x onerror="window.broken=1"><p style="color:red">\';'
            "document.body.append(e);"
            "const s = document.createElement('script'); s.textContent = 'window.broken=2'; document.body.append(s);"
            "fetch('data:text/plain,x').then(() => { window.broken = 3 }, () => { window.refused = true });"
        )
        self.browser.wait("return window.refused === true")
        self.assertIsNone(self.browser.js("return window.broken ?? null"))
        said = self.browser.complaints()
        self.assertTrue(any("Content Security Policy" in line for line in said))

    def test_damaged_logs_are_shown_for_what_they_are(self):
        lines = SAMPLE.read_bytes().splitlines(keepends=True)
        lines[5] = b"\xff\xfe not JSON <b>\n"
        lines[9] = b'{"kind": 7}\n'
        self.browser.open(b"".join(lines)[:-40])
        notices = self.browser.one("#notices").text
        self.assertIn("2 lines of the log are no record", notices)
        self.assertIn("The last line of the log is torn", notices)
        self.choose(0)
        self.assertEqual(self.browser.texts(".line.missing .text"), ["1 record missing here"] * 2)

    def test_what_is_nested_deeply(self):
        """JSON that a parser takes, but not everything that walks through it."""
        deep = b"[" * 100_000 + b"]" * 100_000
        log = Log().begin().command("NOOP").add("hologram", deep="X").add("command", id=2, verb="Y")
        self.browser.open(log.text().replace(b'"X"', deep).replace(b'"Y"', deep))
        self.assertIn("nested too deeply", self.browser.one(".line.hologram").text)
        self.browser.keys("G", Keys.ENTER)
        self.assertIn("nested too deeply", self.browser.one(".raw .record").text)
        self.browser.one("#text").send_keys("noop")
        self.browser.wait("return document.querySelector('#found').textContent === '1 line of 4'")

    def test_unknown_kinds_and_odd_records_are_shown_as_they_are(self):
        log = (
            Log()
            .begin()
            .add("hologram", colour="blue")
            .add("reply", lines=7, to={}, code="x", endings=3)
            .add("data", id=None)
        )
        log.records.append(log.records[1] | {"ts": "yesterday", "seq": "x"})
        self.browser.open(log.text())
        self.assertIn('"colour":"blue"', self.browser.one(".line.hologram").text)
        self.assertEqual(len(self.browser.all(".line.hologram")), 2)


class Large(PageTest):
    def test_a_session_of_ten_thousand_lines_scrolls(self):
        log = Log().begin()
        for i in range(LONG // 2):
            log.command("SIZE", f"/pub/file-{i}").reply(f"213 {i}")
            if i % 1000 == 999:
                log.finding(f"finding {i}")
        started = time.monotonic()
        self.browser.open(log.text())
        self.assertLess(time.monotonic() - started, LOAD_S)
        self.assertGreater(len(self.browser.all(".line")), LONG)
        self.browser.keys("G")
        self.assertIn(f"213 {LONG // 2 - 1}", self.browser.focused())
        self.assertTrue(self.browser.in_view())
        self.assertGreater(len(colours(self.browser.screenshot())), 40)
        self.browser.keys("p")
        self.assertIn("finding 3999", self.browser.focused().replace("4999", "3999"))
        self.assertTrue(self.browser.in_view())
        # Only what is near is laid out, so a step costs a few milliseconds; all of it would cost seconds.
        steps = self.browser.driver.execute_async_script(
            """const done = arguments[arguments.length - 1];
            const times = [];
            let at = 0, before = performance.now();
            const step = () => {
              times.push(performance.now() - before);
              before = performance.now();
              scrollTo(0, (document.body.scrollHeight / 40) * ++at);
              at < 40 ? requestAnimationFrame(step) : done(times.sort((a, b) => a - b));
            };
            requestAnimationFrame(step);"""
        )
        self.assertLess(steps[len(steps) // 2], 250)

    def test_find_in_page_sees_lines_that_were_never_near(self):
        log = Log().begin()
        for i in range(2000):
            log.command("SIZE", f"/pub/file-{i}")
        self.browser.open(log.text())
        self.assertTrue(self.browser.js("return window.find('/pub/file-1987')"))
        self.browser.wait(
            "return getSelection().anchorNode.parentElement.getBoundingClientRect().top < innerHeight"
        )

    def test_a_log_of_a_thousand_sessions_opens(self):
        parts = []
        for i in range(MANY):
            log = Log(f"20261121T090000.000000Z-{i + 1:06}")
            log.at += timedelta(seconds=i)
            log.begin(client=f"203.0.113.9:{10000 + i}").command("USER", f"user{i}").reply(
                "331 Password?"
            )
            for j in range(15):
                log.command("SIZE", f"/{i}/{j}").reply("213 1")
            parts.append(log.text())
        started = time.monotonic()
        self.browser.open(b"".join(parts))
        self.assertLess(time.monotonic() - started, LOAD_S)
        self.assertIn("1,000 sessions", self.browser.one("#totals").text)
        rows = self.browser.all("#session-rows tr")
        self.assertLess(len(rows), MANY)
        rows[-1].find_element("css selector", "button").click()
        self.assertEqual(len(self.browser.all("#session-rows tr")), MANY)
        self.choose(MANY - 1)
        self.assertIn("user999 at", self.browser.one("#session-title").text)
        self.assertTrue(
            self.browser.js("return document.querySelector('#sessions-frame').scrollTop > 1000")
        )
        self.browser.one("#text").send_keys("/777/14")
        self.browser.wait("return document.querySelectorAll('#session-rows tr').length === 1")
        self.assertIn("user777 at", self.browser.one("#session-title").text)
