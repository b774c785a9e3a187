"""``cutover init``: asks a few questions and writes an inventory of one host."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from cutover import targets
from cutover.addresses import Address
from cutover.cli.asking import Ended, ask, of, yes
from cutover.cli.literal import toml
from cutover.errors import UsageError
from cutover.files import write_whole
from cutover.inventory import Server
from cutover.kinds import HostName, WayIn
from cutover.policies import GIB, TIERS

_SIZES = ", ".join(f"{tier} {size.cpus} CPUs {size.memory_bytes // GIB} GiB" for tier, size in TIERS.items())


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Enter the command and its options."""
    parser = commands.add_parser("init", help="ask a few questions and write an inventory")
    parser.add_argument("file", nargs="?", type=Path, default="hosts.toml", metavar="FILE", help="default: %(default)s")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Ask, write, and read it back."""
    file: Path = asked.file
    _refuse(file)
    print("Enter takes what stands in brackets; a list is parted by blanks; Ctrl-C ends, and nothing is written.\n")
    try:
        answers = _interview()
    except Ended:
        print()
        raise UsageError("ended before all was asked: nothing was written") from None
    draft = file.with_name(f".{file.stem}.{os.getpid()}.toml")
    try:
        write_whole(draft, answers.inventory().encode())
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from None
    try:
        targets.load(draft)
        file.hardlink_to(draft)  # unlike a rename, never in place of another's file
    except OSError as error:
        _refuse(file)
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from None
    finally:
        draft.unlink()
    print(f"\n{file} is written. Now: ./verify --inventory={shlex.quote(str(file))}")
    return 0


def _refuse(file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise UsageError(f"{file}: is there already, and is not overwritten; name another file")


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered; empty where nothing is declared."""

    host: str
    addresses: list[str]
    old_server: list[str]
    phase: str
    tier: str
    resolvers: list[str]
    way_in: str
    user: str
    database: bool
    metrics: bool
    username: str
    password: dict[str, str | list[str]]

    def inventory(self) -> str:
        """The file, with what else can be said as comments."""
        lines = [
            "# Who is verified, and what was promised; all keys and their defaults: cutover/inventory.py.",
            "# Paths in it are relative to this file.",
            "",
            "[[target]]",
            f"host = {toml(self.host)}",
            _line("addresses", self.addresses, "dialled; without them, what DNS says", ["203.0.113.10"]),
            _line("old_server", self.old_server, "where DNS leads until it is changed", ["203.0.113.9"]),
            f"phase = {toml(self.phase)}  # pre: before the DNS change; post: after it",
            f"tier = {toml(self.tier)}  # appendix A: small, medium, large",
            _line("resolvers", self.resolvers, "asked in place of this machine's own", ["203.0.113.53"]),
            '# ca = "private-ca.pem"  # trusted in place of the system\'s store',
            "",
            "[target.credentials]  # no password stands here",
            f"username = {toml(self.username)}",
            *(f"{key} = {toml(value)}" for key, value in self.password.items()),
        ]
        if self.way_in:
            lines += ["", "[target.server]", f"way_in = {toml(self.way_in)}"]
            lines += [_line("user", self.user, "whom the application runs as, for `cutover sudoers`", "mirai")]
            lines += ["# sudo = false  # what needs root is then not reviewed"]
            lines += ['# commit = "0123abc"  # what is to be deployed']
        else:
            lines += ["", "# [target.server]  # without it the server's inside is not reviewed"]
            lines += [f"# way_in = {toml(f'ssh://ops@{self.host}')}"]
        lines += ["", f"{'' if self.database else '# '}[target.database]  # PostgreSQL, section 8"]
        lines += ['# name = "mirai_knowledge"', '# role = "mks_user"']
        lines += ["", f"{'' if self.metrics else '# '}[target.metrics]  # Prometheus, section 16"]
        lines += ["# port = 9100", "", "# [target.limits]", "# response_seconds = 2.0", "# knowledge_records = 1"]
        return "\n".join(lines) + "\n"


def _line(key: str, value: str | list[str], comment: str, example: str | list[str]) -> str:
    return f"{'' if value else '# '}{key} = {toml(value or example)}  # {comment}"


def _interview() -> Answers:
    host = ask("Public name of the host, such as api.example.com", of(HostName))
    addresses = ask("Its addresses, IPv4 and IPv6 (none: what DNS says)", _each(of(Address)))
    old = ask("Addresses of the server it replaces (none: it replaces none)", _each(of(Address)))
    phase = "post"
    if addresses:
        changed = yes("Does DNS lead to the new addresses already", default=not old)
        phase = "post" if changed else "pre"
    tier = ask(f"Tier ({_SIZES})", of(Literal["small", "medium", "large"]), "small")
    resolvers = ask("Resolvers to ask (none: this machine's own)", _each(of(Address)))
    way_in = ask("Way in by ssh, user@host or user@host:port (none: its inside is not reviewed)", _way_in)
    user, database, metrics = "", False, False
    if way_in:
        user = ask("Whom the application runs as on it (may be empty)", _user)
        database = yes("Does it have a PostgreSQL database of its own")
        metrics = yes("Does it offer metrics to Prometheus")
    username = ask("User of the application who logs in", _username, "admin")
    by = ask("Does that password come from a variable or a command (v/c)", of(Literal["v", "c"]), "v")
    password: dict[str, str | list[str]]
    if by == "v":
        password = {"password_env": ask("Name of the variable", _variable, "CUTOVER_PASSWORD")}
    else:
        password = {"password_command": ask("Command that prints it, such as pass show api", _command)}
    inside = (way_in, user, database, metrics)
    return Answers(host, addresses, old, phase, tier, resolvers, *inside, username, password)


def _each(read: Callable[[str], str]) -> Callable[[str], list[str]]:
    return lambda text: [read(part) for part in re.split(r"[\s,]+", text) if part]


def _way_in(text: str) -> str:
    if not text:
        return ""
    return of(WayIn)(text if "://" in text else f"ssh://{text}")


def _user(text: str) -> str:
    try:
        return Server(way_in="local://", user=text).user
    except ValidationError:
        raise ValueError("expected the name of an account such as mirai") from None


def _username(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected a name such as admin")
    return text


def _variable(text: str) -> str:
    # In capitals, so that a password which is typed here by mistake is seldom taken for a name; it is not told.
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", text):
        raise ValueError("expected the name of a variable in capitals, such as CUTOVER_PASSWORD, never the password")
    return text


def _command(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words or not shutil.which(words[0]):
        raise ValueError("expected a command that this machine has, never the password")
    return words
