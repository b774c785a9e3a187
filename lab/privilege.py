"""Least privilege, proven on a copy: who may do only what ``cutover sudoers`` prints sees what root sees, and no more.

Four accounts verify the same host, as it was deployed and then with defects that only root can see. All verdicts must
be the same; for the account without sudo they are the same or not reviewed.
"""

from __future__ import annotations

import re
import shlex
import time
from collections import Counter
from pathlib import Path

from lab import faults, matrix
from lab.host import OPERATOR, Host
from lab.machine import STATE, call

READER = "cutover"
NOBODY = "looker"
INVENTORY = matrix.ROOT / "lab/inventory.toml"
WITHOUT_SUDO = STATE / "without-sudo.toml"

# The checks of what was seen inside; strangers see the same whoever looks.
LOOKS_INSIDE = (
    "tests_server",
    *("tests_security/test_secrets_on_host.py", "tests_security/test_ssh.py"),
    "tests_perf/test_memory.py",
)
# The application takes five logins a minute, and memory is judged under a load that has logged in.
LOGIN_SECONDS = 15
# Each is seen by other commands, and none hides another.
DEFECTS = (
    "backups.newest-archive-cut-off",
    "certificate.hook-is-not-executable",
    "certificate.key-readable-by-all",
    "database.role-is-superuser",
    "database.trust-on-loopback",
    "deployment.data-restored-by-root",
    "environment.copy-in-the-static-folder",
    "environment.readable-by-an-access-list",
    "firewall.rule-past-ufw",
    "logs.logs-kept-a-week",
    "monitors.jobs-writable-by-the-group",
    "nginx.header-of-a-location-drops-the-five",
    "processes.request-that-raises",
    "secret_keys.short-token-key",
    "service.restarts-never",
    "ssh.passwords-in-a-match-block",
    "processes.script-not-executable",  # the last, because others restart the service
)

# root may log in with a key here, for the comparison; the checklist allows it.
_ACCOUNTS = f"""\
set -e
install -d -m 700 /root/.ssh
install -m 600 /home/{OPERATOR}/.ssh/authorized_keys /root/.ssh/authorized_keys
sed -i 's/^PermitRootLogin.*/PermitRootLogin prohibit-password/' /etc/ssh/sshd_config.d/10-keys-only.conf
systemctl reload ssh
for account in {READER} {NOBODY}; do
  useradd --create-home --shell /bin/bash "$account"
  install -d -m 700 -o "$account" -g "$account" "/home/$account/.ssh"
  install -m 600 -o "$account" -g "$account" /root/.ssh/authorized_keys "/home/$account/.ssh/authorized_keys"
done
"""

Verdicts = dict[str, str]


def prove(copy: Host) -> bool:
    """Prove it on a fresh copy and print what was seen; whether all was as promised."""
    call([matrix.ROOT / "verify", "--version"], timeout=matrix.SUITE_SECONDS)  # makes .venv where there is none
    allowed = call([matrix.ROOT / ".venv/bin/cutover", "sudoers", "--inventory", INVENTORY, "--user", READER])
    copy.run(_ACCOUNTS)
    copy.run(f"printf %s {shlex.quote(allowed)} | install -m 440 /dev/stdin /etc/sudoers.d/{READER} && visudo -c")
    text = INVENTORY.read_text().replace('"state/', f'"{STATE}/')
    WITHOUT_SUDO.write_text(text.replace("[target.server]\n", "[target.server]\nsudo = false\n"))
    good = _compare(copy, "as it was deployed")
    known = faults.load()
    for name in DEFECTS:
        known[name].apply(copy)
    good &= _compare(copy, f"with {len(DEFECTS)} defects")
    return good & _tricks(copy, allowed)


def _compare(copy: Host, what: str) -> bool:
    print(f"{what}:", flush=True)
    root = _verdicts(copy, "root", INVENTORY)
    good = bool(root) and "passed" in root.values()
    for account, inventory in ((OPERATOR, INVENTORY), (READER, INVENTORY), (NOBODY, WITHOUT_SUDO)):
        seen = _verdicts(copy, account, inventory)
        spared = "not reviewed" if account == NOBODY else None
        for case in root.keys() | seen.keys():
            if seen.get(case) not in (root.get(case), spared):
                print(f"  BAD {account}: {seen.get(case)}, and root {root.get(case)}: {case}")
                good = False
    return good


def _verdicts(copy: Host, account: str, inventory: Path) -> Verdicts:
    options = [*matrix.options(copy, account), *LOOKS_INSIDE]
    begun = time.monotonic()
    cases, status = matrix.judge(options, str(inventory))
    time.sleep(max(0.0, begun + LOGIN_SECONDS - time.monotonic()))
    words = {name: case["verdict"] for name, case in cases.items()}
    counts = Counter(words.values())
    told = ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "error", "not reviewed"))
    print(f"  {account:10} {told}; status {status}", flush=True)
    return words


def _tricks(copy: Host, allowed: str) -> bool:
    """Try to get more out of the file than it says; whether nothing came of it.

    sudo joins the words of a command. So the program of a rule may come with its first path as one word, which then
    is the name of a program of the caller's own.
    """
    careless = "timeout -k 2 10 find /proc -maxdepth 0"
    tries = {"sh": "sh", "another file": "chroot / timeout -k 2 10 cat /etc/shadow"}
    for rule in (careless, *re.findall(r"NOPASSWD: /usr/sbin/(.*)", allowed)):
        words = re.sub(r"\\(.)", r"\1", rule).split()
        start = words.index("timeout") + 4
        path = next((at for at in range(start, len(words)) if "/" in words[at]), None)
        if path:
            own = " ".join(words[start : path + 1])
            tries[rule] = (
                f"mkdir -p {shlex.quote(own.rpartition('/')[0])}; cp own {shlex.quote(own)}; "
                f"sudo -n {shlex.join([*words[:start], own, *words[path + 1 :]])}"
            )
    script = "cd; printf '#!/bin/sh\\necho root: won\\n' >own; chmod 755 own\n" + "".join(
        f"case $({{ {words}; }} 2>/dev/null) in *root:*) echo {shlex.quote(name)} ;; esac\n"
        for name, words in tries.items()
    )
    copy.run(f"echo '{READER} ALL=(root) NOPASSWD: /usr/bin/{careless}' >/etc/sudoers.d/careless")
    won = copy.run(f"su {READER} -c {shlex.quote(script)}").stdout.splitlines()
    copy.run("rm /etc/sudoers.d/careless")
    print(f"{len(tries)} tricks, one of them with a careless rule: {', '.join(won) or 'none'} won")
    return won == [careless]
