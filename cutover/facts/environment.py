"""The environment file, without its secrets, and what runs with it (checklist section 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

# awk that reads NAME=value lines as systemd does (`export` is the shell's), into values[].
_READ = r"""
function entry(line,   at, name, value, quote) {
  sub(/^[ \t]+/, "", line); sub(/^export[ \t]+/, "", line)
  if (line !~ /^[A-Za-z_][A-Za-z0-9_]*[ \t]*=/) return
  at = index(line, "="); name = substr(line, 1, at - 1); value = substr(line, at + 1)
  sub(/[ \t]+$/, "", name); sub(/^[ \t]+/, "", value); sub(/[ \t]+$/, "", value)
  quote = substr(value, 1, 1)
  if (length(value) > 1 && (quote == "\"" || quote == "\047") && substr(value, length(value)) == quote)
    value = substr(value, 2, length(value) - 2)
  values[name] = value
}
"""

# Only these are told by their value.
HARMLESS = (
    "MKS_CORS_ORIGINS",
    "MKS_FORCE_HTTPS",
    "MKS_TRUST_PROXY_HEADERS",
    "MKS_GUNICORN_WORKERS",
    "MKS_GUNICORN_THREADS",
    "MKS_GUNICORN_BIND",
    "MKS_LOG_LEVEL",
)

_VALUES = (
    """root cat "$ENV_FILE" | awk -v told='"""
    + " ".join(HARMLESS)
    + "' '"
    + _READ
    + r"""
{ entry($0) }
END {
  print "read"
  count = split(told, names, " ")
  for (i = 1; i <= count; i++) {
    known[names[i]] = 1
    if (names[i] in values) print "value", names[i], substr(values[names[i]], 1, 1000)
  }
  for (name in values) if (!(name in known) && name ~ /^MKS_/) print (values[name] == "" ? "empty" : "set"), name
}'
"""
)


# Which of the files that find is led to hold one of the file's keys. Everything that is compared stays on the host;
# names and paths leave it. A line of grep is PATH:LINE.
COPIES = (
    """\
{
  root cat "$ENV_FILE"
  printf '\\n=files\\n'
  root find %s -size -64k -exec grep -aHE SECRET_KEY= {} +
} | awk -v own="$ENV_FILE" '"""
    + _READ
    + r"""
$0 == "=files" { files = 1; for (name in values) held[values[name]] = name ~ /SECRET_KEY$/; print "read"; next }
!files { entry($0); next }
match($0, /:[ \t]*(export[ \t]+)?[A-Za-z_]*SECRET_KEY[ \t]*=/) {
  path = substr($0, 1, RSTART - 1); line = substr($0, RSTART + 1)
  split("", values); entry(line)
  for (name in values) if (values[name] != "" && held[values[name]] && path != own && !(path in seen)) {
    seen[path] = 1; print "copy", path
  }
}' | head -n 20
"""
)
_BESIDE_IT = '"$CHECKOUT" "$APP_DIR" /var/www -maxdepth 4 -name .git -prune -o -name venv -prune -o -type f -perm /0077'

_PROCESS = (
    """\
pids=$(root ss -ltnpH | awk -v end=":$BIND_PORT" 'substr($4, length($4) - length(end) + 1) == end' |
  grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -un | tr '\\n' ' ')
{
  root cat "$ENV_FILE"
  printf '\\n=processes\\n'
  root find /proc -maxdepth 2 -name environ -exec grep -zaH ^MKS_ {} + | tr '\\0' '\\n'
} | awk -v pids="$pids" '"""
    + _READ
    + r"""
BEGIN { count = split(pids, list, " "); for (i = 1; i <= count; i++) if (list[i] != 1) asked[list[i]] = 1 }
$0 == "=processes" { processes = 1; for (name in values) file[name] = values[name]; print "read"; next }
!processes { entry($0); next }
match($0, /^\/proc\/[0-9]+\/environ:/) {
  split($0, part, "/")
  if (!(part[3] in asked)) next
  line = substr($0, RLENGTH + 1); at = index(line, "=")
  has[part[3], substr(line, 1, at - 1)] = 1
  is[part[3], substr(line, 1, at - 1)] = substr(line, at + 1)
}
END {
  for (pid in asked) {
    print "process", pid
    for (name in file) if (name ~ /^MKS_/) {
      if (!((pid, name) in has)) other[name] = "lacks"
      else if (is[pid, name] != file[name]) other[name] = "differs"
    }
  }
  for (name in other) print other[name], name
}' | head -n 200
"""
)

