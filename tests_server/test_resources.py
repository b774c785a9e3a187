"""Section 1 and appendix A: processors, memory, disk."""

from cutover.check import control, promised, seen
from cutover.facts.resources import Resources
from cutover.inventory import Target
from cutover.policies import GB, GIB

# The kernel, the firmware and the hypervisor keep a part: a nominal 4 GB machine shows 3.7 to 3.9 GiB.
NOMINAL = 0.9


@control("1.hardware")
def test_processors(resources: Resources, target: Target) -> None:
    """gunicorn runs two workers and one more for each processor; with fewer, requests queue.

    Mend: give the machine the processors of its tier (appendix A), or declare the tier that it serves.
    """
    least = target.size.cpus
    assert seen(resources.cpus) >= promised(least, f"at least {least} for tier {target.tier}")


@control("1.hardware")
def test_memory(resources: Resources, target: Target) -> None:
    """Each worker holds the whole knowledge base; without memory the kernel ends one of them.

    Mend: give the machine the memory of its tier (appendix A), or declare the tier that it serves.
    """
    least = target.size.memory_bytes
    memory = seen(resources.memory_bytes, f"{resources.memory_bytes / GIB:.1f} GiB", where="MemTotal")
    nominal = promised(least, f"nominal {least / GIB:.0f} GB or more for tier {target.tier}")
    assert memory >= NOMINAL * nominal


@control("1.hardware")
def test_disk_has_room(resources: Resources, target: Target) -> None:
    """Logs of 30 days and backups of 30 days lie on it; a full disk stops the application.

    Mend: enlarge the file system of / or remove what does not belong there (sudo du -xh / | sort -h | tail).
    """
    least = target.size.disk_free_bytes
    free = seen(resources.disk_free_bytes, f"{resources.disk_free_bytes / GB:.1f} GB free", where="/")
    assert free >= promised(least, f"at least {least / GB:.0f} GB free for tier {target.tier}")
