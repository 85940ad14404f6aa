"""The HTML report as somebody sees and uses it, in headless Chromium."""
from __future__ import annotations

import subprocess
import unittest

from page import ROOT, SAMPLE, Log, PageTest, colours
from selenium.webdriver.common.keys import Keys

CAPTURES = ROOT / "captures"


class Opens(PageTest):
    def test_sessions_are_listed(self):
        self.browser.open(SAMPLE, "--title", "Our <b>sample</b>")
        self.assertEqual(self.browser.driver.title, "Our <b>sample</b>")
        self.assertEqual(self.browser.one("h1").text, "Our <b>sample</b>")
        rows = [row.text for row in self.browser.all("#session-rows tr")]
        self.assertEqual(len(rows), 6)
        wanted = "09:43:39.123 203.0.113.9:51234 ftp.example.net:21 alice 125 ms 2 1.0 MiB 4.0 KiB"
        for word in wanted.split():
            self.assertIn(word, rows[0])
        self.assertIn("(1 failed)", rows[3])
        self.assertIn("2 errors", rows[3])
        self.assertIn("none", rows[4])
        self.assertIn("3 records could not be written", self.browser.one("#notices").text)

    def test_the_session_that_went_worst_is_open(self):
        self.browser.open(SAMPLE)
        current = self.browser.all("#session-rows tr[aria-current]")
        self.assertEqual([row.get_attribute("data-session")[-6:] for row in current], ["000004"])
        self.assertIn("anonymous at 192.0.2.30:2100", self.browser.one("h2#session-title").text)

    def test_recorded_sessions_open_and_are_not_blank(self):
        for log in (
            SAMPLE,
            CAPTURES / "demo/session.jsonl",
            CAPTURES / "misbehaving/session.jsonl",
        ):
            for width, scheme in ((1280, "light"), (1280, "dark"), (420, "light")):
                with self.subTest(log=log.parent.name, width=width, scheme=scheme):
                    self.browser.size(width)
                    self.browser.media(scheme=scheme)
                    self.browser.open(log)
                    self.look(scheme)
                    self.assertEqual(self.browser.complaints(), [])

    def look(self, scheme: str) -> None:
        for place in ("0", "document.body.scrollHeight / 2"):
            self.browser.js(f"scrollTo(0, {place})")
            seen = colours(self.browser.screenshot())
            (background, count), _ = seen.most_common(2)
            self.assertEqual(min(background) > 200, scheme == "light")
            self.assertGreater(len(seen), 40, "there are text and lines in several colours")
            self.assertLess(count / seen.total(), 0.995)
        wide = "return document.documentElement.scrollWidth <= innerWidth"
        self.assertTrue(self.browser.js(wide), "nothing sticks out at the side")

    def test_a_link_names_a_session_and_a_line(self):
        self.browser.open(SAMPLE)
        self.browser.driver.get("about:blank")
        link = self.browser.page.as_uri() + "#20261121T094339.123456Z-000001/17"
        self.browser.driver.get(link)
        self.assertIn("RETR /pub/image.iso", self.browser.focused())

    def test_without_scripts_it_says_what_to_do(self):
        switch = "Emulation.setScriptExecutionDisabled"
        self.browser.driver.execute_cdp_cmd(switch, {"value": True})
        try:
            self.browser.open(SAMPLE)
            self.assertIn("Allow JavaScript", self.browser.one("noscript").text)
        finally:
            self.browser.driver.execute_cdp_cmd(switch, {"value": False})

    def test_a_log_without_sessions(self):
        self.browser.open(b"")
        self.assertIn("no sessions", self.browser.one("#totals").text)


