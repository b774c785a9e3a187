"""report.html: opens like the checklist, stands alone, runs nothing a stranger sent, and can be read by everybody."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from cutover.checklist import catalogue
from cutover.exceptions import Attestation, Exceptions, Waiver
from cutover.facts.certificate import Certificate, Key, Link
from cutover.facts.evidence import Evidence
from cutover.probes import saved
from cutover.report import html, view
from cutover.report.about import Sameness
from cutover.report.words import TEXTS
from cutover.verdict import Verdict
from selftest.made_runs import line, made_run

AT = "2026-03-01T00:00:00+00:00"
TODAY = date(2026, 3, 1)
FAILED = Verdict(
    word="failed",
    control_id="12.redirect",
    file="tests_network/test_redirect.py",
    check="test_http_is_redirected_with_301[api@192.0.2.1-/static/]",
    target="api",
    address="192.0.2.1",
    why="A 302 is for now only.",
    promised="301",
    seen="302",
    where="http://api.example.com/",
    mend="return 301",
    since="2026-02-28T10:00:00+00:00",
    evidence=(Evidence("GET http://api.example.com/", AT, "302\nLocation: /x"),),
)
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """The page's elements in order, with the text of each; a wrongly nested element is an error."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self._open = [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", "in": [each["tag"] for each in self._open], **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, "text": "", "in": [each["tag"] for each in self._open], **dict(attrs)})

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def all(self, tag=None, **attributes):
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            each
            for each in self.elements
            if (tag is None or each["tag"] == tag) and all(each.get(name) == value for name, value in wanted.items())
        ]

    def of_class(self, name):
        return [each for each in self.elements if name in (each.get("class") or "").split()]

    def text(self, **attributes):
        (element,) = self.all(**attributes)
        return " ".join(element["text"].split())


@pytest.fixture
def page(tmp_path):
    def make(*verdicts, **more):
        return Page(html.page(made_run(tmp_path, *verdicts, **more)))

    return make


def test_boxes_stand_in_the_documents_order_each_with_its_word(page):
    shown = page(FAILED)
    boxes = [(box["id"].removeprefix("t1-"), box["data-word"]) for box in shown.of_class("box")]
    assert [control for control, _ in boxes] == [c.id for c in catalogue().control if c.phase in ("both", "post")]
    words = dict(boxes)
    assert (words["12.redirect"], words["18.https"], words["2.domain"]) == ("failed", "failed", "not-reviewed")
    headings = [each["id"] for each in shown.all("h3") if "id" in each]
    assert headings == [f"h1-{section.id}" for section in catalogue().section if section.id != "16"]


def test_a_failure_is_told_with_all_that_is_known_of_it(page):
    told = page(FAILED).text(id="t1-12.redirect")
    for each in (
        "✗ failed",
        "http is redirected with 301",
        "/static/",
        "at 192.0.2.1",
        "promised301",
        "seen302",
        "wherehttp://api.example.com/",
        "since2026-02-28 19:00:00 JST (2026-02-28 10:00:00 UTC)",
        "mendreturn 301",
        "A 302 is for now only.",
    ):
        assert each in told


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_labels_are_in_the_languages_of_the_catalogue(page, lang):
    shown = page(FAILED, lang=lang)
    assert shown.all("html")[0]["lang"] == lang
    summary = shown.text(id="t1-12.redirect")
    control = catalogue()["12.redirect"]
    first, second = (control.ja, control.en) if lang == "ja" else (control.en, control.ja)
    assert summary.index(first) < summary.index(second)
    assert TEXTS["answer.no"][lang] in shown.all("h1")[0]["text"]
    # What checks say is English in a Japanese page too, and says so to a screen reader.
    assert any(each.get("lang") == "en" and each["text"] == "return 301" for each in shown.elements)


def test_top_tells_answer_and_what_was_verified_by_whom_and_when(page):
    shown = page(FAILED, operator="K. Sato", job="https://ci.example/1", inputs={"inventory": "13ce" * 16})
    (header,) = shown.all("header")
    assert "No" in header["text"]
    assert "boxes stand in the way" in header["text"]
    assert "Valid until 2026-03-02 09:00:00 JST (2026-03-02 00:00:00 UTC)" in " ".join(header["text"].split())
    facts = " ".join(shown.of_class("facts")[0]["text"].split())
    for each in ("20260301T000000Z-beef", "192.0.2.1", "K. Sato", "https://ci.example/1", "13ce" * 16, "--gate"):
        assert each in facts


