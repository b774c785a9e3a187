"""``cutover attest``: asks for the statements that no program can make, one by one, and adds them to a file."""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cutover import targets
from cutover.checklist import Control, catalogue
from cutover.cli.asking import Ended, ask, words
from cutover.cli.literal import toml
from cutover.errors import UsageError
from cutover.exceptions import Attestation, Exceptions, read_attestations
from cutover.files import write_whole
from cutover.inventory import Target
from cutover.report import sums

DAYS = 90
HEAD = """\
# What people state of what no program can see. `cutover attest` adds to it; it may be edited by hand as well:
# control, target, by, on, statement, evidence (a link or sha256:…), valid_until. Of two that speak of the same,
# the one that holds longest counts.
"""


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Enter the command and its options."""
    parser = commands.add_parser("attest", help="ask for what people have to state, and write attestations.toml")
    parser.add_argument("--inventory", type=Path, metavar="FILE", help="TOML file of targets and their promises")
    parser.add_argument("--host", metavar="NAME", help="host by its public name, or a target of the inventory")
    parser.add_argument(
        "--attestations",
        type=Path,
        metavar="FILE",
        help="the file to write (default: attestations.toml beside the inventory, or here)",
    )
    parser.add_argument(
        "--control",
        action="append",
        default=[],
        metavar="ID",
        help="ask for this one, whether it is missing or not; any box can be stated of, as 12.ssl-labs; repeatable",
    )
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Ask, and write each statement as it is complete; 1 when some are still missing."""
    hosts = [asked.host] if asked.host else []
    if asked.inventory:
        found = targets.chosen(asked.inventory, hosts)
    else:
        found = tuple(targets.from_options(host, [], None) for host in hosts)
    if not found:
        raise UsageError("name who is spoken of: --host api.example.com, or --inventory FILE")
    beside = asked.inventory.parent if asked.inventory else Path()
    file = asked.attestations or beside / "attestations.toml"
    told = read_attestations(file) if file.exists() else ()
    exceptions = Exceptions(datetime.now(UTC).date(), attestations=told)
    missing = [pair for target in found for pair in _missing(target, exceptions, asked.control)]
    left = _interview(missing, exceptions, file)
    written = len(missing) - len(left)
    print(f"{file}: {written} written, {len(left)} left out" if missing else f"{file}: nothing is missing")
    for target, control in left:
        print(f"    not stated of {target}: {control.id}  {control.en}")
    return 1 if left else 0


Asked = tuple[str, Control]  # the target's label, and what is to be stated of it


def _missing(target: Target, exceptions: Exceptions, named: list[str]) -> Iterator[Asked]:
    """What nobody states of a target today, or what was ``named``."""
    for control in [catalogue()[name] for name in named] or catalogue().control:
        told = exceptions.attestation(control.id, target.label)
        due = control.judged_by == "attestation" and control.phase in ("both", target.phase)
        if named or (due and not (told and exceptions.holds(told))):
            yield target.label, control


def _interview(missing: list[Asked], exceptions: Exceptions, file: Path) -> list[Asked]:
    """Ask for each; those without a statement at the end."""
    if missing:
        print(f"{len(missing)} to state. An empty answer leaves one out; Ctrl-C or Ctrl-D ends, what is written stays.")
    left: list[Asked] = []
    by = ""
    for number, (target, control) in enumerate(missing):
        print(f"\n{control.id} of {target}: {control.en}\n  {control.ja}")
        if before := exceptions.attestation(control.id, target):
            print(f"  until {before.valid_until}, by {before.by}: {before.statement}")
        try:
            one, note = _statement(target, control, by, exceptions.today)
        except Ended:
            print("\n\nended before all was asked")
            return left + missing[number:]
        if one is None:
            left.append((target, control))
            continue
        try:
            append(file, one, note)
        except OSError as error:
            raise UsageError(f"{file}: cannot be written: {error.strerror}") from None
        by = one.by
        print(f"  written to {file}")
    return left


def _statement(target: str, control: Control, by: str, today: date) -> tuple[Attestation | None, str]:
    """One statement, None when it is left out, and which file its evidence is of."""
    if not (statement := ask("What is stated", lambda text: words(text) if text else "")):
        return None, ""
    by = ask("Who states it", words, by)
    evidence, note = ask("Evidence: a link or a file, may be empty", _evidence)
    until = ask("Valid until, a day or such as 30d", _until(today), str(today + timedelta(days=DAYS)))
    row = {"control": control.id, "target": target, "by": by, "on": str(today), "statement": statement}
    row |= {"valid_until": str(until), "evidence": evidence}
    return Attestation.model_validate_json(json.dumps(row)), note


def _evidence(text: str) -> tuple[str, str]:
    """A link or hash as it is; of a file its hash, and its name."""
    if not text or re.fullmatch(r"https?://[!-~]+|sha256:[0-9a-f]{64}", text):
        return text, ""
    file = Path(text).expanduser()
    try:
        return f"sha256:{sums.digest(file)}", words(file.name)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or "no file"
        raise ValueError(f"{words(text)}: {why}; expected https://… or a file that can be read") from None


def _until(today: date) -> Callable[[str], date]:
    def read(text: str) -> date:
        if days := re.fullmatch(r"([1-9]\d{0,3})d", text):
            return today + timedelta(days=int(days[1]))
        try:
            until = date.fromisoformat(text)
        except ValueError:
            raise ValueError("expected a day such as 2030-01-31, or a number of days such as 30d") from None
        if until < today:
            raise ValueError(f"{until} has passed")
        return until

    return read


def append(file: Path, one: Attestation, note: str = "") -> None:
    """Add a statement at the end of a file, all else in it unchanged; ``note`` is told beside its evidence.

    UsageError when what stands there takes no table at its end; OSError when it cannot be written.
    """
    file = file.resolve()  # a link stays one
    text = file.read_bytes().decode() if file.exists() else HEAD
    row = {key: value for key, value in one.model_dump().items() if value != ""}
    lines = [f"{key} = {toml(value)}" for key, value in row.items()]
    if note:
        lines = [line + f"  # {' '.join(note.split())}" if line.startswith("evidence = ") else line for line in lines]
    whole = f"{text.rstrip()}\n\n[[attestation]]\n" + "\n".join(lines) + "\n"
    before = tomllib.loads(text).get("attestation", [])
    try:
        held = tomllib.loads(whole)["attestation"] == [*before, row]
    except tomllib.TOMLDecodeError:
        held = False
    if not held:
        raise UsageError(f"{file}: nothing can be added at its end: write what it has as [[attestation]] tables")
    write_whole(file, whole.encode())
