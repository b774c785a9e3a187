"""The checks of tests_server, each with facts that keep the promise and facts that break it."""

from dataclasses import replace

import pytest

from cutover.facts.firewall import Firewall
from cutover.facts.forwarding import Forward, Forwarding
from cutover.facts.packets import Packets
from cutover.facts.resources import Resources
from cutover.facts.system import OperatingSystem
from cutover.inventory import Ports, Target
from cutover.policies import GB, GIB
from selftest.rows import HOST, TARGET, fails, judge, passes
from tests_server import test_firewall as firewall
from tests_server import test_resources as resources
from tests_server import test_system as system

RELEASES = "Debian 11 or later, Ubuntu 20.04 or later"
MEDIUM = Target(host=HOST, tier="medium")
LARGE = Target(host=HOST, tier="large")
NOMINAL = {TARGET: 4 * GIB * 9 // 10, MEDIUM: 8 * GIB * 9 // 10, LARGE: 16 * GIB * 9 // 10}  # rounded down
ENOUGH = Resources(cpus=2, memory_bytes=4 * GIB, disk_free_bytes=20 * GB, evidence=())

RULES = frozenset({"22/tcp", "80/tcp", "443/tcp"})
OPEN = Firewall(
    active=True,
    default_incoming="deny",
    allowed={"ipv4": RULES, "ipv6": RULES},
    enabled_in_conf=True,
    enabled_at_boot=True,
    filter_policies={"ipv4": "DROP", "ipv6": "DROP"},
    filter_accepts={"ipv4": RULES, "ipv6": RULES},
    manages_ipv6=True,
    evidence=(),
)
OFFICE = "22/tcp from 203.0.113.0/24"
OFFICE_ONLY = Target(host=HOST, ports=Ports(firewall=("80/tcp", "443/tcp", OFFICE)))
OTHER_SSH = Target(host=HOST, ports=Ports(ssh=2222))


def release(id_, *version, name):
    return OperatingSystem(id=id_, version=version, name=name, codename="", evidence=())


def of_system():
    check = system.test_release_is_one_the_checklist_allows
    for good in (
        release("debian", 11, name="Debian GNU/Linux 11 (bullseye)"),
        release("debian", 12, name="Debian GNU/Linux 12 (bookworm)"),
        release("debian", 13, name="Debian GNU/Linux 13 (trixie)"),
        release("ubuntu", 20, 4, name="Ubuntu 20.04.6 LTS"),
        release("ubuntu", 20, 10, name="Ubuntu 20.10"),
        release("ubuntu", 24, 4, name="Ubuntu 24.04.1 LTS"),
    ):
        yield passes(good.name, check, system=good)
    for bad in (
        release("debian", 10, name="Debian GNU/Linux 10 (buster)"),
        release("ubuntu", 18, 4, name="Ubuntu 18.04.6 LTS"),
        release("ubuntu", 19, 10, name="Ubuntu 19.10"),
        release("almalinux", 9, 4, name="AlmaLinux 9.4 (Seafoam Ocelot)"),
        release("linuxmint", 22, name="Linux Mint 22"),
    ):
        yield fails(bad.name, check, RELEASES, bad.name, system=bad)


def of_resources():
    few, memory, disk = resources.test_processors, resources.test_memory, resources.test_disk_has_room
    for target, cpus in ((TARGET, 2), (MEDIUM, 4), (LARGE, 8)):
        tier, least = target.tier, target.size
        yield passes(f"{tier}-exactly", few, resources=replace(ENOUGH, cpus=cpus), target=target)
        one_less = replace(ENOUGH, cpus=cpus - 1)
        promised = f"at least {cpus} for tier {tier}"
        yield fails(f"{tier}-one-less", few, promised, str(cpus - 1), resources=one_less, target=target)

        nominal = NOMINAL[target]
        yield passes(f"{tier}-at-90%", memory, resources=replace(ENOUGH, memory_bytes=nominal + 1), target=target)
        yield fails(
            f"{tier}-below-90%",
            memory,
            f"nominal {least.memory_bytes // GIB} GB or more for tier {tier}",
            f"{nominal / GIB:.1f} GiB",
            resources=replace(ENOUGH, memory_bytes=nominal),
            target=target,
        )
        room = least.disk_free_bytes
        yield passes(f"{tier}-exactly", disk, resources=replace(ENOUGH, disk_free_bytes=room), target=target)
        yield fails(
            f"{tier}-one-byte-less",
            disk,
            f"at least {room // GB} GB free for tier {tier}",
            f"{(room - 1) / GB:.1f} GB free",
            resources=replace(ENOUGH, disk_free_bytes=room - 1),
            target=target,
        )


def of_firewall_state():
    active, boot = firewall.test_firewall_is_active, firewall.test_firewall_is_active_after_a_boot
    yield passes("active", active, firewall=OPEN)
    yield fails("inactive", active, "active", "inactive", firewall=replace(OPEN, active=False))
    yield passes("both", boot, firewall=OPEN)
    no_conf, no_unit = replace(OPEN, enabled_in_conf=False), replace(OPEN, enabled_at_boot=False)
    yield fails("conf", boot, "/etc/ufw/ufw.conf: yes", "/etc/ufw/ufw.conf: no", firewall=no_conf)
    yield fails("unit", boot, "systemd unit: yes", "systemd unit: no", firewall=no_unit)

    dropped = firewall.test_what_no_rule_names_is_dropped
    yield passes("deny", dropped, firewall=OPEN, family="ipv4")
    yield passes("reject", dropped, firewall=replace(OPEN, default_incoming="reject"), family="ipv6")
    allow = replace(OPEN, default_incoming="allow")
    yield fails("allow", dropped, "ufw: deny", "ufw: allow", firewall=allow, family="ipv4")
    for family, other in (("ipv4", "ipv6"), ("ipv6", "ipv4")):
        accepts = replace(OPEN, filter_policies={family: "ACCEPT", other: "DROP"})
        yield passes(f"accept-{other}", dropped, firewall=accepts, family=other)
        yield fails(
            f"accept-{family}", dropped, "packet filter: drop", "packet filter: accept", firewall=accepts, family=family
        )


def of_firewall_rules():
    exactly = firewall.test_allowed_is_exactly_what_was_promised
    told = "22/tcp, 443/tcp, 80/tcp"
    for family, other in (("ipv4", "ipv6"), ("ipv6", "ipv4")):
        yield passes(family, exactly, firewall=OPEN, target=TARGET, family=family)
        more = replace(OPEN, allowed={family: RULES | {"8000/tcp"}, other: RULES})
        less = replace(OPEN, allowed={family: RULES - {"22/tcp"}, other: RULES})
        yield passes(f"more-in-{family}", exactly, firewall=more, target=TARGET, family=other)
        yield fails(
            f"more-in-{family}", exactly, told, f"{told}, 8000/tcp", firewall=more, target=TARGET, family=family
        )
        yield fails(f"less-in-{family}", exactly, told, "443/tcp, 80/tcp", firewall=less, target=TARGET, family=family)
    nothing = replace(OPEN, allowed={"ipv4": frozenset(), "ipv6": frozenset()})
    yield fails("none", exactly, told, "none", firewall=nothing, target=TARGET, family="ipv4")
    yield fails(
        "ssh-elsewhere", exactly, "2222/tcp, 443/tcp, 80/tcp", told, firewall=OPEN, target=OTHER_SSH, family="ipv4"
    )
    narrow = replace(OPEN, allowed={"ipv4": RULES - {"22/tcp"} | {OFFICE}, "ipv6": RULES - {"22/tcp"}})
    yield passes("office", exactly, firewall=narrow, target=OFFICE_ONLY, family="ipv4")
    yield passes("office-is-ipv4", exactly, firewall=narrow, target=OFFICE_ONLY, family="ipv6")
    yield fails("office", exactly, f"{OFFICE}, 443/tcp, 80/tcp", told, firewall=OPEN, target=OFFICE_ONLY, family="ipv4")

    ranges = Target(host=HOST, ports=Ports(firewall=("22", "80,443/tcp", "22/tcp from 10.0.0.0/8", "odd")))
    wanted = "22/tcp, 22/udp, 443/tcp, 80/tcp, odd"
    yield fails("by-meaning", exactly, wanted, told, firewall=OPEN, target=ranges, family="ipv6")
    profiles = Target(host=HOST, ports=Ports(firewall=("22/tcp", "80,443/tcp")))
    yield passes("a-list-of-ports", exactly, firewall=OPEN, target=profiles, family="ipv6")
    udp = replace(OPEN, allowed={"ipv4": RULES | {"22/udp"}, "ipv6": RULES})
    yield fails(
        "no-protocol", exactly, told, "22/tcp, 22/udp, 443/tcp, 80/tcp", firewall=udp, target=TARGET, family="ipv4"
    )
    shadowed = replace(OPEN, allowed={"ipv4": RULES - {"80/tcp"} | {"80/tcp but not 80/tcp on eth0"}, "ipv6": RULES})
    seen = "22/tcp, 443/tcp, 80/tcp but not 80/tcp on eth0"
    yield fails("shadowed", exactly, told, seen, firewall=shadowed, target=TARGET, family="ipv4")


def of_packet_filter():
    holds, six = firewall.test_packet_filter_lets_in_what_ufw_allows, firewall.test_firewall_manages_ipv6
    yield passes("same", holds, firewall=OPEN, family="ipv4")
    flushed = replace(OPEN, filter_accepts={"ipv4": frozenset(), "ipv6": RULES})
    yield passes("flushed-in-ipv4", holds, firewall=flushed, family="ipv6")
    yield fails("flushed", holds, "22/tcp, 443/tcp, 80/tcp", "none", firewall=flushed, family="ipv4")
    more = replace(OPEN, filter_accepts={"ipv6": RULES | {"9200/tcp"}})
    told = "22/tcp, 443/tcp, 80/tcp"
    yield fails("more", holds, told, f"{told}, 9200/tcp", firewall=more, family="ipv6")
    yield passes("yes", six, firewall=OPEN)
    yield fails("no", six, "IPV6=yes", "IPV6=no", firewall=replace(OPEN, manages_ipv6=False))


def of_forwarding():
    check = firewall.test_nothing_is_forwarded_past_ufw
    docker = frozenset({"! -i docker0", "--dst-type LOCAL"})
    web = Forward(Packets("tcp", (443, 443), besides=docker), "172.17.0.2:443")
    other = Forward(Packets("tcp", (8080, 8080), besides=docker), "172.17.0.2:80")
    ssh = Forward(Packets("tcp", (2200, 2200)), ":22")
    promised = "no port but those the firewall promises to open"
    told = {other: "8080/tcp forwarded to 172.17.0.2:80", ssh: "2200/tcp forwarded to port 22 of the host itself"}
    yield passes("nothing", check, forwarding=forwards(), target=TARGET, family="ipv4")
    yield passes("promised", check, forwarding=forwards(web), target=TARGET, family="ipv4")
    yield passes("in-the-other-family", check, forwarding=forwards(other), target=TARGET, family="ipv6")
    for one, seen in told.items():
        yield fails(seen[:4], check, promised, seen, forwarding=forwards(web, one), target=TARGET, family="ipv4")
    everything = Forward(Packets(), "10.0.0.2")
    seen = "Anywhere forwarded to 10.0.0.2"
    yield fails("everything", check, promised, seen, forwarding=forwards(everything), target=TARGET, family="ipv4")
    # The office may come in on port 22; a container that answers there is for everybody.
    wide = Forward(Packets("tcp", (22, 22)), "172.17.0.2:22")
    seen = "22/tcp forwarded to 172.17.0.2:22"
    yield fails("wider", check, promised, seen, forwarding=forwards(wide), target=OFFICE_ONLY, family="ipv4")


def forwards(*four):
    return Forwarding({"ipv4": frozenset(four), "ipv6": frozenset()}, ())


ROWS = [
    *of_system(),
    *of_resources(),
    *of_firewall_state(),
    *of_firewall_rules(),
    *of_packet_filter(),
    *of_forwarding(),
]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
