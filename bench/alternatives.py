"""What the tools that a user would pick instead say of faults that they have a chance to catch.

    python bench/alternatives.py --observatory DIR [--copy N] [--only NAME …]

Needs the lab (`python -m lab up`, as root), the suite's environment, and from Debian apache2-utils, lynis, nodejs and
testssl.sh. DIR is where `npm install --ignore-scripts @mdn/mdn-http-observatory` was run; its list of preloaded names,
which it fetches from the internet, is made empty there. Each fault is put into a fresh copy of the reference host, as
in the fault matrix. A tool has caught it when it finds something that it does not find on the healthy copy; what it
finds there is a false alarm. Writes docs/alternatives.md after each fault, from what is kept below reports/: with
--only, the other faults stay as they were seen.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import others
from lab import authority, faults, matrix
from lab.__main__ import deployed_layers
from lab.faults import Fault
from lab.host import Host
from lab.machine import Refusal, require_machine
from lab.network import COPIES
from lab.ownership import the_lab
from lab.table import ROOT, commit, replace

DOCUMENT = ROOT / "docs" / "alternatives.md"
KEPT = ROOT / "reports" / "alternatives.json"
HEALTHY = "healthy.nothing"

# Each fault with the tools that look at what it breaks; on the healthy host all of them are asked.
CASES = {
    HEALTHY: tuple(others.TOOLS),
    "tls.old-protocols-in-earnest": ("testssl.sh", "sslyze"),
    "tls.without-tls-1-3": ("testssl.sh", "sslyze"),
    "web.intermediate-missing": ("testssl.sh", "sslyze", "Observatory"),
    "served_certificate.expired-yesterday": ("testssl.sh", "sslyze", "Observatory"),
    "served_certificate.not-renewed-for-a-month": ("testssl.sh", "sslyze"),
    "web.hsts-one-second-short": ("testssl.sh", "Observatory"),
    "headers.one-taken-out": ("testssl.sh", "Observatory"),
    "headers.static-files-have-none": ("testssl.sh", "Observatory"),
    "web.redirect-is-302": ("Observatory",),
    "advice.cookie-for-everybody": ("testssl.sh", "Observatory"),
    "ssh.passwords-by-an-earlier-drop-in": ("Lynis",),
    "firewall.ufw-off": ("Lynis",),
    "firewall.rule-past-ufw": ("Lynis",),
    "system.unattended-upgrades-off-by-a-later-file": ("Lynis",),
    "application.stopped": ("Observatory", "ab"),
    "application.one-request-in-five-takes-3-seconds": ("ab",),
}


class Told(NamedTuple):
    """What one tool found on one copy; ``trouble`` is why it could not look."""

    found: frozenset[str]
    trouble: str
    seconds: float


def main() -> int:
    """Ask every tool about every fault, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--observatory", type=Path, required=True, metavar="DIR")
    parser.add_argument("--copy", type=int, choices=range(1, len(COPIES) + 1), default=len(COPIES))
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    asked = parser.parse_args()
    try:
        require_machine()
        missing = others.missing(asked.observatory)
        if missing:
            raise Refusal(f"missing: {', '.join(missing)}")
        layers = deployed_layers()
        authority.prepare()
        known = faults.load()
        for name, tools in CASES.items():
            if not asked.only or any(part in name for part in asked.only):
                with the_lab(fcntl.LOCK_SH):
                    seen = try_one(known[name], tools, Host(COPIES[asked.copy - 1]), layers, asked.observatory)
                results = keep(name, seen)
                print_case(name, results)
                if HEALTHY in results:
                    DOCUMENT.parent.mkdir(exist_ok=True)
                    replace(DOCUMENT, document(results, known))
    except Refusal as refusal:
        print(f"alternatives: {refusal}", file=sys.stderr)
        return 2
    return 0


def keep(name: str, seen: dict[str, Told]) -> dict[str, dict[str, Told]]:
    """Add what was seen of one fault to what is known of the others, in their order; all of it."""
    KEPT.parent.mkdir(exist_ok=True)
    with KEPT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
        kept[name] = {tool: [sorted(told.found), told.trouble, told.seconds] for tool, told in seen.items()}
        replace(KEPT, json.dumps(kept, indent=1))
    return {
        case: {tool: Told(frozenset(found), trouble, seconds) for tool, (found, trouble, seconds) in kept[case].items()}
        for case in CASES
        if case in kept
    }


