"""Memory under load: the host's script in a real shell beside a real process tree, and what its samples tell."""

import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.evidence import Outputs
from cutover.facts.load_memory import DURING, LoadMemory
from cutover.inventory import Peer, Server, Target
from cutover.probes import load_memory, privileges, server, survey
from cutover.probes.privileges import root_calls, sudoers
from selftest.rows import AT, HOST, printed

MIB = 2**20


def samples(*parts, mark=True):
    """A visit whose samples are, by part, the KiB of the processes 10, 11, …"""
    lines = ["holders 10 11 "]
    for name, rows in zip(("", "load", "after"), parts, strict=False):
        lines += [f"mark {name}"] if name and mark else []
        for at, row in enumerate(rows):
            told = row if isinstance(row, str) else " ".join(f"{10 + n}/{kib}" for n, kib in enumerate(row))
            lines.append(f"sample {at}.25 {2 * MIB - 1024 * at} {told}".rstrip())
    return printed({"load-memory": "\n".join([*lines, "stopped"]) + "\n"})


def test_before_peak_and_after():
    facts = LoadMemory.read(
        samples([(100, 210), (100, 200)], [(100, 300), (100, 900), (100, 400)], [(90, 260), (90, 250)])
    )
    assert facts.before.used_bytes == 300 * 1024
    assert (facts.peak.used_bytes, facts.peak.part) == (1000 * 1024, "load")
    assert facts.after.used_bytes == 340 * 1024
    assert facts.grown_bytes == 40 * 1024
    assert facts.least_available_bytes == 1024 * (2 * MIB - 2048)
    told = "7 samples: before 0.3 MiB; peak 1.0 MiB; after 0.3 MiB; least available 2046.0 MiB"
    assert [entry.answer for entry in facts.evidence] == [told]


def test_growth_is_not_judged_where_a_process_was_replaced():
    facts = LoadMemory.read(samples([(100, 200)], [(100, 200)], ["10/100 12/50"]))
    with pytest.raises(ProbeError, match=r"^1 of the application's 2 processes ended under load") as caught:
        _ = facts.grown_bytes
    assert "max_requests" in caught.value.advice
    assert facts.peak.used_bytes == 300 * 1024


def test_a_process_that_came_and_went_under_load_is_no_replacement():
    facts = LoadMemory.read(samples([(100,)], [(100, 500)], [(100,)]))
    assert (facts.grown_bytes, facts.peak.used_bytes) == (0, 600 * 1024)


BROKEN = {
    "no load": (samples([(1,)], [], []), "before, during and after"),
    "no after": (samples([(1,)], [(1,)]), "before, during and after"),
    "no before": (samples([], [(1,)], [(1,)]), "before, during and after"),
    "marks of a stranger": (samples([(1,)], [(1,)], [(1,)], mark=False), "before, during and after"),
    "gone": (samples([(1,)], [()], [(1,)]), "nothing was on the application's port"),
    "other form": (samples([(1,)], ["10/x"], [(1,)]), "unknown form"),
    "nothing": (printed({"load-memory": ""}), "not watched to the end"),
    "too long": (printed({"load-memory": "holders 1\nsample 1.0 5 1/1\ntoo long\n"}), "not watched to the end"),
}


@pytest.mark.parametrize(("outputs", "cause"), BROKEN.values(), ids=BROKEN)
def test_what_was_not_seen_whole_is_not_judged(outputs, cause):
    with pytest.raises(ProbeError, match=cause):
        LoadMemory.read(outputs)


def test_no_word_is_asked_of_sudo_that_was_not_asked_for_before(monkeypatch):
    target = Target(host=HOST, server=Server(way_in="ssh://cutover@api.example.com"))
    places = server.variables(target, target.server)
    (command,) = DURING.values()
    assert {words[0] for words in root_calls(command.line, places)} == {"ss", "find"}
    with_it = sudoers(target, target.server, "cutover")
    monkeypatch.setattr(privileges, "DURING", {})
    without = sudoers(target, target.server, "cutover")
    rules = [{line for line in text.splitlines() if line.startswith("cutover ")} for text in (with_it, without)]
    assert rules[0] == rules[1]
    assert "load-memory" in with_it


# A master with a child and a grandchild, in the places of what needs root and of what listens.
TREE = """\
import os, sys, time
if os.fork() == 0:
    os.fork()
held = b"x" * (20 * 2**20)
sys.stdout.write("up\\n"); sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def application():
    with subprocess.Popen([sys.executable, "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as master:
        for _ in range(3):
            assert master.stdout.readline() == b"up\n"
        yield master.pid
        master.stdin.close()


@pytest.fixture
def host(application, monkeypatch):
    """This machine, on which the application's master is said to hold the port."""
    (command,) = DURING.values()
    listens = f'LISTEN 0 1 127.0.0.1:8000 0.0.0.0:* users:(("x",pid={application},fd=5))'
    stub = f"ss() {{ echo '{listens}'; }}\n" + 'root() { "$@"; }\n'
    monkeypatch.setattr(server, "DURING", {"load-memory": replace(command, line=stub + command.line)})
    return Target(host=HOST, server=Server(way_in="local://", sudo=False))


