"""The programs that the application needs, by the versions that answer (checklist section 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

COMMANDS = {
    # Each version of Python has a name of its own; a virtual environment can be made with any of them.
    "software": Command(
        "for python in python3 python3.9 python3.10 python3.11 python3.12 python3.13 python3.14 python3.15; do\n"
        '  if command -v $python >/dev/null; then echo "python $($python -V 2>&1)"; fi\n'
        "done\n"
        "for words in 'nginx -v' 'git --version' 'certbot --version'; do\n"
        "  program=${words%% *}\n"
        "  place=$(PATH=$PATH:/snap/bin; command -v $program) || continue\n"
        # Whoever runs a snap is given directories for it in his home, so what it says of itself is read.
        '  if [ "$(readlink -f "$place")" = /usr/bin/snap ]; then\n'
        '    echo "$program snap $(grep -m 1 ^version: /snap/$program/current/meta/snap.yaml | tr -cd 0-9.)"\n'
        "  else\n"
        '    echo "$program $(timeout 20 $words 2>&1 | tail -n 1 | head -c 200)"\n'
        "  fi\n"
        "done",
        30,
    ),
}

# What comes before the number in each program's own answer.
_ANSWERS = {
    "python": r"Python ",
    "nginx": r"nginx version: [\w-]+/",
    "git": r"git version ",
    "certbot": r"certbot ",
}


@dataclass(frozen=True, slots=True)
class Software:
    """``versions`` of the programs that are there, by name: nginx, (1, 22, 1). Of several Pythons it is the newest."""

    versions: dict[str, tuple[int, ...]]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Software:
        """Read each program's own answer; ProbeError when one that is there does not tell its version."""
        told = by_key(outputs.text("software"))
        versions = {}
        for program, before in _ANSWERS.items():
            found = [
                re.match(rf"(?:{before}|snap )(\d{{1,9}}(?!\d)(?:\.\d{{1,9}}(?!\d))+)", answer)
                for answer in told[program]
            ]
            if not all(found):
                raise ProbeError(
                    f"{outputs.host}: {program} does not tell its version: {told[program][0] or 'nothing'}"
                )
            if found:
                versions[program] = max(tuple(map(int, match[1].split("."))) for match in found if match)
        return cls(versions=versions, evidence=outputs.evidence("software"))
