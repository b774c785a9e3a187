"""The firewall as the host itself has it: ufw's word and the packet filter's (checklist section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import words_of
from cutover.facts.packet_filter import Table, accepted, parse
from cutover.facts.packets import Packets, let_in, spoken

# All tables in one go, and nothing is loaded that is not there: `iptables -t nat -S` would load it. Who was
# banned by fail2ban may be thousands of lines, none of which lets anybody in.
_SAVE = """\
told=$(root %s) || exit
printf '%%s\\n' "$told" | sed -E '/^-A f2b-[^ ]+ -s [^ ]+ -j (DROP|REJECT)( |$)/d'
"""

# Tables, chains, hooks; what changes a destination; and what nft itself wrote into iptables' own tables, which
# lacks the counter that iptables gives to every rule. A host without nft has nothing of that when its kernel is
# without nf_tables, as a module and built in.
_NFT = """\
told=$(root nft -s list ruleset) || {
  status=$?
  command -v nft >/dev/null || [ -d /sys/module/nf_tables ] && exit $status
  grep -qs nf_tables "/lib/modules/$(uname -r)/modules.builtin"
  [ $? -eq 1 ] || exit $status
}
printf '%s\\n' "$told" | awk '
  /^table / { filter = / ip6? filter / }
  /^\\t[a-z]/ { rules = /^\\tchain / }
  /^table |^\\tchain |^\\t\\ttype .* hook |dnat|redirect/ || (filter && rules && /^\\t\\t/ && !/[\\t ]counter( |$)/)
'
"""

COMMANDS = {
    "ufw-status": Command("root ufw status verbose"),
    "ufw-conf": Command("cat /etc/ufw/ufw.conf"),
    "ufw-default": Command("cat /etc/default/ufw"),
    "ufw-enabled": Command("systemctl is-enabled ufw.service"),
    "iptables": Command(_SAVE % "iptables-save"),
    "ip6tables": Command(_SAVE % "ip6tables-save"),
    "nft": Command(_NFT),
}

Family = Literal["ipv4", "ipv6"]
FAMILIES: tuple[Family, Family] = ("ipv4", "ipv6")


@dataclass(frozen=True, slots=True)
class Firewall:
    """``allowed`` holds what ufw's rules let in, asked in their order, by family, as ``packets.let_in`` tells it.

    ``default_incoming`` is ufw's word for what no rule names; ``filter_policies`` is what the kernel's INPUT
    chain does with it, and ``filter_accepts`` what comes through that chain, whoever wrote its rules; those that
    nft wrote into iptables' table are told as they are, because iptables reads them as others than they are.
    ``manages_ipv6`` is ufw's own switch.
    """

    active: bool
    default_incoming: str
    allowed: dict[Family, frozenset[str]]
    enabled_in_conf: bool
    enabled_at_boot: bool
    manages_ipv6: bool
    filter_policies: dict[Family, str]
    filter_accepts: dict[Family, frozenset[str]]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Firewall:
        """Read ufw and both packet filters; ProbeError when one of them does not tell."""
        if outputs["ufw-status"].rc == 127:
            advice = "sudo apt install ufw, then the checklist's section 3"
            raise ProbeError(f"{outputs.host}: ufw is not installed, and no other firewall is judged", advice)
        status = outputs.text("ufw-status")
        state = re.search(r"(?m)^Status: (active|inactive)$", status)
        default = re.search(r"(?m)^Default: (\w+) \(incoming\)", status)
        if not state or (state[1] == "active" and not default):
            raise _unknown(outputs, "ufw status")
        filters = {family: table(outputs, family, "filter") for family in FAMILIES}
        if outputs["ufw-enabled"].rc == 127:
            outputs.text("ufw-enabled")
        settings = f"{outputs.text('ufw-default')}\n{outputs.text('ufw-conf')}"
        try:
            rules = list(_rules(status))
            allowed = {family: let_in((one, lets) for of, one, lets in rules if of == family) for family in FAMILIES}
        except ValueError:
            raise _unknown(outputs, "ufw status") from None
        try:
            accepts = {family: let_in(accepted(of)) | _by_nft(outputs, family) for family, of in filters.items()}
        except ValueError:
            raise _unknown(outputs, "iptables-save") from None
        return cls(
            active=state[1] == "active",
            default_incoming=default[1] if default else "allow",
            allowed=allowed,
            enabled_in_conf=_is_yes("ENABLED", settings),
            enabled_at_boot=outputs["ufw-enabled"].stdout.strip() == "enabled",
            manages_ipv6=_is_yes("IPV6", settings),
            filter_policies={family: of.policies.get("INPUT", "ACCEPT") for family, of in filters.items()},
            filter_accepts=accepts,
            evidence=outputs.evidence(*COMMANDS),
        )


def table(outputs: Outputs, family: Family, name: str) -> Table:
    """One table of the packet filter; ProbeError when iptables does not tell it whole."""
    program = "iptables" if family == "ipv4" else "ip6tables"
    text, errors = outputs.text(program), outputs[program].stderr
    # A rule that was written with nft into iptables' own table, iptables may leave out, and end well.
    if f"# Table `{name}' is incompatible" in text or re.search(r"(?m)^Error", errors):
        cause = f"{outputs.host}: {program}-save does not tell all rules: nft wrote one it cannot read"
        raise ProbeError(cause, "look for it in sudo nft list ruleset, and write it with ufw")
    try:
        return parse(text, name)
    except ValueError:
        raise _unknown(outputs, f"{program}-save") from None


def _by_nft(outputs: Outputs, family: Family) -> frozenset[str]:
    """The first of nft's own rules in the table filter; without nft on the host, nobody has written any."""
    found, here = [], False
    for line in outputs["nft"].stdout.splitlines() if outputs["nft"].rc == 0 else ():
        if line.startswith("table "):
            here = line.startswith(f"table {'ip' if family == 'ipv4' else 'ip6'} filter ")
        elif here and not re.match(r"\tchain |\t\ttype .* hook ", line):
            found.append(f"{line.strip()[:100]} (written with nft)")
    return frozenset(found[:10])


