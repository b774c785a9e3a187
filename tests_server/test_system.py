"""Section 1: the operating system."""

from cutover.check import control, promised, seen
from cutover.facts.system import OperatingSystem

OLDEST = {"debian": (11,), "ubuntu": (20, 4)}


@control("1.os")
def test_release_is_one_the_checklist_allows(system: OperatingSystem) -> None:
    """The application was tried on Debian from 11 and Ubuntu from 20.04; older ones lack its Python and nginx.

    Mend: move the application to a server with Debian 12 or Ubuntu 24.04.
    """
    allowed = OLDEST.get(system.id, (float("inf"),))
    assert seen(system.version, system.name) >= promised(allowed, "Debian 11 or later, Ubuntu 20.04 or later")
