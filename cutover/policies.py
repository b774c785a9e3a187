"""Promises that come as a set: what a tier asks of the hardware, what each policy asks of the headers."""

from __future__ import annotations

from typing import Literal, NamedTuple

GB = 10**9  # bytes; the checklist and the makers of disks count in powers of ten
GIB = 2**30  # bytes; memory comes in powers of two


class Size(NamedTuple):
    """What a tier asks of the hardware (the checklist's appendix A)."""

    cpus: int
    memory_bytes: int
    disk_free_bytes: int


TIERS = {
    "small": Size(cpus=2, memory_bytes=4 * GIB, disk_free_bytes=20 * GB),
    "medium": Size(cpus=4, memory_bytes=8 * GIB, disk_free_bytes=50 * GB),
    "large": Size(cpus=8, memory_bytes=16 * GIB, disk_free_bytes=100 * GB),
}

HeaderPolicy = Literal["checklist", "owasp"]
ABSENT = "absent"

# By header, the values that keep the promise, the first of them to be recommended. The two policies disagree on
# X-XSS-Protection: the checklist wants a filter on that no browser has any more, OWASP wants it off.
HEADERS: dict[HeaderPolicy, dict[str, tuple[str, ...]]] = {
    # The nginx template of the checklist's section 7.
    "checklist": {
        "X-Frame-Options": ("SAMEORIGIN",),
        "X-Content-Type-Options": ("nosniff",),
        "X-XSS-Protection": ("1; mode=block",),
        "Referrer-Policy": ("strict-origin-when-cross-origin",),
    },
    # The OWASP Secure Headers Project's recommendations, and those of its REST Security Cheat Sheet.
    "owasp": {
        "X-Frame-Options": ("DENY", "deny", "SAMEORIGIN"),
        "X-Content-Type-Options": ("nosniff",),
        "X-XSS-Protection": ("0", ABSENT),
        "Referrer-Policy": ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"),
    },
}
