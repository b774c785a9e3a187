"""Section 4: the application's virtual environment."""

from cutover.check import control, promised, seen
from cutover.facts.checkout import Packages, Virtualenv

OLDEST = (3, 9)


@control("4.virtualenv")
def test_virtualenv_has_a_python_that_runs(virtualenv: Virtualenv) -> None:
    """The environment points to the system's Python: an upgrade of the system takes that away or replaces it.

    Mend: python3 -m venv --clear venv && venv/bin/pip install -r requirements.txt, then restart the service.
    """
    told = ".".join(map(str, virtualenv.version)) or virtualenv.problem
    version = seen(virtualenv.version, told, where=virtualenv.interpreter)
    assert version >= promised(OLDEST, "Python 3.9 or later")


@control("4.virtualenv")
def test_requirements_are_installed(packages: Packages) -> None:
    """A package that is missing or of another version fails at the next start, or only in the request that needs it.

    Mend: venv/bin/pip install -r requirements.txt, then restart the service.
    """
    assert seen(packages.missing, where="requirements.txt") == promised(
        (), "every line of requirements.txt is satisfied"
    )


@control("4.virtualenv")
def test_installed_packages_agree(packages: Packages) -> None:
    """What `pip check` tells: a package that was updated by hand may no longer fit those that use it.

    Mend: venv/bin/pip check, then venv/bin/pip install the versions it names.
    """
    assert seen(packages.conflicts, where="pip check") == promised((), "no package lacks what it needs")
