"""IP addresses that lead to one host, and those that lead to none, to many or to this very machine."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, IPvAnyAddress


def unfit(address: IPv4Address | IPv6Address) -> str:
    """Of what kind an address is by which no host can be dialled; empty when it is of none."""
    plain = getattr(address, "ipv4_mapped", None) or address
    if plain.is_unspecified:
        return "unspecified"  # the system takes it for this machine
    if plain.is_multicast:
        return "multicast"
    if plain == IPv4Address("255.255.255.255"):
        return "broadcast"
    if isinstance(plain, IPv6Address) and plain.is_link_local and not plain.scope_id:
        return "link-local"
    return ""


def has_route(address: str) -> bool:
    """Whether this machine knows a way to an address. Nothing is sent: a datagram's socket looks it up, no more."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
            datagrams.connect((address, 9))
    except OSError:
        return False
    return True


def _no_number(address: object) -> object:
    """Refuse a number, which to ipaddress is an address too."""
    if isinstance(address, int | bytes):
        raise ValueError("value is not a valid IPv4 or IPv6 address")
    return address


def _of_one_host(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Refuse what is no host's."""
    if kind := unfit(address):
        scope = " without a scope, as fe80::1%eth0 has one" if kind == "link-local" else ""
        raise ValueError(f"expected the address of one host, no {kind} one{scope}")
    return address


Address = Annotated[IPvAnyAddress, BeforeValidator(_no_number), AfterValidator(_of_one_host)]
