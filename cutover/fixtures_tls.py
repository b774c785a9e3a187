"""Fixtures over several probes or several addresses: the TLS grade, and the certificates of all addresses."""

from __future__ import annotations

from typing import cast

import pytest

from cutover.errors import ProbeError
from cutover.facts.certificate import Certificate
from cutover.facts.grade import Grade, rate
from cutover.facts.http import Http
from cutover.facts.tls import Tls
from cutover.fixtures import of_peer
from cutover.inventory import Peer
from cutover.probes.survey import Survey

tls = of_peer("tls", Tls)


@pytest.fixture
def tls_grade(survey: Survey, peer: Peer, tls: Tls) -> Grade:
    """The grade of SSL Labs' guide."""
    return grade(survey, peer, tls)


def grade(survey: Survey, peer: Peer, tls: Tls) -> Grade:
    """What could not be looked at is no matter where the rest is bad enough; a good grade needs all of it."""
    missing: list[ProbeError] = []

    def seen(probe: str) -> object | None:
        try:
            return survey.facts(probe, peer)
        except ProbeError as error:
            missing.append(error)
            return None

    certificate, http = cast(Certificate | None, seen("certificate")), cast(Http | None, seen("http"))
    hsts = http.answers["/"].values("Strict-Transport-Security") if http else None
    rated = rate(tls, certificate, hsts)
    if rated.is_good and missing:
        raise missing[0]
    if rated.is_good and rated.unknown:
        raise ProbeError(f"{peer.label}: sslyze could not find out about {', '.join(rated.unknown)}", "verify again")
    return rated


@pytest.fixture
def certificates(survey: Survey, peer: Peer) -> list[Certificate]:
    """The certificate as every address shows it that shows one: the others are told by their own checks."""
    return [cast(Certificate, facts) for facts in survey.facts_of_all_peers("certificate", peer.target.label)]
