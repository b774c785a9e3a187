"""Which addresses a target's name has, asked of DNS itself and never of /etc/hosts."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal

from cutover.addresses import unfit
from cutover.inventory import Peer, Target
from cutover.redact import redact

if TYPE_CHECKING:
    import dns.resolver

SECONDS = 5.0


def peers(target: Target) -> tuple[Peer, ...]:
    """One peer for each declared address; without any, one for each A and AAAA record of the name.

    A record type that could not be asked for is a peer without address, so that it is told and not forgotten.
    """
    if target.addresses:
        return tuple(Peer(target, address) for address in dict.fromkeys(map(str, target.addresses)))
    import dns.exception  # here, because a run with declared addresses need not wait for it
    import dns.resolver

    found: list[Peer] = []
    kinds: tuple[Literal["A", "AAAA"], ...] = ("A", "AAAA")
    for kind in kinds:
        try:
            answer = resolver(target).resolve(target.host, kind, lifetime=SECONDS)
            told = [record.address for record in answer]
            dialled = [address for address in told if not unfit(ip_address(address))]
            found += [Peer(target, address) for address in dialled]
            if others := sorted({*told} - {*dialled}):
                # 0.0.0.0 in DNS would lead to this very machine.
                found.append(Peer(target, "", f"DNS says {', '.join(others)}, the address of no one host", kind))
        except dns.resolver.NXDOMAIN:
            if not found:
                return (Peer(target, "", "the name does not exist in DNS"),)
            # A DNS server that contradicts itself.
            found.append(Peer(target, "", f"the name does not exist in DNS when asked for {kind}", kind))
        except dns.resolver.NoAnswer:
            continue
        except dns.exception.DNSException as error:
            reason = " ".join(redact(str(error)).split()) or type(error).__name__
            found.append(Peer(target, "", f"DNS could not be asked for {kind}: {reason[:200]}", kind))
    return tuple(found) or (Peer(target, "", "the name has neither A nor AAAA record"),)


def resolvers(target: Target) -> list[str]:
    """The addresses of the declared resolvers, or else of this machine's; DNSException when it has none."""
    if target.resolvers:
        return [str(address) for address in dict.fromkeys(target.resolvers)]
    return list(dict.fromkeys(map(str, resolver(target).nameservers)))


def resolver(target: Target) -> dns.resolver.Resolver:
    """The declared resolvers, or else this machine's."""
    import dns.resolver

    if not target.resolvers:
        return dns.resolver.Resolver()
    declared = dns.resolver.Resolver(configure=False)
    declared.nameservers = [str(address) for address in target.resolvers]
    return declared
