"""The HTML report as somebody sees and uses it, in headless Chromium."""
from __future__ import annotations

import subprocess
import time
import unittest
from datetime import timedelta

from page import ROOT, SAMPLE, Browser, Log, colours
from selenium.webdriver.common.keys import Keys

CAPTURES = ROOT / "captures"
LONG = 10_000
MANY = 1000
LOAD_S = 15  # of a large page on a busy machine; about one second on one that has time
browser: Browser


def setUpModule():
    global browser
    browser = Browser()


def tearDownModule():
    browser.close()


class Page(unittest.TestCase):
    def setUp(self):
        browser.size()
        browser.media()

    def tearDown(self):
        self.assertEqual(browser.complaints(), [])

    def choose(self, number: int) -> None:
        browser.js("scrollTo(0, 0)")
        browser.all(".pick")[number].click()


class Opens(Page):
    def test_sessions_are_listed(self):
        browser.open(SAMPLE, "--title", "Our <b>sample</b>")
        self.assertEqual(browser.driver.title, "Our <b>sample</b>")
        self.assertEqual(browser.one("h1").text, "Our <b>sample</b>")
        rows = [row.text for row in browser.all("#session-rows tr")]
        self.assertEqual(len(rows), 6)
        wanted = "09:43:39.123 203.0.113.9:51234 ftp.example.net:21 alice 125 ms 2 1.0 MiB 4.0 KiB"
        for word in wanted.split():
            self.assertIn(word, rows[0])
        self.assertIn("(1 failed)", rows[3])
        self.assertIn("2 errors", rows[3])
        self.assertIn("none", rows[4])
        self.assertIn("3 records could not be written", browser.one("#notices").text)

    def test_the_session_that_went_worst_is_open(self):
        browser.open(SAMPLE)
        current = browser.all("#session-rows tr[aria-current]")
        self.assertEqual([row.get_attribute("data-session")[-6:] for row in current], ["000004"])
        self.assertIn("anonymous at 192.0.2.30:2100", browser.one("h2#session-title").text)

    def test_recorded_sessions_open_and_are_not_blank(self):
        for log in (
            SAMPLE,
            CAPTURES / "demo/session.jsonl",
            CAPTURES / "misbehaving/session.jsonl",
        ):
            for width, scheme in ((1280, "light"), (1280, "dark"), (420, "light")):
                with self.subTest(log=log.parent.name, width=width, scheme=scheme):
                    browser.size(width)
                    browser.media(scheme=scheme)
                    browser.open(log)
                    self.look(scheme)
                    self.assertEqual(browser.complaints(), [])

    def look(self, scheme: str) -> None:
        for place in ("0", "document.body.scrollHeight / 2"):
            browser.js(f"scrollTo(0, {place})")
            seen = colours(browser.screenshot())
            (background, count), _ = seen.most_common(2)
            self.assertEqual(min(background) > 200, scheme == "light")
            self.assertGreater(len(seen), 40, "there are text and lines in several colours")
            self.assertLess(count / seen.total(), 0.995)
        wide = "return document.documentElement.scrollWidth <= innerWidth"
        self.assertTrue(browser.js(wide), "nothing sticks out at the side")

    def test_a_link_names_a_session_and_a_line(self):
        browser.open(SAMPLE)
        browser.driver.get("about:blank")
        link = browser.page.as_uri() + "#20261121T094339.123456Z-000001/17"
        browser.driver.get(link)
        self.assertIn("RETR /pub/image.iso", browser.focused())

    def test_without_scripts_it_says_what_to_do(self):
        switch = "Emulation.setScriptExecutionDisabled"
        browser.driver.execute_cdp_cmd(switch, {"value": True})
        try:
            browser.open(SAMPLE)
            self.assertIn("Allow JavaScript", browser.one("noscript").text)
        finally:
            browser.driver.execute_cdp_cmd(switch, {"value": False})

    def test_a_log_without_sessions(self):
        browser.open(b"")
        self.assertIn("no sessions", browser.one("#totals").text)


