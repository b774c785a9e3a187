"""Section 10: the application's systemd unit."""

from cutover.check import control, promised, seen
from cutover.facts.application import Application
from cutover.facts.service import Service

SETTLED = 3600  # seconds after which earlier restarts are history


@control("10.unit")
def test_unit_is_loaded_as_it_is_on_disk(service: Service) -> None:
    """A unit that was edited and not loaded again starts as it was, until a reboot starts it otherwise.

    Mend: sudo systemctl daemon-reload && sudo systemctl restart mirai-knowledge-system
    """
    state = {"loaded": service.load, "reload owed": service.reload_owed}
    assert seen(state, where="systemctl show") == promised({"loaded": "loaded", "reload owed": False})


@control("10.unit")
def test_service_runs_as_an_unprivileged_user(service: Service, application: Application) -> None:
    """Who finds a hole in the application has the rights of its user; as root, the whole host.

    Mend: User= and Group= in the unit, sudo systemctl daemon-reload, then restart the service.
    """
    users = {service.user or "root", *(process.user for process in application.processes)}
    assert seen("root" in users or "0" in users, ", ".join(sorted(users))) == promised(False, "a user that is not root")


@control("10.unit")
def test_unit_starts_what_exists(service: Service) -> None:
    """A path that has gone since the last start is noticed at the next one.

    Mend: correct ExecStart= in the unit, or put the program back and chmod +x it; then sudo systemctl daemon-reload
    """
    gone = {path for path, there in service.programs.items() if not there}
    assert seen(gone if service.programs else {"no ExecStart"}, where="ExecStart") == promised(
        set(), "programs that can be run"
    )


@control("10.unit")
def test_unit_restarts_after_a_failure(service: Service) -> None:
    """A process that crashes at night stays down until somebody reads the alert.

    Mend: Restart=on-failure in the unit, then sudo systemctl daemon-reload
    """
    policies = ("on-failure", "always")
    assert seen(service.restart, where="Restart") in promised(policies, "on-failure or always")


@control("10.enabled")
def test_service_is_enabled(service: Service) -> None:
    """Started and not enabled, it is gone after the next reboot.

    Mend: sudo systemctl unmask mirai-knowledge-system; sudo systemctl enable mirai-knowledge-system
    """
    assert seen(service.file or service.load, where="systemctl is-enabled") == promised("enabled")


@control("10.enabled")
def test_service_is_active(service: Service) -> None:
    """systemd watches and restarts only what it has started.

    Mend: sudo systemctl start mirai-knowledge-system; journalctl -u mirai-knowledge-system tells why it does not.
    """
    assert seen(f"{service.active} ({service.sub})", where="systemctl show") == promised("active (running)")


@control("10.enabled")
def test_processes_belong_to_the_unit(service: Service, application: Application) -> None:
    """Started by hand, the application ends with a shell or a reboot, and the unit cannot start beside it.

    Mend: ./run_production.sh stop, then sudo systemctl start mirai-knowledge-system
    """
    groups = {process.group or "unknown" for process in application.processes}
    own = {group for group in groups if service.group and f"{group}/".startswith(f"{service.group}/")}
    assert seen(groups, where="/proc/PID/cgroup") == promised(own or {service.group or "the unit's"})


@control("10.enabled")
def test_service_is_not_restarting_again_and_again(service: Service) -> None:
    """With Restart= a service that crashes every few minutes still looks active each time somebody looks.

    Mend: journalctl -u mirai-knowledge-system tells what ends it; mend that, then sudo systemctl restart it.
    """
    calm = service.restarts == 0 or (service.age is not None and service.age >= SETTLED)
    told = f"{service.restarts} restarts, active for {'no time' if service.age is None else f'{service.age} s'}"
    assert seen(calm, told) == promised(True, "no restart by systemd within the hour")
