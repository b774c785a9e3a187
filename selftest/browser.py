"""Opens report.html in headless Chromium and uses it: ``python -m selftest.browser [RUN] [--pictures DIR]``.

No test of pytest's, because it needs a browser (Debian: chromium). RUN is a run's folder; without one, a made run full
of hostile text is opened. It holds that nothing is fetched and nothing of a stranger's runs, that filter, folding and
transcripts work by keyboard, that all text has the contrast WCAG AA asks in both themes, that a phone's width is
enough, and that it prints on A4. Chromium is spoken to over a pipe (Chrome DevTools Protocol), so no port is opened.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cutover.facts.evidence import Evidence
from cutover.report import html
from cutover.report import run as runs
from cutover.verdict import Verdict
from selftest.made_runs import made_run

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
HOSTILE = (
    "</pre><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\"' \u202e <svg onload=hacked=3>"
)
DESKTOP, PHONE = (1200, 1600), (360, 740)


class Browser:
    """One page of one Chromium; ``fetched`` and ``complaints`` are what it asked for and logged."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, os.fdopen(receive, "rb")
        self._buffer, self._number = b"", 0
        self._session = ""
        self.fetched: list[str] = []
        self.complaints: list[str] = []
        self.dialogs = 0

    def call(self, method: str, **parameters: object) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            told = self._read()
            if told.get("id") == self._number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]
            self._note(told.get("method"), told.get("params", {}))

    def _read(self) -> dict:
        while b"\0" not in self._buffer:
            more = self._receive.read1(1 << 20)
            assert more, "Chromium ended"
            self._buffer += more
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, method: str | None, told: dict) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.fetched.append(told["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(told["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["exceptionDetails"]))
            case "Page.javascriptDialogOpening":
                self.dialogs += 1

    def open(self, page: Path) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=page.as_uri())
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def ask(self, expression: str) -> object:
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, f"{expression}: {told['exceptionDetails']}"
        return told["result"].get("value")

    def wait(self, expression: str) -> None:
        for _ in range(500):
            if self.ask(expression):
                return
            self.ask("new Promise((done) => setTimeout(done, 20))")
        raise AssertionError(f"never came: {expression}")

    def press(self, key: str, code: int, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more)

    def size(self, width: int, height: int) -> None:
        mobile = width < 500
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def theme(self, name: str) -> None:
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, file: Path, whole: bool = False) -> None:
        told = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(told["data"]))