def everything_passed():
    verdicts = [
        replace(FAILED, word="passed", control_id=control.id, seen="301", check=f"test_x{number}[api@192.0.2.1]")
        for number, control in enumerate(catalogue().control)
        if control.judged_by == "checks"
    ]
    stated = [
        Attestation(control=c.id, target="api", by="M. Tanaka", on=TODAY, statement="seen", valid_until=TODAY)
        for c in catalogue().control
        if c.judged_by == "attestation"
    ]
    return verdicts, Exceptions(TODAY, (), tuple(stated))


def test_yes_is_said_when_the_gate_opens_and_statements_are_shown(page):
    verdicts, exceptions = everything_passed()
    shown = page(*verdicts, exceptions=exceptions)
    assert shown.all("h1")[0]["text"].split()[:2] == ["✓", "Yes"]
    assert not shown.of_class("blocks")
    told = shown.text(id="t1-2.domain")
    assert "stated by M. Tanaka on 2026-03-01, valid until 2026-03-01: seen" in told


def test_who_answers_for_a_failure_is_shown_and_untidy_waivers_too(page):
    waiver = Waiver(control="12.redirect", target="api", reason="r", approver="a", expires=TODAY)
    waived = replace(FAILED, word="waived", waiver="waived until 2026-03-01 by K. Sato: old clients")
    other = Waiver(control="2.dns", target="gone", reason="r", approver="a", expires=TODAY)
    shown = page(waived, exceptions=Exceptions(TODAY, (waiver, other)))
    assert "waived until 2026-03-01 by K. Sato: old clients" in shown.text(id="t1-12.redirect")
    whole = " ".join(shown.all("main")[0]["text"].split())
    assert "waiver of 2.dns for gone: unused" in whole


def test_advice_is_told_apart_and_never_as_a_failure(page):
    advice = replace(FAILED, control_id="advice.server-tokens", is_advice=True)
    (box,) = [box for box in page(advice).of_class("box") if box["id"] == "t1-advice.server-tokens"]
    assert box["data-word"] == "advice"
    assert "failed" not in box["text"]


def test_what_was_not_seen_is_told_once_with_its_reason(page):
    unseen = [
        replace(FAILED, word="error", reason="ssh is down", control_id=control, promised="", seen="")
        for control in ("9.start", "9.logs")
    ]
    (card,) = [card for card in page(*unseen).of_class("unseen") if "Could not look" in card["text"]]
    assert card["text"].count("ssh is down") == 1
    assert "9.start, 9.logs" in " ".join(card["text"].split())


def test_a_cause_is_told_with_what_it_explains_and_the_checklists_advice(page):
    down = [replace(FAILED, control_id=control) for control in ("9.status", "11.health")]
    shown = page(*down, targets=["api"])
    (card,) = shown.of_class("causes")
    assert "11.health" in card["text"]
    assert "./run_production.sh status" in card["text"]
    assert "may be explained by 9.status" in shown.text(id="t1-11.health")


def test_identity_at_start_and_end_and_what_changed(page):
    same = Sameness({"machine": "a1", "boot": "b1", "ssh": "c1"}, {"machine": "a1", "boot": "b2"}, ("boot",), 0.5)
    shown = page(FAILED, sameness={"api": same}, requests={"api": 509})
    (identity,) = shown.of_class("identity")
    rows = [" ".join(row["text"].split()) for row in shown.all("tr") if "details" in row["in"]]
    assert "machinea1the same" in rows
    assert "bootb1b2" in rows
    assert "sshc1not looked at again" in rows
    assert "changed during the run: boot" in identity["text"]
    assert "509 HTTP requests" in shown.of_class("sub")[0]["text"]
    assert "api changed while it was looked at: boot" in shown.of_class("bad")[0]["text"]


