"""What cutover promises of itself, held against a copy of the reference host: one module for each promise.

Least privilege is proven by ``lab privilege``.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator

from lab import matrix
from lab.host import Host
from lab.machine import Refusal, call
from lab.promises import crash, honest, read_only, repeatable, scale
from lab.promises.trial import Trial, become_reaper, write_waivers

PROMISES: dict[str, Callable[[Trial], bool]] = {
    "read-only": read_only.prove,
    "crash": crash.prove,
    "repeatable": repeatable.prove,
    "honest": honest.prove,
    "scale": scale.prove,
}


def options(parser: argparse.ArgumentParser) -> None:
    """Enter the command's options."""
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="promises with this in their name")
    parser.add_argument("--full", action="store_true", help="as often, and with as many, as is promised: an hour")
    parser.add_argument("--seed", type=int, help="of the moments that chance draws (default: another each time)")


def chosen(asked: argparse.Namespace) -> Iterator[Callable[[Host], bool]]:
    """The proofs of all of them, or of those whose names hold one of ``asked.only``; each is to have a fresh copy."""
    names = [name for name in PROMISES if not asked.only or any(part in name for part in asked.only)]
    if not names:
        raise Refusal(f"no promise is called {' or '.join(asked.only)}; there is {', '.join(PROMISES)}")
    call([matrix.ROOT / "verify", "--version"], timeout=matrix.SUITE_SECONDS)  # makes .venv where there is none
    become_reaper()
    write_waivers()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    print(f"seed {seed}: the same moments again with --seed {seed}", flush=True)
    for name in names:
        yield lambda copy, name=name: PROMISES[name](Trial(copy, name, asked.full, random.Random(seed)))
