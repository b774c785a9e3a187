"""Whether the server runs what is installed, or owes a boot to it (checklist section 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

COMMANDS = {
    # A container runs its machine's kernel: kernels of its own mean nothing.
    "reboot": Command(
        'if [ -e /run/reboot-required ]; then echo "required $(head -c 500 /run/reboot-required.pkgs 2>/dev/null'
        " | sort -u | tr '\\n' ' ')\"; fi\n"
        'echo "running $(uname -r)"\n'
        'echo "build $(uname -v)"\n'
        "systemd-detect-virt -q --container 2>/dev/null || dpkg-query -W"
        " -f 'kernel ${db:Status-Status} ${Package} ${Version}\\n' 'linux-image-[0-9]*' 'linux-image-unsigned-[0-9]*'"
        " 2>/dev/null\n"
        "true"
    ),
}


@dataclass(frozen=True, slots=True)
class Reboot:
    """``asked_for`` are the packages that asked for a boot (None: nobody did), ``newer_kernels`` those installed
    after the one that runs, which is ``kernel``."""

    asked_for: str | None
    kernel: str
    newer_kernels: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Reboot:
        """Read the distribution's mark, and the running kernel against those installed."""
        told = by_key(outputs.text("reboot"))
        if len(told["running"]) != 1 or len(told["build"]) != 1 or not _number(told["running"][0]):
            raise ProbeError(f"{outputs.host}: uname answered in an unknown form")
        running, build = told["running"][0], told["build"][0]
        installed = dict(
            re.findall(r"(?m)^installed linux-image-(?:unsigned-)?(\S+) (\S+)$", "\n".join(told["kernel"]))
        )
        newer = {release for release in installed if _number(release) > _number(running)}
        # Debian's kernels keep their name over a security update, and tell their package's version.
        version = re.search(r"\bDebian (\S+)", build)
        if version and running in installed and installed[running] != version[1]:
            newer.add(f"{running} ({installed[running]})")
        return cls(
            asked_for=(told["required"][0].strip() or "unknown") if told["required"] else None,
            kernel=running,
            newer_kernels=frozenset(newer),
            evidence=outputs.evidence("reboot"),
        )


def _number(release: str) -> tuple[int, ...]:
    """6.1.0-18-amd64 → (6, 1, 0, 18)."""
    match = re.match(r"\d{1,18}(?!\d)(?:[.-]\d{1,18}(?!\d))*(?:\+deb\d{1,18}(?!\d))?", release)
    return tuple(map(int, re.findall(r"\d+", match[0]))) if match else ()
