"""Section 13: the memory of the application's processes, as the server tells it."""

from cutover.check import control, promised, seen
from cutover.facts.application import Memory
from cutover.inventory import Target
from cutover.policies import GIB

SHARE = 0.5  # of the tier's memory; the rest is for nginx, the database, the system and its cache
LEFT = 0.1  # of the tier's memory; below it the kernel begins to throw out what is needed


@control("13.memory")
def test_application_fits_into_its_tier(memory: Memory, target: Target) -> None:
    """`status` tells the master alone, the smallest part: here all processes count, shared pages once.

    Mend: lower MKS_GUNICORN_WORKERS, restart to see whether it grows again, or take the next tier (appendix A).
    """
    most = SHARE * target.size.memory_bytes
    used = seen(memory.used_bytes, f"{memory.used_bytes / GIB:.2f} GiB", where="PSS of master and workers")
    assert used <= promised(most, f"at most {most / GIB:.1f} GiB for tier {target.tier}")


@control("13.memory")
def test_memory_is_left(memory: Memory, target: Target) -> None:
    """Without room the kernel ends the largest process, which is a worker or the database.

    Mend: ps -eo rss,args --sort=-rss | head shows who holds it; stop that, or take the next tier (appendix A).
    """
    least = LEFT * target.size.memory_bytes
    left = seen(memory.available_bytes, f"{memory.available_bytes / GIB:.2f} GiB", where="MemAvailable")
    assert left >= promised(least, f"at least {least / GIB:.1f} GiB for tier {target.tier}")