def test_a_transcript_is_stored_once_and_every_reference_leads_somewhere(page):
    shown = page(FAILED, replace(FAILED, check="test_other[api]"), replace(FAILED, word="passed", check="test_c[api]"))
    assert [piece["text"].count("Location: /x") for piece in shown.of_class("piece")] == [1]
    ids = [each["id"] for each in shown.elements if "id" in each]
    assert len(ids) == len(set(ids))
    links = [each["href"] for each in shown.all("a")]
    assert links.count("#t1-e1") == 3
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_many_targets_have_an_overview_and_a_bounded_page(page):
    labels = [f"api{number}" for number in range(view.FULL + 1)]
    long = Evidence("GET /", AT, "transcript " * 100)
    verdicts = [
        replace(FAILED, target=label, word=word, check=f"test_{word}[{label}]", evidence=(replace(long, asked=word),))
        for label in labels
        for word in ("passed", "failed")
    ]
    shown = page(*verdicts, targets=labels)
    (overview,) = shown.of_class("overview")
    assert all(label in overview["text"] for label in labels)
    assert {piece["text"].split()[1].removeprefix(AT) for piece in shown.of_class("piece")} == {"failed"}
    assert "evidence.jsonl has all of it" in shown.text(id="results")
    assert "1 more checks of this box are in evidence.jsonl" in shown.text(id="t1-12.redirect")
    # Every box of every target is still there, with its word.
    assert len(shown.of_class("box")) == len(labels) * sum(c.phase in ("both", "post") for c in catalogue().control)


HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "end of an element": "</pre></details></main><h1>Yes</h1>",
    "quotes": '" onmouseover="alert(1)" \' x=\'',
    "entity": "&lt;b&gt; &#x3c;b>",
    "template": "{{ 7 * 7 }}{% raw %}",
    "escape codes": "\x1b[31m\x07\x00",
    "bidi": "\u202egnp.exe\u2066",
    "surrogate": "\ud800",
    "comment": "<!-- ]]> -->",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_whatever_a_stranger_says_is_text(page, text, lang):
    said = replace(
        FAILED,
        check=f"test_x[{text}]",
        promised=text,
        seen=text,
        where=text,
        mend=text,
        why=text,
        evidence=(Evidence(text, AT, text),),
    )
    verdicts = [said, replace(said, word="error", reason=text), replace(said, word="waived", waiver=text)]
    same = Sameness({text: text}, {text: text + "x"}, (text,), None)
    calm = [replace(each, check="", promised="", seen="", where="", mend="", why="", reason="") for each in verdicts]
    more = {"operator": text, "job": text, "arguments": text, "machine": text}
    shown = page(*verdicts, lang=lang, sameness={"api": same}, **more)
    expected = page(*calm, lang=lang, sameness={"api": Sameness({"a": "b"}, {"a": "c"}, ("a",), None)})
    # The elements are those of the page, and none that the text asks for.
    tags = {each["tag"] for each in shown.elements}
    assert tags <= {each["tag"] for each in expected.elements} | {"dl", "dt", "dd", "span"}
    assert len(shown.all("script")) == len(shown.all("h1")) == 1
    assert not [name for each in shown.elements for name in each if name.startswith("on")]
    visible = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    assert " ".join(visible.split()) in " ".join(shown.of_class("seen")[0]["text"].split())


def test_a_target_with_an_odd_name_breaks_nothing(page):
    label = '<b id="x">"\'&'
    shown = page(replace(FAILED, target=label))
    assert label in shown.all("h2")[-1]["text"]
    assert not shown.all("b", id="x")


def test_a_long_text_is_cut_and_says_so(page):
    shown = page(replace(FAILED, seen="x" * 9000))
    assert shown.of_class("seen")[0]["text"].endswith("x… (5000 more characters: evidence.jsonl)")


