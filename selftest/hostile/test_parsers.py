"""Every parser of a host's output on spoilt answers: facts, or ProbeError or NotDeclared, in time; nothing else."""

import ast
import contextlib
import importlib
import inspect
import pkgutil
import re
from dataclasses import replace

import dns.message
import dns.name
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cutover import facts as package
from cutover.errors import NotDeclared, ProbeError, UsageError
from cutover.facts import caa, hsts, nginx_config, packet_filter, packets
from cutover.facts.crontab import Programs
from cutover.facts.evidence import Outputs
from cutover.probes import hello, query, saved, script, server, sslyze
from cutover.probes.answers import Body
from cutover.redact import redact
from selftest.hostile import fixtures_by_hand as by_hand
from selftest.hostile.spoilt import (
    TARGET,
    WORDS,
    Noticing,
    bounded,
    look_through,
    spoilt_visits,
    swollen,
    texts,
    visits,
)
from selftest.rows import ROOT

HOSTS = visits()
SECONDS = 10.0  # of the processor: a hang guard; each takes some milliseconds
ESCAPES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# Commands that many parsers look at, each held once: where another's facts are read on the way.
OF_OTHERS = {
    "Monitors": frozenset({"cron-jobs", "cron-daemon", "cron-users"}),
    "BackupScript": frozenset({"cron-jobs", "cron-daemon", "cron-users"}),
    "NginxUnit": frozenset({"nginx-config"}),
    "Forwarding": frozenset({"iptables", "ip6tables"}),
    "AppLogs": frozenset({"app-port", "app-processes"}),
    "Memory": frozenset({"app-port", "app-processes"}),
    "CoreDumps": frozenset({"app-port", "app-processes"}),
    "ReplacedFiles": frozenset({"app-processes"}),
    "Support": frozenset({"os-release"}),
}
MANY = settings(suppress_health_check=list(HealthCheck), database=None)

# What a parser takes beside the visit's outputs.
BESIDE = {
    "hours": 24.0,
    "limit": 2.0,
    "host": TARGET.host,
    "name": "app-check",
    "data_dir": TARGET.server.data_dir,
    "path": f"{TARGET.server.app_dir}/backup.sh",
    "backup_dir": TARGET.server.backup_dir,
}


def parsers():
    """Every class of facts that is read from a visit, by its place."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            read = getattr(kind, "read", None)
            if kind.__module__ == module.name and read and "outputs" in inspect.signature(read).parameters:
                yield pytest.param(kind, id=f"{module.name.rpartition('.')[2]}.{name}")


PARSERS = list(parsers())


def read(kind, outputs):
    """All that these facts tell; the words of a ProbeError or NotDeclared where they tell nothing."""
    known = {"outputs": outputs, **BESIDE}
    try:
        facts = kind.read(**{name: known[name] for name in inspect.signature(kind.read).parameters})
        return list(look_through(facts))
    except (ProbeError, NotDeclared) as error:
        return [str(error), getattr(error, "advice", "")]


def names_of(kind):
    """The commands whose outputs a parser reads."""
    found = set()
    for host in HOSTS:
        noticing = Noticing(host.outputs)
        read(kind, replace(host, outputs=noticing))
        found |= noticing.asked
    return found & HOSTS[0].outputs.keys()


@pytest.mark.parametrize("kind", PARSERS)
def test_a_spoilt_answer_is_facts_or_a_probe_error(kind):
    names = names_of(kind)
    assert names

    @given(spoilt_visits(HOSTS, names))
    @settings(MANY, max_examples=12)
    def holds(outputs):
        with bounded(SECONDS):
            told = read(kind, outputs)
        assert [text for text in told if ESCAPES.search(text)] == []

    holds()


def judged_here():
    """The checks of the server's inside, each with the commands that its verdict rests on."""
    host = HOSTS[0]
    for case in by_hand.cases():
        noticing = Noticing(host.outputs)
        try:
            by_hand.judge(case, replace(host, outputs=noticing), {})
        except by_hand.FromOutside:
            continue
        yield case, frozenset(noticing.asked)


CASES = list(judged_here())


def test_the_checks_of_the_servers_inside_are_judged_here():
    assert len({case.check for case, _ in CASES}) > 100


@given(spoilt_visits(HOSTS, HOSTS[0].outputs.keys()))
@settings(MANY, max_examples=100)
def test_every_check_of_a_spoilt_visit_has_a_verdict(visit):
    spoilt = {name for name in HOSTS[0].outputs if visit.outputs.get(name) not in [h.outputs[name] for h in HOSTS]}
    known = {}
    with bounded(SECONDS):
        told = [by_hand.judge(case, visit, known) for case, names in CASES if names & spoilt]
    assert [text for _, words in told for text in words if ESCAPES.search(text)] == []


@pytest.mark.parametrize("kind", PARSERS)
def test_as_much_as_is_read_of_a_command_is_read_in_time(kind):
    """256 KB of one line of the command's own, of one character, of nothing but brackets."""
    for name in sorted(names_of(kind) - OF_OTHERS.get(kind.__name__, frozenset())):
        output = HOSTS[0].outputs[name]
        for text in swollen(output.stdout):
            with bounded(SECONDS):
                read(kind, replace(HOSTS[0], outputs=HOSTS[0].outputs | {name: replace(output, stdout=text)}))


