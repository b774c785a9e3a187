"""The reports' fixed texts: complete in both languages, all in use, and chosen by the locale."""

import re
import string
from pathlib import Path

import pytest

from cutover.report import words
from cutover.report.words import Words, both_times, of_locale
from cutover.verdict import OUTCOMES

TABLE = words.TEXTS
REPORT = Path(words.__file__).parent
SOURCES = "".join(file.read_text("utf-8") for file in (*REPORT.rglob("*.py"), *REPORT.rglob("*.jinja")))


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", TABLE)
def test_text_is_there_in_both_languages_and_names_the_same_values(key):
    assert set(TABLE[key]) == {"ja", "en"}
    assert all(text.strip() == text != "" for text in TABLE[key].values())
    assert fields(TABLE[key]["ja"]) == fields(TABLE[key]["en"])


JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
SAME = {"about.version"}


@pytest.mark.parametrize("key", sorted(TABLE.keys() - SAME))
def test_each_language_is_its_own(key):
    assert JAPANESE.search(TABLE[key]["ja"])
    assert not JAPANESE.search(TABLE[key]["en"])


# What is put together of a word in the sources.
BUILT = ("word.", "phase.", "answer.because-", "check.", "answer.yes", "answer.no")


@pytest.mark.parametrize("key", [key for key in TABLE if not key.startswith(BUILT)])
def test_text_is_used(key):
    assert re.search(f"[\"']{re.escape(key)}[\"']", SOURCES)


def test_every_text_that_is_asked_for_is_there():
    groups = "|".join({key.partition(".")[0] for key in TABLE})
    asked = re.findall(rf"""[\"']((?:{groups})\.[a-z-]+)[\"']""", SOURCES)
    files = {"evidence.jsonl", "target.jinja", "box.jinja"}
    assert len(asked) > 50
    assert set(asked) - set(TABLE) - files == set()


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_each_verdict_has_a_word_of_its_own(lang):
    told = [Words(lang).verdict(outcome) for outcome in OUTCOMES]
    assert len(set(told)) == len(OUTCOMES)
    if lang == "en":
        assert told == list(OUTCOMES)


LOCALES = {
    "none": ({}, "en"),
    "C": ({"LANG": "C.UTF-8"}, "en"),
    "Japanese": ({"LANG": "ja_JP.UTF-8"}, "ja"),
    "bare": ({"LANG": "ja"}, "ja"),
    "messages before LANG": ({"LC_MESSAGES": "ja_JP.UTF-8", "LANG": "en_US.UTF-8"}, "ja"),
    "all before messages": ({"LC_ALL": "C", "LC_MESSAGES": "ja_JP.UTF-8"}, "en"),
    "an empty one counts as none": ({"LC_ALL": "", "LANG": "ja_JP.eucJP"}, "ja"),
    "another that begins alike": ({"LANG": "jam_JM"}, "en"),
}


@pytest.mark.parametrize(("environment", "lang"), LOCALES.values(), ids=LOCALES)
def test_language_is_that_of_the_locale(environment, lang):
    assert of_locale(environment) == lang


def test_a_moment_is_told_in_both_times():
    assert both_times("2026-11-29T17:19:51+00:00") == "2026-11-30 02:19:51 JST (2026-11-29 17:19:51 UTC)"
    assert both_times("2026-11-30T02:19:51+09:00") == "2026-11-30 02:19:51 JST (2026-11-29 17:19:51 UTC)"
