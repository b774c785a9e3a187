"""A change of DNS, rehearsed: the reference host is the old server, a copy of it is the new one.

All the way an operator goes: the TTL is lowered, the new server is verified at its address beside the old one, DNS is
changed, and one resolver lags behind: its cache holds the old addresses until their TTL ends. The suite has to wait for
it, to name it, and then to find everything good by name.
"""

from __future__ import annotations

import re

from lab import deploy, matrix
from lab.dns import TTL_SECONDS as AS_BEFORE
from lab.dns import Tree, addresses
from lab.host import Host
from lab.network import API, HostSpec

# Long enough that the wait for it is seen; a migration takes minutes.
TTL_SECONDS = 30
WAIT_SECONDS = 90


def rehearse(new: Host, tree: Tree) -> bool:
    """Switch to the new server and back; whether all was green on both sides, and who lags was told."""
    lags = tree.resolvers[-1]
    try:
        _lead_to(tree, API)
        tree.forget()
        before = _verified("before the change", new)
        # Whoever asked just now keeps that answer until its TTL ends.
        tree.forget()
        lags.ask(API.fqdn)
        _lead_to(tree, new.spec)
        after = _verified("after the change", new, "--wait-dns", f"{WAIT_SECONDS}s")
    finally:
        _lead_to(tree, API, AS_BEFORE)
        tree.forget()
    waiting = re.search(rf"(?m)^waiting for DNS of .*: .*{re.escape(lags.spec.ipv4)} in \d+ s.*", after)
    agreed = re.search(r"(?m)^DNS of .* agreed everywhere .*", after)
    held = {
        "before the change all is good": bool(before),
        "after the change all is good": bool(after),
        f"who lags is told: {waiting[0] if waiting else 'nobody'}": bool(waiting),
        f"when it came is told: {agreed[0] if agreed else 'never'}": bool(agreed),
    }
    for what, holds in held.items():
        print(f"{'ok ' if holds else 'BAD'} {what}", flush=True)
    return all(held.values())


def _lead_to(tree: Tree, server: HostSpec, ttl: int = TTL_SECONDS) -> None:
    for record in addresses(API.name, server):
        tree.set(record.name, record.type, [record.value], ttl)


def _verified(when: str, new: Host, *more: str) -> str:
    """What the suite printed; nothing, and all of it is printed, when it found anything that is not good."""
    for host in (new, Host(API)):
        deploy.forget_logins(host)
    done = matrix.suite([*matrix.options(new), *more])
    if done.returncode:
        print(f"{when}:\n{done.stdout}{done.stderr}", flush=True)
        return ""
    return done.stdout
