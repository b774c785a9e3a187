"""The stages of the load probe against servers of a known kind, and locust's own mode with more than one process."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import trustme

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.load import may_be_slower
from cutover.inventory import Peer, Target
from cutover.probes import load, locust
from cutover.promised_load import DeclaredLoad
from selftest.test_load import NAME, PATIENCE, own, reply, serving, target_row
from tests_perf import test_declared_load as declared

PAGE = b"<html><title>Knowledge</title><body>" + b"<p>Something that is worth to know." * 30 + b"</body></html>"
SORRY = b"<html><title>Sorry</title><body>Please try again later.</body></html>"
LIMIT = 0.8  # seconds, in place of the checklist's 2
SLOW = 1.2
OPEN = {"open": {"rate": 32, "seconds": 3}}
REQUESTS = 96


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def peer_of(server, ca, stages=None, permitted=True, **limits):
    row = target_row(server.socket, ca, response_seconds=LIMIT, **limits)
    target = Target.model_validate_json(json.dumps(row | ({"load": stages} if stages else {})))
    update = {"load": target.load.permit()} if target.load and permitted else {}
    return Peer(target.model_copy(update=update), "127.0.0.1")


def page(_n=0):
    return reply(200, PAGE)


def slowly(many, of):
    """That many of so many answers are slow, evenly spread."""

    def answer(n):
        if n % of < many:
            time.sleep(SLOW)
        return page()

    return answer


class Stall:
    """Nobody is answered for a while, beginning with the request of that number."""

    def __init__(self, number, seconds):
        self.number, self.seconds = number, seconds
        self.over, self.began = threading.Event(), threading.Event()

    def __call__(self, n):
        if n == self.number:
            self.began.set()
            time.sleep(self.seconds)
            self.over.set()
        elif self.began.is_set():
            self.over.wait(PATIENCE)
        return page()


QUIET = load.QUIET_ANSWERS
LOOKS = QUIET + 1  # connections before the load: the first asks nothing


def believed(measure, peer):
    """What is measured; once more when this machine was too busy with other things, as the probe then tells."""
    for _ in range(3):
        try:
            return measure(peer)
        except ProbeError as error:
            if "this machine was too slow for the load" not in error.cause:
                raise
    return measure(peer)


# What a server answers to request n of the load, and the failures of 100 on kept connections. What fails whatever the
# connection is in test_load.py.
KEPT = {
    "first is slow": (lambda n: time.sleep(SLOW * (n == 0)) or page(), {}),
    "body cut short": (
        lambda n: reply(200, PAGE[:200], length=len(PAGE)) if n % 25 == 3 else page(),
        {"wrong-body": 4},
    ),
    "an error page with 200": (lambda n: reply(200, SORRY) if n % 20 == 19 else page(), {"wrong-body": 5}),
}


@pytest.mark.parametrize("name", KEPT)
def test_known_server_on_kept_connections(authority, ca, name):
    answer, failures = KEPT[name]
    # What is cut short ends the connection.
    hang_up = name == "body cut short"
    with serving(own(authority), lambda n: answer(n - QUIET) if n >= QUIET else page(), keep=not hang_up) as server:
        facts = load.kept(peer_of(server, ca))
    assert facts.failures == failures
    assert len(facts.samples) == facts.requests == len(server.asked) - QUIET == 100
    assert not any("Connection: close" in request for request in server.asked[QUIET:])
    if not hang_up:
        assert len(server.connections) - LOOKS <= facts.concurrency == 10


def at_a_rate(authority, ca, answer):
    """The open stage against that server; a new one each time, whose requests are counted from the load's first."""

    def measure(_):
        mine = answer()
        with serving(own(authority), lambda n: mine(n - QUIET) if n >= QUIET else page(), keep=True) as server:
            peer = peer_of(server, ca, OPEN)
            facts = load.open_model(peer)
        assert len(facts.samples) == facts.requests == len(server.asked) - QUIET == REQUESTS
        # Due every so often, whatever became of those before.
        due = [n / facts.offered for n in range(REQUESTS)]
        assert [sample.started for sample in facts.samples] == pytest.approx(due, abs=1e-5)
        return facts, peer.target

    return believed(measure, None)


# What a server answers, and how many of the open stage's requests are slower than its limit, at least and at most.
OPEN_MODEL = {
    "first is slow": (lambda: lambda n: time.sleep(SLOW * (n == 0)) or page(), 1, 1),
    "six of a hundred are slow": (lambda: slowly(3, 50), 6, 20),
    # Due from 0.6 s on, every thirtieth of a second, and answered when 2.6 s had passed.
    "a stall": (lambda: Stall(19, 2.0), 30, 70),
}


