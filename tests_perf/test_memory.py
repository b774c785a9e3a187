"""Section 13: the memory of the application's processes, as the server tells it."""

from cutover.check import control, promised, seen
from cutover.facts.application import Memory
from cutover.facts.load_memory import LoadMemory
from cutover.inventory import Target
from cutover.policies import GIB

SHARE = 0.5  # of the tier's memory; the rest is for nginx, the database, the system and its cache
MIB = 2**20
# More than this after the load, and more than this share of what was in use before, is growth. Threads that work for
# the first time, and the allocator's arenas, keep a few MiB each.
GROWTH_MIB = 32
GROWTH_SHARE = 0.1
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


@control("13.memory")
def test_application_fits_into_its_tier_under_load(load_memory: LoadMemory, target: Target) -> None:
    """Memory is needed when many ask at once: what counts is the peak of all processes, not what is left afterwards.

    Mend: lower MKS_GUNICORN_WORKERS or threads, look for what a request reads into memory, or take the next tier.
    """
    most, peak = SHARE * target.size.memory_bytes, load_memory.peak
    state = f"{peak.used_bytes / GIB:.2f} GiB, {len(peak.pss_bytes)} processes ({told(load_memory)})"
    used = seen(peak.used_bytes, state, where="PSS of the application's processes under load")
    assert used <= promised(most, f"at most {most / GIB:.1f} GiB for tier {target.tier}")


@control("13.memory")
def test_memory_is_left_under_load(load_memory: LoadMemory, target: Target) -> None:
    """What the application leaves when it is quiet may be gone when it is not: then the kernel ends a process.

    Mend: ps -eo rss,args --sort=-rss | head during load shows who holds it; fewer workers, or the next tier.
    """
    least, available = LEFT * target.size.memory_bytes, load_memory.least_available_bytes
    left = seen(available, f"{available / GIB:.2f} GiB", where="MemAvailable under load, the least")
    assert left >= promised(least, f"at least {least / GIB:.1f} GiB for tier {target.tier}")


@control("13.memory")
def test_memory_comes_back_after_load(load_memory: LoadMemory) -> None:
    """What some hundred requests leave behind, some ten thousand leave a hundredfold. Growth cannot be judged where
    gunicorn has replaced a worker meanwhile: that is an error, to be verified again, and never passed.

    Mend: what does each request keep: caches without a bound, global lists, unclosed files; max_requests only hides it
    """
    most = max(GROWTH_MIB * MIB, GROWTH_SHARE * load_memory.before.used_bytes)
    grown = load_memory.grown_bytes
    state = f"{grown / MIB:+.1f} MiB ({told(load_memory)})"
    given = seen(grown, state, where="PSS of the application's processes, after the load against before")
    assert given <= promised(most, f"at most {most / MIB:.0f} MiB more than before")


def told(memory: LoadMemory) -> str:
    """The three moments."""
    moments = {"before": memory.before, "peak": memory.peak, "after": memory.after}
    return ", ".join(f"{name} {moment.used_bytes / MIB:.0f}" for name, moment in moments.items()) + " MiB"