def test_page_stands_alone_and_its_policy_lets_only_its_own_style_and_script_act(page):
    shown = page(FAILED)
    (policy,) = [each["content"] for each in shown.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    hashes = {
        kind: base64.b64encode(hashlib.sha256(shown.all(kind)[0]["text"].encode()).digest()).decode()
        for kind in ("style", "script")
    }
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{hashes['style']}'",
        f"script-src 'sha256-{hashes['script']}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    for element in shown.elements:
        assert not {"src", "style", "action", "srcset", "data"} & set(element), element
        assert element.get("href", "#").startswith("#")
    assert not re.search(r"url\(|@import", shown.all("style")[0]["text"])


def test_headings_are_in_order_and_landmarks_are_there(page):
    shown = page(FAILED, replace(FAILED, target="other"))
    levels = [int(each["tag"][1]) for each in shown.elements if re.fullmatch("h[1-6]", each["tag"])]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for landmark in ("header", "main", "nav", "footer"):
        assert len(shown.all(landmark)) == 1
    assert shown.all("nav")[0]["aria-label"]
    first = next(each for each in shown.elements if each["tag"] == "a")
    assert first["href"] == "#results"


def test_what_can_be_done_is_a_button_or_a_summary_and_each_has_words(page):
    shown = page(FAILED)
    buttons = shown.all("button")
    assert {each["type"] for each in buttons} == {"button"}
    assert all(each["text"].strip() for each in buttons + shown.all("summary"))
    assert [each["aria-pressed"] for each in buttons if "data-show" in each].count("true") == 1
    # Without a script there is nothing to press.
    assert "hidden" in shown.all("nav")[0]
    for table_head in shown.all("th"):
        assert table_head["scope"] in ("row", "col")


def test_a_verdict_is_never_told_by_colour_alone(page):
    for badge in page(FAILED).of_class("word"):
        assert re.search(r"\w", badge["text"])


STYLE = Path(html.__file__).with_name("style.css").read_text("utf-8")
THEMES = dict(zip(("light", "dark"), re.findall(r":root \{(.*?)\}", STYLE, re.S), strict=True))
ON_PAGE = ("text", "quiet", "link")
WORDS = ("passed", "failed", "error", "waived", "not-reviewed", "advice")
# Foreground, background, and the ratio that WCAG 2.2 AA asks: 1.4.3 for text, 1.4.11 for what is no text.
PAIRS = [
    *((ink, ground, 4.5) for ink in ON_PAGE for ground in ("page", "card")),
    *((word, f"{word}-tint", 4.5) for word in WORDS),
    *(("text", f"{word}-tint", 4.5) for word in WORDS),
    *((word, "card", 3.0) for word in WORDS),
    ("text", "code", 4.5),
    ("failed", "card", 4.5),
    ("page", "text", 4.5),
    *(("focus", ground, 3.0) for ground in ("page", "card")),
    *(("quiet", ground, 3.0) for ground in ("page", "card")),
]


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_contrast(theme, ink, ground, least):
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", THEMES[theme]))
    lighter, darker = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= least


def test_no_colour_is_named_but_in_the_two_tables():
    elsewhere = STYLE.split("* { box-sizing")[1]
    assert set(re.findall("#[0-9a-f]{3,6}", elsewhere)) == {"#fff"}  # of paper


def chain(subject, begin, end):
    return Link(subject, "CN=root", ("api",), begin, end, "ab", False, True, Key("EC", 256), "sha256", "")


LIVES = {
    "in time": (-1, 89, "89 of 90 days left"),
    "ended": (-91, -1, "ended 1 days ago"),
    "not begun": (5, 95, "begins in 5 days"),
}


@pytest.mark.parametrize(("begin", "end", "told"), LIVES.values(), ids=LIVES)
def test_certificate_is_drawn_from_what_was_saved(page, tmp_path, begin, end, told):
    at = datetime(2026, 3, 1, tzinfo=UTC)
    link = chain("CN=<b>api</b>", at + timedelta(begin), at + timedelta(end))
    seen = Certificate("api", "192.0.2.1", at, (link,), "", 0)
    saved.write(tmp_path / "facts/api@192.0.2.1/certificate.json", seen)
    shown = page(replace(FAILED, control_id="12.certificate"))
    (picture,) = shown.all("svg")
    assert picture["role"] == "img"
    assert told in picture["text"]
    assert "CN=<b>api</b>" in picture["text"]
    assert "Lifetimes of the certificate chain at 192.0.2.1" in picture["text"]


def test_a_certificate_that_nobody_saw_is_no_picture(page, tmp_path):
    (tmp_path / "facts/api@192.0.2.1").mkdir(parents=True)
    (tmp_path / "facts/api@192.0.2.1/certificate.json").write_text(
        '{"error": "ProbeError", "cause": "x", "advice": ""}'
    )
    assert page(FAILED).all("svg") == []


def test_a_run_that_was_killed_says_so(page):
    shown = page(FAILED, state="running", ended="")
    assert "the run did not end" in shown.of_class("bad")[0]["text"]
    assert "did not end (running)" in shown.of_class("facts")[0]["text"]


def test_facts_of_another_day_are_no_secret(page):
    assert "recorded another day" not in page(FAILED).all("body")[0]["text"]
    recorded = replace(line("api"), recorded=True)
    assert "recorded another day" in page(FAILED, targets={"api": recorded}).all("header")[0]["text"]


def test_it_is_written_into_the_runs_folder(tmp_path):
    file = html.write(made_run(tmp_path / "run", FAILED))
    assert file == tmp_path / "run/report.html"
    assert file.read_text("utf-8").startswith("<!doctype html>")