class Diagram(Page):
    def test_a_rewritten_line_is_shown_on_each_side_as_that_side_saw_it(self):
        browser.open(SAMPLE)
        self.choose(0)
        row = next(row for row in browser.all(".line.reply") if "Passive" in row.text)
        left, right = row.find_elements("css selector", ".halves > div")
        self.assertIn("227 Entering Passive Mode (198,51,100,7,156,65)", left.text)
        self.assertIn("227 Entering Passive Mode (192,0,2,21,195,80)", right.text)
        self.assertEqual(
            left.find_element("css selector", ".changed-text").text, "198,51,100,7,156,65"
        )
        self.assertLess(left.location["x"], right.location["x"])
        command = next(row for row in browser.all(".line.command") if "PORT" in row.text)
        left, right = command.find_elements("css selector", ".halves > div")
        self.assertIn("203,0,113,9,200,40", left.text)
        self.assertIn("198,51,100,7,156,67", right.text)

    def test_an_answer_of_the_proxy_never_reaches_the_servers_line(self):
        browser.open(SAMPLE)
        right_end = {
            row.find_element("css selector", ".verb")
            .text: row.find_element("css selector", ".arrow")
            .rect
            for row in browser.all(".line.command")
            if not row.find_elements("css selector", ".halves")
        }
        self.assertLess(right_end["AUTH"]["width"], 0.6 * right_end["LIST"]["width"])

    def test_data_connections_are_lanes_from_connect_to_close(self):
        browser.open(SAMPLE)
        self.choose(0)
        phases = browser.js(
            "return [...document.querySelectorAll('.line')].map(row => [row.classList[1],"
            " row.querySelector('.lane')?.dataset.was ?? null, row.querySelector('.lane')?.dataset.is ?? null])"
        )
        of_one = [phase for phase in phases if phase[1] is not None][:9]
        self.assertEqual(of_one[0], ["exposed", "", "waiting"])
        self.assertIn(["opened", "waiting", "connected"], of_one)
        self.assertIn(["first", "connected", "moving"], of_one)
        self.assertIn(["last", "moving", "connected"], of_one)
        self.assertIn(["closed", "connected", ""], of_one)
        closed = browser.one(".line.closed").text
        for word in (
            "data 1",
            "RETR",
            "1.0 MiB to the client",
            "84.0 ms",
            "11.9 MiB/s",
            "server closed first (FIN)",
        ):
            self.assertIn(word, closed)

    def test_the_time_axis_is_true(self):
        """Two lines that are to scale stand as far apart as the scale says, to the pixel."""
        log = Log().begin()
        for step in (40, 50, 60, 75, 90, 41, 52, 64):
            log.passes(step).command("NOOP")
        browser.open(log.text())
        browser.keys("+")
        checked = browser.js(
            """const rows = view.session.lines.map(line => line.element);
            const top = row => row.getBoundingClientRect().top;
            return view.session.lines.slice(0, -1).filter(line => line.element.classList.contains('to-scale'))
              .map(line => {
                const pixels = top(rows[line.index + 1]) - top(line.element);
                const time = view.session.lines[line.index + 1].time - line.time;
                return [pixels, time / 1000 / view.ladder.scale * 37.8];
              })"""
        )
        self.assertGreaterEqual(len(checked), 6)
        for pixels, wanted in checked:
            self.assertAlmostEqual(pixels, wanted, delta=0.6)

    def test_a_long_silence_is_cut_and_its_length_is_written(self):
        log = Log().begin().command("A").command("B").command("C")
        browser.open(log.passes(150_000).command("D").command("E").text())
        self.assertEqual(browser.texts(".silence"), ["2 min 30 s without a line"])
        rows = [row.location["y"] for row in browser.all(".line.command")]
        self.assertLess(rows[3] - rows[2], 200)
        browser.keys("-", "-")
        self.assertEqual(browser.texts(".silence"), ["2 min 30 s without a line"])

    def test_a_captured_session_has_no_proxy(self):
        log = Log().begin(proxy=None, lines=None, tls=None)
        log.command("AUTH", "TLS").reply("234 Go").add("opaque", to=1)
        log.add("tls", channel=None, version="1.2", sni="ftp.example.net", alpn=["ftp"], names=["a", "b"],
                resumed=False, close_notify={"client": True, "server": False})  # fmt: skip
        log.add("gap", **{"from": "server"}, bytes=1460)
        log.add("overlap", **{"from": "client"}, kept="PASV\r\n", other="EPSV\r\n")
        data = {"id": 1, "to": None, "verb": None, "setup": "unknown", "direction": None}
        data |= {"client": {"from": "a:1", "to": "b:2"}, "server": {"from": "a:1", "to": "b:2"}}
        data |= {"bytes": 10, "bytes_to_client": 10, "bytes_to_server": 0, "exposed": log.time()}
        data |= {
            "connected": log.time(),
            "first_byte": None,
            "last_byte": None,
            "closed_first": None,
        }
        data |= {"duration_us": None, "rate": None, "how": "open", "strangers": 0, "missing": 5}
        log.add("data", **data, sha256="00ff", type="text/plain", payload="0001.bin")
        log.add("end", by=None, how="open", why="", commands=1, replies=1, duration_us=5000)
        other = Log("capture").add("damage", packet=7, offset=99, what="cut off")
        other.add(
            "capture", packets=10, bytes=2000, flows=3, sessions=1, skipped=2, first=None, last=None
        )
        browser.open(log.text() + other.text())
        self.assertEqual(browser.texts(".party b"), ["Client", "Server"])
        page = browser.one("body").text
        for words in (
            "TLS 1.2, for ftp.example.net, ALPN ftp, certificate of a, b, a new session, no close_notify from the server",
            "1.4 KiB from the server are missing in the capture",
            "came twice and differently: taken PASV\\r\\n, not EPSV\\r\\n",
            "still open when the capture ended; 5 B not in the capture",
            "saved as 0001.bin, text/plain, SHA-256 00ff",
            "Damage at packet 7, offset 99: cut off",
            "The capture: 10 packets, 2.0 KiB, 3 TCP connections, 1 FTP session, 2 packets skipped.",
            "The capture ends here",
        ):
            self.assertIn(words, page)
        self.assertEqual(len(browser.all("#session-rows tr")), 1)


