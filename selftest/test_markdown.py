"""report.md: what a merge request shows of a run, whatever a stranger said, and never more than it can hold."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from cutover.checklist import catalogue
from cutover.exceptions import Attestation, Exceptions, Waiver
from cutover.report import markdown
from cutover.report.markdown import code, prose
from cutover.verdict import Verdict
from selftest.made_runs import made_run

# What GitHub and GitLab read: CommonMark with tables and bare links, and HTML let through.
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TODAY = date(2026, 3, 1)
FAILED = Verdict(
    word="failed",
    control_id="12.redirect",
    file="tests_network/test_redirect.py",
    check="test_http_is_redirected_with_301[api@192.0.2.1]",
    target="api",
    address="192.0.2.1",
    promised="301",
    seen="302",
    where="http://api.example.com/",
    mend="return 301 https://$server_name$request_uri;",
    since="2026-02-28T10:00:00+00:00",
)


@pytest.fixture
def text(tmp_path):
    return lambda *verdicts, **more: markdown.text(made_run(tmp_path, *verdicts, **more))


class Tags(HTMLParser):
    def __init__(self, rendered):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(rendered)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not attrs or tag in ("td", "th"), (tag, attrs)

    def handle_data(self, data):
        self.text += data


def test_answer_comes_first_then_what_blocks_then_each_failure_with_its_mending(text):
    told = text(FAILED)
    assert told.startswith("## ❌ No – `api`\n")
    assert told.index("boxes stand in the way") < told.index("### What stands in the way") < told.index("### Failed")
    shown = Tags(READER.render(told)).text
    for each in (
        "Valid until: 2026-03-02 09:00:00 JST (2026-03-02 00:00:00 UTC)",
        "12.redirect http is redirected with 301 at 192.0.2.1",
        "promised: 301",
        "seen: 302",
        "where: http://api.example.com/",
        "since: 2026-02-28 19:00:00 JST",
        "mend: return 301 https://$server_name$request_uri;",
    ):
        assert each in shown


def test_sections_are_a_table(text):
    rendered = READER.render(text(FAILED))
    rows = re.findall(r"<tr>\n<td>(.*?)</td>\n<td>(.*?)</td>\n<td>(.*?)</td>", rendered)
    assert [name for _, name, _ in rows] == [
        section.en if section.id == "advice" else f"{section.id} {section.en}"
        for section in catalogue().section
        if section.id != "16"
    ]
    assert ("❌ failed", "12 Security", "1 failed, 3 not reviewed") in rows


def test_yes_waivers_statements_and_what_was_not_reviewed(text):
    waiver = Waiver(control="12.redirect", target="api", reason="r", approver="a", expires=TODAY)
    stated = Attestation(control="2.domain", target="api", by="M. Tanaka", on=TODAY, statement="ok", valid_until=TODAY)
    waived = replace(FAILED, word="waived", waiver="waived until 2026-03-01 by K. Sato: old clients")
    unseen = replace(FAILED, word="error", control_id="9.start", promised="", seen="", reason="ssh is down")
    told = text(waived, unseen, exceptions=Exceptions(TODAY, (waiver,), (stated,)))
    shown = Tags(READER.render(told)).text
    assert "waived until 2026-03-01 by K. Sato: old clients" in shown
    assert "stated by M. Tanaka on 2026-03-01" in shown
    assert shown.count("ssh is down: 9.start") == 1
    assert "nobody has stated it: cutover attest: 19.architecture-diagram" in shown


def test_japanese(text):
    told = text(FAILED, lang="ja")
    assert told.startswith("## ❌ 切替不可 – `api`\n")
    assert "| ❌ 不合格 | 12 セキュリティ" in told


def test_a_cause_is_told_with_the_checklists_advice(text):
    told = text(*(replace(FAILED, control_id=each) for each in ("9.status", "11.health")))
    assert "- `9.status` may explain `11.health`\n  - Look at Gunicorn's state" in told


HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "code": "``` ` `` x",
    "only ticks": "`",
    "link": "[a](javascript:alert(1)) ![b](http://evil.example/x.png) <http://evil.example>",
    "table": "a | b | c\n| --- | --- |",
    "headings": "# a\n## b\n---\n===",
    "list": "- a\n1. b\n> c",
    "entity": "&lt;b&gt; &#60;b>",
    "emphasis": "**a** _b_ ~~c~~ __d__",
    "backslash": "\\` \\| \\",
    "control": "\x1b[31m\x00\u202e",
    "reference": "[a]: http://evil.example",
}
KNOWN = {"h2", "h3", "p", "ul", "li", "code", "strong", "table", "thead", "tbody", "tr", "th", "td"}


def plain(told):
    """As it is to be read: on one line, what is hidden made visible."""
    return " ".join("".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in told).split())


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_stranger_says_is_text(text, said):
    odd = dict.fromkeys(("promised", "seen", "where", "mend"), said)
    verdicts = [replace(FAILED, check=f"test_x[{said}]", **odd)]
    verdicts += [replace(FAILED, word="error", reason=said), replace(FAILED, word="waived", waiver=said)]
    read = Tags(READER.render(text(*verdicts, operator=said, commit=said)))
    assert read.tags <= KNOWN
    assert f"seen: {plain(said)}\n" in read.text
    assert f"mend: {plain(said)}\n" in read.text


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("form", [code, prose], ids=["code", "prose"])
def test_both_forms_are_read_as_what_was_said_alone_and_in_a_table(form, said):
    assert Tags(READER.render(f"x {form(said)} x")).text.strip() == f"x {plain(said)} x"
    table = READER.render(f"| a | b |\n| --- | --- |\n{markdown._row(form(said), 'end')}\n")
    cells = [Tags(cell).text for cell in re.findall(r"<td>(.*?)</td>", table)]
    assert cells == [plain(said), "end"]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_it_is_never_larger_than_a_comment_may_be_and_says_what_is_left_out(text, lang):
    labels = [f"api{number}.example.org" for number in range(60)]
    verdicts = [
        replace(FAILED, target=label, check=f"test_x{number}[{label}]", seen="\u65e5" * 400)
        for label in labels
        for number in range(30)
    ]
    told = text(*verdicts, targets=labels, lang=lang)
    assert 50_000 < len(told.encode()) <= markdown.LARGEST
    assert told.index("api0") < 100
    assert "report.html" in told.splitlines()[-1]
    assert re.search(r"\d+ (more parts are left out|個の節を省きました)", told)


def test_nothing_is_left_out_of_one_target(text):
    assert "left out" not in text(FAILED)


def test_it_is_written_into_the_runs_folder(tmp_path):
    assert markdown.write(made_run(tmp_path / "run", FAILED)) == tmp_path / "run/report.md"
    assert (tmp_path / "run/report.md").read_text("utf-8").endswith("\n")
