"""The server view: every command in one script, one connection and one round trip.

The script goes through a testinfra backend (ssh, local, docker, podman, kubectl …), so every place that
testinfra reaches can be verified. It runs each command under its own timeout and frames what it printed.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import testinfra
from testinfra.backend.base import BaseBackend, CommandResult

from cutover.errors import NotDeclared, ProbeError
from cutover.facts import (
    app_logs,
    application,
    backups,
    bans,
    certificate_files,
    checkout,
    clock,
    core_dumps,
    cron,
    database,
    directories,
    environment,
    firewall,
    forwarding,
    kernel,
    listeners,
    logrotate,
    logs,
    metrics,
    monitors,
    nginx,
    readable_secrets,
    reboot,
    renewal,
    replaced_files,
    resources,
    secret_keys,
    service,
    software,
    sshd,
    storage,
    system,
    units,
    updates,
)
from cutover.facts.evidence import Command, Output, Outputs
from cutover.inventory import Server, Target
from cutover.probes.dialling import MARK
from cutover.probes.process import Cut, run_bounded
from cutover.redact import redact

COMMANDS: dict[str, Command] = {
    **system.COMMANDS,
    **resources.COMMANDS,
    **storage.COMMANDS,
    **software.COMMANDS,
    **updates.COMMANDS,
    **reboot.COMMANDS,
    **clock.COMMANDS,
    **secret_keys.COMMANDS,
    **sshd.COMMANDS,
    **listeners.COMMANDS,
    **firewall.COMMANDS,
    **forwarding.COMMANDS,
    **checkout.COMMANDS,
    **directories.COMMANDS,
    **environment.COMMANDS,
    **application.COMMANDS,
    **app_logs.COMMANDS,
    **service.COMMANDS,
    **certificate_files.COMMANDS,
    **renewal.COMMANDS,
    **nginx.COMMANDS,
    **cron.COMMANDS,
    **monitors.COMMANDS,
    **logrotate.COMMANDS,
    **backups.COMMANDS,
    **database.COMMANDS,
    **metrics.COMMANDS,
    **kernel.COMMANDS,
    **core_dumps.COMMANDS,
    **bans.COMMANDS,
    **units.COMMANDS,
    **replaced_files.COMMANDS,
    **readable_secrets.COMMANDS,
}

AFTER: dict[str, Command] = {
    **logs.AFTER,
}

OUTPUT_BYTES = 256 * 1024  # of each command
VISIT_BYTES = 32 * 1024 * 1024  # of all together
# A visit is cut after what its commands may take, and after this in any case: where most of them hang, nobody waits
# for each. What arrived until then is kept.
VISIT_SECONDS = 300.0
GRACE_SECONDS = 3  # of a command's shell, beyond what is said to `root`

# What `root` has sudo run: from /, for the reason told in cutover.probes.privileges, and with its timeout inside,
# because an ordinary user cannot end a root process.
AS_ROOT = "chroot / timeout -k 2 %(seconds)d"
_PRELUDE = f"""\
root() {{
  if [ "$ACCOUNT" -eq 0 ]; then "$@"
  elif [ "$SUDO" = no ]; then echo 'sudo: not to be used' >&2; return 1
  else sudo -n -- {AS_ROOT} "$@"; fi
}}
refusal() {{ printf '%%s\\n' "$1" | grep -E '^(sudo: |Sorry, user )' >&2; }}
"""

# The mark is random, so that nothing a command prints can pass for a frame. The exit status travels as the
# last line of standard error, which is the one stream that is collected before it is sent.
_SCRIPT = """\
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export ACCOUNT=$(id -u)
now=$(date +%%s%%N)
visit() {
  printf '\\n%(mark)s out %%s\\n' "$1"
  { errors=$( {
    { timeout -k 2 "$2" sh -c "$3" </dev/null; printf '\\n%%s' "$?" >&2; } | head -c %(bytes)d >&3
  } 2>&1 | tail -c 4096 ); } 3>&1
  begun=$now now=$(date +%%s%%N)
  printf '\\n%(mark)s err %%s %%s %%s\\n%%s\\n%(mark)s end\\n' "$1" "$begun" "$(( (now - begun) / 1000 ))" "$errors"
}
"""

_SSH_OPTIONS = (
    "-o BatchMode=yes -o StrictHostKeyChecking=yes -o ControlMaster=no -o ServerAliveInterval=5 "
    "-o ServerAliveCountMax=3 -o ForwardAgent=no -o ForwardX11=no -T"
)


def look_again(target: Target) -> Outputs:
    """Run the few commands that must come after all else: what this run itself left on the server."""
    return probe(target, AFTER)


def probe(target: Target, commands: Mapping[str, Command] = COMMANDS) -> Outputs:
    """Run commands on the server; ProbeError when it cannot be reached or does not let us in."""
    if target.server is None:
        raise NotDeclared("no way into the server is declared; give --ssh user@host or [target.server] way_in")
    mark = secrets.token_hex(16)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    backend = _backend(target, target.server, _patience(target, commands))
    script = compose(commands, mark, variables(target, target.server))
    sent, cut = time.time(), ""
    try:
        # A way in that is no login, such as local, hands this process's own variables on: with its PYTHONPATH, say,
        # the host's certbot would not start.
        result = backend.run('env -i HOME="${HOME:-/}" sh -c %s', script)
        answer, words = result.stdout_bytes, result.stderr_bytes
    except Cut as error:
        answer, words = error.stdout, b""
        cut = f"the visit {error.cause.partition(': ')[2]} and was cut{_underway(commands, mark, error.stdout)}"
    except RuntimeError as error:
        raise _no_way_in(target.server, error) from None
    answered = time.time()
    outputs = parse(commands, mark, answer)
    if not outputs:
        if cut:
            raise ProbeError(f"{target.server.way_in}: {cut}", "look why it hangs")
        reason = redact(words.decode("utf-8", "replace")).strip()[:200] or "it printed nothing"
        raise ProbeError(f"{target.server.way_in}: the visit's script did not run: {reason}")
    return Outputs(at, target.label, outputs, target.server.sudo, sent=sent, answered=answered, cut=cut)


def _patience(target: Target, commands: Mapping[str, Command]) -> float:
    """Seconds in which a visit ends, unless it hangs."""
    told = sum(command.seconds + GRACE_SECONDS for command in commands.values())
    return min(VISIT_SECONDS, target.limits.connect_seconds + told)


def variables(target: Target, server: Server) -> dict[str, str]:
    """What a command may name: ``"$APP_DIR"`` and the other places and names of the inventory."""
    declared, scraped = target.database, target.metrics
    return {
        "HOST_NAME": target.host,
        "CHECKOUT": server.checkout,
        "APP_DIR": server.app_dir,
        "ENV_FILE": server.env_file,
        "DATA_DIR": server.data_dir,
        "LOG_DIR": server.log_dir,
        "BACKUP_DIR": server.backup_dir,
        "CERTIFICATE": server.certificate or f"/etc/letsencrypt/live/{target.host}/fullchain.pem",
        "PRIVATE_KEY": server.private_key or f"/etc/letsencrypt/live/{target.host}/privkey.pem",
        "ALLOW_ACTIVE": "yes" if server.allow_active else "",
        "NGINX_SITE": server.nginx_site,
        "SERVICE": server.service,
        "BIND_PORT": str(server.bind_port),
        "BACKUP_MINUTES": str(target.limits.backup_hours * 60),
        "MARK": MARK,
        "SUDO": "yes" if server.sudo else "no",
        "DB_NAME": declared.name if declared else "",
        "DB_ROLE": declared.role if declared else "",
        "METRICS_PORT": str(scraped.port) if scraped else "",
        "METRICS_PATH": scraped.path if scraped else "",
        "TIME_ZONE": server.time_zone,
    }


def compose(commands: Mapping[str, Command], mark: str, places: Mapping[str, str]) -> str:
    """The script that runs ``commands``, which may name ``places``, and frames what each prints with ``mark``."""
    lines = [_SCRIPT % {"mark": mark, "bytes": OUTPUT_BYTES + 1}]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in places.items()]
    for name, command in commands.items():
        wanted = not command.needs or places[command.needs]
        line = _PRELUDE % {"seconds": command.seconds} + command.line if wanted else ":"
        lines.append(f"visit {name} {command.seconds + GRACE_SECONDS} {shlex.quote(line)}")
    return "\n".join(lines)


def parse(commands: Mapping[str, Command], mark: str, answer: bytes) -> dict[str, Output]:
    """Read the frames; a command whose frame is not whole is not in the result."""
    frame = re.compile(
        rb"\n%(m)b out ([\w-]+)\n(.*?)\n%(m)b err \1 (\d{1,19}) (\d{1,18})\n(.*?)\n?(\d{1,3})\n%(m)b end\n"
        % {b"m": mark.encode()},
        re.DOTALL,
    )
    outputs = {}
    for name, stdout, began, micros, stderr, rc in frame.findall(answer):
        command = commands.get(name.decode())
        if command is None:  # the host knows the mark too: it is in the script
            continue
        outputs[name.decode()] = Output(
            command=command.line,
            rc=int(rc),
            stdout=redact(stdout[:OUTPUT_BYTES].decode("utf-8", "replace")),
            stderr=redact(stderr.decode("utf-8", "replace")).strip("\n"),
            seconds=int(micros) / 1e6,
            truncated=len(stdout) > OUTPUT_BYTES,
            began=int(began) / 1e9,
        )
    return outputs


def _underway(commands: Mapping[str, Command], mark: str, answer: bytes) -> str:
    """Which command's frame an answer breaks off in, as the end of a sentence."""
    begun = re.findall(rb"\n%b out ([\w-]+)\n" % mark.encode(), answer)
    name = begun[-1].decode() if begun else ""
    if name not in commands or name in parse(commands, mark, answer):
        return ""
    return f" while {commands[name].brief!r} ran"


