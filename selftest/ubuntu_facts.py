"""What servers of Ubuntu answer: the recorded Debian host's facts, with what Ubuntu's programs print otherwise."""

import json
import re
from dataclasses import replace
from pathlib import Path

from cutover.demo import SERVER_FACTS
from cutover.facts.evidence import Output, Outputs
from cutover.probes import saved
from cutover.probes.server import COMMANDS

PLACE = Path(__file__).with_name("recorded")
RELEASES = ("20.04", "22.04", "24.04")


def outputs_of(release, changes):
    """Every output of a visit to such a server; ``changes`` make another text of what a command prints, by its name."""
    base = saved.read(SERVER_FACTS, Outputs)
    now = int(base["now"].stdout)
    told = json.loads((PLACE / f"ubuntu-{release}.json").read_text("utf-8"))
    outputs = base.outputs | {name: _output(name, output, now) for name, output in told.items()}
    for name, change in changes.items():
        before = outputs[name].stdout
        text = _text(change(before).splitlines(), now)
        assert text != before, f"{name} has not changed"
        outputs[name] = replace(outputs[name], stdout=text)
    return replace(base, outputs=outputs, recorded=f"composed for Ubuntu {release}")


def _output(name, told, now):
    return Output(
        command=COMMANDS[name].line,
        rc=told.get("rc", 0),
        stdout=_text(told["stdout"], now),
        stderr=_text(told.get("stderr", ()), now).rstrip("\n"),
        seconds=0.01,
    )


def _text(lines, now):
    """``@-3600@`` is the time an hour before the look."""
    text = "".join(f"{line}\n" for line in lines)
    return re.sub(r"@(-?\d+)@", lambda found: str(now + int(found[1])), text)