def try_one(fault: Fault, tools: tuple[str, ...], host: Host, layers: list[Path], observatory: Path) -> dict[str, Told]:
    """What each of the tools finds on a copy with that fault, and what we find."""
    try:
        matrix.boot_copy(host.spec, layers, fault.disk)
        with fault.apply(host) or contextlib.nullcontext(), tempfile.TemporaryDirectory() as place:
            setting = others.Setting(host, authority.BOTH, Path(place), observatory)
            told = {tool: ask(lambda tool=tool: others.TOOLS[tool](setting)) for tool in tools}
            told["cutover"] = ask(lambda: ours(fault, host))
            return told
    finally:
        host.destroy()


def ask(tool: Callable[[], set[str]]) -> Told:
    """Run one tool and measure its time."""
    begun, found, trouble = time.monotonic(), set[str](), ""
    try:
        found = tool()
    except (others.NoAnswer, Refusal) as error:
        trouble = str(error)
    return Told(frozenset(found), trouble, time.monotonic() - begun)


def ours(fault: Fault, host: Host) -> set[str]:
    """The checks that fail, or cannot look."""
    seen = matrix.verify(*matrix.options(host), *fault.options)
    return {*seen.fails, *(f"{name} (could not look)" for name in seen.errors)}


def news(tool: str, name: str, results: dict[str, dict[str, Told]]) -> set[str]:
    """What a tool finds with the fault and not on the healthy host."""
    healthy = results.get(HEALTHY, {}).get(tool)
    return set(results[name][tool].found - (healthy.found if healthy else frozenset()))


def print_case(name: str, results: dict[str, dict[str, Told]]) -> None:
    """One fault in some lines."""
    print(name)
    for tool, told in results[name].items():
        found = told.found if name == HEALTHY else news(tool, name, results)
        said = told.trouble or "; ".join(sorted(found)) or "nothing"
        print(f"  {tool:12} {told.seconds:6.1f} s  {said[:300]}", flush=True)


def document(results: dict[str, dict[str, Told]], known: dict[str, Fault]) -> str:
    """The table, and under it what each tool found in its own words."""
    columns = ["cutover", *others.TOOLS]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lines = [
        "# What other tools say",
        "",
        f"Measured by `bench/alternatives.py`, last on {now}, commit {commit()}: each fault was put into a fresh",
        "copy of the lab's reference host, and each tool that looks at what it breaks was run against it. **caught**:",
        "it found something that it does not find on the healthy host. **missed**: it did not. A dash: not asked.",
        "On the healthy host every finding is a false alarm, or advice for a host that keeps all it promised.",
        f"{len(results)} of {len(CASES)} faults, the healthy host included, were measured.",
        "",
        *(f"- {tool}: {how}" for tool, how in others.HOW.items()),
        "",
        f"| fault | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for name in results:
        cells = [_cell(name, tool, results) for tool in columns]
        lines.append(f"| `{name}`: {' '.join(known[name].tells.split())} | {' | '.join(cells)} |")
    lines += ["", "## In their own words", ""]
    for name, answers in results.items():
        lines += [f"### `{name}`", ""]
        for tool, told in answers.items():
            found = told.found if name == HEALTHY else news(tool, name, results)
            said = told.trouble or "; ".join(sorted(found)) or "nothing"
            lines.append(f"- {tool} ({told.seconds:.0f} s): {said.replace('<', '&lt;').replace('|', '¦')}")
        lines.append("")
    return "\n".join(lines)


def _cell(name: str, tool: str, results: dict[str, dict[str, Told]]) -> str:
    told = results[name].get(tool)
    if told is None:
        return "–"
    if told.trouble:
        return "no answer"
    if name == HEALTHY:
        return f"{len(told.found)} finding{'s' * (len(told.found) != 1)}" if told.found else "nothing"
    return "**caught**" if news(tool, name, results) else "missed"


if __name__ == "__main__":
    sys.exit(main())