class Findings(Page):
    def test_a_click_on_a_finding_goes_to_its_line(self):
        browser.open(SAMPLE)
        for number, words in enumerate(browser.texts(".findings li")):
            with self.subTest(words):
                browser.js("scrollTo(0, 0)")
                browser.all(".findings .jump")[number].click()
                title = browser.all(".findings .jump .prose")[number].text
                self.assertIn(title, browser.focused())
                self.assertTrue(browser.js("return document.activeElement.matches('.line')"))
                self.assertTrue(browser.in_view())

    def test_it_stands_at_the_line_that_it_is_about(self):
        browser.open(SAMPLE)
        wanted = {
            "FTP-TLS-REFUSED": "AUTH TLS",
            "FTP-LINE-LF-ONLY": "230-Directory",
            "FTP-PORT-RESERVED-PORT": "PORT 10,9,8,7,0,25",
            "FTP-PORT-PRIVATE-ADDRESS": "PORT 192,168,0,107,195,80",
            "FTP-DATA-CONNECT-FAILED": "426 Connection closed",
            "FTP-CONTROL-RESET": "The client ends the session",
        }
        for name, words in wanted.items():
            row = next(row for row in browser.all(".line") if name in row.text)
            self.assertIn(words, row.text)
        browser.open(CAPTURES / "misbehaving/session.jsonl")
        late = next(row for row in browser.all(".line") if "FTP-REPLY-BEFORE-DATA-END" in row.text)
        self.assertIn("226 Done", late.text)
        second = next(row for row in browser.all(".line") if "FTP-REPLY-SECOND-FINAL" in row.text)
        self.assertIn("to no command", second.text)

    def test_severity_source_blame_and_explanation(self):
        browser.open(SAMPLE)
        card = browser.one(".finding.error")
        for word in (
            "error",
            "a PORT, EPRT or LPRT to a port below 1024",
            "client",
            "RFC 2577 3",
            "10.9.8.7:25",
        ):
            self.assertIn(word, card.text)
        note = browser.one(".finding.note")
        self.assertNotIn("Source:", note.text)
        note.find_element("css selector", ".explain").click()
        self.assertIn("Source: --tls refuse", note.text)

    def test_one_that_this_version_does_not_know(self):
        log = (
            Log()
            .begin()
            .command("X")
            .finding(finding="FTP-OF-TOMORROW", title="new", severity="grave")
        )
        browser.open(log.text())
        self.assertIn("FTP-OF-TOMORROW", browser.one(".finding.note").text)


