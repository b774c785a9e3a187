"""Section 4: the application's checkout."""

from cutover.check import control, promised, seen
from cutover.facts.checkout import Checkout, repository
from cutover.inventory import Server

NONE = "no git checkout"


@control("4.repository")
def test_checkout_is_of_the_declared_remote(checkout: Checkout, declared_remote: str, promises: Server) -> None:
    """From another repository, a fork say, the next update brings another application.

    Mend: sudo git -C /opt/mirai-knowledge-systems remote set-url origin URL, then fetch and check out the release.
    """
    remote = seen(repository(checkout.remote) or NONE, where=promises.checkout)
    assert remote == promised(repository(declared_remote))


@control("4.repository")
def test_checkout_is_at_the_declared_commit(checkout: Checkout, declared_commit: str, promises: Server) -> None:
    """What was tried and released is a commit, and a pull that was forgotten or went too far is another.

    Mend: sudo git -C /opt/mirai-knowledge-systems checkout COMMIT, then restart the service.
    """
    commit = seen(checkout.commit, checkout.commit or NONE, where=promises.checkout)
    assert commit.startswith(promised(declared_commit))


@control("4.repository")
def test_checkout_is_unchanged(checkout: Checkout, promises: Server) -> None:
    """A file that was edited on the host is in no release and is lost or in the way at the next update.

    Mend: sudo git -C /opt/mirai-knowledge-systems diff; keep what is needed upstream, then git checkout -- FILE.
    """
    changed = seen(checkout.changed if checkout.commit else (NONE,), where=promises.checkout)
    assert changed == promised((), "no tracked file differs from its commit")
