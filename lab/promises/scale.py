"""Scale: each further target of a run costs as much as the one before, in memory and open files."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from lab import deploy
from lab.machine import STATE
from lab.network import API, RESOLVERS
from lab.promises.trial import Started, Trial

TARGETS, FEW_TARGETS = (10, 25, 50), (2, 4, 6)
# All names lead to one copy, whose ssh lets ten strangers wait at the door, and whose login five in a minute: here it
# lets them all in, and nobody logs in. Its processors are this machine's: the scan of TLS is left out.
PREPARED = "printf 'MaxStartups 500:30:500\\n' >/etc/ssh/sshd_config.d/20-scale.conf && systemctl reload ssh"
CHECKS = ("tests_server", "tests_network", "tests_perf", "tests_security/test_headers.py")
GENEROUS = 2.0
SLACK_MB, SLACK_FILES = 2.0, 2.0  # for each target, below which no growth is told from chance
SOFT_LIMIT = 1024  # of open files, where nobody has set another


@dataclass
class Cost:
    """What a run took at most: its own process in megabytes and files, and the programs beside it."""

    targets: int
    seconds: float = 0.0
    megabytes: float = 0.0
    files: int = 0
    threads: int = 0
    programs: int = 0
    verdicts: int = 0
    errors: int = 0
    _looked: list[int] = field(default_factory=list)

    def look(self, run: Started) -> None:
        """Take a sample."""
        place = Path(f"/proc/{run.process.pid}")
        try:
            status = (place / "status").read_text()
            self.files = max(self.files, len(os.listdir(place / "fd")))
        except OSError:
            return
        for name, key in (("VmHWM", "megabytes"), ("Threads", "threads")):
            if found := re.search(rf"(?m)^{name}:\s+(\d+)", status):
                value = int(found[1]) / 1024 if name == "VmHWM" else int(found[1])
                setattr(self, key, max(getattr(self, key), value))
        self._looked.append(1)
        if len(self._looked) % 20 == 0:
            self.programs = max(self.programs, len(run.left()))


def prove(trial: Trial) -> bool:
    """Verify so many targets in one run, thrice; whether growth is as small at the end as at the start."""
    trial.copy.run(PREPARED)
    costs = [_cost(trial, many) for many in (TARGETS if trial.full else FEW_TARGETS)]
    small, middle, large = costs
    kept = True
    for what, slack in (("megabytes", SLACK_MB), ("files", SLACK_FILES)):
        first, last = _growth(small, middle, what), _growth(middle, large, what)
        kept &= trial.tell(
            last <= max(slack, GENEROUS * first),
            f"{what} for each further target: {first:.2f} up to {middle.targets}, {last:.2f} up to {large.targets}",
        )
    told = f"{large.files} files open at most, where {SOFT_LIMIT} may be"
    return kept & trial.tell(large.files < SOFT_LIMIT, told)


def _growth(less: Cost, more: Cost, what: str) -> float:
    return float(getattr(more, what) - getattr(less, what)) / (more.targets - less.targets)


def _cost(trial: Trial, many: int) -> Cost:
    copy, cost = trial.copy, Cost(many)
    deploy.forget_logins(copy)
    resolvers = json.dumps([spec.ipv4 for spec in RESOLVERS])
    with tempfile.TemporaryDirectory(prefix="cutover-scale-") as name:
        inventory = Path(name) / "inventory.toml"
        inventory.write_text(
            "".join(
                f'[[target]]\nname = "host{number}"\nhost = "{API.fqdn}"\nca = "{STATE}/ca.pem"\n'
                f'addresses = ["{copy.spec.ipv4}"]\nresolvers = {resolvers}\n[target.server]\nway_in = "ssh://ops@{copy.spec.ipv4}"\n'
                f'ssh_config = "{STATE}/ssh_config"\nuser = "mks"\n'
                for number in range(many)
            )
        )
        run = Started(["./verify", "-p", "no:cacheprovider", "--inventory", str(inventory), "-q", *CHECKS])
        status = run.end(lambda: cost.look(run), every=0.05)
    words = list(run.verdicts().values())
    cost.seconds, cost.verdicts, cost.errors = run.seconds, len(words), words.count("error")
    told = (
        f"{many} targets: {cost.seconds:.0f} s, {cost.megabytes:.0f} MB, {cost.files} files, {cost.threads} threads, "
        f"{cost.programs} programs beside it; {cost.verdicts} verdicts, {cost.errors} errors, status {status}"
    )
    trial.tell("Traceback" not in run.said() and cost.verdicts > many, told)
    return cost
