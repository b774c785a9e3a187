"""The Prometheus endpoint as the server itself finds it (checklist section 16)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key, is_number

# Values stay on the server: what is told is how many there are.
COMMANDS = {
    "metrics": Command(
        r"""answer=$(curl -sS -m 5 -w '\nstatus %{http_code}\n' "http://127.0.0.1:$METRICS_PORT$METRICS_PATH" |
  head -c 8388608)
printf '%s\n' "$answer" | awk '/^status / { print } /^# (HELP|TYPE) / { described++ }
END { print "described", described + 0 }'""",
        needs="METRICS_PORT",
    ),
}
_DESCRIBED = re.compile(r"(?m)^# (HELP|TYPE) \w+")


@dataclass(frozen=True, slots=True)
class Metrics:
    """``status`` is 0 when nothing answers; ``described`` counts the lines that name a metric."""

    status: int
    described: int
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Metrics:
        """Read what curl got; ProbeError when there is no curl."""
        told = by_key(outputs.text("metrics"))
        if "not found" in outputs["metrics"].stderr or not told["status"] or not told["described"]:
            raise ProbeError(f"{outputs.host}: curl could not ask for the metrics", "sudo apt install curl")
        if not is_number(told["status"][-1]) or not is_number(told["described"][0]):
            raise ProbeError(f"{outputs.host}: curl answered in an unknown form")
        return cls(int(told["status"][-1]), int(told["described"][0]), outputs.evidence("metrics"))


def are_metrics(body: str) -> bool:
    """Whether a text is Prometheus's."""
    return bool(_DESCRIBED.search(body))
