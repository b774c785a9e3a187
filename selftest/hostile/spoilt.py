"""Visits to a server whose answers were spoilt: what its commands printed, cut, doubled, shuffled or swollen."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import signal
from dataclasses import replace

from hypothesis import strategies as st

from cutover.demo import SERVER_FACTS
from cutover.facts.evidence import Output, Outputs
from cutover.inventory import Database, Metrics, Server, Target
from cutover.probes import saved
from cutover.probes.script import OUTPUT_BYTES
from cutover.probes.server import AFTER, COMMANDS, DURING
from cutover.redact import redact
from selftest.rows import HOST
from selftest.ubuntu_facts import RELEASES, outputs_of

TARGET = Target(
    host=HOST,
    database=Database(),
    metrics=Metrics(),
    server=Server(
        way_in="local://", remote="/srv/git/app.git", cors_origins=("https://example.test",), allow_active=True
    ),
)
# What the recorded host, a container that was looked at once, does not answer.
MORE = {
    "access-logs": "marked 12 /var/log/nginx/access.log\nmarked 12 /var/log/nginx/other.log\n",
    "error-logs": "since 2026/11/25 12:00:00\nnginx 0\napplication 0\n",
    "identity": "machine 0a1b\nboot 12-34\ncommit 63b2b6e6\nservice Mon 2026-11-30 a1b2\nssh SHA256:abc (ED25519)\n",
    "load-memory": (
        "holders 10\nsample 1.5 900 10/100 11/200\nmark load\nsample 2.0 800 10/100 11/300\nmark after\n"
        "sample 3.0 900 10/100 11/200\nstopped\n"
    ),
    "mandatory-access": "profiles 3 complain\nprofiles 12 enforce\napparmor Y\nselinux none\n",
    "kernel-settings": "".join(
        f"{name}:1\n"
        for name in (
            *("kernel/kptr_restrict", "kernel/randomize_va_space", "net/ipv4/tcp_syncookies"),
            *(
                f"net/ipv4/conf/{interface}/{setting}"
                for interface in ("all", "default", "lo", "eth0")
                for setting in ("forwarding", "rp_filter", "accept_redirects", "send_redirects", "accept_source_route")
            ),
            *(
                f"net/ipv6/conf/{interface}/{setting}"
                for interface in ("all", "eth0")
                for setting in ("forwarding", "accept_redirects")
            ),
        )
    ),
}
# What numbers, words and separators of a host's answer may become.
WORDS = (
    *("", "-1", "0", "00", "1e999", "nan", "inf", "0x10", "1_0", "²", "١٢", "9" * 20, "9" * 5000, "-" + "9" * 400),
    *(
        "9" * 12,
        "1969-12-31",
        "9999-99-99",
        "0000-00-00",
        "256.0.0.1",
        "::::",
        "[",
        "(",
        "{",
        "\\",
        "'",
        '"',
        "%",
        "*/0",
    ),
    *("60-1", "n/a", "\t", "\n", " ", "\x00", "\x1b[31m", "\u202e", "\ufffd", "<script>", "key ", "a" * 3000),
)
_PIECES = re.compile(r"\d+|[A-Za-z_]+|[^\sA-Za-z_\d]")


def visits():
    """What healthy hosts answered: the recorded Debian, and the composed releases of Ubuntu."""
    hosts = [saved.read(SERVER_FACTS, Outputs), *(outputs_of(release, {}) for release in RELEASES)]
    commands = COMMANDS | AFTER | DURING
    more = {name: Output(commands[name].line, 0, text, "", 0.01) for name, text in MORE.items()}
    return [replace(host, host=HOST, outputs=host.outputs | more) for host in hosts]


class Noticing(dict):
    """Outputs that note which of them are asked for."""

    def __init__(self, outputs):
        super().__init__(outputs)
        self.asked = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


SHARE = st.floats(0, 1, exclude_max=True)
WORD = st.sampled_from(WORDS) | st.text(max_size=12)


def _drop(lines, at, other, word):
    del lines[at]


def _double(lines, at, other, word):
    lines.insert(other, lines[at])


def _swap(lines, at, other, word):
    lines[at], lines[other] = lines[other], lines[at]


def _put(lines, at, other, word):
    lines.insert(at, f"{word}\n")


def _replace(lines, at, other, word):
    """Another word in place of one of the line's."""
    pieces = list(_PIECES.finditer(lines[at]))
    if pieces:
        piece = pieces[other % len(pieces)]
        lines[at] = lines[at][: piece.start()] + word + lines[at][piece.end() :]


