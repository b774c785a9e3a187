"""nginx's and the application's logs, looked at again after the suite's own requests (checklist section 14)."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key, is_number

# The last visit's commands: "$MARK" stands in the User-Agent of every request of this run over TLS. Only what was
# written within the hour is read, and of that since the service started: what failed before is not its fault.
AFTER = {
    "access-logs": Command(
        r"""root find /var/log/nginx -maxdepth 1 -type f -mmin -60 -exec tail -v -c 8388608 {} + |
awk -v mark="cutover/$MARK" '
/^==> .* <==$/ { file = $2; seen[file] += 0; next }
index($0, mark) { seen[file]++ }
END { for (file in seen) print "marked", seen[file], file }' """
    ),
    "error-logs": Command(
        r"""started=$(systemctl show "$SERVICE" -p ActiveEnterTimestamp --value)
started=$(date -d "${started:-1970-01-01}" +%s)
hour=$(($(date +%s) - 3600))
[ "$started" -gt "$hour" ] || started=$hour
since=$(date -d "@$started" '+%Y/%m/%d %H:%M:%S')
echo "since $since"
root find /var/log/nginx -maxdepth 1 -type f -mmin -60 -exec tail -v -c 4194304 {} + |
awk -v since="$since" '
/^==> .* <==$/ { file = $2; next }
$1 " " $2 >= since && /^[0-9][0-9][0-9][0-9]\/[0-9][0-9]\/[0-9][0-9] / {
  if (/\[(alert|emerg)\]/ || (/\[crit\]/ && !/while SSL handshaking/) || (/\[error\]/ && /upstream|no live/)) {
    nginx++
    if (nginx <= 3) { sub(/, client:.*/, ""); print "line", file, substr($0, 1, 300) }
  }
}
END { print "nginx", nginx + 0 }'
root find "$LOG_DIR" -maxdepth 1 -type f -mmin -60 -exec tail -v -c 4194304 {} + |
awk -v since="$since" '
BEGIN { gsub("/", "-", since) }
/^==> .* <==$/ { file = $2; now = ""; next }
{
  stamp = $0
  sub(/^[^0-9]*/, "", stamp)
  if (stamp ~ /^[0-9][0-9][0-9][0-9][-\/][0-9][0-9][-\/][0-9][0-9][ T][0-9][0-9]:/) {
    stamp = substr(stamp, 1, 19)
    gsub("/", "-", stamp)
    sub("T", " ", stamp)
    now = stamp >= since ? stamp : ""
  }
}
now != "" && /^Traceback|[^A-Za-z](ERROR|CRITICAL|FATAL)[^A-Za-z]/ {
  application++
  if (application <= 3) print "line", file, now
}
END { print "application", application + 0 }'
"""
    ),
}


@dataclass(frozen=True, slots=True)
class AccessLog:
    """``marked`` counts the requests of this run over TLS that each of nginx's logs of the last hour holds."""

    marked: dict[str, int]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> AccessLog:
        """Read the counts; no log at all is a fact."""
        entries = [line.split(" ", 1) for line in by_key(outputs.text("access-logs"))["marked"]]
        if any(len(entry) != 2 or not is_number(entry[0]) for entry in entries):
            raise ProbeError(f"{outputs.host}: the access logs' counts came in an unknown form")
        return cls({file: int(count) for count, file in entries}, outputs.evidence("access-logs"))


@dataclass(frozen=True, slots=True)
class ErrorLogs:
    """Lines that tell of trouble, of the last hour and since the service started, and the first of them.

    Of nginx: emerg, alert, crit (a stranger's broken handshake apart) and what the application behind it failed
    at. Of the application: tracebacks, and lines of level ERROR or above; their text may hold anything and is not told.
    """

    since: str
    nginx: int
    application: int
    lines: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> ErrorLogs:
        """Read the counts; ProbeError when one is missing."""
        told = by_key(outputs.text("error-logs"))
        if not all(len(told[key]) == 1 for key in ("since", "nginx", "application")) or not all(
            map(is_number, (*told["nginx"], *told["application"]))
        ):
            raise ProbeError(f"{outputs.host}: the error logs' counts came in an unknown form")
        return cls(
            since=told["since"][0],
            nginx=int(told["nginx"][0]),
            application=int(told["application"][0]),
            lines=tuple(told["line"]),
            evidence=outputs.evidence("error-logs"),
        )
