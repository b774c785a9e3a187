"""The server view: every command in one script, one connection and one round trip.

The script goes through a testinfra backend (ssh, local, docker, podman, kubectl …), so every place that
testinfra reaches can be verified.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime

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
    identity,
    kernel,
    listeners,
    load_memory,
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
from cutover.facts.evidence import Command, Outputs
from cutover.inventory import Server, Target
from cutover.probes.process import Cut, run_bounded
from cutover.probes.script import GRACE_SECONDS, compose, parse
from cutover.probes.sent import MARK
from cutover.probes.way_in import NO_WAY, Run, no_way_in, through
from cutover.redact import redact

COMMANDS: dict[str, Command] = {
    **identity.COMMANDS,
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

DURING: dict[str, Command] = {
    **load_memory.DURING,
}

AFTER: dict[str, Command] = {
    **logs.AFTER,
    **identity.COMMANDS,
}

# A visit is cut after what its commands may take, and after this in any case: where most of them hang, nobody waits
# for each. What arrived until then is kept.
VISIT_SECONDS = 300.0


def look_again(target: Target) -> Outputs:
    """Run the few commands that must come after all else: what this run itself left on the server."""
    return probe(target, AFTER)


def look_once(target: Target) -> Outputs:
    """Both in one visit, where this run leaves nothing on the server between them."""
    return probe(target, {**COMMANDS, **AFTER})


def probe(target: Target, commands: Mapping[str, Command] = COMMANDS, run: Run = run_bounded) -> Outputs:
    """Run commands on the server; ProbeError when it cannot be reached or does not let us in.

    ``run`` runs the program that is the way in.
    """
    if target.server is None:
        raise NotDeclared(NO_WAY)
    mark = secrets.token_hex(16)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    backend = through(target, target.server, _patience(target, commands), run).backend
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
        raise no_way_in(target.server, error) from None
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
    # A live one ends when the operator says so.
    most = max([VISIT_SECONDS, *(command.seconds for command in commands.values() if command.live)])
    return min(most, target.limits.connect_seconds + told)


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


def _underway(commands: Mapping[str, Command], mark: str, answer: bytes) -> str:
    """Which command a visit waited for longest when it was cut, as the end of a sentence: they begin in order."""
    outputs = parse(commands, mark, answer)
    missing = [command for name, command in commands.items() if name not in outputs]
    return f" while {missing[0].brief!r} ran" if outputs and missing else ""