MARK = "00112233445566778899aabbccddeeff"
FRAMED = f"\n{MARK} at 1795578826.5 100.00\n\n{MARK} out nproc\n12\n\n{MARK} err nproc 100.00 100.01\n\n0\n{MARK} end\n"
GREETED = "160303002a020000260303" + "00" * 32 + "00c02f000000"


def _greeting(told):
    left = bytearray(told)

    class Reader:
        def take(self, count):
            if len(left) < count:
                raise ConnectionResetError
            taken = bytes(left[:count])
            del left[:count]
            return taken

    return hello._answer(Reader())


class Text:
    """A file of saved facts that is not on the disk."""

    def __init__(self, text):
        self.text = text

    def read_text(self, _):
        return self.text


def _iptables():
    return HOSTS[0].outputs["iptables"].stdout


NGINX = HOSTS[0].outputs["nginx-config"].stdout.partition("\n=== ciphers\n")[0]
# Saved facts of one command.
FEW = TypeAdapter(Outputs).dump_json(replace(HOSTS[0], outputs={"df": HOSTS[0].outputs["df"]})).decode()
FEW = f'{{"facts": {FEW}}}'

# Those that read one text: the function, a text that is right, and what else than facts may come of one that is not.
TEXTS = {
    "crontab.Programs.read": (Programs.read, "file 755 /bin/sh\nuses /bin/sh curl\nparses /a\n", ValueError),
    "nginx_config.Config.read": (nginx_config.Config.read, NGINX, ProbeError),
    "packet_filter.parse": (lambda text: packet_filter.parse(text, "filter"), _iptables(), ValueError),
    "packets.parse_ports": (packets.parse_ports, "80,443,8000:8010", ValueError),
    "packets.parse_network": (packets.parse_network, "10.0.0.0/8", ValueError),
    "hsts.parse": (hsts.parse, 'max-age="31536000"; includeSubDomains; preload', ()),
    "answers.Body.read": (Body.read, '{"data": {"access_token": "x", "n": [1, 2.5, null]}}', ()),
    "sslyze.read": (
        lambda text: sslyze.read(text.encode("utf-8", "replace"), "peer"),
        (ROOT / "selftest/recorded/sslyze-good.json").read_text(),
        ProbeError,
    ),
    "script.parse": (lambda text: script.parse(server.COMMANDS, MARK, text.encode("utf-8", "replace")), FRAMED, ()),
    "query.read": (
        lambda text: query.read(query.Reply(dns.message.from_text(text)), dns.name.from_text(TARGET.host), "A"),
        f"id 1\nopcode QUERY\nrcode NOERROR\nflags QR AA\n;QUESTION\n{TARGET.host}. IN A\n"
        f";ANSWER\n{TARGET.host}. 60 IN A 192.0.2.1\n",
        Exception,  # of dnspython's own reader of text, which no host reaches
    ),
    "saved.read": (lambda text: saved.read(Text(text), Outputs), FEW, UsageError),
    "redact.redact": (redact, "Authorization: Bearer abcdefgh\nset-cookie: a=b; Path=/\nKEY=1\n://u:p@h\n", ()),
    "caa.identifiers": (caa.identifiers, r"CN=R3,O=Let\'s Encrypt,C=US", NotDeclared),
}


def named_like_a_parser():
    """Functions and methods called read… or parse… in the folders of facts and probes, by their place."""
    for file in sorted((*ROOT.glob("cutover/facts/*.py"), *ROOT.glob("cutover/probes/*.py"))):
        tree = ast.parse(file.read_text("utf-8"))
        for node in tree.body:
            for function in node.body if isinstance(node, ast.ClassDef) else [node]:
                if isinstance(function, ast.FunctionDef) and re.match(r"(read|parse)(_|$)", function.name):
                    of = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
                    yield f"{file.stem}.{of}{function.name}"


# Called so, and parse nothing: they hand out, or read what our own driver of load wrote.
NO_PARSERS = {"survey.Survey.read", "survey.Readable.read", "samples.Samples.read"}


def test_no_parser_is_left_out():
    held = {f"{param.id}.read" for param in PARSERS} | TEXTS.keys() | NO_PARSERS
    assert set(named_like_a_parser()) - held == set()
    assert TEXTS.keys() - set(named_like_a_parser()) == {"redact.redact", "caa.identifiers"}


@pytest.mark.parametrize("name", TEXTS)
def test_a_spoilt_text_is_facts_or_the_error_that_it_promises(name):
    function, text, allowed = TEXTS[name]

    @given(texts(text) | st.text(max_size=60) | st.sampled_from(WORDS))
    @settings(MANY, max_examples=80)
    def holds(spoilt):
        with bounded(SECONDS), contextlib.suppress(*([allowed] if allowed else [])):
            list(look_through(function(spoilt)))

    function(text)
    holds()


@given(st.binary(max_size=80) | st.tuples(st.integers(0, 46), st.integers(0, 255)).map(lambda at: flipped(*at)))
def test_whatever_a_server_greets_with_is_a_choice_or_none(told):
    with contextlib.suppress(ValueError, ConnectionResetError):
        _greeting(told)


def flipped(at, value):
    told = bytearray.fromhex(GREETED)
    told[at] = value
    return bytes(told)
