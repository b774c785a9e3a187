"""What the command line answers to mistakes, and to hosts that do not answer: real runs of pytest, on loopback only."""

import os
import re
import socket
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0  # seconds: a hang guard
FOLDERS = ["tests_server", "tests_network", "tests_security", "tests_perf"]
NAME = "api.example.test"
INVENTORY = f'[[target]]\nhost = "{NAME}"\naddresses = ["127.0.0.1"]\n'


def verify(*options, autoload=False, **variables):
    """What pytest says when it is called in the project's folder."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "CUTOVER_"))}
    if not autoload:  # of the plugins that happen to be installed: it takes longer than all of ours
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment |= variables
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "inventory.toml"
    file.write_text(INVENTORY)
    return file


def elsewhere(folder):
    """Options under which reports go to ``folder``."""
    return ["-c", "pyproject.toml", "--rootdir", str(folder)]


def error_lines(done):
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in done.stdout + done.stderr
    assert "ERROR" not in done.stdout
    return [line for line in done.stderr.splitlines() if line]


ONE_HOST = "--address and --ssh speak of one host: name it with exactly one --host"
WAY_IN = "expected a way in such as ssh://ops@api.example.com, local:// or docker://NAME"
HOST_NAME = "expected a DNS host name such as api.example.com"
WRONG = {
    "host with a blank": (["--host", "a b"], f"--host 'a b': {HOST_NAME}"),
    "empty host": (["--host", ""], f"--host '': {HOST_NAME}"),
    "host is an address": (["--host", "192.0.2.1"], f"--host '192.0.2.1': {HOST_NAME}"),
    "second host is bad": (["--host", "a.test", "--host", "b_c"], f"--host 'b_c': {HOST_NAME}"),
    "address is none": (
        ["--host", "a.test", "--address", "1.2.3"],
        "--address '1.2.3': expected a valid IPv4 or IPv6 address",
    ),
    "address of nobody": (
        ["--host", "a.test", "--address", "0.0.0.0"],  # noqa: S104
        "--address '0.0.0.0': expected the address of one host, no unspecified one",
    ),
    "address of nobody in IPv6": (
        ["--host", NAME, "--inventory={file}", "--address", "::"],
        "--address '::': expected the address of one host, no unspecified one",
    ),
    "load that nobody declared": (
        ["--host", NAME, "--inventory={file}", "--load"],
        "--load permits what an inventory declares as [target.load], and nothing is declared",
    ),
    "load of the demo": (
        ["--host", "demo", "--load"],
        "--load permits what an inventory declares as [target.load], and nothing is declared",
    ),
    "empty ssh": (["--host", "a.test", "--ssh", ""], f"--ssh: {WAY_IN}"),
    "empty ssh of the demo": (
        ["--host", "demo", "--ssh="],
        "--host demo brings its own site: --address and --ssh do not go with it",
    ),
    "address without host": (["--address", "192.0.2.1"], ONE_HOST),
    "address of two hosts": (["--host", "a.test", "--host", "b.test", "--address", "192.0.2.1"], ONE_HOST),
    "ssh without host": (["--ssh", "ops@a.test"], ONE_HOST),
    "ssh with a blank": (["--host", "a.test", "--ssh", "a b"], "--ssh: expected user@host or user@host:port after ://"),
    "ssh is an option": (
        ["--host", "a.test", "--ssh=-oProxyCommand=id"],
        "--ssh: expected user@host or user@host:port after ://",
    ),
    "password in ssh": (
        ["--host", "a.test", "--ssh", "ops:hunter2@a.test"],
        "--ssh: a password does not belong in an inventory; use a key or the ssh agent",
    ),
    "demo with an address": (
        ["--host", "demo", "--address", "127.0.0.1"],
        "--host demo brings its own site: --address and --ssh do not go with it",
    ),
    "waiting for no time": (
        ["--host", "a.test", "--address", "192.0.2.1", "--wait-dns", "30"],
        "--wait-dns 30: expected a time such as 90s, 30m or 2h, at most a day",
    ),
    "waiting for no address": (
        ["--host", "a.test", "--wait-dns", "30m"],
        "--wait-dns: no addresses of a.test are declared; add --address, or an inventory",
    ),
    "waiting for the demo": (
        ["--host", "demo", "--wait-dns", "30m"],
        "--host demo stands in no DNS: --wait-dns does not go with it",
    ),
    "host not in the inventory": (
        ["--host", "x.test", "--inventory={file}"],
        f"--host x.test: not in {{file}}, which has {NAME}",
    ),
    "missing inventory": (["--inventory={file}.old"], "{file}.old: cannot be read: No such file or directory"),
}


@pytest.mark.parametrize(("options", "told"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_told_in_one_line(file, options, told):
    done = verify(*(option.format(file=file) for option in options))
    assert error_lines(done) == ["ERROR: " + told.format(file=file)]


def test_no_target_is_no_green_run():
    told = "ERROR: no target: name one with --host api.example.com, --inventory FILE, or try --host demo"
    assert error_lines(verify(autoload=True)) == [told]


OPENSSL = "OPENSSL_CONF is set, which changes the TLS that is spoken from here: unset it, or run ./verify"
OPTIMIZED = "PYTHONOPTIMIZE or -O is set, under which an assert may judge nothing: unset it, or run ./verify"
SURROUNDINGS = {
    "another TLS": ({"OPENSSL_CONF": "/etc/crooked.cnf"}, OPENSSL),
    "no configuration": ({"OPENSSL_CONF": os.devnull}, ""),
    "the machine's own": ({"OPENSSL_CONF": ""}, ""),
    "no asserts": ({"PYTHONOPTIMIZE": "1"}, OPTIMIZED),
    "no asserts at all": ({"PYTHONOPTIMIZE": "2", "PYTEST_ADDOPTS": "--assert=plain"}, OPTIMIZED),
}


@pytest.mark.parametrize(("variables", "told"), SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_surroundings_that_change_verdicts_are_refused(file, variables, told):
    done = verify(f"--inventory={file}", "--collect-only", "-q", **variables)
    assert (error_lines(done) if told else done.returncode) == ([f"ERROR: {told}"] if told else 0)


def test_an_inventory_may_lie_anywhere(file):
    done = verify("-c", "pyproject.toml", "--inventory", str(file), "--collect-only", "-q")
    assert (done.returncode, f"[{NAME}@127.0.0.1]" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("name", ["API.example.test", f"{NAME}."])
def test_a_host_of_the_inventory_is_found_however_it_is_spelt(file, name):
    done = verify("--host", name, f"--inventory={file}", "--collect-only", "-q")
    assert (done.returncode, f"[{NAME}@127.0.0.1]" in done.stdout) == (0, True), done.stderr


def test_an_address_that_is_told_twice_is_verified_once():
    done = verify("--host", NAME, "--address", "127.0.0.1", "--address", "127.0.0.1", "--collect-only", "-q")
    assert done.stdout.count("test_chain_is_in_order[") == 1


MARKS = {
    "misspelt": (
        '@control("12.redirct")',
        "control '12.redirct' is not in the checklist; did you mean 12.redirect or 17.directory?",
    ),
    "like no other": ('@control("zzzz")', "control 'zzzz' is not in the checklist"),
    "no id": ("@pytest.mark.control", "control '' is not in the checklist"),
}


@pytest.mark.parametrize(("mark", "told"), MARKS.values(), ids=MARKS)
def test_a_check_for_no_box(tmp_path, mark, told):
    check = tmp_path / "test_own.py"
    check.write_text(f"import pytest\nfrom cutover.check import control\n\n{mark}\ndef test_it(target):\n    pass\n")
    options = ["-p", "cutover.plugin", *elsewhere(tmp_path), "--host", NAME, "--address", "127.0.0.1"]
    assert error_lines(verify(*options, str(check))) == [f"ERROR: test_own.py::test_it: {told}"]


def test_our_options_stand_in_one_group():
    (group,) = re.findall(r"(?ms)^cutover: [^\n]*:\n(.*?)\n\n", verify("--help").stdout)
    told = dict(re.findall(r"(?ms)^  (--[\w-]+)(.*?)(?=^  --|\Z)", group))
    assert {"--host", "--address", "--ssh", "--inventory", "--gate", "--waivers", "--attestations"} <= told.keys()
    assert [option for option, text in told.items() if "(default: " not in " ".join(text.split())] == []


def test_nothing_selected_is_no_green_run(tmp_path):
    done = verify(*elsewhere(tmp_path), "--host", "demo", "-k", "nothing_matches", *FOLDERS)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_to_list_is_not_to_look(tmp_path):
    done = verify(*elsewhere(tmp_path), "--host", "demo", "--collect-only", "-q", *FOLDERS)
    assert done.returncode == 0
    listed = [line for line in done.stdout.splitlines() if "::" in line]
    outside = [line for line in listed if "demo@127.0.0.1" in line]
    assert len(outside) > 20
    assert all(re.search(r"\[demo[@\]-]", line) for line in listed)
    assert list(tmp_path.iterdir()) == []


# A host on loopback, by how its ports behave.


def silent(port):
    """A port whose queue is full, so that it leaves whoever comes without an answer."""
    port.listen(0)
    for _ in range(4):
        visitor = socket.socket()
        visitor.setblocking(False)
        visitor.connect_ex(port.getsockname())
        yield visitor


@pytest.fixture
def host(tmp_path):
    """Verifies a host on four ports that somebody else prepared; pytest's answer and the verdicts by check."""
    with ExitStack() as stack:

        def look(prepare):
            ports = {}
            for use in ("https", "http", "ssh", "closed"):
                port = stack.enter_context(socket.socket())
                port.bind(("127.0.0.1", 0))
                for visitor in prepare(port):
                    stack.enter_context(visitor)
                ports[use] = port.getsockname()[1]
            inventory = tmp_path / "inventory.toml"
            told = "".join(f"{use} = {[n] if use == 'closed' else n}\n" for use, n in ports.items())
            limits = "connect_seconds = 1\nload_requests = 2\nload_concurrency = 1\n"
            inventory.write_text(f"{INVENTORY}[target.ports]\n{told}[target.limits]\n{limits}")
            # DNS is answered by others, and nobody else is asked here.
            no_dns = ["--ignore", "tests_network/test_dns.py"]
            done = verify(*elsewhere(tmp_path), f"--inventory={inventory}", *no_dns, *FOLDERS)
            (report,) = tmp_path.glob("reports/*/junit.xml")
            return done, ports, list(verdicts(report))

        yield look


def verdicts(report):
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own
        found = {entry.get("name"): entry.get("value") for entry in case.find("properties")}
        if "check" in found:
            yield found["check"], found["verdict"], found.get("reason", "")


def test_closed_ports_have_one_cause_each_and_nothing_unseen_passes(host):
    done, ports, found = host(lambda port: [])
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    for port in (ports["https"], ports["http"]):
        assert done.stdout.count(f"127.0.0.1 (for {NAME}) refuses connections on port {port}\n") == 1
    assert [check for check, word, _ in found if word == "passed"] == ["all_other_ports_are_closed"]
    failed = [check for check, word, _ in found if word == "failed"]
    assert Counter(failed) <= Counter(["promised_ports_are_open", "no_error_under_concurrency"])


def test_a_silent_host_has_one_cause(host):
    done, _, found = host(silent)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert {word for _, word, _ in found} == {"error", "not reviewed"}
    assert ("all_other_ports_are_closed", "error") in {row[:2] for row in found}
    (cause,) = {reason for _, word, reason in found if word == "error"}
    assert re.search(r"127\.0\.0\.1 .* within 1 s", cause)
    assert done.stdout.count(cause) == 1
    assert done.stdout.count(f"error on {NAME}") == 1
