"""Base trees: a Debian release as it is after installation, made once, kept in the cache, then only read.

A host is an overlay on such a tree. What the machine needs to reach its mirrors (proxy, certificates, pip's
settings) is lent to the build from outside and is in no finished tree.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from lab.machine import CACHE, KEYRING, STATE, Refusal, call

# A week-old tree has security updates pending, which the reference host promises not to have.
MAX_AGE = timedelta(days=6)

MAIN, SECURITY = "http://deb.debian.org/debian", "http://deb.debian.org/debian-security"

# The checklist's alerts pipe to `mail`, which no step of it installs: bsd-mailx, and dma, which delivers to
# local boxes without a network.
PACKAGES = (
    "init systemd-sysv dbus libpam-systemd kmod procps iproute2 iputils-ping lsof acl tzdata cron logrotate "
    "chrony openssh-server sudo ufw iptables nftables unattended-upgrades bsd-mailx dma "
    "nginx certbot python3-certbot-nginx openssl ca-certificates curl bind9-dnsutils git python3-venv "
    "postgresql python3-psycopg2 prometheus-node-exporter fail2ban python3-systemd"
)
# What a release needs beside them.
PACKAGES_OF = {"bullseye": "", "bookworm": "", "trixie": ""}

INSTALL = """
set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# Nothing may start during the build: it would run in the machine's own network.
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt() { apt-get --yes --quiet --option Dpkg::Options::=--force-unsafe-io --no-install-recommends "$@"; }
apt update
apt dist-upgrade
apt install $PACKAGES
apt-get clean
# Every host makes its own; two hosts with one identity would prove nothing.
rm -f /etc/ssh/ssh_host_* /usr/sbin/policy-rc.d
: >/etc/machine-id
"""

# A virtual environment's pip sees exactly the Python that the deployment will use.
DOWNLOAD = """
set -e
python3 -m venv /tmp/pip
/tmp/pip/bin/python -m pip --disable-pip-version-check download --quiet --prefer-binary \
    --dest /run/wheels pip --requirement /run/requirements.txt
"""


def base_tree(suite: str) -> Path:
    """The tree of that Debian release, built now unless the cache has a fresh one of the same recipe."""
    if suite not in PACKAGES_OF:
        raise Refusal(f"no recipe for the Debian release {suite!r}; known: {', '.join(PACKAGES_OF)}")
    packages = f"{PACKAGES} {PACKAGES_OF[suite]}"
    tree = CACHE / "base" / f"{suite}-{_key(packages, INSTALL)}"
    if not _is_fresh(tree):
        partial = _empty(tree.with_suffix(".partial"))
        main, security = _machine_mirrors()
        minimal = ["debootstrap", "--variant=minbase", f"--keyring={KEYRING}"]
        _logged(f"debootstrap-{suite}", [*minimal, suite, partial, main])
        _write_sources(partial, suite, main, security)
        _run_in_tree(partial, f"base-{suite}", INSTALL, {"PACKAGES": packages})
        _write_sources(partial, suite, MAIN, SECURITY)
        _rename_lists(partial, {security: SECURITY, main: MAIN})
        # debootstrap copies the machine's; a host gets its own.
        for name in ("resolv.conf", "hostname", "hosts"):
            (partial / "etc" / name).unlink(missing_ok=True)
        _finish(partial, tree)
    return tree


def wheel_layer(suite: str, base: Path, requirements: Path) -> Path:
    """A layer with /opt/wheels: the application's packages for that release, so that it deploys offline."""
    layer = CACHE / "wheels" / f"{suite}-{_key(requirements.read_text(), DOWNLOAD)}"
    if not _is_fresh(layer):
        partial = _empty(layer.with_suffix(".partial"))
        wheels = partial / "opt" / "wheels"
        wheels.mkdir(parents=True)
        _run_in_tree(
            *(base, f"wheels-{suite}", DOWNLOAD, _pip_environment()),
            # The tree itself stays as it is: what the machine lends is seen through a throw-away overlay.
            *("--volatile=overlay", f"--bind={wheels}:/run/wheels"),
            f"--bind-ro={requirements}:/run/requirements.txt",
            *(f"--bind-ro={path}" for path in _pip_files()),
        )
        _finish(partial, layer)
    return layer


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _is_fresh(tree: Path) -> bool:
    return tree.exists() and time.time() - tree.stat().st_mtime < MAX_AGE.total_seconds()