class Keyboard(Page):
    def test_lines_and_findings(self):
        browser.open(SAMPLE)
        browser.keys("j")
        self.assertIn("connects to 198.51.100.7:2122", browser.focused())
        browser.keys("j", "j", Keys.ARROW_DOWN)
        self.assertIn("AUTH TLS", browser.focused())
        browser.keys("k")
        self.assertIn("220 Microsoft FTP Service", browser.focused())
        names = []
        for _ in range(6):
            browser.keys("n")
            names.append(browser.focused())
            self.assertTrue(browser.in_view())
        self.assertEqual(len(set(names)), 6)
        self.assertIn("FTP-TLS-REFUSED", names[0])
        self.assertIn("FTP-CONTROL-RESET", names[5])
        browser.keys("p")
        self.assertEqual(browser.focused(), names[4])
        browser.keys("g")
        self.assertIn("connects to", browser.focused())
        browser.keys("G")
        self.assertIn("ends the session", browser.focused())

    def test_the_focus_can_be_seen(self):
        browser.open(SAMPLE)
        browser.keys("j")
        style = "const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth"
        self.assertEqual(browser.js(style), "solid2px")

    def test_raw_bytes(self):
        browser.open(SAMPLE)
        self.choose(0)
        row = next(row for row in browser.all(".line.command") if "OPTS" in row.text)
        row.click()
        browser.keys(Keys.ENTER)
        dump = browser.one(".raw pre").text
        self.assertIn("6f 70 74 73 20 75 74 66", dump)  # "opts utf": as it came, lower case
        self.assertIn("opts utf8 on..", dump)
        self.assertIn('"kind": "command"', browser.one(".raw .record").text)
        browser.keys(Keys.ENTER)
        self.assertEqual(browser.all(".raw"), [])
        browser.one(".line-tools button").click()
        self.assertEqual(len(browser.all(".raw")), 1)

    def test_raw_bytes_that_are_not_utf8(self):
        log = Log().begin().command("NLST", {"base64": "zsS8/g=="})
        browser.open(log.text())
        browser.keys("j", "j", Keys.ENTER)
        self.assertIn("4e 4c 53 54 20 ce c4 bc  fe 0d 0a", browser.one(".raw pre").text)
        self.assertIn("\\xce\u013c\\xfe", browser.one(".line.command").text)

    def test_search_sessions_help_and_theme(self):
        browser.open(SAMPLE)
        browser.keys("/")
        self.assertEqual(browser.js("return document.activeElement.id"), "text")
        browser.keys("jn?")
        self.assertEqual(browser.js("return document.activeElement.value"), "jn?")
        browser.keys(Keys.ESCAPE, "]")
        self.assertIn("203.0.113.77:1044", browser.one("#session-title").text)
        browser.keys("[", "[")
        self.assertIn("203.0.113.9:51300", browser.one("#session-title").text)
        browser.keys("?")
        self.assertTrue(browser.one("#help").is_displayed())
        browser.keys(Keys.ESCAPE)
        self.assertFalse(browser.one("#help").is_displayed())
        browser.keys("t", "t")
        self.assertEqual(browser.js("return document.documentElement.dataset.theme"), "dark")

    def test_all_that_can_be_clicked_can_be_reached(self):
        browser.open(SAMPLE)
        seen = set()
        for _ in range(60):
            browser.keys(Keys.TAB)
            seen.add(
                browser.js("return document.activeElement.className || document.activeElement.id")
            )
        for name in ("text", "kind", "severity", "sort", "pick", "jump", "plain small explain"):
            self.assertIn(name, seen)
        self.assertTrue(any(name.startswith("line ") for name in seen))

    def test_roles_and_names(self):
        browser.open(SAMPLE)
        rows = browser.js("return document.querySelectorAll('[role=list] [role=listitem]').length")
        self.assertEqual(rows, len(browser.all(".line")))
        nameless = browser.js(
            "return [...document.querySelectorAll('button, input, select')]"
            ".filter(e => !e.textContent.trim() && !e.labels?.length).length"
        )
        self.assertEqual(nameless, 0)
        self.assertTrue(browser.texts(".line.command .unseen"))


