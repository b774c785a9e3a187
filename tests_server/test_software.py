"""Section 1: the programs that the application needs."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.software import Software

# The checklist asks for git and certbot in any version.
LEAST = {"python": (3, 9), "nginx": (1, 18), "git": (1,), "certbot": (0,)}


@control("1.software")
@pytest.mark.parametrize("program", LEAST)
def test_program_is_there(software: Software, program: str) -> None:
    """The program itself is asked, wherever it came from: a package, a snap, a build of one's own.

    Mend: sudo apt-get install python3-venv nginx git certbot, from a release that has the version
    """
    version = software.versions.get(program, ())
    told = ".".join(map(str, version)) or "not installed"
    least = ".".join(map(str, LEAST[program]))
    text = "any version" if program in ("git", "certbot") else f"{least} or later"
    assert seen(version, told, where=program) >= promised(LEAST[program], text)
