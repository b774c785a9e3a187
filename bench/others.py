"""The tools that a user would pick instead, each reduced to the set of what it finds wrong on one host of the lab."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.host import Host
from lab.network import API

SECONDS = 600  # a hang guard
TOO_LONG_MS = 2000  # what the checklist's section 13 allows an answer

HOW = {
    "cutover": "the whole suite, as in the fault matrix; found is what failed or could not look",
    "testssl.sh": "Debian's, with --fast and the sections protocols, standard ciphers, forward secrecy, server "
    "defaults and headers (-p -s -f -S -h); the vulnerabilities, of which no fault here has one, and the client "
    "simulation are left out. Found is what it rates LOW or worse",
    "sslyze": "with --mozilla_config=intermediate; found is what makes it say that the host is not compliant",
    "Observatory": "Mozilla's HTTP Observatory from npm, on an empty list of preloaded names, the lab's name led to "
    "the copy; found is each test that does not pass",
    "Lynis": "Debian's, carried to the copy and run there as root: `audit system --quick`; found are its warnings and "
    "suggestions",
    "ab": "`ab -n 100 -c 10` on the front page, as in the checklist; found is what a careful reader sees: answers that "
    f"are no success, failed requests, or a longest one above {TOO_LONG_MS} ms. Its exit status is 0 for all of these",
}

# Resolves the lab's name to the copy: the Observatory has no option for it.
_PIN = """
const dns = require("node:dns");
const lookup = dns.lookup;
dns.lookup = (name, options, done) => {
  if (typeof options === "function") [options, done] = [{}, options];
  if (name !== process.env.PIN_NAME) return lookup(name, options, done);
  const address = process.env.PIN_ADDRESS;
  process.nextTick(() => (options.all ? done(null, [{ address, family: 4 }]) : done(null, address, 4)));
};
"""
_OBSERVATORY = "node_modules/@mdn/mdn-http-observatory"
_LYNIS = (
    "/usr/sbin/lynis",
    "/usr/share/lynis/include",
    "/usr/share/lynis/db",
    "/etc/lynis/default.prf",
    "/etc/lynis/plugins",
)


class NoAnswer(Exception):
    """A tool could not look: why, in a line."""


@dataclass(frozen=True)
class Setting:
    """Where the tools look: at which host, trusting which authorities, with what folder for their files."""

    host: Host
    ca: Path
    place: Path
    observatory: Path

    @property
    def address(self) -> str:
        """The copy's, of IPv4."""
        return self.host.spec.ipv4


def missing(observatory: Path) -> list[str]:
    """Which of the tools are not on this machine, with the packages that bring them."""
    packages = {"ab": "apache2-utils", "node": "nodejs", "lynis": "lynis"}
    absent = [f"{tool} ({package})" for tool, package in packages.items() if shutil.which(tool) is None]
    if _testssl() is None:
        absent.append("testssl (testssl.sh)")
    if not (observatory / _OBSERVATORY / "src/scan.js").exists():
        absent.append(f"{_OBSERVATORY} in {observatory} (npm install --ignore-scripts @mdn/mdn-http-observatory)")
    return absent