class Filters(Page):
    def setUp(self):
        super().setUp()
        browser.open(SAMPLE)

    def search(self, text: str) -> None:
        browser.one("#text").send_keys(text)
        browser.wait("return document.querySelector('#found').textContent !== ''")

    def pick(self, selector: str, value: str) -> None:
        browser.one(f"{selector} option[value='{value}']").click()

    def test_by_text(self):
        self.search("IMAGE.iso")
        self.assertEqual(len(browser.all("#session-rows tr")), 1)
        self.assertIn("alice", browser.one("#session-title").text)
        shown = browser.shown()
        self.assertEqual(len(shown), 4)
        self.assertTrue(all("image.iso" in text for text in shown))
        self.assertEqual(browser.one("#found").text, "4 lines in 1 session; 4 in this one")
        self.assertTrue(browser.js("return CSS.highlights.get('search').size") >= 4)
        browser.one("#clear").click()
        self.assertEqual(len(browser.all("#session-rows tr")), 6)
        self.assertGreater(len(browser.shown()), 35)

    def test_nothing_found(self):
        self.search("no such thing")
        self.assertEqual(browser.one("#found").text, "nothing found")
        self.assertEqual(browser.shown(), [])

    def test_by_kind(self):
        self.choose(0)
        for kind, count in {
            "command": 12,
            "reply": 15,
            "rewrite": 2,
            "finding": 1,
            "bad": 2,
            "data": 10,
        }.items():
            with self.subTest(kind):
                self.pick("#kind", kind)
                self.assertEqual(len(browser.shown()), count)

    def test_by_severity(self):
        self.pick("#severity", "3")
        self.assertEqual(len(browser.all("#session-rows tr")), 1)
        self.assertEqual(len(browser.shown()), 2)
        self.pick("#severity", "2")
        self.assertEqual(len(browser.all("#session-rows tr")), 2)
        self.assertEqual(len(browser.shown()), 5)

    def test_by_session(self):
        self.search("203.0.113.77:1044")
        self.assertEqual(len(browser.all("#session-rows tr")), 1)
        self.assertIn("203.0.113.77:1044", browser.one("#session-title").text)

    def test_a_finding_is_gone_to_though_the_filter_hides_it(self):
        self.pick("#kind", "command")
        browser.one(".findings li:nth-child(2) .jump").click()
        self.assertIn("the data connection could not be made", browser.focused())

    def test_sorted_by_a_column(self):
        browser.all(".sort")[8].click()  # findings, the worst first
        self.assertIn("2 errors", browser.all("#session-rows tr")[0].text)
        browser.all(".sort")[4].click()  # duration
        durations = [
            row.find_elements("css selector", "td")[4].text
            for row in browser.all("#session-rows tr")
        ]
        self.assertEqual(
            durations, ["1.40 ms", "3.10 ms", "125 ms", "3.20 s", "10.1 s", "5 min 2 s"]
        )


class Themes(Page):
    def background(self) -> int:
        return colours(browser.screenshot()).most_common(1)[0][0][0]

    def test_the_toggle_wins_over_the_system(self):
        browser.open(SAMPLE)
        self.assertGreater(self.background(), 250)
        browser.one("#theme").click()
        browser.one("#theme").click()
        self.assertLess(self.background(), 50)
        browser.media(scheme="dark")
        browser.open(SAMPLE)
        self.assertLess(self.background(), 50)
        browser.one("#theme").click()
        self.assertGreater(self.background(), 250)

    def test_text_stands_out_from_its_background(self):
        """WCAG 2.1, AA: 4.5 to 1."""
        for scheme in ("light", "dark"):
            browser.media(scheme=scheme)
            browser.open(SAMPLE)
            ratios = browser.js(CONTRASTS)
            self.assertGreater(len(ratios), 12)
            for name, ratio in ratios.items():
                self.assertGreaterEqual(ratio, 4.5, f"{scheme}: {name}")


