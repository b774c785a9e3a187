"""``cutover check-evidence``: whether a run's folder is as the run left it, and whose signature it bears."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from cutover.errors import UsageError
from cutover.report import answer, sums
from cutover.report.about import About

CHANGED = 1


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Enter the command and its options."""
    parser = commands.add_parser("check-evidence", help="tell whether a run's folder is as the run left it")
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of a run: reports/<time>")
    parser.add_argument(
        "--signers", type=Path, metavar="FILE", help="who may sign: lines of a name and a public key, see ssh-keygen(1)"
    )
    parser.add_argument("--signer", metavar="NAME", help="who has to have signed, by the name in that file")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Tell a line for each thing that is wrong, or one that nothing is; 1 when something is."""
    if (asked.signers is None) != (asked.signer is None):
        raise UsageError("--signers and --signer go together: the file of keys, and whose signature is wanted")
    folder: Path = asked.folder
    about = About.read(folder)
    wrong = sums.check(folder)
    if asked.signers and (refusal := sums.check_signature(folder, asked.signers, asked.signer)):
        wrong.append(f"{sums.SIGNATURE}: {refusal}")
    if told := answer.load(folder).get("evidence_sha256"):
        wrong += [] if told == sums.digest(folder / "evidence.jsonl") else [f"{answer.FILE}: is of other evidence"]
    for line in wrong:
        print(line)
    if wrong:
        return CHANGED
    signed = f", signed by {asked.signer}" if asked.signer else ""
    unsigned = "" if signed or not (folder / sums.SIGNATURE).exists() else "; its signature was not verified: --signers"
    print(f"{about.run}: as the run left it{signed}{unsigned}")
    return 0
