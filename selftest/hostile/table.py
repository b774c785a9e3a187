"""A case of the tables: what a peer does, and what a run must say of it."""

from typing import NamedTuple

# What must be told nowhere. The first two are the operator's; the others have a shape that gives them away.
PASSWORD = "Zq7vXw2Kp9-hostile"  # noqa: S105 - of peers that end with the test
TOKEN = "opaque.Mn4bQz8RtYhostile77Mn4bQz8RtY"  # noqa: S105
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJob3N0aWxlIn0.c2lnbmF0dXJlLW9mLWhvc3RpbGU"
BEARER = "Kx93hostileBearer55"
COOKIE = "cookie55hostile66value"
KEY = "MIIEvhostilePrivateKey0000"
ENTRY = "hunter2-hostile-entry"
SECRETS = (PASSWORD, TOKEN, JWT, BEARER, COOKIE, KEY, ENTRY)
PLANTED = (
    f"Authorization: Bearer {BEARER}\nSet-Cookie: session={COOKIE}; Path=/\n{JWT}\nDB_PASSWORD={ENTRY}\n"
    f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n"
)
VARIABLE = "HOSTILE_PASSWORD"

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>]]>&lt;"
# Colours, a bell, a title, a line that is taken back, text from right to left, what is not seen at all.
ESCAPES = "\x1b[31mred\x07\x1b]0;title\x07\x08\r\x9b2J\u202egnp.exe\u2066\u200b"


class Case(NamedTuple):
    """``serve`` is the peer; ``word`` and ``told`` are what one verdict at least must say, of ``check`` if named."""

    name: str
    serve: object
    word: str
    told: str
    check: str


class Table(dict):
    """The cases of one layer, by name."""

    def case(self, word, told, check=""):
        """The function that is decorated is the peer; its docstring is what the peer does."""

        def add(serve):
            assert serve.__doc__, serve.__name__
            name = serve.__name__.replace("_", "-")
            assert name not in self
            self[name] = Case(name, serve, word, told, check)
            return serve

        return add