# Each colour of text on the backgrounds that it is used on, as ratios.
CONTRASTS = """
const style = getComputedStyle(document.documentElement);
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const luminance = name => {
  canvas.fillStyle = style.getPropertyValue(name).trim();
  canvas.fillRect(0, 0, 1, 1);
  const linear = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const pairs = ['text', 'muted', 'accent', 'command', 'good', 'more', 'bad', 'data', 'error', 'warning', 'note']
  .map(name => ['--' + name, '--page']);
pairs.push(['--error', '--error-soft'], ['--warning', '--warning-soft'], ['--note', '--note-soft'],
  ['--muted', '--raised'], ['--text', '--changed'], ['--data', '--note-soft']);
return Object.fromEntries(pairs.map(([a, b]) => {
  const [x, y] = [luminance(a), luminance(b)];
  return [a + ' on ' + b, (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)];
}));
"""


class Paper(Page):
    def text_of(self, pdf: bytes) -> str:
        command = ["pdftotext", "-layout", "-", "-"]
        return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()

    def test_all_lines_and_explanations_are_printed(self):
        browser.open(SAMPLE)
        text = self.text_of(browser.printed())
        for words in (
            "Source: --tls refuse",
            "Source: RFC 2577 3",
            "426 Connection closed",
            "10.0 s without a line",
            "ftp.example.net:21",
        ):
            self.assertIn(words, text)
        self.assertNotIn("Explanation", text)
        self.assertNotIn("Search", text)

    def test_long_replies_and_long_sessions_are_printed_whole(self):
        log = Log().begin().command("HELP")
        log.reply("214-Help", *[f" line {i} of the help" for i in range(40)], "214 End")
        for i in range(1200):
            log.command("SIZE", f"/file-{i}")
        browser.open(log.text())
        self.assertNotIn("line 39 of the help", browser.one(".line.reply").text)
        text = self.text_of(browser.printed())
        self.assertIn("line 39 of the help", text)
        for i in range(1200):
            self.assertIn(f"/file-{i}\n", text.replace(" ", "") + "\n")

    def test_paper_is_light(self):
        browser.open(SAMPLE)
        browser.keys("t", "t")  # dark
        browser.media("print", "dark")
        self.assertEqual(colours(browser.screenshot()).most_common(1)[0][0], (255, 255, 255))
        self.assertFalse(browser.one("#filters").is_displayed())
        explanations = browser.js(
            "return [...document.querySelectorAll('.explanation')].map(e => e.offsetHeight > 10)"
        )
        self.assertEqual(set(explanations), {True})


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


