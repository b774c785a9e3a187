"""nginx on the host: whether its configuration holds, what runs, and since when (checklist section 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import is_number
from cutover.facts.nginx_config import Config
from cutover.facts.nginx_site import Place

# Comments stay on the host, and so does what holds other people's secrets: tables, and values that are sent upstream.
_FILTER = """
/^# configuration file .*:$/ { table = 0; print; next }
/^[ \\t]*(#|$)/ { next }
table { if (/}[ \\t]*(#.*)?$/) table = 0; next }
/^[ \\t]*(map|geo|split_clients|types)[ \\t{]/ { table = !/}[ \\t]*(#.*)?$/; next }
/^[ \\t]*(env|secure_link_[a-z0-9]+)[ \\t]/ { next }
/^[ \\t]*(proxy_set_header|grpc_set_header|fastcgi_param|uwsgi_param|set)[ \\t][^;]*;[ \\t]*(#.*)?$/ &&
  !/[ \\t](X-Forwarded|X-Real-IP|Host|Connection|Upgrade)/ && !/\\$[a-z_]+"?[ \\t]*;/ { print $1, $2, "hidden;"; next }
/^[ \\t]*if[ \\t(].*\\$(http_|arg_|cookie_)/ && !/\\$http_host/ { sub(/\\(.*\\)/, "(hidden)") }
{ print }
"""

COMMANDS = {
    "nginx-version": Command("nginx -v 2>&1"),
    # Its configuration is tested, and printed only when it holds; then, how the ciphers it names expand here, and
    # when each file and directory was last changed: its contents, its mode, its name, or where a link leads.
    "nginx-config": Command(
        f"""\
dump=$(root nginx -T) || exit
printf '%s\\n' "$dump" | awk '{_FILTER}'
echo '=== ciphers'
printf '%s\\n' "$dump" | sed -nE "s/^[[:space:]]*ssl_ciphers[[:space:]]+[\\"']?([^-;\\"'][^;\\"']*).*/\\1/p" |
  sort -u | head -n 20 | while IFS= read -r list; do
    printf '%s\\t%s\\n' "$list" "$(openssl ciphers -s "$list")"
  done
printf 'HIGH:!aNULL:!MD5\\t%s\\n' "$(openssl ciphers -s 'HIGH:!aNULL:!MD5')"
echo '=== changed'
printf '%s\\n' "$dump" | sed -n 's/^# configuration file \\(\\/.*\\):$/\\1/p' | head -n 500 |
while IFS= read -r file; do
  stat -c '%Z %n' "$file" "${{file%/*}}"
  stat -L -c '%Z %n' "$file"
done | sort -u"""
    ),
    "nginx-unit": Command(
        "systemctl show nginx.service -p LoadState -p ActiveState -p UnitFileState -p MainPID && date +now=%s"
    ),
    "nginx-processes": Command("ps -o pid= -o ppid= -o etimes= -o args= -C nginx | head -n 500"),
    "nginx-sites": Command(
        """\
site="/etc/nginx/sites-available/$NGINX_SITE"
if [ -f "$site" ] && [ -s "$site" ]; then echo "file $site"; else echo "nothing $site"; fi
for entry in /etc/nginx/sites-enabled/*; do
  if [ -L "$entry" ]; then
    printf 'link %s\\t%s\\n' "$entry" "$(readlink -f "$entry")"
  elif [ -e "$entry" ]; then
    printf 'copy %s\\t%s\\n' "$entry" "$entry"
  fi
done | head -n 200"""
    ),
}

# Linux tells a process's age in whole seconds, and the clock is read a moment before.
CLOCK_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Nginx:
    """``changed`` is when each file and directory that the configuration is made of last changed, by the host's clock.

    ``started`` is when the oldest worker that takes requests began; None without any. A reload starts new ones,
    and a reload that fails keeps the old. ``ciphers`` holds what each ``ssl_ciphers`` expands to on this host.
    """

    version: tuple[int, ...]
    config: Config
    ciphers: dict[str, tuple[str, ...]]
    changed: dict[str, int]
    started: int | None
    evidence: tuple[Evidence, ...]

    def protocols(self, place: Place) -> frozenset[str]:
        """What ssl_protocols holds; nginx 1.23.4 took TLS 1.0 and 1.1 out of the default."""
        own = ("TLSv1.2", "TLSv1.3") if self.version >= (1, 23, 4) else ("TLSv1", "TLSv1.1", "TLSv1.2")
        return frozenset(place.args("ssl_protocols", *own))

    def ciphers_of(self, place: Place) -> tuple[str, ...]:
        """What ssl_ciphers expands to; ProbeError when the host's OpenSSL did not tell."""
        line = place.args("ssl_ciphers", "HIGH:!aNULL:!MD5")[0]
        if line not in self.ciphers:
            raise ProbeError(f"openssl ciphers told nothing of {line!r}")
        return self.ciphers[line]

    @classmethod
    def read(cls, outputs: Outputs) -> Nginx:
        """Read the configuration on disk and the processes; ProbeError when nginx refuses the configuration."""
        if refusal := NginxTest.read(outputs).refusal:
            raise ProbeError(f"{outputs.host}: nginx refuses the configuration on disk: {refusal}", "sudo nginx -t")
        dump, _, rest = outputs.text("nginx-config").partition("\n=== ciphers\n")
        ciphers, mark, changed = f"\n{rest}".partition("\n=== changed\n")
        if not mark:
            raise ProbeError(f"{outputs.host}: the answer about nginx's configuration is not whole")
        version = re.search(r"nginx/(\d{1,9})\.(\d{1,9})\.(\d{1,9})", outputs.text("nginx-version"))
        if not version:
            raise ProbeError(f"{outputs.host}: nginx -v answered in an unknown form")
        lists = [line.partition("\t") for line in ciphers.splitlines() if line]
        config = Config.read(dump)
        unit = _properties(outputs, "nginx-unit")
        return cls(
            version=tuple(int(part) for part in version.groups()),
            config=config,
            ciphers={name: tuple(one.split(":")) for name, _, one in lists if one},
            changed=_changed(outputs.host, changed, config),
            started=_started(outputs, unit),
            evidence=outputs.evidence("nginx-config", "nginx-unit", "nginx-processes"),
        )


@dataclass(frozen=True, slots=True)
class NginxUnit:
    """nginx as systemd has it, in systemd's words."""

    load: str
    active: str
    at_boot: str
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> NginxUnit:
        """Read the unit's state."""
        unit = _properties(outputs, "nginx-unit")
        return cls(
            unit["LoadState"], unit["ActiveState"], unit.get("UnitFileState", ""), outputs.evidence("nginx-unit")
        )


@dataclass(frozen=True, slots=True)
class NginxTest:
    """nginx's word on the configuration on disk: why it refuses it, or empty."""

    refusal: str
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> NginxTest:
        """Read its complaint; ProbeError when it did not come to test anything."""
        output = outputs["nginx-config"]
        evidence = outputs.evidence("nginx-config")
        if output.rc == 0:
            return cls("", evidence)
        # It complains as "nginx: [emerg] …" until its log is open, then as its log does.
        told = re.search(r"(?m)^(?:nginx:|\S+ \S+) (\[(?:emerg|alert|crit|error)\]) (?:\d+#\d+: )?(.*)$", output.stderr)
        if not told:
            reason = output.stderr.strip().partition("\n")[0] or f"exit status {output.rc}"
            raise ProbeError(f"{outputs.host}: nginx -T failed: {reason}")
        return cls(f"{told[1]} {told[2]}", evidence)


@dataclass(frozen=True, slots=True)
class NginxSites:
    """The site's file in sites-available; ``enabled`` is what each entry of sites-enabled leads to.

    ``copies`` are the entries that are no links.
    """

    file: str
    present: bool
    enabled: dict[str, str]
    copies: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> NginxSites:
        """Read the two directories."""
        first, *entries = outputs.text("nginx-sites").splitlines() or [""]
        word, _, file = first.partition(" ")
        found = [re.fullmatch(r"(link|copy) ([^\t]+)\t(.*)", entry) for entry in entries]
        if word not in ("file", "nothing") or not all(found):
            raise ProbeError(f"{outputs.host}: the answer about nginx's sites is not understood")
        rows = [match.groups() for match in found if match]
        return cls(
            file=file,
            present=word == "file",
            enabled={entry: end for _, entry, end in rows},
            copies=frozenset(entry for kind, entry, _ in rows if kind == "copy"),
            evidence=outputs.evidence("nginx-sites"),
        )


def _properties(outputs: Outputs, name: str) -> dict[str, str]:
    found = dict(re.findall(r"(?m)^(\w+)=(.*)$", outputs.text(name)))
    if not {"LoadState", "ActiveState", "MainPID", "now"} <= set(found) or not is_number(found["now"]):
        raise ProbeError(f"{outputs.host}: systemctl show answered in an unknown form")
    return found


def _changed(host: str, text: str, config: Config) -> dict[str, int]:
    changed: dict[str, int] = {}
    for line in text.splitlines():
        seconds, _, path = line.partition(" ")
        if not is_number(seconds):
            raise ProbeError(f"{host}: stat answered in an unknown form")
        changed[path] = max(int(seconds), changed.get(path, 0))
    if missing := [file for file in config.files if file not in changed]:
        raise ProbeError(f"{host}: stat told nothing of {missing[0]}")
    counts = {*config.files, *config.globbed}
    # Of a directory counts only what an include with a wildcard takes from it: what was added or taken away.
    return {path: seconds for path, seconds in changed.items() if path in counts}


def _started(outputs: Outputs, unit: dict[str, str]) -> int | None:
    output = outputs["nginx-processes"]
    rows = [line.split(None, 3) for line in output.stdout.splitlines()]
    if output.stderr or any(len(row) != 4 or not all(map(is_number, row[:3])) for row in rows):
        raise ProbeError(f"{outputs.host}: ps answered in an unknown form")
    ages = [int(age) for _, parent, age, args in rows if parent == unit["MainPID"] and args == "nginx: worker process"]
    return int(unit["now"]) - max(ages) if ages else None
