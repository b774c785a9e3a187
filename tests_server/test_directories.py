"""Section 4: the data and log directories."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.directories import Directories, Place

PLACES = pytest.mark.parametrize("place", ["data", "logs"])


@control("4.directories")
@PLACES
def test_directory_belongs_to_the_service_user(directories: Directories, place: Place) -> None:
    """Made with sudo it belongs to root, and the application can keep neither data nor logs.

    Mend: sudo chown -R USER:GROUP /var/lib/mirai-knowledge-system/data /var/log/mirai-knowledge-system
    """
    directory = directories.of[place]
    owner = seen(directory.owner, directory.owner or "no such directory", where=directory.path)
    assert owner == promised(directories.user)


@control("4.directories")
@PLACES
def test_directory_is_writable_by_the_service_user(directories: Directories, place: Place) -> None:
    """The kernel is asked as that user: modes, access lists, directories above and a read-only mount count.

    Mend: sudo -u USER test -w DIRECTORY; sudo namei -l DIRECTORY shows which part of the way is closed.
    """
    directory = directories.of[place]
    assert seen(directory.writable, where=f"{directory.path} {directory.mode}") == promised(True)


@control("4.directories")
@PLACES
def test_nobody_else_can_write_to_the_directory(directories: Directories, place: Place) -> None:
    """Who can write data can be any user of the application; who can write logs can hide what he did.

    Mend: sudo chmod go-w DIRECTORY, and sudo setfacl -b DIRECTORY where an access list lets others in.
    """
    directory = directories.of[place]
    where = f"{directory.path} {directory.mode}"
    assert seen(directory.others, where=where) == promised(frozenset(), "nobody but root and the service user")


@control("4.directories")
@PLACES
def test_no_directory_above_is_open_to_everybody(directories: Directories, place: Place) -> None:
    """Who can write to a directory above can put another one in its place.

    Mend: sudo chmod o-w DIRECTORY
    """
    directory = directories.of[place]
    assert seen(directory.open_parents, where=directory.path) == promised((), "none that everybody can write")


@control("4.directories")
def test_data_is_writable_by_the_service_user(directories: Directories) -> None:
    """Data that was copied or restored with sudo belongs to root: all can be read, and the first change fails.

    Mend: sudo chown -R USER:GROUP /var/lib/mirai-knowledge-system/data
    """
    assert seen(directories.closed) == promised(
        (), f"everything in the data directory is writable by {directories.user}"
    )


@control("4.directories")
def test_nothing_inside_is_open_to_everybody(directories: Directories) -> None:
    """A file that everybody can write is one that any account of the host can forge.

    Mend: sudo chmod -R o-w /var/lib/mirai-knowledge-system/data /var/log/mirai-knowledge-system
    """
    assert seen(directories.open) == promised((), "nothing that everybody can write")