def _cut(lines, at, other, word):
    lines[at] = lines[at][: other % (len(lines[at]) + 1)]
    del lines[at + 1 :]


def _blank(lines, at, other, word):
    lines[at] = lines[at].replace(" ", word)


CHANGES = (_drop, _double, _swap, _put, _replace, _replace, _replace, _cut, _blank)


@st.composite
def texts(draw, text):
    """The text, spoilt in one to four places, or another one altogether."""
    lines = text.splitlines(keepends=True)
    if not lines or draw(st.integers(0, 19)) == 0:
        return redact(draw(st.text(max_size=200)))
    for _ in range(draw(st.integers(1, 4))):
        if lines:
            change, at, other, word = draw(st.sampled_from(CHANGES)), draw(SHARE), draw(SHARE), draw(WORD)
            far = int(other * 1000) if change in (_replace, _cut) else int(other * len(lines))
            change(lines, int(at * len(lines)), far, word)
    return redact("".join(lines))[:OUTPUT_BYTES]


@st.composite
def outputs(draw, output):
    """One command's output, spoilt."""
    spoilt = replace(output, stdout=draw(texts(output.stdout)))
    if draw(st.integers(0, 9)) == 0:
        spoilt = replace(spoilt, rc=draw(st.sampled_from([0, 1, 2, 3, 4, 124, 127, 137, 255])))
    if draw(st.integers(0, 9)) == 0:
        spoilt = replace(spoilt, stderr=redact(draw(WORD)))
    return spoilt


@st.composite
def spoilt_visits(draw, hosts, names):
    """A visit on which one to three of these commands answered something else, or nothing."""
    host = draw(st.sampled_from(hosts))
    changed = dict(host.outputs)
    for name in draw(st.lists(st.sampled_from(sorted(names)), min_size=1, max_size=3, unique=True)):
        if draw(st.integers(0, 29)) == 0:
            del changed[name]
        else:
            changed[name] = draw(outputs(changed[name]))
    return replace(host, outputs=changed)


@contextlib.contextmanager
def bounded(seconds):
    """AssertionError when the block takes more of the processor's time than that: a hang guard."""

    def stop(*_):
        raise AssertionError(f"took more than {seconds} s of the processor")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def look_through(facts, seen=None):
    """Ask for all that facts tell: every field and property, down to the text; yields each text."""
    seen = set() if seen is None else seen
    if isinstance(facts, str):
        yield facts
    elif id(facts) in seen or isinstance(facts, type):
        return
    elif isinstance(facts, dict):
        seen.add(id(facts))
        yield from look_through(list(facts.items()), seen)
    elif isinstance(facts, tuple | list | set | frozenset):
        seen.add(id(facts))
        for each in tuple(facts):
            yield from look_through(each, seen)
    elif dataclasses.is_dataclass(facts):
        seen.add(id(facts))
        assert type(facts).__dataclass_params__.frozen, type(facts)
        for field in dataclasses.fields(facts):
            yield from look_through(getattr(facts, field.name), seen)
        for name, value in vars(type(facts)).items():
            if isinstance(value, property):
                yield from look_through(getattr(facts, name), seen)


def swollen(text):
    """Texts as long as is read of one command: one character, one line, one line with ever another number."""
    yield from (fill(unit) for unit in ("a", " ", "(", "\n", "0 "))
    shapes = {re.sub(r"\d+", "0", line)[:18]: line for line in text.splitlines(keepends=True) if line.strip()}
    for line in list(shapes.values())[:2]:
        bare = line.rstrip("\n")
        parts = re.split(r"(\d+)(?=\D*$)", bare, maxsplit=1) if re.search(r"\d", bare) else [bare, "", ""]
        count = OUTPUT_BYTES // (len(bare) + 6)
        yield text + fill(line)
        yield text + bare + fill("a")
        yield text + bare + fill(" ")
        yield text + "".join(f"{parts[0]}{number}{parts[2]}\n" for number in range(count))


def fill(unit):
    """The unit over and over, up to what is read."""
    return unit * (OUTPUT_BYTES // len(unit))
