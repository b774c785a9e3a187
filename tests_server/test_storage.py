"""Section 1 and appendix A: room where data, logs and backups grow. Room on ``/`` itself: test_resources.py."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.storage import Place, Storage
from cutover.inventory import Target
from cutover.policies import GB

LEAST_INODES = 0.1  # of all: mail spools, caches and session files use them up while bytes are left


@control("1.hardware")
@pytest.mark.parametrize("place", ["data", "logs", "backups"])
def test_disk_has_room_for_what_grows(storage: Storage, target: Target, place: Place) -> None:
    """Each may lie on a file system of its own, and `df -h /` tells nothing of that one.

    Mend: df -h on the directory, then enlarge its file system or move the directory to a larger one
    """
    least = target.size.disk_free_bytes
    found = storage.places[place]
    told = f"{found.free_bytes / GB:.1f} GB free on {found.mounted_on}" if found else "no such directory"
    free = seen(found.free_bytes if found else -1, told, where=place)
    assert free >= promised(least, f"at least {least / GB:.0f} GB free for tier {target.tier}")


@control("1.hardware")
@pytest.mark.parametrize("place", ["/", "data", "logs", "backups"])
def test_disk_has_inodes(storage: Storage, place: Place) -> None:
    """A file system without a free inode takes no new file, whatever room it has.

    Mend: df -i on the directory, then remove the many small files (sudo du --inodes -xS / | sort -n | tail)
    """
    found = storage.places[place]
    free = 1.0 if found and found.free_inodes is None else (found.free_inodes or 0.0) if found else -1.0
    told = f"{free:.0%} free on {found.mounted_on}" if found else "no such directory"
    assert seen(free, told, where=place) >= promised(LEAST_INODES, f"at least {LEAST_INODES:.0%} of the inodes free")
