"""Waiting until a change of DNS has arrived at every name server and every resolver that is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from cutover.errors import ProbeError
from cutover.facts.dns import KINDS, Dns, who_lags
from cutover.inventory import Target
from cutover.probes.connecting import now
from cutover.probes.dns import look

# Between two looks: the first while a name server lags; a resolver's answer changes when its cache ends, or sooner
# when somebody empties it.
SHORTEST, LONGEST = 10.0, 60.0

# The target, who does not agree yet with the seconds until its cache ends, and for how long is still waited.
Told = Callable[[str, dict[str, int], float], None]


def wait(targets: Sequence[Target], seconds: float, told: Told) -> list[str]:
    """Wait for all targets side by side, at most so long; a line for each that tells when it came, or what did not."""

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(_wait(target, seconds, told) for target in targets))

    # In the main thread: Ctrl-C ends it at once.
    return asyncio.run(all_of_them())


async def _wait(target: Target, seconds: float, told: Told) -> str:
    begun = time.monotonic()
    while True:
        try:
            missing = not_yet(await look(target), target)
        except ProbeError as error:
            missing = {error.cause: 0}
        waited = time.monotonic() - begun
        if not missing:
            return f"DNS of {target.label} agreed everywhere at {now()}, after {waited:.0f} s"
        if waited >= seconds:
            return f"DNS of {target.label} did not agree within {seconds:.0f} s: {who_lags(missing)}"
        told(target.label, missing, seconds - waited)
        soonest = min(missing.values()) + 1
        await asyncio.sleep(min(max(SHORTEST, min(LONGEST, soonest)), seconds - waited))


def not_yet(facts: Dns, target: Target) -> dict[str, int]:
    """Who does not lead to exactly the declared addresses, with the seconds until its cache ends."""
    missing = {server.label: 0 for zone in facts.zones for server in zone.servers if server.asked and server.problem}
    for kind in KINDS:
        wanted = {address for address in target.in_dns if (":" in address) == (kind == "AAAA")}
        for name, answer in facts.leads_to(kind).items():
            if set(answer.values) != wanted:
                missing[name] = 0
        for resolver in facts.resolvers:
            if set(resolver.answers[kind].values) != wanted:
                missing[resolver.address] = max(resolver.answers[kind].seconds, missing.get(resolver.address, 0))
    return missing
