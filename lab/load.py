"""Two load machines with one master: each in a network namespace with an own sshd, and a server that they load.

All of it is there only while this runs. A load machine is Debian's base tree under a layer in memory, with the suite's
Python and packages bound into it, in a mount namespace that goes with its sshd.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import trustme

from cutover.errors import ProbeError
from cutover.facts.load import Load
from cutover.inventory import Limits, Peer, Target
from cutover.probes import load
from cutover.promised_load import DeclaredLoad
from lab.machine import Refusal, call, wait_for
from lab.network import LOADED, LOADERS, HostSpec, inside, lent, netns

NAME = "loaded.example.test"
SECONDS = 30.0

_NGINX = """daemon off; pid nginx.pid; error_log error.log;
events {{ worker_connections 1024; }}
http {{
  access_log access.log; root {folder};
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{ listen {address}:443 ssl; ssl_certificate chain.pem; ssl_certificate_key key.pem; }}
}}
"""
_SSHD = """Port 22
HostKey /etc/ssh/key
AuthorizedKeysFile /etc/ssh/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PidFile none
"""
_MACHINE = """set -e
mount -t tmpfs tmpfs {place}; mkdir {place}/upper {place}/work {place}/root
mount -t overlay overlay -o lowerdir={tree},upperdir={place}/upper,workdir={place}/work {place}/root
cd {place}/root
for folder in {bound}; do mkdir -p ./$folder; mount --bind $folder ./$folder; done
mount -t proc proc ./proc; mount --rbind /dev ./dev
mkdir -p ./run/sshd; cp {own}/sshd_config {own}/key {own}/authorized ./etc/ssh/; chmod 600 ./etc/ssh/key
exec chroot . /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config
"""


def prove(tree: Path) -> int:
    """Run every case and print a line for each; 0 when all were told as they must be."""
    with tempfile.TemporaryDirectory(prefix="cutlab-load-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        stack.enter_context(lent(LOADED, *LOADERS))
        stack.enter_context(_server(folder))
        machines = [stack.enter_context(_machine(folder, spec, tree)) for spec in LOADERS]
        for spec in LOADERS:
            wait_for(f"sshd of {spec.name}", lambda spec=spec: _answers(folder, spec), SECONDS)
        good = [_report(what, lambda case=case: case(folder, machines)) for what, case in CASES.items()]
    print(f"{sum(good)} of {len(good)} cases told as they must be", flush=True)
    return 0 if all(good) else 1


def _report(what: str, case: Callable[[], str]) -> bool:
    begun = time.monotonic()
    try:
        wrong = case()
    except (ProbeError, Refusal) as error:
        wrong = str(error)
    print(f"{'BAD' if wrong else 'ok ':4} {what:64} {time.monotonic() - begun:5.1f} s  {wrong}", flush=True)
    return not wrong


Machines = list[subprocess.Popen[bytes]]


def _shared(folder: Path, _: Machines) -> str:
    """Exactly so many requests, half of them by each machine."""
    return _compare(folder, lambda peer: load.kept(peer), 100)


def _at_a_rate(folder: Path, _: Machines) -> str:
    """The open stage, by both."""
    return _compare(folder, lambda peer: load.open_model(peer), 120)


def _compare(folder: Path, measure: Callable[[Peer], Load], wanted: int) -> str:
    for again in (True, True, False):
        (folder / "access.log").write_text("")
        try:
            facts = measure(_peer(folder))
            break
        except ProbeError as error:
            # All of these machines are one, which may be busy with other things: then the suite says so, rightly.
            if not again or "this machine was too slow" not in error.cause:
                raise
    seen = Counter(line.split()[0] for line in (folder / "access.log").read_text().splitlines() if "(locust)" in line)
    half = {spec.ipv4: wanted // 2 for spec in LOADERS}
    by_worker = Counter(sample.worker for sample in facts.samples)
    if (
        seen == half
        and len(facts.samples) == wanted
        and set(by_worker.values()) == {wanted // 2}
        and not facts.failures
    ):
        return ""
    return f"the server saw {dict(seen)}, the samples tell {dict(by_worker)} and {facts.failures}"


def _no_locust(folder: Path, _: Machines) -> str:
    return _refused(folder, "this machine has no locust for /usr/bin/python3", python="/usr/bin/python3")


def _unknown_key(folder: Path, _: Machines) -> str:
    known = (folder / "known_hosts").read_text()
    first, *_rest = known.splitlines()
    (folder / "known_hosts").write_text(f"{first}\n")
    try:
        return _refused(folder, "Host key verification failed")
    finally:
        (folder / "known_hosts").write_text(known)


def _nobody_there(folder: Path, _: Machines) -> str:
    nobody = "198.51.100.39"
    return _refused(folder, nobody, workers=[f"ssh://root@{LOADERS[0].ipv4}", f"ssh://root@{nobody}"])


def _cut_off(folder: Path, _: Machines) -> str:
    """Its cable is pulled in the middle of the load: nobody says anything any more."""
    cable = ["ip", "-n", netns(LOADERS[1].namespace), "link", "set", "eth0"]
    pull = threading.Timer(8.0, lambda: call([*cable, "down"]))
    pull.start()
    try:
        return _refused(folder, "went silent", "not responding", seconds=60.0)
    finally:
        pull.join()
        call([*cable, "up"])


def _killed(folder: Path, machines: Machines) -> str:
    """The whole machine ends in the middle of the load."""
    kill = threading.Timer(8.0, lambda: _end(LOADERS[1], machines[1]))
    kill.start()
    try:
        return _refused(folder, f"worker ssh://root@{LOADERS[1].ipv4} of the load ended with status", seconds=60.0)
    finally:
        kill.join()


CASES: dict[str, Callable[[Path, Machines], str]] = {
    "100 requests on kept connections, by two machines": _shared,
    "40 requests a second for 3 s, by two machines": _at_a_rate,
    "a machine whose Python has no locust": _no_locust,
    "a machine whose host key nobody knows": _unknown_key,
    "a machine that is not there": _nobody_there,
    "a machine that is cut off in the middle": _cut_off,
    "a machine that ends in the middle": _killed,
}


def _refused(folder: Path, *causes: str, seconds: float = 3.0, **more: object) -> str:
    """What differs from an error with one of these causes, and no smaller load."""
    try:
        facts = load.open_model(_peer(folder, seconds, **more))
    except ProbeError as error:
        return "" if any(cause in error.cause for cause in causes) else f"told: {error.cause}"
    return f"no error; {len(facts.samples)} samples by {facts.workers} workers"


def _peer(folder: Path, seconds: float = 3.0, **more: object) -> Peer:
    """The server, and a load from both machines that is permitted."""
    row = {
        "workers": [f"ssh://root@{spec.ipv4}" for spec in LOADERS],
        "python": sys.executable,
        "ssh_config": str(folder / "ssh_config"),
        "open": {"rate": 40, "seconds": seconds},
    }
    declared = DeclaredLoad.model_validate_json(json.dumps(row | more))
    limits = Limits(connect_seconds=5.0, answer_seconds=10.0)
    return Peer(Target(host=NAME, ca=folder / "ca.pem", limits=limits, load=declared.permit()), LOADED.ipv4)


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[None]:
    """The server that is loaded, in its own namespace."""
    authority = trustme.CA()
    leaf = authority.issue_cert(NAME)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    for part in leaf.cert_chain_pems:
        part.write_to_path(folder / "chain.pem", append=True)
    (folder / "index.html").write_text("<title>Loaded</title>" + "<p>Some words to read." * 40)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, address=LOADED.ipv4))
    argv = [*inside(LOADED.namespace), "nginx", "-p", str(folder), "-e", "error.log", "-c", "nginx.conf"]
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    with subprocess.Popen(argv, env=os.environ | {"PATH": path}) as process:
        try:
            wait_for("nginx of the loaded host", (folder / "nginx.pid").exists, SECONDS)
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def _machine(folder: Path, spec: HostSpec, tree: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A load machine with an sshd, which the operator's configuration knows."""
    own, place = folder / spec.name, folder / f"{spec.name}-root"
    own.mkdir()
    place.mkdir()
    for key in (own / "key", folder / "operator"):
        if not key.exists():
            call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    (own / "sshd_config").write_text(_SSHD)
    (own / "authorized").write_text((folder / "operator.pub").read_text())
    with (folder / "known_hosts").open("a") as known:
        known.write(f"{spec.ipv4} {(own / 'key.pub').read_text()}")
    (folder / "ssh_config").write_text(
        f"IdentityFile {folder}/operator\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known_hosts\n"
        "GlobalKnownHostsFile /dev/null\n"
    )
    bound = shlex.join(dict.fromkeys((sys.base_prefix, sys.prefix)))
    script = _MACHINE.format(place=place, tree=tree, own=own, bound=bound)
    argv = [*inside(spec.namespace), "unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    with (own / "log").open("wb") as log, subprocess.Popen(argv, stderr=log, start_new_session=True) as process:
        try:
            yield process
        finally:
            _end(spec, process)


def _end(spec: HostSpec, process: subprocess.Popen[bytes]) -> None:
    """End all that runs in its namespace: sshd gives each session a process group of its own."""
    for pid in call(["ip", "netns", "pids", netns(spec.namespace)]).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), 9)
    process.wait(SECONDS)


def _answers(folder: Path, spec: HostSpec) -> bool:
    argv = [
        "ssh",
        "-F",
        str(folder / "ssh_config"),
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=2",
        f"root@{spec.ipv4}",
    ]
    try:
        call([*argv, "true"])
    except Refusal:
        return False
    return True