def _backend(target: Target, server: Server, seconds: float) -> BaseBackend:
    options: dict[str, object] = {}
    if server.way_in.startswith("ssh://"):
        options = {
            "timeout": max(1, round(target.limits.connect_seconds)),
            "controlpersist": 0,
            "ssh_extra_args": _SSH_OPTIONS,
        }
        if server.ssh_config:
            options["ssh_config"] = str(server.ssh_config)
    backend = testinfra.get_host(server.way_in, **options).backend

    def run_local(command: str, *args: str) -> CommandResult:
        """Stand in for testinfra's own, which knows neither a time limit nor a bound on what it reads."""
        line = backend.quote(command, *args)
        finished = run_bounded(["/bin/sh", "-c", line], seconds=seconds, bytes_=VISIT_BYTES)
        return backend.result(finished.rc, line.encode(), finished.stdout, finished.stderr)

    backend.run_local = run_local
    return backend


def _no_way_in(server: Server, error: RuntimeError) -> ProbeError:
    result = error.args[0] if error.args else None
    told = result.stderr_bytes if isinstance(result, CommandResult) else str(error).encode()
    lines = [
        line for line in redact(told.decode("utf-8", "replace").replace("\r\n", "\n")).splitlines() if line.strip()
    ]
    reason = lines[-1].strip()[:200] if lines else "no reason given"
    advice = "try the same way by hand: " + server.way_in.replace("://", " ", 1)
    if "host key" in reason.lower():
        advice = "compare the host's key with its owner, then add it to known_hosts; never skip this"
    return ProbeError(f"{server.way_in}: {reason}", advice)
