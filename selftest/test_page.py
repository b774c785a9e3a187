"""The rule by which an answer under load is the page, or another one with the status 200."""

import pytest

from cutover.in_locust.page import Page

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven")
WORDS = " ".join(f"<p>Paragraph {number} tells something of it." for number in NUMBERS)
HOME = f"<html><head><title>Knowledge</title></head><body><nav>Home Search Login</nav>{WORDS}</body></html>"
NEWS = [
    HOME.replace("</nav>", f"</nav><aside>Latest: {news}</aside>") for news in ("rain today", "snow", "sun at noon")
]
NONCES = [
    HOME.replace("<body>", f'<body><script nonce="{nonce}">')
    for nonce in ("dGhpcyBpcyBh1bm9uY2U", "c29tZXRoaW5n9ZWxzZQa", "8fa2c3b1d4e5f6a7b8c9")
]
HEALTH = '{"status": "ok", "time": "12:04:05", "requests": 17}'


@pytest.mark.parametrize(
    ("quiet", "body"),
    [
        ((), "anything at all"),
        ((HOME,) * 3, HOME),
        ((HOME,) * 3, HOME.replace("seven", "seven or eight")),
        (NEWS, NEWS[0]),
        (NEWS, HOME.replace("</nav>", "</nav><aside>Latest: a storm of the century</aside>")),
        (NONCES, HOME.replace("<body>", '<body><script nonce="Zm91cnRoIG5vbmNlIG9m1">')),
        ((HOME.replace("Login", "Login 12:04"),) * 3, HOME.replace("Login", "Login 13:59")),
        ((HEALTH,) * 3, '{"status": "ok", "time": "12:04:06", "requests": 1823}'),
        (("",) * 3, ""),
        (("ok",) * 3, "ok"),
        (("ok",) * 3, "ok\n"),
    ],
)
def test_is_the_page(quiet, body):
    assert Page(tuple(quiet)).differs(body.encode()) == ""


@pytest.mark.parametrize(
    ("quiet", "body", "told"),
    [
        ((HOME,) * 3, HOME.replace("Knowledge", "Error", 1), "another title: Error"),
        ((HOME,) * 3, "<html><head><title>Knowledge</title></head><body>Try again later</body></html>", "of the"),
        ((HOME,) * 3, HOME.replace(WORDS, "<p>Something went wrong."), "words that the quiet page always has"),
        ((HOME,) * 3, "", "another title: none"),
        (NEWS, "<html><body>Maintenance</body></html>", "another title: none"),
        ((HEALTH,) * 3, '{"status": "error", "time": "12:04:06", "requests": 18}', "7 of the 8 words"),
        (("ok",) * 3, "ok, but the database is gone", "5 of 6 words are not the quiet page's"),
        (("ok",) * 3, "", "0 of the 1 words"),
        (("",) * 3, "Internal error", "2 of 2 words are not the quiet page's"),
        (("",) * 3, "…", "0 of 0 words are not the quiet page's"),
        (("ok",) * 3, "\x00\xff", "0 of the 1 words"),
    ],
)
def test_is_another_page(quiet, body, told):
    assert told in Page(tuple(quiet)).differs(body.encode("utf-8", "surrogateescape"))
