"""Defects of the application's systemd unit (section 10)."""

from lab.faults import fault
from lab.faults.application import BACKEND, SERVICE, restart
from lab.host import Host

UNIT = f"/etc/systemd/system/{SERVICE}.service"


def edit(host: Host, expression: str) -> None:
    """Change the unit by a sed expression, and have systemd and the service take it on."""
    host.run(f"sed -i '{expression}' {UNIT} && systemctl daemon-reload")
    restart(host)


@fault(fails={"unit_is_loaded_as_it_is_on_disk"})
def edited_and_not_loaded(host: Host) -> None:
    """The unit was corrected, and systemd was not told."""
    host.run(f"sleep 1; sed -i 's/^RestartSec=.*/RestartSec=30/' {UNIT}")


@fault(
    fails={
        "service_runs_as_an_unprivileged_user",
        "directory_belongs_to_the_service_user",
        "nobody_else_can_write_to_the_directory",
        "env_file_belongs_to_the_service_user_or_root",
        "status_agrees_with_what_runs",
    }
)
def runs_as_root(host: Host) -> None:
    """User= was taken out because of an error about rights."""
    edit(host, "/^User=/d; /^Group=/d; /^CapabilityBoundingSet=/d")


@fault(fails={"unit_restarts_after_a_failure"})
def restarts_never(host: Host) -> None:
    """Restart= was taken out during a search for a fault."""
    edit(host, "s/^Restart=.*/Restart=no/")


@fault(fails={"service_is_enabled"})
def not_enabled(host: Host) -> None:
    """Started by hand after the installation, and never enabled."""
    host.run(f"systemctl disable {SERVICE}")


@fault(fails={"service_is_active", "processes_belong_to_the_unit"})
def started_by_hand(host: Host) -> None:
    """The checklist's section 9 after its section 10: it answers, and dies with the next boot."""
    host.run(f"systemctl stop {SERVICE}")
    host.run(
        f"setsid runuser -u mks -- {BACKEND}/run_production.sh start >/dev/null 2>&1 </dev/null",
    )


@fault(fails={"service_is_not_restarting_again_and_again"})
def crashes_again_and_again(host: Host) -> None:
    """The master is killed now and then for lack of memory; systemd brings it back each time."""
    edit(host, "s/^RestartSec=.*/RestartSec=1/")
    host.run(f"systemctl kill --kill-who=main --signal=KILL {SERVICE}; sleep 1")
    host.run("for try in $(seq 60); do curl -fsk https://localhost/ >/dev/null && exit; sleep 0.5; done; exit 1")
