"""The ssh server as it is configured and as it runs (checklist section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

MAIN = "/etc/ssh/sshd_config"

COMMANDS = {
    # Without /run/sshd, which is there from the first connection on where systemd listens, -T refuses and -G does not.
    "sshd": Command("root sshd -T || { [ ! -d /run/sshd ] && root sshd -G; }"),
    # `sshd -T` tells what holds for everybody; what Match blocks change is read from the files, as `-C` asks for one
    # named user at a time.
    "sshd-files": Command(
        "root grep -RIiwE /etc/ssh/sshd_config /etc/ssh/sshd_config.d"
        " -e Match -e Include -e PasswordAuthentication -e KbdInteractiveAuthentication"
        " -e ChallengeResponseAuthentication -e PubkeyAuthentication -e PermitRootLogin -e PermitEmptyPasswords"
        " -e AuthenticationMethods"
        " | sed 's/=/ /' | grep -v ':[[:space:]]*#' | head -n 2000"
    ),
    # sshd writes its pid file anew whenever it reads its configuration, also after a reload.
    "sshd-run": Command(
        "stat -L -c 'file %Z %n' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null | head -n 500\n"
        "stat -c 'loaded %Y %n' /run/sshd.pid 2>/dev/null\n"
        "systemctl show ssh.socket sshd.socket -p ActiveState -p Accept -p Listen 2>/dev/null | sed 's/^/socket /'\n"
        "systemctl show ssh.service -p ActiveState 2>/dev/null | sed 's/^/service /'\n"
        "true"
    ),
}

# A connection's settings that are judged; a Match block may change them.
_JUDGED = {
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "challengeresponseauthentication",
    "pubkeyauthentication",
    "permitrootlogin",
    "permitemptypasswords",
    "authenticationmethods",
}
_LOOKED_INTO = 1000  # files, those included again counted again
_DEPTH = 16  # of Include, as in sshd itself

EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Sshd:
    """``settings`` are the effective ones, by whom they hold for: everybody, and each Match block's own.

    ``ports`` are those it listens on beyond loopback, ``newer_files`` the files of its configuration that were
    changed after it had read them.
    """

    settings: dict[str, dict[str, str]]
    ports: frozenset[int]
    newer_files: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Sshd:
        """Read ``sshd -T``, the Match blocks, and what the running one has read."""
        lines = [line.partition(" ") for line in outputs.text("sshd").splitlines()]
        settings = {key: value for key, _, value in lines}
        if not {"pubkeyauthentication", "passwordauthentication", "permitrootlogin", "usepam"} <= set(settings):
            raise ProbeError(f"{outputs.host}: sshd -T answered in an unknown form")
        run = by_key(outputs.text("sshd-run"))
        return cls(
            settings={EVERYBODY: settings} | {who: settings | own for who, own in _matches(outputs).items()},
            ports=_ports(outputs, [value for key, _, value in lines if key == "listenaddress"], run["socket"]),
            newer_files=_newer(outputs, run),
            evidence=outputs.evidence("sshd-files", "sshd-run", "sshd"),
        )

    def ways_without_a_key(self, who: str) -> frozenset[str]:
        """The methods that let somebody in who has no key: password, keyboard-interactive."""
        settings = self.settings[who]
        by_keyboard = ("kbdinteractiveauthentication", "challengeresponseauthentication")
        offered = {"password"} if settings["passwordauthentication"] == "yes" else set()
        # Without PAM nothing stands behind keyboard-interactive.
        if settings["usepam"] == "yes" and any(settings.get(key) == "yes" for key in by_keyboard):
            offered.add("keyboard-interactive")
        chains = settings.get("authenticationmethods", "any").split()
        if chains == ["any"]:
            return frozenset(offered)
        # keyboard-interactive:pam names a device; all methods of one chain are asked for.
        wanted = [{method.partition(":")[0] for method in chain.split(",")} for chain in chains]
        return frozenset("+".join(sorted(chain)) for chain in wanted if chain <= offered)


def _matches(outputs: Outputs) -> dict[str, dict[str, str]]:
    """What each Match block sets, by its criteria; in a block, the first value of a keyword counts."""
    files: dict[str, list[str]] = {}
    for line in outputs.text("sshd-files").splitlines():
        file, _, text = line.partition(":")
        files.setdefault(file, []).append(text.strip())
    found: dict[str, dict[str, str]] = {}
    for who, key, value in _walk(outputs, files, MAIN, "", 0, iter(range(_LOOKED_INTO))):
        if who and key in _JUDGED:
            found.setdefault(who, {}).setdefault(key, value)
    return found


def _walk(
    outputs: Outputs, files: dict[str, list[str]], name: str, within: str, depth: int, left: Iterator[int]
) -> Iterator[tuple[str, str, str]]:
    """Every line that counts, in sshd's order, with the criteria of the block it stands in."""
    if depth > _DEPTH or next(left, None) is None:
        raise ProbeError(f"{outputs.host}: the ssh server's configuration includes itself")
    who = within
    for line in files.get(name, ()):
        if not line:
            continue
        key, *words = line.lower().split(None, 1)
        value = line.split(None, 1)[1].strip() if words else ""
        if key == "match":
            criteria = f"Match {value}"
            who = f"{within}, {criteria}" if within else criteria
        elif key == "include":
            for pattern in value.replace('"', "").split():
                place = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
                if not place.startswith(("/etc/ssh/sshd_config.d/", MAIN)):
                    raise ProbeError(
                        f"{outputs.host}: the ssh server's configuration includes {place}, which is not looked into",
                        "move it to /etc/ssh/sshd_config.d/",
                    )
                for included in sorted(file for file in files if fnmatchcase(file, place)):
                    yield from _walk(outputs, files, included, who, depth + 1, left)
        else:
            yield who, key, value.strip('"').lower()


def _ports(outputs: Outputs, addresses: list[str], sockets: list[str]) -> frozenset[int]:
    """systemd listens in its place when the socket is active."""
    if "ActiveState=active" in sockets:
        addresses = [line.removeprefix("Listen=").partition(" ")[0] for line in sockets if line.startswith("Listen=")]
    found = [re.fullmatch(r"\[?([\da-fA-F.:]*?)(?:%\w+)?\]?:?(\d{1,5})", address) for address in addresses]
    if not found or not all(found):
        raise ProbeError(f"{outputs.host}: sshd -T or ssh.socket names its addresses in an unknown form")
    return frozenset(int(match[2]) for match in found if match and not _is_loopback(match[1]))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _newer(outputs: Outputs, run: dict[str, list[str]]) -> frozenset[str]:
    """A socket that starts an sshd for each connection has it read its configuration each time, and one that waits
    for the first connection has it read it then."""
    started = "Accept=yes" not in run["socket"] and run["service"] != ["ActiveState=inactive"]
    if "ActiveState=active" in run["socket"] and not started:
        return frozenset()
    if len(run["loaded"]) != 1:
        raise ProbeError(f"{outputs.host}: sshd has no /run/sshd.pid, which tells when it read its configuration")
    try:
        loaded = int(run["loaded"][0].partition(" ")[0])
        changed = {name: int(time) for time, _, name in (line.partition(" ") for line in run["file"])}
    except ValueError:
        raise ProbeError(f"{outputs.host}: stat answered in an unknown form about sshd's files") from None
    if MAIN not in changed:
        raise ProbeError(f"{outputs.host}: there is no {MAIN}")
    return frozenset(name for name, time in changed.items() if time > loaded)
