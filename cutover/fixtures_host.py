"""testinfra's ``host`` in checks of one's own: it leads to the target of the check, by the way in declared for it."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from cutover.errors import NotDeclared
from cutover.inventory import Target
from cutover.probes import way_in
from cutover.probes.survey import Survey


@pytest.fixture(scope="session")
def host(pytestconfig: pytest.Config, survey: Survey, target: Target) -> Host:
    """The server as testinfra sees it: host.file, host.service, host.run …; its commands run as the check runs."""
    if survey.is_recorded(target) or pytestconfig.option.facts:
        raise NotDeclared("asks the server itself, and its facts are recorded ones")
    return way_in.host(target)
