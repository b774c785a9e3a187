"""One host of the lab: an overlay on a base tree, booted with systemd as its process 1, in its own network.

It shares the machine's kernel: memory, cores and most sysctls are the machine's own, and its clock cannot be
set.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.machine import CACHE, STATE, Daemon, Refusal, call, wait_for
from lab.network import DOMAIN, RESOLVERS, HostSpec, inside, netns_path

OPERATOR = "ops"
KEY = STATE / "id_ed25519"
KNOWN_HOSTS = STATE / "known_hosts"
SSH_CONFIG = STATE / "ssh_config"

BOOT_SECONDS = 90

# A script in a host sees this environment and nothing of the machine's.
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELL = ("/usr/bin/env", "-i", _PATH, "HOME=/root", "USER=root", "LANG=C.UTF-8", "/bin/sh", "-c")

_SSHD = "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\n"

_PREPARE = f"""
set -e
ssh-keygen -A
useradd --create-home --shell /bin/bash {OPERATOR}
install -d -m 700 -o {OPERATOR} -g {OPERATOR} /home/{OPERATOR}/.ssh
# A timer that has never run catches up at boot; on a host that was just installed there is nothing to do yet.
mkdir -p /var/lib/systemd/timers
for timer in /lib/systemd/system/*.timer; do touch "/var/lib/systemd/timers/stamp-${{timer##*/}}"; done
"""


@dataclass(frozen=True)
class Host:
    """A host by its row in the network's table."""

    spec: HostSpec

    @property
    def root(self) -> Path:
        """The merged tree, from outside. Before boot it may be written to; afterwards the host owns it."""
        return self._place / "root"

    @property
    def seen_from_inside(self) -> Path:
        """The tree as the running host has it, with all that it mounted on it."""
        return Path(f"/proc/{self._init.require()}/root")

    @property
    def _upper(self) -> Path:
        return self._place / "upper"

    @property
    def _place(self) -> Path:
        return CACHE / "hosts" / self.spec.name

    @property
    def _machine(self) -> str:
        return f"cutlab-{self.spec.name}"

    @property
    def _daemon(self) -> Daemon:
        return Daemon(f"host-{self.spec.name}")

    @property
    def _init(self) -> Daemon:
        """Its own process 1, which outlives a killed nspawn."""
        return Daemon(f"init-{self.spec.name}")

    def create(self, layers: Sequence[Path], disk: str = "") -> None:
        """A fresh tree on these read-only layers, the topmost first; whatever it was before is gone.

        ``disk``: the size of a disk of its own, in tmpfs's words; without it, it writes to the machine's.
        """
        self.destroy()
        if disk:
            self._place.mkdir(parents=True, exist_ok=True)
            call(["mount", "-t", "tmpfs", self._machine, "-o", f"size={disk}", self._place])
        for directory in (self.root, self._upper, self._place / "work"):
            directory.mkdir(parents=True)
        lower = ":".join(str(layer) for layer in layers)
        options = f"lowerdir={lower},upperdir={self._upper},workdir={self._place / 'work'}"
        call(["mount", "-t", "overlay", self._machine, "-o", options, self.root])

    def make(self, layers: Sequence[Path]) -> None:
        """A fresh host that the operator can reach once it is booted."""
        self.create(layers)
        self.prepare()
        self.record_key()

    def prepare(self) -> None:
        """Give the tree its name, its resolver and the operator's way in."""
        call(["chroot", self.root, *_SHELL, _PREPARE])
        self._name(self.spec.fqdn)
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        self._write("etc/resolv.conf", f"search {DOMAIN}", f"nameserver {RESOLVERS[0].ipv4}")
        self._write("etc/default/locale", "LANG=C.UTF-8")
        self._write("etc/ssh/sshd_config.d/10-keys-only.conf", _SSHD.rstrip())
        self._write(f"etc/sudoers.d/{OPERATOR}", f"{OPERATOR} ALL=(ALL:ALL) NOPASSWD: ALL", mode=0o440)
        keys = self.root / f"home/{OPERATOR}/.ssh/authorized_keys"
        shutil.copyfile(KEY.with_suffix(".pub"), keys)
        shutil.chown(keys, *self._owner(f"home/{OPERATOR}"))

    def pose_as(self, fqdn: str) -> None:
        """Be a copy of that host at addresses of its own: it finds itself under the name."""
        self._name(fqdn)
        if self.spec.ipv4 not in KNOWN_HOSTS.read_text():
            self.record_key()

    def _name(self, fqdn: str) -> None:
        names = f"{fqdn} {fqdn.partition('.')[0]}"
        hosts = [f"{address} {names}" for address in self.spec.addresses]
        self._write("etc/hostname", fqdn.partition(".")[0])
        self._write("etc/hosts", "127.0.0.1 localhost", "::1 localhost ip6-localhost", *hosts)

    def record_key(self) -> None:
        """Let the operator's ssh know this host's key, under its name and its addresses."""
        names = ",".join((self.spec.fqdn, *self.spec.addresses))
        with KNOWN_HOSTS.open("a") as known:
            for path in sorted((self.root / "etc/ssh").glob("ssh_host_*_key.pub")):
                kind, key, *_ = path.read_text().split()
                known.write(f"{names} {kind} {key}\n")
        with SSH_CONFIG.open("a") as config:
            config.write(
                # The machine's resolver does not know the lab's names.
                f"Host {self.spec.name} {self.spec.fqdn}\n    HostName {self.spec.ipv4}\n"
            )

    def boot(self) -> None:
        """Start it; it lives on when this program ends."""
        # The namespace outlives the host that was in it last, and so would that one's packet filter.
        call([*inside(self.spec.namespace), "chroot", self.root, "nft", "flush", "ruleset"])
        argv = [
            *("systemd-nspawn", "--quiet", "--boot", "--register=no", f"--directory={self.root}"),
            *(f"--machine={self._machine}", f"--hostname={self.spec.name}", f"--uuid={uuid.uuid4()}"),
            f"--network-namespace-path={netns_path(self.spec.namespace)}",
            # The firewall is the host's own and filters for real.
            "--capability=CAP_NET_ADMIN",
            *("--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only"),
        ]
        groups = self._cgroups()
        if groups:
            argv.append("--keep-unit")
        for group in groups:
            group.mkdir(exist_ok=True)
        # Each host lives in control groups of its own: two systemds in one would share their units' groups.
        enter = "".join(f"echo $$ >{shlex.quote(str(group))}/cgroup.procs; " for group in groups)
        self._daemon.start(["/bin/sh", "-c", f"{enter}exec {shlex.join(argv)}"])
        self._wait_running()

    def _wait_running(self) -> None:
        state = ""

        def settled() -> bool:
            nonlocal state
            self._daemon.require()
            if self._init.pid is None and (leader := self._find_init()) is not None:
                self._init.adopt(leader)
            if self._init.pid is not None:
                state = self.run("systemctl is-system-running", check=False).stdout.strip()
            return state in ("running", "degraded")

        wait_for(f"{self.spec.name}: the end of its boot", settled, BOOT_SECONDS)
        if state == "degraded":
            failed = self.run("systemctl list-units --state=failed --plain --no-legend", check=False).stdout
            raise Refusal(f"{self.spec.name} booted with failed units: {' '.join(failed.split())}")

    def is_up(self) -> bool:
        return self._daemon.pid is not None

    def run(self, script: str, check: bool = True, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a POSIX shell script as root in the running host; with ``check``, a failure is a Refusal."""
        leader = self._init.pid
        if leader is None:
            raise Refusal(f"{self.spec.name} is not running")
        argv = ["nsenter", f"--target={leader}", "--all", *_SHELL, script]
        try:
            done = subprocess.run(argv, input="", capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Refusal(f"{self.spec.name}: no end within {timeout:.0f} s: {script.strip()!r}") from None
        if check and done.returncode != 0:
            log = STATE / f"failed-on-{self.spec.name}.log"
            log.write_text(f"{script}\n{done.stdout}\n{done.stderr}")
            said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["it said nothing"]
            raise Refusal(f"{self.spec.name}: status {done.returncode}: {said[-1]} (all of it: {log})")
        return done

    def ssh(self, *command: str) -> list[str]:
        """The command line by which the operator reaches this host."""
        return ["ssh", "-F", str(SSH_CONFIG), self.spec.fqdn, *command]

    def stop(self) -> None:
        """Shut it down in order (nspawn hands the request on to its systemd), else kill it."""
        self._daemon.stop(seconds=20)
        self._init.stop(seconds=0)
        for group in self._cgroups():
            for directory, _, _ in os.walk(group, topdown=False):
                # The groups of a killed host empty only after a moment; the next `down` finds them.
                with contextlib.suppress(OSError):
                    os.rmdir(directory)

    def snapshot(self, name: str) -> Path:
        """Stop it and keep what it has written as a layer for new hosts; the host itself is gone."""
        self.stop()
        self._unmount()
        layer = snapshot_layer(name)
        forget(name)
        layer.parent.mkdir(parents=True, exist_ok=True)
        self._upper.rename(layer)
        self.destroy()
        return layer

    def destroy(self) -> None:
        """Stop it and take away its tree."""
        self.stop()
        self._unmount()
        shutil.rmtree(self._place, ignore_errors=True)
        with contextlib.suppress(OSError):
            # nspawn leaves it behind where /run is no tmpfs.
            Path("/run/systemd/nspawn/propagate", self._machine).rmdir()

    def _unmount(self) -> None:
        for place in (self.root, self._place):
            while os.path.ismount(place):
                call(["umount", place])

    def _find_init(self) -> int | None:
        """The pid, seen from the machine, of the host's own process 1."""
        supervisor = self._daemon.require()
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        for child in children:
            with contextlib.suppress(OSError):
                # Before it has become systemd it is still nspawn, half inside its namespaces.
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
        return None

    def _cgroups(self) -> list[Path]:
        """The control groups to put it in by hand; none where the machine's own systemd does so."""
        if Path("/run/systemd/system").exists():
            return []
        groups = []
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            name = controllers.removeprefix("name=") or "unified"
            hierarchy = Path("/sys/fs/cgroup", name)
            place = hierarchy if hierarchy.exists() else hierarchy.parent
            # A new cpuset has no processors: nothing could live in it.
            if controllers != "cpuset":
                groups.append(place / path.lstrip("/") / self._machine)
        return groups

    def _write(self, path: str, *lines: str, mode: int = 0o644) -> None:
        target = self.root / path
        target.write_text("".join(f"{line}\n" for line in lines))
        target.chmod(mode)

    def _owner(self, path: str) -> tuple[int, int]:
        found = (self.root / path).stat()
        return found.st_uid, found.st_gid


def snapshot_layer(name: str) -> Path:
    """Where the snapshot of that name is, if it was made."""
    return CACHE / "snapshots" / name


def forget(snapshot: str) -> None:
    """Take a snapshot away; the host that stands on it must be gone."""
    shutil.rmtree(snapshot_layer(snapshot), ignore_errors=True)


def make_operator_key() -> None:
    """A fresh key pair, and an ssh configuration that trusts nothing but what the lab records."""
    for path in (KEY, KEY.with_suffix(".pub"), KNOWN_HOSTS, SSH_CONFIG):
        path.unlink(missing_ok=True)
    call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator of the lab", "-f", KEY])
    # Options before the first Host line hold for all.
    SSH_CONFIG.write_text(
        f'User {OPERATOR}\nIdentityFile "{KEY}"\nIdentitiesOnly yes\nBatchMode yes\nConnectTimeout 10\n'
        f'StrictHostKeyChecking yes\nUserKnownHostsFile "{KNOWN_HOSTS}"\nGlobalKnownHostsFile /dev/null\n'
    )
