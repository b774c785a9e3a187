"""Which addresses a target's name has, asked of DNS itself and never of /etc/hosts."""

from __future__ import annotations

import dns.exception
import dns.resolver

from cutover.inventory import Peer, Target

SECONDS = 5.0


def peers(target: Target) -> tuple[Peer, ...]:
    """One peer for each declared address; without any, one for each A and AAAA record of the name.

    A record type that could not be asked for is a peer without address, so that it is told and not forgotten.
    """
    if target.addresses:
        return tuple(Peer(target, address) for address in dict.fromkeys(map(str, target.addresses)))
    found: list[Peer] = []
    for kind in ("A", "AAAA"):
        try:
            answer = resolver(target).resolve(target.host, kind, lifetime=SECONDS)
            found += [Peer(target, record.address) for record in answer]
        except dns.resolver.NXDOMAIN:
            nothing = Peer(target, "", "the name does not exist in DNS")
            if not found:
                return (nothing,)
            found.append(nothing)  # a DNS server that contradicts itself
        except dns.resolver.NoAnswer:
            continue
        except dns.exception.DNSException as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            found.append(Peer(target, "", f"DNS could not be asked for {kind}: {reason[:200]}"))
    return tuple(found) or (Peer(target, "", "the name has neither A nor AAAA record"),)


def resolver(target: Target) -> dns.resolver.Resolver:
    """The declared resolvers, or else this machine's."""
    if not target.resolvers:
        return dns.resolver.Resolver()
    declared = dns.resolver.Resolver(configure=False)
    declared.nameservers = [str(address) for address in target.resolvers]
    return declared