def _empty(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def _finish(partial: Path, tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    partial.rename(tree)
    # The age of a tree is that of its build, not of the last package that touched its top.
    os.utime(tree)


def _logged(name: str, argv: Sequence[str | Path]) -> None:
    """Run a long step with its output in a log; a failure is one line that names the log."""
    log = STATE / f"{name}.log"
    with log.open("wb") as out:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=3600)
    if done.returncode != 0:
        said = log.read_text(errors="replace").strip().splitlines()
        raise Refusal(f"{name} ended with {done.returncode}: {said[-1] if said else ''} (all of it: {log})")


def _run_in_tree(tree: Path, name: str, script: str, environment: Mapping[str, str], *options: str) -> None:
    """Run a script as root in the tree, with the machine's network and its apt's way to a mirror."""
    settings = STATE / "apt.conf"
    settings.write_text(_apt_settings())
    proxies = {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
    variables = {"APT_CONFIG": "/run/apt.conf", **proxies, **environment}
    _logged(
        name,
        [
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--as-pid2", "--console=pipe"),
            *("--resolv-conf=bind-host", "--timezone=off", f"--directory={tree}"),
            f"--bind-ro={settings}:/run/apt.conf",
            *options,
            *(f"--setenv={key}={value}" for key, value in variables.items()),
            *("/bin/sh", "-c", script),
        ],
    )


def _apt_settings() -> str:
    """How the machine's own apt reaches mirrors: its proxy, certificate and date settings."""
    wanted = ("Acquire::http::", "Acquire::https::", "Acquire::Check-")
    lines = call(["apt-config", "dump"]).splitlines() if shutil.which("apt-config") else []
    return "".join(f"{line}\n" for line in lines if line.startswith(wanted))


def _machine_mirrors() -> tuple[str, str]:
    """The Debian mirrors that the machine's own apt uses, main and security; else the public ones."""
    found: dict[str, str] = {}
    if shutil.which("apt-get"):
        targets = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
        for line in call(targets).splitlines():
            label, _, uri = line.partition(" ")
            if uri.startswith(("http://", "https://")):
                found.setdefault(label, uri.rstrip("/"))
    return found.get("Debian", MAIN), found.get("Debian-Security", SECURITY)


def _write_sources(tree: Path, suite: str, main: str, security: str) -> None:
    (tree / "etc/apt/sources.list").write_text(
        f"deb {main} {suite} main\ndeb {main} {suite}-updates main\ndeb {security} {suite}-security main\n"
    )


def _rename_lists(tree: Path, renamed: Mapping[str, str]) -> None:
    """Let the package lists read as fetched from the public mirrors, which the tree's sources name."""
    names = {_list_name(old): _list_name(new) for old, new in renamed.items() if old != new}
    for path in (tree / "var/lib/apt/lists").iterdir():
        for old, new in names.items():
            if path.name.startswith(f"{old}_dists"):
                path.rename(path.with_name(new + path.name.removeprefix(old)))


def _list_name(uri: str) -> str:
    return uri.partition("://")[2].replace("/", "_")


def _pip_environment() -> dict[str, str]:
    """How the machine's own pip reaches its index: its variables, and its certificate bundle."""
    named = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    return {key: value for key, value in os.environ.items() if key.startswith("PIP_") or key in named}


def _pip_files() -> list[Path]:
    """The files those settings lie in, or speak of."""
    candidates = {
        *(Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"),
        Path("/etc/ssl/certs/ca-certificates.crt"),
        *(Path(value) for value in _pip_environment().values() if value.startswith("/")),
    }
    return sorted(path for path in candidates if path.is_file())
