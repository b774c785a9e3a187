"""``seen`` and ``promised`` change nothing, and what they note reads like a sentence."""

import pytest

from cutover.check import Doc, Reading, control, promised, seen, show, start_reading

VALUES = [301, 0, "", None, True, 2.5, (1, "a"), {"a": 1}, frozenset({22}), [None]]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_noted_value_is_returned_itself(value):
    reading = start_reading()
    assert seen(value, "in words", where="there") is value
    assert promised(value, "as promised") is value
    assert reading == Reading(value, value, "in words", "as promised", "there")


def test_a_fresh_reading_knows_nothing_of_the_one_before():
    seen(302, where="there")
    promised(301)
    assert start_reading() == Reading()


def test_the_last_place_stays_when_none_is_given():
    reading = start_reading()
    seen(1, where="first")
    seen(2)
    assert (reading.seen, reading.where) == (2, "first")


def test_texts_of_an_earlier_value_do_not_stay():
    reading = start_reading()
    seen(1, "one")
    seen(2)
    assert reading.told()[1] == "2"


def test_control_marks_with_the_id():
    mark = control("12.redirect").mark
    assert (mark.name, mark.args) == ("control", ("12.redirect",))


SHOWN = {
    "nothing": (None, "nothing"),
    "true": (True, "yes"),
    "false": (False, "no"),
    "zero is no false": (0, "0"),
    "one is no true": (1, "1"),
    "float": (0.123456, "0.123"),
    "whole float": (2.0, "2"),
    "text": ("no quotes", "no quotes"),
    "tuple": ((12, 5), "12, 5"),
    "empty list": ([], "none"),
    "set in order": ({"b", "a"}, "a, b"),
    "empty set": (frozenset(), "none"),
    "mapping": ({"/": 200, "404": None}, "/: 200; 404: nothing"),
    "empty mapping": ({}, "nothing"),
    "nested": ({"ports": {443, 80}, "up": True}, "ports: 443, 80; up: yes"),
}


@pytest.mark.parametrize(("value", "text"), SHOWN.values(), ids=SHOWN)
def test_shown(value, text):
    assert show(value) == text


# What was promised, what was seen, and how both are told.
TOLD = {
    "numbers": (301, 302, ("301", "302")),
    "booleans": (True, False, ("yes", "no")),
    "nothing seen": (301, None, ("301", "nothing")),
    "sets": ({"22/tcp"}, {"22/tcp", "8000/tcp"}, ("22/tcp", "22/tcp, 8000/tcp")),
    "empty set": (set(), {8000}, ("none", "8000")),
    "floats": (0.25, 0.1234, ("0.25", "0.123")),
    "equal mappings": ({"a": 1, "b": 2}, {"a": 1, "b": 2}, ("a: 1; b: 2", "a: 1; b: 2")),
    "one key differs": ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("b: 2", "b: 3")),
    "one key is missing": ({"a": 1, "b": 2}, {"a": 1}, ("b: 2", "b: nothing")),
    "one key is extra": ({"a": 1}, {"a": 1, "b": 2}, ("b: nothing", "b: 2")),
    "promised order": ({"b": 1, "a": 1}, {"a": 2, "b": 2}, ("b: 1; a: 1", "b: 2; a: 2")),
}


@pytest.mark.parametrize(("promise", "sight", "told"), TOLD.values(), ids=TOLD)
def test_told(promise, sight, told):
    assert Reading(seen=sight, promised=promise).told() == told


def test_told_in_the_words_that_were_given():
    reading = Reading(seen={"a": 1}, promised={"a": 2}, seen_text="", promised_text="at least two")
    assert reading.told() == ("at least two", "")


def both():
    """Because of this
    and of that.

    Mend: do this,
      then that
    """


def why():
    """Because."""


def mend():
    """Mend: do it."""


def neither():
    pass


DOCS = {
    "both": (both, Doc("Because of this and of that.", "do this, then that")),
    "why alone": (why, Doc("Because.", "")),
    "mend alone": (mend, Doc("", "do it.")),
    "neither": (neither, Doc("", "")),
}


@pytest.mark.parametrize(("function", "doc"), DOCS.values(), ids=DOCS)
def test_docstring_is_split_into_why_and_mend(function, doc):
    assert Doc.of(function) == doc
