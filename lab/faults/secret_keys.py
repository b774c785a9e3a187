"""Defects of the application's secret keys (section 3)."""

from lab.faults import fault
from lab.faults.environment import CHECK, change
from lab.host import Host


@fault(fails={"secret_key_is_no_placeholder", *CHECK})
def placeholder(host: Host) -> None:
    """The example of the documentation, a long one."""
    change(host, "s/^MKS_SECRET_KEY=.*/MKS_SECRET_KEY=your-very-own-key-goes-here-0123-please-edit-me/")


@fault(fails={"secret_key_is_long", "secret_key_looks_random", *CHECK})
def short_token_key(host: Host) -> None:
    """Typed by hand."""
    change(host, "s/^MKS_JWT_SECRET_KEY=.*/MKS_JWT_SECRET_KEY=k7Gq2x/")


@fault(fails={"secret_key_looks_random"})
def repeated_key(host: Host) -> None:
    """Made long enough by copying it."""
    change(host, "s/^MKS_SECRET_KEY=.*/MKS_SECRET_KEY=k7Gq2xVb9Lk7Gq2xVb9Lk7Gq2xVb9Lk7Gq2xVb9L/")


@fault(fails={"secret_keys_differ", *CHECK})
def one_key_for_both(host: Host) -> None:
    """Made once, pasted twice."""
    key = "f3a91c07b2e84d5590c6fe1837ab2d64f3090c5be7218a4dd6b35f7e1c80a942"
    change(host, f"s/^\\(MKS_\\(JWT_\\)\\{{0,1\\}}SECRET_KEY\\)=.*/\\1={key}/")