@pytest.mark.parametrize("name", OPEN_MODEL)
def test_known_server_at_a_rate(authority, ca, name):
    answer, fewest, most = OPEN_MODEL[name]
    facts, target = at_a_rate(authority, ca, answer)
    slow = facts.slower_than(LIMIT)
    assert fewest <= slow <= most
    if slow == may_be_slower(REQUESTS) == 1:
        declared.test_declared_rate_is_answered_in_time(facts, target)
    else:
        with pytest.raises(AssertionError):
            declared.test_declared_rate_is_answered_in_time(facts, target)


def test_more_than_a_share_of_errors_ends_a_stage_early(authority, ca):
    stages = {"open": {"rate": 60, "seconds": 20}}
    answer = lambda n: page() if n < 100 else reply(503, SORRY)  # noqa: E731
    with serving(own(authority), answer, keep=True) as server:
        facts = load.open_model(peer_of(server, ca, stages))
    assert facts.stopped.endswith("of the last 40 requests: 5xx or no answer")
    assert 100 < len(facts.samples) < 500
    assert f"stopped early: {facts.stopped}" in facts.evidence[0].answer


def test_a_slow_load_machine_makes_a_stage_inconclusive(authority, ca):
    """The load machine stands still for a while, the host does not."""
    done = threading.Event()

    def answer(n):
        if n == QUIET + 20 and not done.is_set():
            done.set()
            (pid,) = [pid for pid in descendants() if b"locust" in words_of(pid)]
            os.kill(pid, signal.SIGSTOP)
            threading.Timer(1.0, os.kill, (pid, signal.SIGCONT)).start()
        return page()

    with (
        serving(own(authority), answer, keep=True) as server,
        pytest.raises(ProbeError, match=r"this machine was too slow for the load: \d+ of 96 requests began more than"),
    ):
        load.open_model(peer_of(server, ca, OPEN))


def test_a_ramp_finds_where_the_promise_breaks(authority, ca):
    """A server with two hands: each answer takes a tenth of a second of one of them."""
    hands = threading.BoundedSemaphore(2)

    def answer(n):
        with hands:
            time.sleep(0.1)
        return page()

    stages = {"ramp": {"users": [1, 4, 40, 80], "seconds": 2, "holds": 4}}
    with serving(own(authority), answer, keep=True) as server:
        peer = peer_of(server, ca, stages)
        facts = load.ramp(peer)
    assert facts.knee == 4
    assert facts.broken.concurrency == 40
    assert [step.concurrency for step in facts.steps] == [1, 4, 40]
    assert facts.steps[2].quantile(0.95) > LIMIT
    assert "40 users: " in facts.evidence[0].answer
    declared.test_declared_users_are_served_in_time(facts, peer.target)


def test_a_ramp_ends_with_its_budget(authority, ca):
    stages = {"ramp": {"users": [1, 2, 3], "seconds": 1, "holds": 1}, "requests": 250}
    with serving(own(authority), page, keep=True) as server:
        facts = load.ramp(peer_of(server, ca, stages))
    assert facts.ended == "the budget of 250 requests was used up before 2 users"
    assert len(server.asked) - QUIET == 50


THEIRS = """
from locust import FastHttpUser, HttpUser, constant, task

class Fast(FastHttpUser):
    wait_time = constant(0.02)
    @task
    def home(self):
        self.client.get("/")

class Usual(HttpUser):
    wait_time = constant(0.02)
    @task
    def home(self):
        with self.client.get("/usual", catch_response=True) as response:
            if b"Knowledge" not in (response.content or b""):
                response.failure(f"not the page: {response.error}")
"""


def test_a_locustfile_of_ones_own_speaks_to_the_declared_address(authority, ca, tmp_path):
    (tmp_path / "theirs.py").write_text(THEIRS)
    stages = {"own": {"locustfile": str(tmp_path / "theirs.py"), "users": 4, "seconds": 1}}
    with serving(own(authority), page, keep=True) as server:
        facts = believed(load.own, peer_of(server, ca, stages))
    assert set(server.names) == {NAME}
    paths = {request.split(" ")[1] for request in server.asked}
    assert paths == {"/", "/usual"}
    assert facts.failures == {}
    assert 20 < len(facts.samples) <= len(server.asked) - QUIET
    assert {sample.status for sample in facts.samples} == {200}
    assert "theirs.py at 127.0.0.1, 4 users for 1 s" in facts.evidence[0].asked


