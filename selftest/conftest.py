"""What holds for all tests here, wherever they are started."""

import signal

import pytest
import trustme
from hypothesis import settings

# No limit of wall-clock time: on a loaded machine a slow example is no defect.
settings.register_profile("cutover", deadline=None)
settings.load_profile("cutover")

# A job in a script's background ignores Ctrl-C, and so would every run that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def authority():
    """A private CA of the module's own."""
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(authority, tmp_path_factory):
    """Its certificate, as an inventory declares it."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path
