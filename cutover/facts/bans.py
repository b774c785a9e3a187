"""What bans an address after failed logins over ssh (advice beyond the checklist)."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

_PROGRAMS = ("fail2ban", "sshguard", "crowdsec-firewall-bouncer")  # only the first has jails

# Their states come in the order they are asked for; status 3 tells that one of them is not active.
_BANS = f"""\
set -f
states=$(systemctl is-active {" ".join(_PROGRAMS)})
echo states $states
case $states in active*) ;; *) exit 0 ;; esac
status=$(root fail2ban-client status) || exit
for jail in $(printf '%s\\n' "$status" | sed -n 's/.*Jail list:[[:space:]]*//p' | tr ',\\t' '  '); do
  case $jail in
    sshd) said=$(root fail2ban-client status sshd) || exit ;;
    ssh) said=$(root fail2ban-client status ssh) || exit ;;
    *) continue ;;
  esac
  echo "jail $jail"
  if printf '%s\\n' "$said" | grep -q 'Journal matches:[[:space:]]*[^[:space:]]'; then echo "journal $jail"; fi
  for file in $(printf '%s\\n' "$said" | sed -n 's/.*File list:[[:space:]]*//p'); do
    written=$(stat -Lc %Y -- "$file") && echo "quiet $jail $(($(date +%s) - written))"
  done
done
true
"""

COMMANDS = {"bans": Command(_BANS)}


@dataclass(frozen=True, slots=True)
class Bans:
    """``programs`` that run, and fail2ban's jails for ssh by the seconds since something was written to what they read.

    These are 0 for a jail that reads the journal, None for one that reads nothing.
    """

    programs: frozenset[str]
    jails: dict[str, int | None]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Bans:
        """Read what systemd and fail2ban tell."""
        told = by_key(outputs.text("bans"))
        states = told["states"][0].split() if told["states"] else []
        if len(states) != len(_PROGRAMS):
            raise ProbeError(f"{outputs.host}: systemctl told of what bans in an unknown form")
        quiet: dict[str, list[int]] = {jail: [] for jail in told["jail"]}
        try:
            for jail in told["journal"]:
                quiet[jail].append(0)
            for line in told["quiet"]:
                jail, _, seconds = line.partition(" ")
                quiet[jail].append(int(seconds))
        except (KeyError, ValueError):
            raise ProbeError(f"{outputs.host}: fail2ban's jails were told in an unknown form") from None
        jails = {jail: min(seconds, default=None) for jail, seconds in quiet.items()}
        active = {program for program, state in zip(_PROGRAMS, states, strict=True) if state == "active"}
        return cls(frozenset(active), jails, outputs.evidence("bans"))
