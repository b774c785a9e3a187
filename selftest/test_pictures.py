"""Pictures for the report: well-formed, self-contained, hostile text escaped, and true to the numbers they show."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.facts.http import Phases
from cutover.facts.latency import Answer, Series
from cutover.facts.load import Load, Sample
from cutover.report import pictures
from cutover.report.pictures import Axis, Step

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script> ]]> & \"quotes\" 'too' {id} \u202e 応答"
SECONDS = st.floats(0, 1e5)
LIMIT = st.floats(0.001, 600)


def load(samples):
    return Load("https://api.example.com/", "192.0.2.1", len(samples), 10, False, 1.0, tuple(samples), ())


def sample(started, seconds, failure=""):
    return Sample(started, seconds, 503 if failure else 200, 100, failure)


def drawn(picture):
    """The picture as a reader of XML has it; its title, and what a screen reader is told of it."""
    root = ET.fromstring(picture)  # noqa: S314 - our own
    return root, root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")


STEPS = [Step(5, 48.0, 0.09, 0), Step(20, 180.0, 0.14, 0), Step(40, 175.0, 2.5, 0), Step(80, 90.0, 0.5, 7)]
PICTURES = {
    "distribution": lambda title: pictures.distribution(title, [0.1, 0.2, 3.0], 2.0),
    "over time": lambda title: pictures.over_time(title, load([sample(0, 0.1), sample(1, 0.2, "5xx")]), 2.0),
    "ramp": lambda title: pictures.ramp(title, STEPS, 2.0),
    "nothing": lambda title: pictures.distribution(title, [], 2.0),
    "no load": lambda title: pictures.over_time(title, load([]), 2.0),
    "no ramp": lambda title: pictures.ramp(title, [], 2.0),
}


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
def test_it_stands_by_itself_and_hostile_text_is_text(draw):
    picture = draw(HOSTILE)
    root, title, told = drawn(picture)
    assert (title, root.get("role")) == (HOSTILE, "img")
    assert told
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "defs", "pattern", "rect", "line", "path", "circle", "text")
    }
    links = re.findall(r"(?:href|src|url|@import|on\w+)\s*[=(][^\s>]*", re.sub(r">[^<]*<", "><", picture))
    assert all(link.startswith("url(#picture-") for link in links)
    # Every id it names is its own, and no other picture's.
    ids = {element.get("id") for element in root.iter() if element.get("id")}
    named = set(re.findall(r"url\(#([\w-]+)\)", picture)) | set(root.get("aria-labelledby").split())
    assert named <= ids
    other = drawn(draw("another"))[0]
    assert not ids & {element.get("id") for element in other.iter() if element.get("id")}
    assert draw(HOSTILE) == picture


def test_a_distribution_tells_how_many_were_within_the_limit():
    _, _, told = drawn(pictures.distribution("x", [0.1] * 94 + [2.0] * 3 + [2.1] * 3, 2.0))
    assert told == "97 of 100 answers within the limit of 2 s; median 100 ms, p95 2 s, slowest 2.1 s"


def test_wrong_answers_have_no_place_in_a_distribution_of_times():
    answers = [Answer("me", status, "application/json", Phases(0, 0, 0.5, 0)) for status in (200, 200, 429)]
    _, _, told = drawn(pictures.series("x", Series("https://x/", "", tuple(answers)), 2.0))
    assert told.startswith("2 of 2 answers within")
    _, _, told = drawn(pictures.stage("x", load([sample(0, 0.5), sample(0, 0.001, "5xx")]), 2.0))
    assert told.startswith("1 of 1 answers within")


def test_a_load_over_time_tells_its_worst():
    samples = [sample(n / 10, 0.1) for n in range(100)] + [sample(5.01, 3.0), sample(5.02, 0.01, "5xx")]
    root, _, told = drawn(pictures.over_time("x", load(samples), 2.0))
    assert told == "102 requests in 10 s, 1 failed; at most 14 requests a second; p95 at worst 3 s"
    crossed = [rect for rect in root.iter(f"{SVG}rect") if "cross" in rect.get("fill")]
    assert len(crossed) == 1


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            STEPS,
            "the promise held up to 20 users, with 180 requests a second; "
            "at 40 users p95 was 2.5 s, and 0 requests failed",
        ),
        (STEPS[:2], "the promise held up to 20 users, with 180 requests a second; it was not broken at any step"),
        (STEPS[3:], "the promise did not hold at any step; at 80 users p95 was 500 ms, and 7 requests failed"),
    ],
)
def test_a_ramp_tells_its_knee(steps, told):
    root, _, seen = drawn(pictures.ramp("x", steps, 2.0))
    assert seen == told
    assert ("knee: 20 users" in "".join(root.itertext())) == ("20 users" in told)


@pytest.mark.parametrize(
    ("title", "shown"), [("a" * 66, "a" * 66), ("a" * 67, "a" * 65 + "…"), ("応" * 40, "応" * 32 + "…")]
)
def test_a_title_that_is_too_long_is_cut_where_it_is_drawn(title, shown):
    root, whole, _ = drawn(pictures.distribution(title, [0.1], 2.0))
    assert whole == title
    assert next(text.text for text in root.iter(f"{SVG}text")) == shown


@given(st.lists(SECONDS, min_size=1, max_size=50), LIMIT)
def test_whatever_was_measured_is_drawn_inside(answers, limit):
    for picture in (
        pictures.distribution("x", answers, limit),
        pictures.over_time("x", load([sample(n, each) for n, each in enumerate(answers)]), limit),
        pictures.ramp("x", [Step(n + 1, each, each, n % 2) for n, each in enumerate(answers)], limit),
    ):
        root, _, _ = drawn(picture)
        assert "nan" not in picture
        assert "inf" not in picture
        for element in root.iter():
            for name, most in (("x", 720), ("x1", 720), ("x2", 720), ("cx", 720), ("y", 340), ("y1", 340), ("cy", 340)):
                assert 0 <= float(element.get(name) or 0) <= most


@given(LIMIT, st.floats(1.1, 1e6), st.booleans())
def test_ticks_are_few_and_inside(low, ratio, by_tens):
    axis = Axis(low if by_tens else 0.0, low * ratio, 0, 100, by_tens)
    assert len(axis.ticks()) <= 10
    assert all(axis.low * 0.999 <= tick <= axis.high * 1.01 for tick in axis.ticks())