def test_failures_of_ones_own_locustfile(authority, ca, tmp_path):
    raising = THEIRS.replace('self.client.get("/")', "if self.client.get('/').status_code == 404: raise KeyError('it')")
    (tmp_path / "theirs.py").write_text(raising)
    stages = {"own": {"locustfile": str(tmp_path / "theirs.py"), "users": 4, "seconds": 2}}
    kinds = (reply(503), reply(429), reply(404), b"", page(), page(), page(), page(), page())
    with serving(own(authority), lambda n: kinds[n % len(kinds)] if n >= QUIET else page(), keep=False) as server:
        facts = believed(load.own, peer_of(server, ca, stages))
    assert set(facts.failures) == {"5xx", "429", "4xx", "reset", "other"}
    assert facts.causes["other"] == "its task raised KeyError: 'it'"


def test_a_stranger_with_anothers_certificate_gets_nothing_of_ones_own_locustfile(authority, ca, tmp_path):
    (tmp_path / "theirs.py").write_text(THEIRS)
    stages = {"own": {"locustfile": str(tmp_path / "theirs.py"), "users": 4, "seconds": 1}}
    with serving(authority.issue_cert("other.example.test"), page) as server:
        peer = peer_of(server, ca, stages)
        stage = {"users": 4, "requests": 1000, "seconds": 1.0}
        facts = load._drive(peer, stage, seconds=1.0, own=tmp_path / "theirs.py")
    assert server.asked == []
    assert set(facts.failures) == {"tls"}


@pytest.mark.parametrize(
    ("stages", "permitted", "told"),
    [
        (None, False, "load.open is not declared"),
        ({"ramp": {}}, True, "load.open is not declared"),
        (OPEN, False, "its load is declared, and needs to be permitted: --load"),
    ],
)
def test_what_is_not_declared_or_not_permitted_is_not_done(authority, ca, stages, permitted, told):
    with serving(own(authority), page) as server:
        with pytest.raises(NotDeclared, match=told):
            load.open_model(peer_of(server, ca, stages, permitted))
        assert server.connections == []


ROOT = Path(__file__).parents[1]
ENDS_SECONDS = 1.0  # from Ctrl-C to the end of all load


@pytest.mark.parametrize("terminal", [True, False])
def test_ctrl_c_ends_the_load_and_leaves_the_reports(authority, ca, tmp_path, terminal):
    """A run as a person makes it, on a terminal or not, with a stage that would go on for minutes."""
    with serving(own(authority), page, keep=True) as server:
        port = server.server_address[1]
        file = tmp_path / "inventory.toml"
        file.write_text(
            f'[[target]]\nhost = "{NAME}"\naddresses = ["127.0.0.1"]\nca = "{ca}"\nresolvers = ["127.0.0.77"]\n'
            f"[target.ports]\nhttps = {port}\n[target.load]\nopen = {{ rate = 50, seconds = 200 }}\n"
        )
        argv = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "--rootdir", str(tmp_path)]
        argv += [
            "-p",
            "no:cacheprovider",
            f"--inventory={file}",
            "--load",
            "-k",
            "declared_rate",
            str(ROOT / "tests_perf"),
        ]
        surroundings = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "CUTOVER_"))}
        surroundings |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TERM": "xterm", "COLUMNS": "160"}
        ours, theirs = os.openpty() if terminal else os.pipe()
        with subprocess.Popen(argv, cwd=ROOT, env=surroundings, stdout=theirs, stderr=theirs) as run:
            os.close(theirs)
            told = []
            reader = threading.Thread(target=lambda: told.extend(read_all(ours)))
            reader.start()
            end = time.monotonic() + PATIENCE
            while len(server.asked) < QUIET + 100 and time.monotonic() < end:
                time.sleep(0.05)
            run.send_signal(signal.SIGINT)
            time.sleep(ENDS_SECONDS)
            asked = len(server.asked)
            run.wait(PATIENCE)
            reader.join(PATIENCE)
        time.sleep(0.2)
        assert len(server.asked) == asked
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    (report,) = tmp_path.glob("reports/*/junit.xml")
    sent = json.loads((report.parent / "facts" / "requests.json").read_text())
    assert sent[NAME] >= QUIET
    text = b"".join(told).decode()
    assert "interrupted: what was seen until then is in " in text
    assert ("50/s offered: " in text) == terminal


