"""The last look at a server: after all else, for the requests that bear this run's mark."""

import os
import shutil
import subprocess
import threading

import pytest

from cutover.errors import ProbeError
from cutover.facts.evidence import Outputs
from cutover.facts.logs import AFTER
from cutover.inventory import Peer, Server, Target
from cutover.probes import dialling, sent, server, survey
from selftest.rows import HOST

TARGET = Target(host=HOST, server=Server(way_in="local://"))
PEER = Peer(TARGET, "192.0.2.1")


@pytest.mark.parametrize(("scheme", "agent"), [("https", f"cutover/{dialling.MARK}"), ("http", "cutover")])
def test_every_request_over_tls_bears_the_mark_that_the_server_is_asked_for(scheme, agent, monkeypatch):
    """What port 80 writes down is perhaps another log, and says nothing of the site's own."""
    agents = []
    with dialling.Dialler(PEER) as dialler:

        def request(*_, headers, **__):
            agents.append(headers["User-Agent"])
            raise OSError

        monkeypatch.setattr(dialler._session, "request", request)
        with pytest.raises(ProbeError):
            dialler.ask("/", scheme=scheme)
    assert agents == [agent]
    assert len(dialling.MARK) >= 16
    assert server.variables(TARGET, TARGET.server)["MARK"] == dialling.MARK


def test_the_scan_comes_first_and_the_second_look_last(monkeypatch):
    """The first begins before all others, as it takes longest; the last waits for all of them."""
    seen, lock = [], threading.Lock()

    def fake(name, probe):
        def run(*_):
            with lock:
                seen.append(name)
            return name

        return probe._replace(run=run)

    def in_turn(function, items, at_once=1):
        return [function(item) for item in items]

    probes = {name: fake(name, probe) for name, probe in survey.PROBES.items()}
    monkeypatch.setattr(survey, "PROBES", probes)
    labels = {"target": TARGET.label, "peer": PEER.label}
    wanted = [(name, labels[probe.of]) for name, probe in probes.items()]
    for look in (survey.side_by_side, in_turn):
        seen.clear()
        monkeypatch.setattr(survey, "side_by_side", look)
        survey.Survey({TARGET.label: (PEER,)}, {}).look(wanted, lambda *_: None)
        assert set(seen[-2:]) == {"afterwards", "certificate_again"}
        assert sorted(seen) == sorted(probes)
    assert seen[0] == "tls"


def test_where_nothing_comes_between_both_looks_are_one_visit(monkeypatch):
    visits = []

    def visit(target, commands):
        visits.append(set(commands))
        return Outputs("", target.label)

    monkeypatch.setattr(server, "probe", visit)
    seen = survey.Survey({TARGET.label: (PEER,)}, {})
    seen.look([("server", TARGET.label), ("afterwards", TARGET.label)], lambda *_: None)
    assert visits == [{*server.COMMANDS, *server.AFTER}]
    assert seen.facts("server", TARGET) is seen.facts("afterwards", TARGET)


LOGS = {
    "access": '192.0.2.1 - - [x] "GET / HTTP/1.1" 200 5 "-" "cutover/feed"\n',
    "error": """\
2000/01/01 00:00:00 [emerg] 1#1: of another year
9999/01/01 00:00:00 [error] 1#1: *1 open() "/static/cutover-no-such-page" failed (2: No such file or directory)
9999/01/01 00:00:00 [crit] 1#1: *1 SSL_do_handshake() failed (SSL: error) while SSL handshaking, client: 192.0.2.1
9999/01/01 00:00:00 [warn] 1#1: *1 an upstream response is buffered to a temporary file
9999/01/01 00:00:00 [error] 1#1: *1 connect() failed (111: Connection refused) while connecting to upstream, client: x
9999/01/01 00:00:00 [alert] 1#1: worker process 7 exited on signal 9
""",
    "app": """\
2000-01-01 00:00:00,000 ERROR [mks] of another year
Traceback (most recent call last):
9999-01-01 00:00:00,000 INFO [mks] no ERRORS here
9999-01-01 00:00:00,000 ERROR [mks] password=x
[9999-01-01 00:00:00 +0900] [7] [CRITICAL] WORKER TIMEOUT
Traceback (most recent call last):
""",
}


@pytest.mark.skipif(not shutil.which("dash"), reason="the servers' sh is dash")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("access-logs", {"marked 1 {}/access.log", "marked 0 {}/error.log", "marked 0 {}/app.log"}),
        ("error-logs", {"nginx 2", "application 3"}),
    ],
)
def test_what_is_counted_in_the_logs(tmp_path, name, told):
    for log, text in LOGS.items():
        (tmp_path / f"{log}.log").write_text(text)
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho 'Thu 2026-01-01 00:00:00 JST'\n")
    (tmp_path / "systemctl").chmod(0o755)
    line = AFTER[name].line.replace("/var/log/nginx", str(tmp_path))
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C", "MARK": "feed", "LOG_DIR": str(tmp_path)}
    script = f'root() {{ "$@"; }}\n{line}'
    done = subprocess.run(["dash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert {text.format(tmp_path) for text in told} <= set(done.stdout.splitlines())
    assert "client:" not in done.stdout
    assert "password" not in done.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [('{"a": 1}', {"a": 1}), ("", {}), ("[1]", {}), ('{"a": "x"}', {}), ('{"a": true}', {})],
    ids=["counts", "nothing", "list", "text", "truth"],
)
def test_counts_of_another_run_are_numbers_or_none(tmp_path, text, told):
    assert sent.saved(tmp_path) == {}
    (tmp_path / sent.FILE).write_text(text)
    assert sent.saved(tmp_path) == told
