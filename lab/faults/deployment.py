"""Defects of the checkout, the virtual environment and the directories (section 4)."""

from lab.faults import fault
from lab.faults.application import BACKEND
from lab.host import Host

CHECKOUT = "/opt/mirai-knowledge-systems"
DATA = "/var/lib/mirai-knowledge-system/data"
LOGS = "/var/log/mirai-knowledge-system"
AS_SOMEBODY = "git -c user.name=somebody -c user.email=somebody@example.test"


@fault(fails={"checkout_is_of_the_declared_remote"})
def remote_is_a_fork(host: Host) -> None:
    """Cloned from a developer's fork, with the token in the address."""
    host.run(f"git -C {CHECKOUT} remote set-url origin https://dev:token1234@git.example.test/dev/mirai.git")


@fault(fails={"checkout_is_at_the_declared_commit"})
def one_commit_too_far(host: Host) -> None:
    """Pulled once more after the release was tried."""
    host.run(f"{AS_SOMEBODY} -C {CHECKOUT} commit -q --allow-empty -m 'after the release'")


@fault(fails={"checkout_is_unchanged"})
def edited_on_the_host(host: Host) -> None:
    """A quick repair on the host that is in no release."""
    host.run(f"echo '# tried' >>{BACKEND}/seed.py")


@fault(fails={"requirements_are_installed"})
def package_of_another_version(host: Host) -> None:
    """A package was changed by hand, and still fits those that use it."""
    host.run(f"cd {BACKEND}/venv/lib/python3*/site-packages && mv pyjwt-*.dist-info pyjwt-2.0.0.dist-info")
    host.run(f"sed -i 's/^Version: .*/Version: 2.0.0/' {BACKEND}/venv/lib/python3*/site-packages/pyjwt-*/METADATA")


@fault(fails={"installed_packages_agree"})
def package_is_gone(host: Host) -> None:
    """`pip uninstall` of something that looked unused; it is needed by a package that is listed."""
    host.run(f"rm -r {BACKEND}/venv/lib/python3*/site-packages/blinker-*.dist-info")


@fault(
    fails={
        "virtualenv_has_a_python_that_runs",
        "start_script_finds_the_variables_valid",
        "configuration_check_ends_well",
        "status_agrees_with_what_runs",
    },
    errors={"requirements_are_installed", "installed_packages_agree"},
)
def python_of_another_system(host: Host) -> None:
    """The system was upgraded below the virtual environment: its Python is gone, and what runs runs on."""
    host.run(f"ln -sfn /usr/bin/python3.1 {BACKEND}/venv/bin/python3")


@fault(
    fails={
        "directory_belongs_to_the_service_user",
        "directory_is_writable_by_the_service_user",
        "data_is_writable_by_the_service_user",
    }
)
def data_restored_by_root(host: Host) -> None:
    """Restored from a backup with sudo: all of it belongs to root."""
    host.run(f"chown -R root:mks {DATA} && chmod -R g-w {DATA}")


@fault(fails={"nobody_else_can_write_to_the_directory"})
def data_open_to_the_web_server(host: Host) -> None:
    """An access list, so that nginx could take uploads directly; no mode shows it."""
    host.run(f"setfacl -m u:www-data:rwx {DATA}")


@fault(fails={"nothing_inside_is_open_to_everybody"})
def data_file_open_to_everybody(host: Host) -> None:
    """chmod 666, until an import had worked."""
    host.run(f"chmod 666 {DATA}/knowledge.json")


@fault(fails={"no_directory_above_is_open_to_everybody"})
def directory_above_open_to_everybody(host: Host) -> None:
    """chmod 777 one level too high."""
    host.run("chmod 777 /var/lib/mirai-knowledge-system")
