"""The application's checkout and its virtual environment (checklist section 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

# Code of the checkout is run as whom it belongs to, never as root for another.
_AS_OWNER = """\
as_owner() {
  place=$1; shift
  if [ "$(id -u)" -eq 0 ]; then runuser -u "$(stat -c %U "$place")" -- "$@"; else "$@"; fi
}
"""

# With --git-dir git asks for no ownership, whatever its version. The settings keep a repository's own from
# starting a program, and `chmod +x`, a step of the checklist, from being a change. HOME is not the operator's.
_GIT = (
    _AS_OWNER
    + """\
if [ -d "$CHECKOUT" ] && [ ! -x "$CHECKOUT" ]; then echo unreadable; exit; fi
if [ ! -e "$CHECKOUT/.git" ]; then echo absent; exit; fi
export HOME=/nonexistent XDG_CONFIG_HOME=/nonexistent GIT_OPTIONAL_LOCKS=0
in_checkout() {
  as_owner "$CHECKOUT/.git" git --git-dir="$CHECKOUT/.git" --work-tree="$CHECKOUT" \\
    -c core.fsmonitor=false -c core.fileMode=false "$@"
}
head=$(in_checkout rev-parse --verify HEAD) || exit
echo "commit $head"
in_checkout ls-remote --get-url | head -c 1000 | sed 's#://[^/]*@#://#; s/[?].*//; s/^/remote /'
changes=$(in_checkout status --porcelain --untracked-files=no) || exit
printf '%s' "$changes" | head -n 20 | cut -c 4-200 | sed 's/^/changed /'
"""
)

# The interpreter is asked, not the files beside it: after an upgrade of the system it may be another one.
_VENV = (
    _AS_OWNER
    + """\