def read_all(descriptor):
    """What is written to a pipe or a terminal until its last writer closes it."""
    while True:
        try:
            block = os.read(descriptor, 65536)
        except OSError:  # a terminal's way to tell
            block = b""
        if not block:
            os.close(descriptor)
            return
        yield block


# --- More than one process


def test_processes_share_exactly_the_requests(authority, ca):
    with serving(own(authority), page, keep=True) as server:
        facts = load.kept(peer_of(server, ca, OPEN | {"processes": 3}))
    assert Counter(sample.worker for sample in facts.samples) == {0: 34, 1: 33, 2: 33}
    assert len(server.asked) - QUIET == facts.requests == 100
    assert len(server.connections) - LOOKS == facts.concurrency == 10
    assert facts.workers == 3


SSH = """#!/bin/sh
echo "$@" >>'{log}'
{refuses}
for word; do case $before in -R) way=$word;; esac; before=$word; done
echo "Allocated port ${{way##*:}} for remote forward to 127.0.0.1:${{way##*:}}" >&2
exec sh -c "$word"
"""


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """A program named ssh that leads to this machine, and writes down how it was called."""

    def install(refuses=""):
        program = tmp_path / "bin" / "ssh"
        program.parent.mkdir(exist_ok=True)
        program.write_text(SSH.format(log=tmp_path / "log", refuses=refuses))
        program.chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return tmp_path / "log"

    return install


AWAY = {"workers": ["ssh://ops@load1.example.test", "ssh://ops@load2.example.test:2222"], "python": sys.executable}


def test_workers_elsewhere_are_one_load(authority, ca, ssh, tmp_path, monkeypatch):
    log = ssh()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(own(authority), page, keep=True) as server:
        facts = believed(load.open_model, peer_of(server, ca, OPEN | AWAY))
    assert Counter(sample.worker for sample in facts.samples) == {0: 48, 1: 48}
    assert len(server.asked) - QUIET == REQUESTS
    called = log.read_text().splitlines()
    assert all("BatchMode=yes" in line and "StrictHostKeyChecking=yes" in line for line in called if "-R" in line)
    assert not list(tmp_path.glob("cutover-*"))


def test_a_worker_that_dies_is_an_error_with_its_cause(authority, ca, ssh):
    ssh()
    done = threading.Event()

    def answer(n):
        if n > QUIET + 20 and not done.is_set():
            done.set()
            os.kill(next(pid for pid in descendants() if b"--worker" in words_of(pid)), signal.SIGKILL)
        return page()

    stages = {"open": {"rate": 50, "seconds": 20}} | AWAY
    with (
        serving(own(authority), answer, keep=True) as server,
        pytest.raises(ProbeError, match=r"worker ssh://ops@load\d\.example\.test\S* of the load ended with status"),
    ):
        load.open_model(peer_of(server, ca, stages))
    assert len(server.asked) < 500


@pytest.mark.parametrize(
    ("refuses", "python", "told"),
    [
        (
            "echo 'ops@load1: Permission denied (publickey).' >&2; exit 255",
            "python3",
            "status 255: .*Permission denied",
        ),
        (
            "",
            f"{sys.base_prefix}/bin/python3",
            "status 3: cutover: this machine has no locust for .*: pip install locust==",
        ),
        ("exec sleep 60", "python3", "did not come in 1 s"),
    ],
)
def test_a_worker_that_never_comes_is_an_error_with_its_cause(
    authority,
    ca,
    ssh,
    monkeypatch,
    refuses,
    python,
    told,
):
    ssh(refuses)
    monkeypatch.setattr(locust, "WORKER_SECONDS", 1.0 if "sleep" in refuses else PATIENCE)
    with serving(own(authority), page) as server, pytest.raises(ProbeError, match=told) as caught:
        load.open_model(peer_of(server, ca, OPEN | AWAY | {"python": python}))
    assert len(server.asked) == QUIET
    assert caught.value.advice.startswith("try by hand: ssh ops@load")


def descendants():
    """The processes that this one has started, directly or not."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found, pending = [], [os.getpid()]
    while pending:
        mine = [pid for pid, parent in parents.items() if parent == pending[-1]]
        pending.pop()
        found += mine
        pending += mine
    return found


def words_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_declared_load_needs_a_stage():
    with pytest.raises(ValueError, match="declares no stage"):
        DeclaredLoad()
