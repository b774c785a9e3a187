"""Fixtures of the outside view: what was seen at one address, or put together from several probes or addresses."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cutover.errors import ProbeError
from cutover.facts.api import Api
from cutover.facts.certificate import Certificate
from cutover.facts.grade import Grade, rate
from cutover.facts.http import Http
from cutover.facts.latency import Latency
from cutover.facts.load import Load
from cutover.facts.ports import Ports
from cutover.facts.tls import Tls
from cutover.inventory import Peer
from cutover.probes.survey import Survey


def of_peer(probe: str, kind: type[object]) -> Any:  # noqa: ANN401 - pytest's own type for a fixture is private
    """A fixture that hands out what a probe of the outside view saw."""

    def facts(survey: Survey, peer: Peer) -> object:
        return survey.facts(probe, peer)

    facts.__doc__ = kind.__doc__
    return pytest.fixture(facts)


ports = of_peer("ports", Ports)
http = of_peer("http", Http)
redirect = of_peer("redirect", Http)
certificate = of_peer("certificate", Certificate)
tls = of_peer("tls", Tls)
api = of_peer("api", Api)
latency = of_peer("latency", Latency)
load = of_peer("load", Load)


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
