"""What holds for all tests here, wherever they are started."""

import signal

from hypothesis import settings

# No limit of wall-clock time: on a loaded machine a slow example is no defect.
settings.register_profile("cutover", deadline=None)
settings.load_profile("cutover")

# A job in a script's background ignores Ctrl-C, and so would every run that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
