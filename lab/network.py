"""The lab's network: one bridge of its own, one namespace per host, and no way out of the machine.

The machine's own addresses, routes, sysctls and firewall are never touched. Only what carries the lab's
name, or its route metric, is made here and taken away here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any

from lab.machine import IPV4_RANGE, IPV6_RANGE, Refusal, call, call_json

DOMAIN = "example.test"
BRIDGE = "cutlab0"
# Last resort of each family, and the mark by which our own routes are known again.
METRIC = 510051


@dataclass(frozen=True)
class HostSpec:
    """One named pair of addresses in the lab, and the network namespace it lives in."""

    name: str
    namespace: str
    ipv4: str
    ipv6: str

    @property
    def fqdn(self) -> str:
        return f"{self.name}.{DOMAIN}"

    @property
    def addresses(self) -> tuple[str, str]:
        return self.ipv4, self.ipv6


def _row(name: str, number: int, namespace: str | None = None) -> HostSpec:
    return HostSpec(name, namespace or name, f"198.51.100.{number}", f"2001:db8:51::{number}")


# The machine's own place on the bridge: from here the suite looks at the hosts.
OPERATOR = _row("operator", 1)
# And a second one, for as long as somebody needs it.
DESK = _row("desk", 2)

API = _row("api", 10)
ACME = _row("acme", 14, "infra")
# The name servers of the root and of test, the two of example.test, and the two resolvers.
ROOT = _row("root", 50, "infra")
NS1 = _row("ns1", 51, "infra")
NS2 = _row("ns2", 52, "infra")
RESOLVERS = (_row("resolver1", 53, "infra"), _row("resolver2", 54, "infra"))
TIME = _row("time", 123, "infra")
# Where the hosts' default routes lead. Not the machine: should it forward packets, the hosts' would leave.
GATEWAY = _row("gateway", 254, "infra")

# Copies of the reference host, for faults and trials; the lab's DNS does not know them.
COPIES = tuple(_row(f"copy{number}", 20 + number) for number in range(1, 9))

# The same deployment on Debian's other releases.
RELEASES = {"bullseye": _row("bullseye", 11), "trixie": _row("trixie", 13)}

# Two load machines and what they load: there only while `python -m lab load` runs, and no part of a lab that is up.
LOADED, *LOADERS = (_row("loaded", 30), _row("load1", 31), _row("load2", 32))

HOSTS = (API, ACME, ROOT, NS1, NS2, *RESOLVERS, TIME, GATEWAY, *RELEASES.values(), *COPIES)


def netns(namespace: str) -> str:
    """The kernel's name for one of the lab's network namespaces."""
    return f"cutlab-{namespace}"


def netns_path(namespace: str) -> Path:
    """Where ``ip netns`` keeps that namespace."""
    return Path("/run/netns") / netns(namespace)


def inside(namespace: str) -> list[str]:
    """The words before a command that make it run in that namespace."""
    return ["ip", "netns", "exec", netns(namespace)]


def require_free_ranges() -> None:
    """Refuse a machine that already uses one of the lab's address ranges for something else."""
    for used, where in _used_networks():
        for ours in (IPV4_RANGE, IPV6_RANGE):
            if used.version == ours.version and used.overlaps(ours):
                raise Refusal(f"this machine already uses {used} ({where}); the lab needs {ours} for itself")


def _used_networks() -> Iterator[tuple[Any, str]]:
    for link in call_json(["ip", "-j", "address"]):
        if link["ifname"] != BRIDGE:
            for address in link["addr_info"]:
                network = ip_interface(f"{address['local']}/{address['prefixlen']}").network
                yield network, f"on {link['ifname']}"
    for family in ("-4", "-6"):
        for route in call_json(["ip", "-j", family, "route", "show", "table", "all"]):
            if route.get("metric") == METRIC or route.get("dev") == BRIDGE or route["dst"] == "default":
                continue
            network = ip_network(route["dst"], strict=False)
            yield network, f"a route by {route.get('dev', route.get('type'))}"


def up() -> None:
    """Bar the way out, then make the bridge and every namespace of the table."""
    # Before the first address: without them a packet to a host that is not up would take the default route.
    call(["ip", "route", "replace", "blackhole", str(IPV4_RANGE), "metric", str(METRIC)])
    call(["ip", "-6", "route", "replace", "unreachable", str(IPV6_RANGE), "metric", str(METRIC)])
    call(["ip", "link", "add", BRIDGE, "type", "bridge"])
    _address([], BRIDGE, OPERATOR)
    call(["ip", "link", "set", BRIDGE, "up"])
    for namespace in dict.fromkeys(spec.namespace for spec in HOSTS):
        _add_namespace(namespace, HOSTS)


