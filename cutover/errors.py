"""The three ways in which something can be wrong that are not a failed check."""


class UsageError(Exception):
    """What the person asked for cannot be done as asked: one line, told at once, exit status 4."""


class ProbeError(Exception):
    """A probe could not look: the verdict of every check that needs its facts is ``error``.

    ``cause`` is one sentence and the same for all that suffer from it, so that reports tell it once.
    ``advice`` is what to do about it.
    """

    def __init__(self, cause: str, advice: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.advice = advice


class Unreachable(ProbeError):
    """Nothing at an address answered at all: whatever else failed there failed for this reason."""


class NotDeclared(Exception):
    """The inventory does not declare the way in or the promise a check needs: ``not reviewed``."""


class NotPromised(NotDeclared):
    """Nobody asks for it: a promise that may be left out, or one of the other phase. No control waits for it."""