for name in venv .venv; do [ -e "$APP_DIR/$name/bin" ] && break; done
python=$APP_DIR/$name/bin/python
[ -h "$python" ] || [ -e "$python" ] || { [ -x "$APP_DIR" ] && echo absent || echo unreadable; exit; }
echo "interpreter $python"
told=$(as_owner "$python" "$python" -I -B - "$APP_DIR/requirements.txt" <<'PYTHON'
import os, re, sys
print("version %d.%d.%d" % sys.version_info[:3])
sys.stdout.flush()
from importlib import metadata
try:
    from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
except ImportError:
    from packaging.requirements import InvalidRequirement, Requirement

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

installed = {plain(d.metadata["Name"]): d for d in metadata.distributions() if d.metadata["Name"]}

def lacks(wanted):
    if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
        return None
    found = installed.get(plain(wanted.name))
    if found is None:
        return "%s is not installed" % wanted.name
    if wanted.specifier and not wanted.specifier.contains(found.version, prereleases=True):
        return "%s is %s, not %s" % (wanted.name, found.version, wanted.specifier)

def lines(path, depth=0):
    with open(path, encoding="utf-8") as file:
        text = file.read(200000).replace("\\\\\\n", " ")
    for line in text.splitlines():
        line = re.sub(r"(^|\\s)#.*", "", line).strip()
        nested = re.match(r"(?:-r|--requirement)[ =]*(\\S+)", line)
        if nested and depth < 3:
            yield from lines(os.path.join(os.path.dirname(path), nested[1]), depth + 1)
        elif line and not line.startswith("-"):
            yield re.split(r"\\s--", line)[0].strip()

try:
    for line in lines(sys.argv[1]):
        try:
            missing = lacks(Requirement(line))
        except InvalidRequirement:
            print("unjudged a line that names no package")
            continue
        print("required", missing or "ok")
except OSError as error:
    print("unreadable-list requirements.txt:", error.strerror)
for name in sorted(installed):
    for text in installed[name].requires or ():
        missing = lacks(Requirement(text))
        if missing:
            print("conflict %s needs %s: %s" % (name, Requirement(text).name, missing))
print("judged", len(installed))
PYTHON
)
ended=$?
case $told in version*) printf '%s\\n' "$told"; exit $ended ;; esac
echo broken
"""
)

COMMANDS = {"git": Command(_GIT, seconds=20), "venv": Command(_VENV, seconds=20)}


@dataclass(frozen=True, slots=True)
class Checkout:
    """``commit`` is HEAD's, empty where no checkout is; ``remote`` is what it would be fetched from.

    The remote is without the credentials it may hold. ``changed`` are tracked files that differ from the
    commit, 20 at most.
    """

    commit: str
    remote: str
    changed: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Checkout:
        """Read what git told; ProbeError when it could not be asked."""
        output = outputs["git"]
        told = by_key(output.stdout)
        if "unreadable" in told or "ermission denied" in output.stderr:
            raise ProbeError(f"{outputs.host}: the account that looks may not read the checkout", "verify as root")
        if "absent" in told:
            return cls("", "", (), outputs.evidence("git"))
        if output.rc != 0 or not told["commit"] or not told["remote"]:
            reason = output.stderr.strip().partition("\n")[0] or "it answered in an unknown form"
            raise ProbeError(f"{outputs.host}: git did not tell of the checkout: {reason}")
        remote = told["remote"][0]
        # Without a remote, git tells the name it would have.
        return cls(
            told["commit"][0], "" if remote == "origin" else remote, tuple(told["changed"]), outputs.evidence("git")
        )


def repository(url: str) -> str:
    """What is the same for all ways to one repository: https and ssh, with and without .git at the end.

    The ways that nobody protects, http and git, stay apart.
    """
    url = re.sub(r"^([\w.-]+@)?([\w.-]+):(?!//)", r"ssh://\2/", url.strip())
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url.rstrip("/").removesuffix(".git")
    host, _, path = rest.partition("/")
    host = re.sub(r":(22|443)$", "", host.rpartition("@")[2]).lower()
    path = path.strip("/").removesuffix(".git")
    return f"{host}/{path}" if scheme in ("https", "ssh") else f"{scheme}://{host}/{path}"


@dataclass(frozen=True, slots=True)
class Virtualenv:
    """``version`` is what its interpreter says when it is run; empty when it does not, and ``problem`` why."""

    interpreter: str
    version: tuple[int, ...]
    problem: str
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Virtualenv:
        """Read what the interpreter told of itself."""
        told = by_key(outputs["venv"].stdout)
        evidence = outputs.evidence("venv")
        if "unreadable" in told:
            raise ProbeError(f"{outputs.host}: the account that looks may not read the application", "verify as root")
        if "absent" in told:
            return cls("", (), "no virtual environment", evidence)
        interpreter = "".join(told["interpreter"])
        if interpreter and "broken" in told:
            return cls(interpreter, (), "it does not run", evidence)
        version = re.fullmatch(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", "".join(told["version"]))
        if not interpreter or not version:
            raise ProbeError(f"{outputs.host}: the virtual environment was told of in an unknown form")
        return cls(interpreter, tuple(int(number) for number in version.groups()), "", evidence)


@dataclass(frozen=True, slots=True)
class Packages:
    """``missing`` are unsatisfied lines of requirements.txt, ``conflicts`` what packages lack of each other."""

    missing: tuple[str, ...]
    conflicts: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Packages:
        """Read what the interpreter told of its packages; ProbeError when it could not tell."""
        virtualenv = Virtualenv.read(outputs)
        if virtualenv.problem:
            raise ProbeError(f"{outputs.host}: {virtualenv.interpreter or 'packages'}: {virtualenv.problem}")
        output = outputs["venv"]
        told = by_key(output.stdout)
        reason = (told["unreadable-list"] or told["unjudged"] or [""])[0]
        if output.rc != 0 or not told["judged"]:
            reason = output.stderr.strip().rpartition("\n")[2] or "it answered in an unknown form"
        if reason:
            raise ProbeError(f"{outputs.host}: {virtualenv.interpreter} cannot judge its packages: {reason}")
        missing = {line for line in told["required"] if line != "ok"}
        return cls(tuple(sorted(missing)), tuple(told["conflict"]), outputs.evidence("venv"))