@contextmanager
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "no Chromium here: apt-get install chromium"
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs_in, theirs_out)]

    def pipes() -> None:
        os.dup2(high[0], 3)
        os.dup2(high[1], 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        argv = [program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        ran = subprocess.Popen(argv, pass_fds=(3, 4), preexec_fn=pipes, stderr=subprocess.DEVNULL)
        for fd in (theirs_in, theirs_out, *high):
            os.close(fd)
        browser = Browser(ours_out, ours_in)
        try:
            yield browser
        finally:
            ran.terminate()
            ran.wait(timeout=30)


CONTRAST = Path(__file__).with_name("contrast.js").read_text("utf-8")


def look(browser: Browser, page: Path, pictures: Path | None) -> Iterator[str]:
    """Use the page; a sentence for each thing that holds, AssertionError for the first that does not."""
    browser.open(page)
    browser.size(*DESKTOP)
    assert browser.fetched == [page.as_uri()], browser.fetched
    assert browser.complaints == [], browser.complaints
    assert (browser.dialogs, browser.ask("typeof window.hacked")) == (0, "undefined")
    yield "nothing was fetched, nothing of a stranger's ran, and the browser has nothing to complain of"

    browser.ask(
        "document.body.insertAdjacentHTML('beforeend', '<p id=bad><img src=x onerror=\"window.hacked=1\"></p>')"
    )
    browser.ask("new Promise((done) => setTimeout(done, 200))")
    assert browser.ask("typeof window.hacked") == "undefined"
    assert any("Content Security Policy" in told for told in browser.complaints)
    browser.ask("document.getElementById('bad').remove()")
    yield "markup that got in all the same would be stopped by the page's policy"

    boxes = browser.ask("document.querySelectorAll('.box').length")
    word = browser.ask(
        "[...document.querySelectorAll('[data-show]')].find((b) => !b.hidden && b.dataset.show).dataset.show"
    )
    browser.ask(f"document.querySelector('[data-show=\"{word}\"]').focus()")
    browser.press("Enter", 13, "\r")
    shown = (
        "[...document.querySelectorAll('.box')].filter((box) => box.checkVisibility()).map((box) => box.dataset.word)"
    )
    words = browser.ask(shown)
    assert set(words) == {word}, words
    assert 0 < len(words) < boxes
    assert str(len(words)) in browser.ask("document.querySelector('[role=status]').textContent")
    outline = browser.ask("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px", f"the focus cannot be seen: {outline}"
    browser.ask("document.querySelector('[data-show=\"\"]').focus()")
    browser.press("Enter", 13, "\r")
    assert browser.ask("document.querySelectorAll('.box[hidden]').length") == 0
    yield f"the filter works by keyboard: {len(words)} of {boxes} boxes are {word}"

    browser.ask("document.activeElement.blur(); document.body.tabIndex = -1; document.body.focus()")
    browser.press("Tab", 9)
    assert browser.ask("document.activeElement.className") == "skip"
    browser.press("Enter", 13, "\r")
    browser.wait("location.hash === '#results'")
    yield "the first key leads past the head of the page"

    browser.ask("document.querySelector('.proof').closest('.box').open = true")
    browser.ask("document.querySelector('.proof > summary').focus()")
    browser.press("Enter", 13, "\r")
    browser.wait("document.querySelector('.proof pre')?.checkVisibility()")
    yield "a check's transcripts open under it"

    link = browser.ask("document.querySelector('.chapter:last-of-type .box').id")
    browser.ask(f"document.getElementById('{link}').open = false; location.hash = '{link}'")
    browser.wait(f"document.getElementById('{link}').open")
    yield "a link unfolds what it leads to"

    browser.ask("document.querySelector('[data-fold=open]').click()")
    for theme in ("light", "dark"):
        browser.theme(theme)
        count, poor = json.loads(browser.ask(CONTRAST))
        assert poor == [], f"{theme}: {poor}"
        yield f"{count} texts have the contrast that is asked, {theme}"
    browser.ask("document.querySelector('[data-fold=close]').click(); location.hash = ''; scrollTo(0, 0)")

    for theme in ("light", "dark") if pictures else ():
        browser.theme(theme)
        browser.picture(pictures / f"desktop-{theme}.png")
    browser.theme("light")
    browser.size(*PHONE)
    browser.ask("document.querySelector('[data-fold=open]').click()")
    width = browser.ask("document.documentElement.scrollWidth")
    assert width <= PHONE[0], f"{width} pixels wide on a phone of {PHONE[0]}"
    if pictures:
        browser.ask("scrollTo(0, 0)")
        browser.picture(pictures / "phone.png")
        browser.ask("document.querySelector('.causes, .chapter').scrollIntoView()")
        browser.picture(pictures / "phone-below.png")
    yield f"{PHONE[0]} pixels are wide enough, all of it open"

    browser.call("Page.reload")
    browser.wait("document.readyState === 'complete'")
    told = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    pdf = base64.b64decode(told["data"])
    sizes = {tuple(map(round, map(float, box.split()))) for box in re.findall(rb"/MediaBox ?\[([^\]]*)\]", pdf)}
    assert sizes == {(0, 0, 595, 842)}, f"not A4: {sizes}"
    if pictures:
        (pictures / "print.pdf").write_bytes(pdf)
    yield f"it prints on {len(re.findall(rb'/Type ?/Page[^s]', pdf))} pages of A4"


def hostile(folder: Path) -> runs.Run:
    """A run in which every text that a target can send asks to be run."""
    odd = Verdict(
        word="failed",
        control_id="9.status",
        file="tests_server/test_service.py",
        check=f"test_x[api-{HOSTILE}]",
        target="api.example.com",
        address="192.0.2.1",
        why=HOSTILE,
        promised=HOSTILE,
        seen=HOSTILE,
        where=HOSTILE,
        mend=HOSTILE,
        since="2026-02-28T10:00:00+00:00",
        evidence=(Evidence(HOSTILE, "2026-03-01T00:00:00+00:00", HOSTILE * 20),),
    )
    others = [
        replace(odd, control_id="11.health"),
        replace(odd, control_id="2.dns", word="error", reason=HOSTILE),
        replace(odd, control_id="7.syntax", word="waived", waiver=HOSTILE),
        replace(odd, control_id="1.os", word="passed"),
        replace(odd, control_id="advice.sysctl", is_advice=True),
    ]
    return made_run(folder, odd, *others, arguments=HOSTILE, job=HOSTILE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m selftest.browser", description=__doc__.partition(":")[0])
    parser.add_argument("run", nargs="?", type=Path, help="a run's folder (default: a made one, full of hostile text)")
    parser.add_argument("--lang", choices=("ja", "en"), action="append", help="default: both")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="where to keep screenshots and the PDF")
    asked = parser.parse_args()
    for lang in asked.lang or ("ja", "en"):
        with tempfile.TemporaryDirectory() as place:
            run = runs.read(asked.run) if asked.run else hostile(Path(place))
            run.about = replace(run.about, lang=lang)
            page = Path(place) / html.FILE
            page.write_text(html.page(run), "utf-8")
            pictures = asked.pictures and asked.pictures / lang
            if pictures:
                pictures.mkdir(parents=True, exist_ok=True)
            with chromium() as browser:
                for holds in look(browser, page, pictures):
                    print(f"{lang}: {holds}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