def _unknown(outputs: Outputs, program: str) -> ProbeError:
    return ProbeError(f"{outputs.host}: {program} answered in an unknown form")


LONGEST_RULE = 1000  # characters of a line of ufw's


def _rules(status: str) -> Iterator[tuple[Family, Packets, bool]]:
    """Read ``To  Action  From``, in columns that grow when a word is longer; ValueError for anything else.

    LIMIT lets in as ALLOW does, and slows down who comes too often.
    """
    _, _, table = status.partition("\n--")
    for line in table.splitlines()[1:]:
        if not line.strip():
            continue
        if len(line) > LONGEST_RULE:
            raise ValueError(line)
        rule = re.match(r"(\S.*?)\s+(ALLOW|LIMIT|DENY|REJECT) (IN|OUT|FWD)\s+(\S.*)$", line)
        if not rule:
            raise ValueError(line)
        to, action, direction, source = rule.groups()
        if direction == "IN":
            source = source.partition(" # ")[0]
            for packets in spoken(_bare(to), _bare(source)):
                ends = [end.version for end in (packets.destination, packets.source) if end]
                family: Family = "ipv6" if "(v6)" in to + source or 6 in ends else "ipv4"
                yield family, packets, action in ("ALLOW", "LIMIT")


def _bare(words: str) -> str:
    """``22/tcp (OpenSSH (v6)) on eth0`` → ``22/tcp on eth0``."""
    before = ""
    while before != words:
        before, words = words, re.sub(r"\s*\([^()]*\)", "", words)
    return words.strip()


def _is_yes(name: str, settings: str) -> bool:
    """Whether ufw's start at boot, a shell script, reads yes: the last line counts, quoted or not."""
    values = re.findall(rf"(?m)^[ \t]*(?:export[ \t]+)?{name}=(.*)$", settings)
    try:
        return bool(values) and words_of(values[-1], comments=True) in (["yes"], ["YES"])
    except ValueError:
        return False
