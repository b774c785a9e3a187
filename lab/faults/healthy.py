"""No defect at all: what fails here is a false no."""

from lab.faults import fault
from lab.host import Host


@fault()
def nothing(host: Host) -> None:
    """The host as it was deployed."""
