"""What the kernel allows: mandatory access control and its settings (advice beyond the checklist)."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from cutover.errors import NotPromised, ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key, is_number

# A container runs its machine's kernel, which is not this host's to set.
_CONTAINER = """\
for mark in /run/systemd/container /.dockerenv /run/.containerenv; do
  if [ -e "$mark" ]; then echo "container $mark"; exit; fi
done
"""

_ACCESS = (
    _CONTAINER
    + """\
apparmor=$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)
if [ "$apparmor" = Y ]; then
  profiles=$(root cat /sys/kernel/security/apparmor/profiles) || exit
  printf '%s\\n' "$profiles" | sed -n 's/.*(\\([a-z]*\\))$/\\1/p' | sort | uniq -c | sed 's/^ */profiles /'
fi
echo "apparmor ${apparmor:-none}"
echo "selinux $(cat /sys/fs/selinux/enforce 2>/dev/null || echo none)"
"""
)

GLOBAL = (
    "kernel.kptr_restrict",
    "kernel.dmesg_restrict",
    "kernel.yama.ptrace_scope",
    "kernel.randomize_va_space",
    "fs.protected_hardlinks",
    "fs.protected_symlinks",
    "fs.suid_dumpable",
    "net.ipv4.tcp_syncookies",
)
_OF_INTERFACES = {
    "ipv4": ("forwarding", "rp_filter", "accept_redirects", "send_redirects", "accept_source_route"),
    "ipv6": ("forwarding", "accept_redirects"),
}

# Only root may read those of fs, and nobody else's words may stand behind `root`: no pattern of files.
_SETTINGS = (
    _CONTAINER
    + "{ root grep -sH . "
    + " ".join(f"/proc/sys/{name.replace('.', '/')}" for name in GLOBAL)
    + "\ngrep -sH ."
    + "".join(f" /proc/sys/net/{family}/conf/*/{name}" for family, names in _OF_INTERFACES.items() for name in names)
    + "\n} | sed 's|^/proc/sys/||' | head -n 4000\n"
)

COMMANDS = {"mandatory-access": Command(_ACCESS), "kernel-settings": Command(_SETTINGS)}


@dataclass(frozen=True, slots=True)
class MandatoryAccess:
    """AppArmor's profiles by their mode, None where it is off, and whether SELinux enforces its policy."""

    profiles: dict[str, int] | None
    selinux: bool
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> MandatoryAccess:
        """Read both; NotDeclared in a container."""
        told = by_key(_of_own_kernel(outputs, "mandatory-access"))
        if len(told["apparmor"]) != 1 or len(told["selinux"]) != 1:
            raise ProbeError(f"{outputs.host}: the kernel's access control was told in an unknown form")
        profiles = {}
        for line in told["profiles"]:
            count, _, mode = line.partition(" ")
            if not is_number(count) or not mode:
                raise ProbeError(f"{outputs.host}: AppArmor's profiles were told in an unknown form")
            profiles[mode] = int(count)
        return cls(
            profiles=profiles if told["apparmor"] == ["Y"] else None,
            selinux=told["selinux"] == ["1"],
            evidence=outputs.evidence("mandatory-access"),
        )


@dataclass(frozen=True, slots=True)
class KernelSettings:
    """Settings by their names; one that the kernel does not have is not in it.

    The others are the interfaces, without loopback, on which the kernel does so: what is set for all and what is
    set for one count together, for each setting in its own way (the kernel's ip-sysctl document).
    """

    values: dict[str, int]
    accepts_redirects: frozenset[str]
    sends_redirects: frozenset[str]
    accepts_source_routes: frozenset[str]
    accepts_any_source: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> KernelSettings:
        """Read /proc/sys; NotDeclared in a container."""
        values: dict[str, int] = {}
        ipv4: dict[str, dict[str, int]] = defaultdict(dict)
        ipv6: dict[str, dict[str, int]] = defaultdict(dict)
        for path, number in re.findall(r"(?m)^([^\s:]+):(-?\d{1,18})$", _of_own_kernel(outputs, "kernel-settings")):
            match path.split("/"):
                case ["net", family, "conf", interface, name]:
                    (ipv4 if family == "ipv4" else ipv6)[interface][name] = int(number)
                case names:
                    values[".".join(names)] = int(number)
        if "kernel.randomize_va_space" not in values:
            raise ProbeError(f"{outputs.host}: the kernel's settings were told in an unknown form")
        general = ipv4.pop("all", {})
        try:
            own = {name: ipv4[name] for name in ipv4 if name not in ("default", "lo")}
            accepts = {
                name
                for name, at in own.items()
                if (all if at["forwarding"] else any)((general["accept_redirects"], at["accept_redirects"]))
            }
            # For IPv6 what is set for all does not count.
            accepts |= {
                f"{name} (IPv6)"
                for name, at in ipv6.items()
                if name not in ("all", "default", "lo") and at["accept_redirects"] and not at["forwarding"]
            }
            return cls(
                values=values,
                accepts_redirects=frozenset(accepts),
                sends_redirects=frozenset(
                    name
                    for name, at in own.items()
                    if at["forwarding"] and (general["send_redirects"] or at["send_redirects"])
                ),
                accepts_source_routes=frozenset(
                    name for name, at in own.items() if general["accept_source_route"] and at["accept_source_route"]
                ),
                accepts_any_source=frozenset(
                    name for name, at in own.items() if not general["rp_filter"] and not at["rp_filter"]
                ),
                evidence=outputs.evidence("kernel-settings"),
            )
        except KeyError:
            raise ProbeError(f"{outputs.host}: the kernel's settings were told in an unknown form") from None


def _of_own_kernel(outputs: Outputs, name: str) -> str:
    text = outputs.text(name)
    if text.startswith("container "):
        raise NotPromised("the server is a container: its kernel is the machine's, to be looked at there")
    return text
