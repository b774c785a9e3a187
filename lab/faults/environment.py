"""Defects of the environment file and of what it says (section 5)."""

import shlex

from lab.faults import fault
from lab.faults.application import BACKEND, ENVIRONMENT, restart
from lab.host import Host

# What `run_production.sh check` tells too, in both of the boxes that name it.
CHECK = {"start_script_finds_the_variables_valid", "configuration_check_ends_well"}


def change(host: Host, expression: str) -> None:
    """Change the environment file by a sed expression, in place, and restart the application with it."""
    host.run(f"sed {shlex.quote(expression)} {ENVIRONMENT} >/run/changed && cat /run/changed >{ENVIRONMENT}")
    restart(host)


@fault(fails={"env_file_is_private"})
def readable_by_all(host: Host) -> None:
    """Copied without its mode."""
    host.run(f"chmod 644 {ENVIRONMENT}")


@fault(fails={"env_file_is_private"})
def readable_by_an_access_list(host: Host) -> None:
    """An account for monitoring was let in, with a mode that hides it from stat."""
    host.run(f"setfacl -m u:www-data:r {ENVIRONMENT}")


@fault(fails={"env_file_belongs_to_the_service_user_or_root", "status_agrees_with_what_runs"})
def owned_by_a_person(host: Host) -> None:
    """Made by the operator under his own name, who may not see what runs; the application has read it long ago."""
    host.run(f"chown ops {ENVIRONMENT}")


@fault(fails={"no_readable_copy_of_the_keys"})
def copy_in_the_static_folder(host: Host) -> None:
    """An editor's backup, where nginx serves it."""
    host.run(f"install -m 644 {ENVIRONMENT} {BACKEND}/static/.env.production~")


@fault(fails={"switch_is_on", *CHECK})
def https_not_forced(host: Host) -> None:
    """Switched off to try something without a certificate."""
    change(host, "s/^MKS_FORCE_HTTPS=.*/MKS_FORCE_HTTPS=false/")


@fault(
    fails={
        "cors_origins_are_https",
        "cors_origins_are_those_declared",
        "declared_origins_may_read",
        "no_other_origin_may_read",
        *CHECK,
    }
)
def origins_of_everybody(host: Host) -> None:
    """A star, because the browser complained."""
    change(host, "s/^MKS_CORS_ORIGINS=.*/MKS_CORS_ORIGINS=*/")


@fault(fails={"cors_origins_are_those_declared", "declared_origins_may_read"})
def origin_of_the_staging_site(host: Host) -> None:
    """The file was copied from the staging server."""
    change(host, "s/^MKS_CORS_ORIGINS=.*/MKS_CORS_ORIGINS=https:\\/\\/staging.example.test/")


@fault(fails={"workers_fit_the_processors"})
def two_workers(host: Host) -> None:
    """The number of the development machine."""
    change(host, "s/^MKS_GUNICORN_WORKERS=.*/MKS_GUNICORN_WORKERS=2/")


@fault(fails={"threads_are_as_promised"})
def many_threads(host: Host) -> None:
    """Raised during an incident."""
    change(host, "s/^MKS_GUNICORN_THREADS=.*/MKS_GUNICORN_THREADS=16/")


@fault(fails={"log_level_is_as_promised"})
def debug_log(host: Host) -> None:
    """Left on after a search for a fault."""
    change(host, "s/^MKS_LOG_LEVEL=.*/MKS_LOG_LEVEL=DEBUG/")


@fault(fails={"running_application_has_the_variables_of_the_file", "cors_origins_are_those_declared"})
def changed_and_not_restarted(host: Host) -> None:
    """The file says one thing, and what serves another."""
    host.run(f"sed -i 's/^MKS_CORS_ORIGINS=.*/MKS_CORS_ORIGINS=https:\\/\\/new.example.test/' {ENVIRONMENT}")
    host.run(f"chown mks:mks {ENVIRONMENT} && chmod 600 {ENVIRONMENT}")


@fault(
    fails={
        "required_variable_has_a_value",
        "secret_key_is_long",
        "secret_key_looks_random",
        "secret_key_is_no_placeholder",
        *CHECK,
    }
)
def key_lost_after_the_start(host: Host) -> None:
    """The key's line was deleted: nothing is seen of it until the next start, which fails."""
    host.run(f"sed '/^MKS_SECRET_KEY=/d' {ENVIRONMENT} >/run/changed && cat /run/changed >{ENVIRONMENT}")
