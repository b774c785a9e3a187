"""``cutover sudoers``: what an account must be allowed on a server to verify it, as a file for /etc/sudoers.d."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from cutover import targets
from cutover.errors import UsageError
from cutover.inventory import Server
from cutover.probes.privileges import sudoers


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Enter the command and its options."""
    parser = commands.add_parser("sudoers", help="print the sudoers file for an account that may only look")
    parser.add_argument("--inventory", type=Path, metavar="FILE", help="TOML file of targets and their promises")
    parser.add_argument("--host", metavar="NAME", help="host by its public name, or a target of the inventory")
    parser.add_argument("--user", default="cutover", metavar="NAME", help="the account that logs in (%(default)s)")
    parser.add_argument("--allow-active", action="store_true", help="also what a verification does with this option")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print the file."""
    # A name in capitals is an alias to sudo, and ALL is everybody.
    if not re.fullmatch(r"[a-z_][\w.-]*", asked.user, re.ASCII):
        raise UsageError(f"--user {asked.user!r}: expected the name of an account such as cutover")
    hosts = [asked.host] if asked.host else []
    if asked.inventory:
        found = targets.chosen(asked.inventory, hosts)
    else:
        found = tuple(targets.from_options(host, [], None) for host in hosts)
    if len(found) != 1:
        raise UsageError("name one host with --host: each has a file of its own")
    (target,) = found
    server = target.server or Server(way_in=f"ssh://{asked.user}@{target.host}")
    if asked.allow_active:
        server = server.model_copy(update={"allow_active": True})
    print(sudoers(target, server, asked.user), end="")
    return 0