COMMANDS = {
    "env-file": Command('root ls -ldL "$ENV_FILE"'),
    "env-values": Command(_VALUES),
    "env-copies": Command(COPIES % _BESIDE_IT),
    "env-process": Command(_PROCESS),
}


@dataclass(frozen=True, slots=True)
class EnvFile:
    """Mode as ls tells it, with a + where an access list adds to it. All is empty where no file is.

    ``copies`` are files in the checkout or the web's root that hold one of its keys and that others can read.
    """

    mode: str
    owner: str
    copies: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> EnvFile:
        """Read ls and the search for copies."""
        listed = outputs["env-file"]
        if listed.rc != 0 and "No such file" in listed.stderr:
            return cls("", "", (), outputs.evidence("env-file"))
        found = re.match(r"(-[rwxsStT-]{9}[.+@]?)\s+\d+\s+(\S+)\s", outputs.text("env-file"))
        if not found:
            raise ProbeError(f"{outputs.host}: ls told of the environment file in an unknown form")
        copies = by_key(outputs.text("env-copies"))
        if "read" not in copies:
            raise ProbeError(f"{outputs.host}: the environment file could not be compared with the files beside it")
        evidence = outputs.evidence("env-file", "env-copies")
        return cls(found[1].rstrip(".@"), found[2], tuple(copies["copy"]), evidence)


@dataclass(frozen=True, slots=True)
class Environment:
    """``values`` of the harmless variables, and ``present``: the names of all MKS variables with a value."""

    values: dict[str, str]
    present: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Environment:
        """Read what the host tells of the file; ProbeError when there is none."""
        output = outputs["env-values"]
        if output.stderr:
            raise ProbeError(f"{outputs.host}: the environment file: {output.stderr.splitlines()[0]}")
        told = by_key(outputs.text("env-values"))
        if "read" not in told:
            raise ProbeError(f"{outputs.host}: the environment file was told of in an unknown form")
        values = {}
        for line in told["value"]:
            name, _, value = line.partition(" ")
            values[name] = value
        present = {*told["set"], *(name for name, value in values.items() if value)}
        return cls(values, frozenset(present), outputs.evidence("env-values"))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Variables of the file that the processes on the application's port have otherwise, or not at all."""

    differs: frozenset[str]
    lacks: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Agreement:
        """Read the comparison; ProbeError when there was nothing to compare."""
        output = outputs["env-process"]
        if output.stderr.startswith("cat: "):
            raise ProbeError(f"{outputs.host}: the environment file: {output.stderr.splitlines()[0]}")
        told = by_key(outputs.text("env-process"))
        if "read" not in told:
            raise ProbeError(f"{outputs.host}: the environment of the process was told in an unknown form")
        if not told["process"]:
            raise ProbeError(f"{outputs.host}: nothing is on the application's port", "start the application first")
        return cls(frozenset(told["differs"]), frozenset(told["lacks"]), outputs.evidence("env-process"))


def cors_origins(value: str) -> list[str]:
    """The entries of MKS_CORS_ORIGINS."""
    return [part.strip() for part in value.split(",") if part.strip()]


def is_https_origin(origin: str) -> bool:
    """Whether it is scheme, host and perhaps port, with https, and without a wildcard."""
    return re.fullmatch(r"https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?", origin) is not None


def is_loopback(bind: str, port: int) -> bool:
    """Whether every one of the binds, separated by commas, is the port on this host alone."""
    own = rf"(127(\.\d{{1,3}}){{3}}|\[::1\]|localhost):{port}"
    return all(re.fullmatch(own, part.strip()) for part in bind.split(","))
