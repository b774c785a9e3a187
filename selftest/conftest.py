"""No test has a limit of wall-clock time: on a loaded machine a slow example is no defect."""

from hypothesis import settings

settings.register_profile("cutover", deadline=None)
settings.load_profile("cutover")