def testssl(setting: Setting) -> set[str]:
    """Its findings of LOW and worse."""
    file = setting.place / "testssl.json"
    words = ["--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "--ip", setting.address]
    sections = ["--fast", "-p", "-s", "-f", "-S", "-h", "--add-ca", str(setting.ca), "--jsonfile", str(file)]
    said = _call([_testssl() or "testssl", *words, *sections, API.fqdn])
    try:
        rows = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        raise NoAnswer(said.strip()[-200:] or "testssl.sh wrote no report") from None
    bad = {"LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL"}  # WARN: it could not test that
    return {f"{row['severity']} {row['id']}: {row['finding'][:100]}" for row in rows if row["severity"] in bad}


def sslyze(setting: Setting) -> set[str]:
    """What it holds against Mozilla's Intermediate configuration."""
    argv = [sys.executable, "-P", "-W", "ignore", "-m", "sslyze", "--mozilla_config=intermediate"]
    target = f"{API.fqdn}:443{{{setting.address}}}"
    said = _call([*argv, "--certinfo_ca_file", str(setting.ca), target])
    _, found, verdict = said.partition("COMPLIANCE AGAINST")
    if not found:
        raise NoAnswer(said.strip()[-200:])
    if "FAILED" not in verdict and "OK - Compliant" not in verdict:
        return {" ".join(verdict.split())[-200:]}
    return {in_order(" ".join(line.split())) for line in re.findall(r"(?m)^\s*\* (.*)$", verdict)}


def in_order(line: str) -> str:
    """A line with Python's sets in it, which come in another order each time."""
    return re.sub(r"\{([^}]*)\}", lambda found: "{" + ", ".join(sorted(found[1].split(", "))) + "}", line)


def observatory(setting: Setting) -> set[str]:
    """The tests that do not pass."""
    package = setting.observatory / _OBSERVATORY
    preloaded = package / "conf/hsts-preload.json"
    if not preloaded.exists():
        preloaded.write_text("{}")
    pin = setting.place / "pin.cjs"
    pin.write_text(_PIN)
    more = {
        "PIN_NAME": API.fqdn,
        "PIN_ADDRESS": setting.address,
        "NODE_EXTRA_CA_CERTS": str(setting.ca),
        "NODE_OPTIONS": f"--require {pin}",
    }
    said = _call(["node", str(package / "src/scan.js"), API.fqdn], more)
    try:
        told = json.loads(said)
    except ValueError:
        raise NoAnswer(said.strip()[-200:]) from None
    if "error" in told:
        return {f"error: {told['error']}"}
    return {f"{name}: {test['result']}" for name, test in told["tests"].items() if not test["pass"]}


def lynis(setting: Setting) -> set[str]:
    """Its warnings and suggestions."""
    parents = {str(Path(path).parent) for path in _LYNIS}
    words = [word for parent in sorted(parents) for word in ("-C", parent, *_names_in(parent))]
    packed = subprocess.run(["tar", "-c", *words], capture_output=True, timeout=60, check=True).stdout
    unpack = "sudo sh -c 'mkdir -p /root/lynis && tar -x --no-same-owner -C /root/lynis'"
    subprocess.run(setting.host.ssh(unpack), input=packed, capture_output=True, timeout=60, check=True)
    audit = "./lynis audit system --quick --quiet --no-colors --log-file /dev/null --report-file /root/lynis/report"
    done = setting.host.run(f"cd /root/lynis && {audit} >/dev/null; cat report", check=False, timeout=SECONDS)
    if "finish=true" not in done.stdout:
        raise NoAnswer((done.stderr or done.stdout).strip()[-200:] or "Lynis wrote no report")
    rows = re.findall(r"(?m)^(warning|suggestion)\[\]=([^|]*)\|([^|]*)\|([^|]*)", done.stdout)
    return {f"{kind} {number}: {text} {detail}".removesuffix(" -").strip() for kind, number, text, detail in rows}


def ab(setting: Setting) -> set[str]:
    """What a careful reader of its output sees."""
    said = _call(["ab", "-n", "100", "-c", "10", "-H", f"Host: {API.fqdn}", f"https://{setting.address}/"])
    if "Complete requests" not in said:
        return {f"error: {said.strip().splitlines()[-1] if said.strip() else 'nothing'}"}
    found = set()
    if refused := re.search(r"Non-2xx responses:\s+(\d+)", said):
        found.add(f"{refused[1]} answers that are no success")
    if (failed := re.search(r"Failed requests:\s+(\d+)", said)) and failed[1] != "0":
        found.add(f"{failed[1]} failed requests")
    if (longest := re.search(r"100%\s+(\d+)", said)) and int(longest[1]) > TOO_LONG_MS:
        found.add(f"longest request above {TOO_LONG_MS} ms")
    return found


TOOLS: dict[str, Callable[[Setting], set[str]]] = {
    "testssl.sh": testssl,
    "sslyze": sslyze,
    "Observatory": observatory,
    "Lynis": lynis,
    "ab": ab,
}


def _testssl() -> str | None:
    return shutil.which("testssl.sh") or shutil.which("testssl")


def _names_in(parent: str) -> list[str]:
    return [Path(path).name for path in _LYNIS if str(Path(path).parent) == parent]


def _call(argv: Sequence[str], more: dict[str, str] | None = None) -> str:
    """Run a tool to its end; no proxy has a way to the lab."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    try:
        done = subprocess.run(
            argv, env={**environment, **(more or {})}, input="", capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"no end within {SECONDS} s") from None
    return done.stdout or done.stderr