@contextlib.contextmanager
def lent(*specs: HostSpec) -> Iterator[None]:
    """Namespaces beside those of the table, until the block ends."""
    try:
        for spec in specs:
            _add_namespace(spec.namespace, specs)
            # The same each time: the machine remembers for a while which card has the address.
            card = f"02:00:{int(spec.ipv4.rpartition('.')[2]):02x}:00:00:01"
            call(["ip", "-n", netns(spec.namespace), "link", "set", "eth0", "address", card])
        yield
    finally:
        for spec in specs:
            for argv in (["ip", "netns", "delete", netns(spec.namespace)], ["ip", "link", "delete", device(spec)]):
                with contextlib.suppress(Refusal):
                    call(argv)


def device(spec: HostSpec) -> str:
    """The bridge's end of its cable."""
    return f"cl-{spec.namespace}"


@contextlib.contextmanager
def at_a_desk() -> Iterator[list[str]]:
    """A second place of the operator's, whose ways can be cut without anybody else noticing; as ``inside``."""
    _forget_desk()
    _add_namespace(DESK.namespace, (DESK,))
    try:
        yield inside(DESK.namespace)
    finally:
        _forget_desk()


def _forget_desk() -> None:
    # The pair first: a process that still ends would keep it with its namespace.
    for thing in (["link", "delete", f"cl-{DESK.namespace}"], ["netns", "delete", netns(DESK.namespace)]):
        with contextlib.suppress(Refusal):
            call(["ip", *thing])


def _add_namespace(namespace: str, hosts: Iterable[HostSpec]) -> None:
    outer, prefix = f"cl-{namespace}", ["-n", netns(namespace)]
    call(["ip", "netns", "add", netns(namespace)])
    call(["ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", netns(namespace)])
    call(["ip", "link", "set", outer, "master", BRIDGE, "up"])
    call(["ip", *prefix, "link", "set", "lo", "up"])
    call(["ip", *prefix, "link", "set", "eth0", "up"])
    for spec in hosts:
        if spec.namespace == namespace:
            _address(prefix, "eth0", spec)
    if namespace == GATEWAY.namespace:
        # A gateway that answers "unreachable" at once: a host that looks for the internet must not hang.
        for family, setting in (("-4", "ipv4/ip_forward"), ("-6", "ipv6/conf/all/forwarding")):
            call(["ip", *prefix, family, "route", "add", "unreachable", "default", "metric", str(METRIC)])
            call([*inside(namespace), "sh", "-c", f"echo 1 >/proc/sys/net/{setting}"])
    else:
        call(["ip", *prefix, "route", "add", "default", "via", GATEWAY.ipv4])
        call(["ip", *prefix, "-6", "route", "add", "default", "via", GATEWAY.ipv6])


def _address(prefix: list[str], device: str, spec: HostSpec) -> None:
    call(["ip", *prefix, "address", "add", f"{spec.ipv4}/24", "dev", device])
    # Nobody else is on this bridge, and duplicate address detection would hold IPv6 back for two seconds.
    call(["ip", *prefix, "address", "add", f"{spec.ipv6}/64", "dev", device, "nodad"])


def down() -> None:
    """Take away whatever of it exists."""
    for namespace in existing_namespaces():
        call(["ip", "netns", "delete", namespace])
    # A namespace that a process still holds keeps its veth pair alive.
    for device in (BRIDGE, *(f"cl-{spec.namespace}" for spec in HOSTS)):
        with contextlib.suppress(Refusal):
            call(["ip", "link", "delete", device])
    for family, kind, where in (("-4", "blackhole", IPV4_RANGE), ("-6", "unreachable", IPV6_RANGE)):
        with contextlib.suppress(Refusal):
            call(["ip", family, "route", "delete", kind, str(where), "metric", str(METRIC)])


def existing_namespaces() -> list[str]:
    """The lab's namespaces that are there now."""
    directory = Path("/run/netns")
    return sorted(path.name for path in directory.glob("cutlab-*")) if directory.exists() else []


def is_up() -> bool:
    """Whether the bridge and every namespace are there."""
    wanted = {netns(spec.namespace) for spec in HOSTS}
    return Path("/sys/class/net", BRIDGE).exists() and wanted <= set(existing_namespaces())