def watched(target, load=lambda: None):
    watch, brought = load_memory.Watch(), []
    visit = threading.Thread(target=lambda: brought.append(watch.look(target)))
    visit.start()
    with watch.over(visit):
        load()
    assert not visit.is_alive()
    return brought[0]


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="needs the kernel's own sum")
def test_a_real_tree_is_watched_from_before_the_load_until_after_it(host, application, monkeypatch):
    monkeypatch.setattr(load_memory, "SETTLE_SECONDS", 1.5)
    again = threading.Event()
    facts = LoadMemory.read(watched(host, load=lambda: again.wait(1.5)))
    pids = {frozenset(sample.pss_bytes) for sample in facts.samples}
    assert len(pids) == 1
    assert len(pids.pop()) == 3
    assert application in facts.before.pss_bytes
    # Pages that the three share count once, and each has 20 MiB of its own.
    assert 60 * MIB < facts.before.used_bytes < 160 * MIB
    assert abs(facts.grown_bytes) < 8 * MIB
    assert facts.least_available_bytes > 0


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="needs the kernel's own sum")
def test_a_mark_that_was_lost_is_said_again(host, monkeypatch, tmp_path):
    """Whoever reads it may be stopped between hearing and telling it."""
    (command,) = server.DURING.values()
    lost = tmp_path / "lost"
    loses = f'timeout() {{ [ -e {lost} ] || {{ : >{lost}; set -- 0.5 wc -c; }}; command timeout "$@"; }}\n'
    monkeypatch.setattr(server, "DURING", {"load-memory": replace(command, line=loses + command.line)})
    monkeypatch.setattr(load_memory, "SETTLE_SECONDS", 0.6)
    again = threading.Event()
    assert LoadMemory.read(watched(host, load=lambda: again.wait(0.6))).samples
    assert lost.exists()


def test_a_visit_that_fails_holds_up_no_load(monkeypatch):
    broken = Target(host=HOST, server=Server(way_in="local://", sudo=False))
    monkeypatch.setattr(server, "DURING", {"load-memory": replace(*DURING.values(), line="echo no ss >&2; exit 1")})
    monkeypatch.setattr(load_memory, "SETTLE_SECONDS", 0.0)
    with pytest.raises(ProbeError, match="failed: no ss"):
        LoadMemory.read(watched(broken))


def test_another_way_in_cannot_be_heard_and_is_not_reviewed():
    with pytest.raises(NotDeclared, match="ssh:// or local://, not by docker://api"):
        load_memory.Watch().look(Target(host=HOST, server=Server(way_in="docker://api")))
    with pytest.raises(NotDeclared, match="no way into the server is declared"):
        load_memory.Watch().look(Target(host=HOST))


PEERS = (Peer(Target(host=HOST), "192.0.2.1"), Peer(Target(host=HOST), "192.0.2.2"))


def test_what_is_watched_beside_load_brings_its_load_with_it():
    wanted = survey.Survey({HOST: PEERS}, {}).with_their_load([("load_memory", HOST), ("server", HOST)])
    assert wanted == {("load_memory", HOST), ("server", HOST), *(("load", peer.label) for peer in PEERS)}
    assert survey.Survey({HOST: PEERS}, {}).with_their_load([("server", HOST)]) == {("server", HOST)}


def test_it_begins_before_the_first_load_and_ends_after_the_last(monkeypatch):
    told = []

    def look(target, watch):
        told.append("begun")
        watch._hear(bytearray(b"begun\nheard load\nheard after\n"))
        assert b"".join(iter(lambda: os.read(watch._reads, 100), b"")) == b"load\nafter\n"
        told.append("ended")
        return Outputs(AT, HOST)

    monkeypatch.setattr(load_memory, "SETTLE_SECONDS", 0.2)
    monkeypatch.setitem(survey.PROBES, "load_memory", survey.PROBES["load_memory"]._replace(run=look))
    load = survey.PROBES["load"]._replace(run=lambda peer, _: told.append(peer.address))
    monkeypatch.setitem(survey.PROBES, "load", load)
    looking = survey.Survey({HOST: PEERS}, {})
    looking.look(looking.with_their_load([("load_memory", HOST)]), lambda *_: None)
    assert told == ["begun", "192.0.2.1", "192.0.2.2", "ended"]
    assert looking.facts("load_memory", PEERS[0].target) == Outputs(AT, HOST)
