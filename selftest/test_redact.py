"""Nothing secret and nothing that moves a cursor is kept of what a stranger said; what is judged stays legible."""

import html
import json
import random
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from cutover import redact as redaction
from cutover.redact import hide, redact

ROOT = Path(__file__).parents[1]
PLANTED = "Zq7vXw2Kp9"  # no secret of anybody
HEX = "4f9a1c0d7e8b2a6f"  # likewise, where a secret has no letter beyond f
PATIENCE = 30.0  # seconds: a hang guard
KEY_BLOCK = "-----BEGIN {0}PRIVATE KEY{1}-----\nMIIEvQ{2}\nQDx{2}==\n-----END {0}PRIVATE KEY{1}-----"

# Each holds PLANTED where a secret stands.
SECRETS = {
    "JSON web token": f"at eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{PLANTED}.sig{PLANTED} ends",
    "JSON web token without signature": f"eyJhbGciOiJub25lIn0.eyJzdWIiOiIx{PLANTED}.",
    "bearer": f"sent Bearer {PLANTED}{HEX} twice",
    "bearer in quotes": f'curl -H "Authorization: Bearer {PLANTED}"',
    "bearer in JSON": f'{{"Authorization": "Bearer {PLANTED}{HEX}"}}',
    "basic": f"authorization: Basic {PLANTED}==",
    "basic in JSON": f'{{"Authorization": "Basic {PLANTED}=="}}',
    "authorization without scheme": f"Authorization: {PLANTED}",
    "digest": f'Authorization: Digest username="admin", response="{PLANTED}"',
    "proxy authorization": f"Proxy-Authorization: Basic {PLANTED}==",
    "variable": f"MKS_JWT_SECRET_KEY={PLANTED}",
    "variable with punctuation": f"MKS_DB_PASSWORD=a,{PLANTED};b&{PLANTED}}}{PLANTED}",
    "variable in double quotes": f'export MKS_DB_PASSWORD="a {PLANTED} b"',
    "variable in single quotes": f"MKS_API_KEY='a {PLANTED} b'",
    "variable of a unit": f"Environment=MKS_SECRET_KEY={PLANTED}",
    "JSON": f'{{"password": "{PLANTED}", "x": 1}}',
    "JSON without blanks": f'{{"access_token":"{PLANTED}"}}',
    "JSON with an escaped quote": rf'{{"password": "a\"{PLANTED}"}}',
    "JSON that was cut off": f'{{"refresh_token": "a {PLANTED}',
    "JSON without quotes": f'{{"client_secret": {PLANTED}, "x": 1}}',
    "YAML": f"api_key: {PLANTED}",
    "query": f"GET /callback?token={PLANTED}&page=2",
    "header": f"X-API-Key: {PLANTED}",
    "URL": f"postgresql://mks:{PLANTED}@127.0.0.1/mks",
    "URL without user": f"redis://:{PLANTED}@127.0.0.1:6379/0",
    "URL with an @ in the password": f"postgresql://mks:a@{PLANTED}@127.0.0.1/mks",
    "private key": KEY_BLOCK.format("", "", PLANTED),
    "private key of ssh": KEY_BLOCK.format("OPENSSH ", "", PLANTED),
    "private key of PGP": KEY_BLOCK.format("PGP ", " BLOCK", PLANTED),
    "private key that was cut off": KEY_BLOCK.format("EC ", "", PLANTED).partition("\n-----END")[0],
    "private key in JSON": json.dumps({"pem": KEY_BLOCK.format("RSA ", "", PLANTED)}),
    "cookie set": f"Set-Cookie: session={PLANTED}; Path=/; HttpOnly",
    "cookies sent": f"Cookie: lang=ja; session={PLANTED}",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_no_shape_of_a_secret_survives(text):
    hidden = redact(text)
    assert PLANTED not in hidden
    assert "[redacted]" in hidden
    assert redact(hidden) == hidden


@pytest.mark.parametrize("before", ["", "first line\n", '{"a": 1, '], ids=["alone", "below a line", "in JSON"])
@pytest.mark.parametrize("after", ["", "\nlast line"], ids=["at the end", "above a line"])
def test_what_stands_around_a_secret_survives(before, after):
    assert redact(f'{before}"password": "{PLANTED}"{after}') == f'{before}"password": [redacted]{after}'


# Secrets in use, and a text that holds them.
GIVEN = {
    "anywhere": ([PLANTED], f"you said {PLANTED}!"),
    "inside a word": ([PLANTED], f"x{PLANTED}x"),
    "two": ([PLANTED, HEX], f"{HEX} and {PLANTED}"),
    "one begins like the other": ([PLANTED, PLANTED + HEX], PLANTED + HEX),
    "in JSON": ([f'ä"{PLANTED}\\'], json.dumps({"echo": f'ä"{PLANTED}\\'})),
    "in JSON as UTF-8": ([f'ä"{PLANTED}\\'], json.dumps({"echo": f'ä"{PLANTED}\\'}, ensure_ascii=False)),
    "in JSON with escaped slashes": ([f"a/{PLANTED}"], json.dumps({"echo": f"a/{PLANTED}"}).replace("/", r"\/")),
    "in a page": ([f"a<&'\"{PLANTED}"], f"<p>you said {html.escape(f'a<&{chr(39)}{chr(34)}{PLANTED}')}</p>"),
    "in a query": ([f"ä&{PLANTED}"], "?q=" + quote(f"ä&{PLANTED}")),
    "in a query with slashes": ([f"ä/{PLANTED}"], "?q=" + quote(f"ä/{PLANTED}", "")),
    "in a query in lower case": ([f"ä&{PLANTED}"], "?q=" + quote("ä&").lower() + PLANTED),
    "in a form": ([f"a b {PLANTED}"], "q=" + quote_plus(f"a b {PLANTED}")),
    "not of characters": ([f"\udcff{PLANTED}"], f"%FF{PLANTED} {chr(0xDCFF)}{PLANTED}".replace("%FF", "%3F")),
}


@pytest.fixture(autouse=True)
def nothing_in_use(monkeypatch):
    monkeypatch.setattr(redaction, "_forms_in_use", ())


@pytest.mark.parametrize(("secrets", "text"), GIVEN.values(), ids=GIVEN)
def test_no_secret_in_use_survives(secrets, text):
    for secret in secrets:
        hide(secret)
    hidden = redact(text)
    assert PLANTED not in hidden
    assert HEX not in hidden
    assert "[redacted]" in hidden


@pytest.mark.parametrize("before", ["", "a", "ab", "admin:"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("secret", [PLANTED, PLANTED[:-1], "~~~???ÿÿÿ"])
def test_no_secret_in_use_survives_in_base64(before, encode, secret):
    hide(secret)
    whole = encode(f"{before}{secret}, and more".encode()).decode()
    hidden = redact(f"X-Echo: {whole} end")
    assert whole not in hidden
    # At most what shares a character with something else is left of it.
    begin, end = hidden.removeprefix("X-Echo: ").removesuffix(" end").split("[redacted]")
    assert whole.startswith(begin)
    assert whole.endswith(end)
    left = len(whole) - len(begin) - len(end)
    assert left * 6 >= len(secret.encode()) * 8 - 2 * 6


@pytest.mark.parametrize("secret", ["", "a", "abc"])
def test_a_secret_of_some_letters_hides_nothing(secret):
    hide(secret)
    assert redact("as it was, abc") == "as it was, abc"


# What checks, present or to come, read from a host: it must arrive as it was.
HARMLESS = [
    "PasswordAuthentication no",
    "permitemptypasswords no\npubkeyauthentication yes",
    "PermitRootLogin prohibit-password",
    "200, application/json, token in data.access_token",
    "no token in the answer",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE ops@example",
    "the word secret in a sentence",
    "server_tokens off;",
    "ssl_certificate_key /etc/letsencrypt/live/api.example.com/privkey.pem;",
    "-rw------- 1 root root 1704 Jan  1 00:00 privkey.pem",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "cat: /etc/passwd: Permission denied",
    "root:x:0:0:root:/root:/bin/bash",
    "MKS_DB_PASSWORD=\nMKS_ENV=production",
    "token:\n  lifetime 3600",
    'WWW-Authenticate: Bearer realm="api", error="invalid_token"',
    "Access-Control-Allow-Headers: Authorization, Content-Type",
    "Vary: Cookie, Authorization",
    "proxy_set_header Authorization $http_authorization;",
    "https://api.example.com:443/api/v1/knowledge?page=2&q=%E6%A9%8B",
    "Strict-Transport-Security: max-age=31536000; includeSubDomains",
    "22/tcp                     ALLOW IN    Anywhere                   # OpenSSH",
    "a\ttab, a\nnewline, 日本語, é, 🏗",
    "",
]


@pytest.mark.parametrize("text", HARMLESS, ids=lambda text: text[:40] or "nothing")
def test_harmless_text_stays_as_it_is(text):
    assert redact(text) == text


# What moves cursors, rings bells, ends strings, or turns text around.
CONTROL = ["\x00", "\x07", "\x08", "\r", "\x1b", "\x7f", "\x85", "\x9b", "\u200e", "\u200f", "\u061c"]
CONTROL += ["\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\ud800", "\udfff"]


@pytest.mark.parametrize("code", CONTROL, ids=ascii)
def test_control_characters_become_visible(code):
    visible = redact(f"a{code}b")
    assert visible.isprintable()
    assert visible.startswith("a\\")
    assert visible.endswith(f"{ord(code):x}b")


def test_random_bytes_never_leave_a_control_character():
    source = random.Random(0)  # noqa: S311 - any bytes will do, the same each time
    bidi = [char for char in CONTROL if ord(char) > 0xFF]
    for _ in range(2000):
        text = source.randbytes(source.randrange(60)).decode("utf-8", "replace") + source.choice(bidi)
        text += source.randbytes(source.randrange(60)).decode("latin-1")
        left = set(redact(text)) & {*map(chr, range(32)), *map(chr, range(127, 160)), *CONTROL}
        assert left <= {"\t", "\n"}


# Texts that make a pattern look again and again; each is as long as the output of one command may be.
LENGTH = 256 * 1024
LONG = {
    "one word": "a",
    "dashes": "a-",
    "names of secrets": "password",
    "names of variables": "PASSWORD",
    "names of secrets and blanks": "password ",
    "open quotes": 'secret="',
    "beginnings of tokens": "-eyJaaaaa",
    "beginnings of URLs": "a://b:",
    "beginnings of keys": "-----BEGIN A ",
    "beginnings of headers": "authorization: ",
}


@pytest.mark.parametrize("part", LONG.values(), ids=LONG)
def test_no_text_takes_forever(part):
    program = "import sys; from cutover.redact import redact; redact(sys.argv[1] * int(sys.argv[2]))"
    count = str(LENGTH // len(part))
    subprocess.run([sys.executable, "-c", program, part, count], cwd=ROOT, check=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    "told", ["no token: 200; broken token: 401", "api without token: absent; 404: x", "token: empty"]
)
def test_what_a_check_tells_of_a_request_without_a_token_is_no_secret(told):
    assert redact(told) == told


@pytest.mark.parametrize("value", ["200x", "2000", "absent-minded", "12.34", "emptyhanded"])
def test_what_only_begins_like_that_is_hidden(value):
    assert value not in redact(f"token: {value}")