class Hostile(Page):
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
                browser.open(
                    log.text() + notes.text() + other.text() + bad + b"\n",
                    "--title",
                    title,
                )
                self.check_harmless()
                self.assertEqual(len(browser.all("#session-rows tr")), 2)
                for number in range(2):
                    self.choose(number)
                    browser.keys("g")
                    for _ in range(len(browser.all(".line"))):
                        browser.keys(Keys.ENTER, "j")
                    self.check_harmless()

    def check_harmless(self) -> None:
        self.assertIsNone(browser.js("return window.broken ?? null"))
        self.assertEqual(len(browser.all("script")), 3)
        self.assertEqual(
            browser.all("img, iframe, object, embed, a, link, base, #session script"), []
        )
        self.assertEqual(browser.js("return [...document.querySelectorAll('*')].filter(e => [...e.attributes]"
                                    ".some(a => a.name.startsWith('on'))).length"), 0)  # fmt: skip
        odd = browser.js(
            r"return document.body.innerText.match(/[\u0000-\u0008\u000e-\u001f\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/)?.[0] ?? ''"
        )
        self.assertEqual(odd, "", "controls and marks that turn text are shown as escapes")

    def test_what_cannot_be_seen_is_shown(self):
        browser.open(Log().begin().command("RETR", "a\u202eb\x1b[0m ").text())
        self.assertIn("RETR a\\u{202e}b\\x1b[0m\u00b7", browser.one(".line.command").text)

    def test_the_policy_stops_what_would_run(self):
        """The last line of defence, if ever markup were made of a text."""
        browser.open(SAMPLE)
        browser.js(
            "const e = document.createElement('div');"
            'e.innerHTML = \'<img src=x onerror="window.broken=1"><p style="color:red">\';'
            "document.body.append(e);"
            "const s = document.createElement('script'); s.textContent = 'window.broken=2'; document.body.append(s);"
            "fetch('data:text/plain,x').then(() => { window.broken = 3 }, () => { window.refused = true });"
        )
        browser.wait("return window.refused === true")
        self.assertIsNone(browser.js("return window.broken ?? null"))
        said = browser.complaints()
        self.assertTrue(any("Content Security Policy" in line for line in said))

    def test_damaged_logs_are_shown_for_what_they_are(self):
        lines = SAMPLE.read_bytes().splitlines(keepends=True)
        lines[5] = b"\xff\xfe not JSON <b>\n"
        lines[9] = b'{"kind": 7}\n'
        browser.open(b"".join(lines)[:-40])
        notices = browser.one("#notices").text
        self.assertIn("2 lines of the log are no record", notices)
        self.assertIn("The last line of the log is torn", notices)
        self.choose(0)
        self.assertEqual(browser.texts(".line.missing .text"), ["1 record missing here"] * 2)

    def test_what_is_nested_deeply(self):
        """JSON that a parser takes, but not everything that walks through it."""
        deep = b"[" * 100_000 + b"]" * 100_000
        log = Log().begin().command("NOOP").add("hologram", deep="X").add("command", id=2, verb="Y")
        browser.open(log.text().replace(b'"X"', deep).replace(b'"Y"', deep))
        self.assertIn("nested too deeply", browser.one(".line.hologram").text)
        browser.keys("G", Keys.ENTER)
        self.assertIn("nested too deeply", browser.one(".raw .record").text)
        browser.one("#text").send_keys("noop")
        browser.wait("return document.querySelector('#found').textContent === '1 line of 4'")

    def test_unknown_kinds_and_odd_records_are_shown_as_they_are(self):
        log = (
            Log()
            .begin()
            .add("hologram", colour="blue")
            .add("reply", lines=7, to={}, code="x", endings=3)
            .add("data", id=None)
        )
        log.records.append(log.records[1] | {"ts": "yesterday", "seq": "x"})
        browser.open(log.text())
        self.assertIn('"colour":"blue"', browser.one(".line.hologram").text)
        self.assertEqual(len(browser.all(".line.hologram")), 2)


class Large(Page):
    def test_a_session_of_ten_thousand_lines_scrolls(self):
        log = Log().begin()
        for i in range(LONG // 2):
            log.command("SIZE", f"/pub/file-{i}").reply(f"213 {i}")
            if i % 1000 == 999:
                log.finding(f"finding {i}")
        started = time.monotonic()
        browser.open(log.text())
        self.assertLess(time.monotonic() - started, LOAD_S)
        self.assertGreater(len(browser.all(".line")), LONG)
        browser.keys("G")
        self.assertIn(f"213 {LONG // 2 - 1}", browser.focused())
        self.assertTrue(browser.in_view())
        self.assertGreater(len(colours(browser.screenshot())), 40)
        browser.keys("p")
        self.assertIn("finding 3999", browser.focused().replace("4999", "3999"))
        self.assertTrue(browser.in_view())
        # Only what is near is laid out, so a step costs a few milliseconds; all of it would cost seconds.
        steps = browser.driver.execute_async_script(
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
        browser.open(log.text())
        self.assertTrue(browser.js("return window.find('/pub/file-1987')"))
        browser.wait(
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
        browser.open(b"".join(parts))
        self.assertLess(time.monotonic() - started, LOAD_S)
        self.assertIn("1,000 sessions", browser.one("#totals").text)
        rows = browser.all("#session-rows tr")
        self.assertLess(len(rows), MANY)
        rows[-1].find_element("css selector", "button").click()
        self.assertEqual(len(browser.all("#session-rows tr")), MANY)
        self.choose(MANY - 1)
        self.assertIn("user999 at", browser.one("#session-title").text)
        self.assertTrue(
            browser.js("return document.querySelector('#sessions-frame').scrollTop > 1000")
        )
        browser.one("#text").send_keys("/777/14")
        browser.wait("return document.querySelectorAll('#session-rows tr').length === 1")
        self.assertIn("user777 at", browser.one("#session-title").text)


if __name__ == "__main__":
    unittest.main()
