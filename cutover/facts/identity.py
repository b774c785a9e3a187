"""Which machine, which deployment and which start of the service it is that was looked at."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.evidence import Command, Outputs
from cutover.facts.lines import by_key

# Asked at the start and at the end of a run, so it starts few programs. The machine's id is not to be told
# (machine-id(5)): a hash of it tells two machines apart as well.
_IDENTITY = """\
echo "machine $( { echo cutover; cat /etc/machine-id; } | sha256sum | cut -c 1-32 )"
echo "boot $(cat /proc/sys/kernel/random/boot_id)"
head=$(cat "$CHECKOUT/.git/HEAD" 2>/dev/null)
case $head in
  'ref: '*) ref=${head#ref: }
    head=$(cat "$CHECKOUT/.git/$ref" 2>/dev/null || grep -F " $ref" "$CHECKOUT/.git/packed-refs" 2>/dev/null) ;;
esac
echo "commit ${head%% *}"
if [ "$SERVICE" ]; then
  echo "service $(systemctl show --property=ActiveEnterTimestamp,InvocationID --value "$SERVICE" | tr '\\n' ' ')"
fi
for key in /etc/ssh/ssh_host_*_key.pub; do
  [ -r "$key" ] && echo "ssh $(ssh-keygen -l -f "$key" | cut -d ' ' -f 2,4)"
done
"""

COMMANDS = {"identity": Command(_IDENTITY)}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server says it is, by name: its machine, its boot, the commit, the service's start, its ssh host keys."""

    says: dict[str, str]

    @classmethod
    def read(cls, outputs: Outputs) -> Identity:
        """Read it; empty where the visit did not ask, as in facts of an older version."""
        try:
            told = by_key(outputs.text("identity"))
        except (ProbeError, NotDeclared):
            return cls({})
        return cls({name: ", ".join(sorted(values)).strip() for name, values in told.items() if any(values)})