class Diagram(PageTest):
    def test_a_rewritten_line_is_shown_on_each_side_as_that_side_saw_it(self):
        self.browser.open(SAMPLE)
        self.choose(0)
        row = next(row for row in self.browser.all(".line.reply") if "Passive" in row.text)
        left, right = row.find_elements("css selector", ".halves > div")
        self.assertIn("227 Entering Passive Mode (198,51,100,7,156,65)", left.text)
        self.assertIn("227 Entering Passive Mode (192,0,2,21,195,80)", right.text)
        self.assertEqual(
            left.find_element("css selector", ".changed-text").text, "198,51,100,7,156,65"
        )
        self.assertLess(left.location["x"], right.location["x"])
        command = next(row for row in self.browser.all(".line.command") if "PORT" in row.text)
        left, right = command.find_elements("css selector", ".halves > div")
        self.assertIn("203,0,113,9,200,40", left.text)
        self.assertIn("198,51,100,7,156,67", right.text)

    def test_an_answer_of_the_proxy_never_reaches_the_servers_line(self):
        self.browser.open(SAMPLE)
        right_end = {
            row.find_element("css selector", ".verb")
            .text: row.find_element("css selector", ".arrow")
            .rect
            for row in self.browser.all(".line.command")
            if not row.find_elements("css selector", ".halves")
        }
        self.assertLess(right_end["AUTH"]["width"], 0.6 * right_end["LIST"]["width"])

    def test_data_connections_are_lanes_from_connect_to_close(self):
        self.browser.open(SAMPLE)
        self.choose(0)
        phases = self.browser.js(
            "return [...document.querySelectorAll('.line')].map(row => [row.classList[1],"
            " row.querySelector('.lane')?.dataset.was ?? null, row.querySelector('.lane')?.dataset.is ?? null])"
        )
        of_one = [phase for phase in phases if phase[1] is not None][:9]
        self.assertEqual(of_one[0], ["exposed", "", "waiting"])
        self.assertIn(["opened", "waiting", "connected"], of_one)
        self.assertIn(["first", "connected", "moving"], of_one)
        self.assertIn(["last", "moving", "connected"], of_one)
        self.assertIn(["closed", "connected", ""], of_one)
        closed = self.browser.one(".line.closed").text
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
        self.browser.open(log.text())
        self.browser.keys("+")
        checked = self.browser.js(
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
        self.browser.open(log.passes(150_000).command("D").command("E").text())
        self.assertEqual(self.browser.texts(".silence"), ["2 min 30 s without a line"])
        rows = [row.location["y"] for row in self.browser.all(".line.command")]
        self.assertLess(rows[3] - rows[2], 200)
        self.browser.keys("-", "-")
        self.assertEqual(self.browser.texts(".silence"), ["2 min 30 s without a line"])

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
        self.browser.open(log.text() + other.text())
        self.assertEqual(self.browser.texts(".party b"), ["Client", "Server"])
        page = self.browser.one("body").text
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
        self.assertEqual(len(self.browser.all("#session-rows tr")), 1)


class Findings(PageTest):
    def test_a_click_on_a_finding_goes_to_its_line(self):
        self.browser.open(SAMPLE)
        for number, words in enumerate(self.browser.texts(".findings li")):
            with self.subTest(words):
                self.browser.js("scrollTo(0, 0)")
                self.browser.all(".findings .jump")[number].click()
                title = self.browser.all(".findings .jump .prose")[number].text
                self.assertIn(title, self.browser.focused())
                self.assertTrue(self.browser.js("return document.activeElement.matches('.line')"))
                self.assertTrue(self.browser.in_view())

    def test_it_stands_at_the_line_that_it_is_about(self):
        self.browser.open(SAMPLE)
        wanted = {
            "FTP-TLS-REFUSED": "AUTH TLS",
            "FTP-LINE-LF-ONLY": "230-Directory",
            "FTP-PORT-RESERVED-PORT": "PORT 10,9,8,7,0,25",
            "FTP-PORT-PRIVATE-ADDRESS": "PORT 192,168,0,107,195,80",
            "FTP-DATA-CONNECT-FAILED": "426 Connection closed",
            "FTP-CONTROL-RESET": "The client ends the session",
        }
        for name, words in wanted.items():
            row = next(row for row in self.browser.all(".line") if name in row.text)
            self.assertIn(words, row.text)
        self.browser.open(CAPTURES / "misbehaving/session.jsonl")
        late = next(
            row for row in self.browser.all(".line") if "FTP-REPLY-BEFORE-DATA-END" in row.text
        )
        self.assertIn("226 Done", late.text)
        second = next(
            row for row in self.browser.all(".line") if "FTP-REPLY-SECOND-FINAL" in row.text
        )
        self.assertIn("to no command", second.text)

    def test_severity_source_blame_and_explanation(self):
        self.browser.open(SAMPLE)
        card = self.browser.one(".finding.error")
        for word in (
            "error",
            "a PORT, EPRT or LPRT to a port below 1024",
            "client",
            "RFC 2577 3",
            "10.9.8.7:25",
        ):
            self.assertIn(word, card.text)
        note = self.browser.one(".finding.note")
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
        self.browser.open(log.text())
        self.assertIn("FTP-OF-TOMORROW", self.browser.one(".finding.note").text)


class Keyboard(PageTest):
    def test_lines_and_findings(self):
        self.browser.open(SAMPLE)
        self.browser.keys("j")
        self.assertIn("connects to 198.51.100.7:2122", self.browser.focused())
        self.browser.keys("j", "j", Keys.ARROW_DOWN)
        self.assertIn("AUTH TLS", self.browser.focused())
        self.browser.keys("k")
        self.assertIn("220 Microsoft FTP Service", self.browser.focused())
        names = []
        for _ in range(6):
            self.browser.keys("n")
            names.append(self.browser.focused())
            self.assertTrue(self.browser.in_view())
        self.assertEqual(len(set(names)), 6)
        self.assertIn("FTP-TLS-REFUSED", names[0])
        self.assertIn("FTP-CONTROL-RESET", names[5])
        self.browser.keys("p")
        self.assertEqual(self.browser.focused(), names[4])
        self.browser.keys("g")
        self.assertIn("connects to", self.browser.focused())
        self.browser.keys("G")
        self.assertIn("ends the session", self.browser.focused())

    def test_the_focus_can_be_seen(self):
        self.browser.open(SAMPLE)
        self.browser.keys("j")
        style = "const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth"
        self.assertEqual(self.browser.js(style), "solid2px")

    def test_raw_bytes(self):
        self.browser.open(SAMPLE)
        self.choose(0)
        row = next(row for row in self.browser.all(".line.command") if "OPTS" in row.text)
        row.click()
        self.browser.keys(Keys.ENTER)
        dump = self.browser.one(".raw pre").text
        self.assertIn("6f 70 74 73 20 75 74 66", dump)  # "opts utf": as it came, lower case
        self.assertIn("opts utf8 on..", dump)
        self.assertIn('"kind": "command"', self.browser.one(".raw .record").text)
        self.browser.keys(Keys.ENTER)
        self.assertEqual(self.browser.all(".raw"), [])
        self.browser.one(".line-tools button").click()
        self.assertEqual(len(self.browser.all(".raw")), 1)

    def test_raw_bytes_that_are_not_utf8(self):
        log = Log().begin().command("NLST", {"base64": "zsS8/g=="})
        self.browser.open(log.text())
        self.browser.keys("j", "j", Keys.ENTER)
        self.assertIn("4e 4c 53 54 20 ce c4 bc  fe 0d 0a", self.browser.one(".raw pre").text)
        self.assertIn("\\xce\u013c\\xfe", self.browser.one(".line.command").text)

    def test_search_sessions_help_and_theme(self):
        self.browser.open(SAMPLE)
        self.browser.keys("/")
        self.assertEqual(self.browser.js("return document.activeElement.id"), "text")
        self.browser.keys("jn?")
        self.assertEqual(self.browser.js("return document.activeElement.value"), "jn?")
        self.browser.keys(Keys.ESCAPE, "]")
        self.assertIn("203.0.113.77:1044", self.browser.one("#session-title").text)
        self.browser.keys("[", "[")
        self.assertIn("203.0.113.9:51300", self.browser.one("#session-title").text)
        self.browser.keys("?")
        self.assertTrue(self.browser.one("#help").is_displayed())
        self.browser.keys(Keys.ESCAPE)
        self.assertFalse(self.browser.one("#help").is_displayed())
        self.browser.keys("t", "t")
        self.assertEqual(self.browser.js("return document.documentElement.dataset.theme"), "dark")

    def test_all_that_can_be_clicked_can_be_reached(self):
        self.browser.open(SAMPLE)
        seen = set()
        for _ in range(60):
            self.browser.keys(Keys.TAB)
            seen.add(
                self.browser.js(
                    "return document.activeElement.className || document.activeElement.id"
                )
            )
        for name in ("text", "kind", "severity", "sort", "pick", "jump", "plain small explain"):
            self.assertIn(name, seen)
        self.assertTrue(any(name.startswith("line ") for name in seen))

    def test_roles_and_names(self):
        self.browser.open(SAMPLE)
        rows = self.browser.js(
            "return document.querySelectorAll('[role=list] [role=listitem]').length"
        )
        self.assertEqual(rows, len(self.browser.all(".line")))
        nameless = self.browser.js(
            "return [...document.querySelectorAll('button, input, select')]"
            ".filter(e => !e.textContent.trim() && !e.labels?.length).length"
        )
        self.assertEqual(nameless, 0)
        self.assertTrue(self.browser.texts(".line.command .unseen"))


class Filters(PageTest):
    def setUp(self):
        super().setUp()
        self.browser.open(SAMPLE)

    def search(self, text: str) -> None:
        self.browser.one("#text").send_keys(text)
        self.browser.wait("return document.querySelector('#found').textContent !== ''")

    def pick(self, selector: str, value: str) -> None:
        self.browser.one(f"{selector} option[value='{value}']").click()

    def test_by_text(self):
        self.search("IMAGE.iso")
        self.assertEqual(len(self.browser.all("#session-rows tr")), 1)
        self.assertIn("alice", self.browser.one("#session-title").text)
        shown = self.browser.shown()
        self.assertEqual(len(shown), 4)
        self.assertTrue(all("image.iso" in text for text in shown))
        self.assertEqual(self.browser.one("#found").text, "4 lines in 1 session; 4 in this one")
        self.assertTrue(self.browser.js("return CSS.highlights.get('search').size") >= 4)
        self.browser.one("#clear").click()
        self.assertEqual(len(self.browser.all("#session-rows tr")), 6)
        self.assertGreater(len(self.browser.shown()), 35)

    def test_nothing_found(self):
        self.search("no such thing")
        self.assertEqual(self.browser.one("#found").text, "nothing found")
        self.assertEqual(self.browser.shown(), [])

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
                self.assertEqual(len(self.browser.shown()), count)

    def test_by_severity(self):
        self.pick("#severity", "3")
        self.assertEqual(len(self.browser.all("#session-rows tr")), 1)
        self.assertEqual(len(self.browser.shown()), 2)
        self.pick("#severity", "2")
        self.assertEqual(len(self.browser.all("#session-rows tr")), 2)
        self.assertEqual(len(self.browser.shown()), 5)

    def test_by_session(self):
        self.search("203.0.113.77:1044")
        self.assertEqual(len(self.browser.all("#session-rows tr")), 1)
        self.assertIn("203.0.113.77:1044", self.browser.one("#session-title").text)

    def test_a_finding_is_gone_to_though_the_filter_hides_it(self):
        self.pick("#kind", "command")
        self.browser.one(".findings li:nth-child(2) .jump").click()
        self.assertIn("the data connection could not be made", self.browser.focused())

    def test_sorted_by_a_column(self):
        self.browser.all(".sort")[8].click()  # findings, the worst first
        self.assertIn("2 errors", self.browser.all("#session-rows tr")[0].text)
        self.browser.all(".sort")[4].click()  # duration
        durations = [
            row.find_elements("css selector", "td")[4].text
            for row in self.browser.all("#session-rows tr")
        ]
        self.assertEqual(
            durations, ["1.40 ms", "3.10 ms", "125 ms", "3.20 s", "10.1 s", "5 min 2 s"]
        )


class Themes(PageTest):
    def background(self) -> int:
        return colours(self.browser.screenshot()).most_common(1)[0][0][0]

    def test_the_toggle_wins_over_the_system(self):
        self.browser.open(SAMPLE)
        self.assertGreater(self.background(), 250)
        self.browser.one("#theme").click()
        self.browser.one("#theme").click()
        self.assertLess(self.background(), 50)
        self.browser.media(scheme="dark")
        self.browser.open(SAMPLE)
        self.assertLess(self.background(), 50)
        self.browser.one("#theme").click()
        self.assertGreater(self.background(), 250)

    def test_text_stands_out_from_its_background(self):
        """WCAG 2.1, AA: 4.5 to 1."""
        for scheme in ("light", "dark"):
            self.browser.media(scheme=scheme)
            self.browser.open(SAMPLE)
            ratios = self.browser.js(CONTRASTS)
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


class Paper(PageTest):
    def text_of(self, pdf: bytes) -> str:
        command = ["pdftotext", "-layout", "-", "-"]
        return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()

    def test_all_lines_and_explanations_are_printed(self):
        self.browser.open(SAMPLE)
        text = self.text_of(self.browser.printed())
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
        self.browser.open(log.text())
        self.assertNotIn("line 39 of the help", self.browser.one(".line.reply").text)
        text = self.text_of(self.browser.printed())
        self.assertIn("line 39 of the help", text)
        for i in range(1200):
            self.assertIn(f"/file-{i}\n", text.replace(" ", "") + "\n")

    def test_paper_is_light(self):
        self.browser.open(SAMPLE)
        self.browser.keys("t", "t")  # dark
        self.browser.media("print", "dark")
        self.assertEqual(colours(self.browser.screenshot()).most_common(1)[0][0], (255, 255, 255))
        self.assertFalse(self.browser.one("#filters").is_displayed())
        explanations = self.browser.js(
            "return [...document.querySelectorAll('.explanation')].map(e => e.offsetHeight > 10)"
        )
        self.assertEqual(set(explanations), {True})


if __name__ == "__main__":
    unittest.main()
