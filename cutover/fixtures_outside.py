"""Fixtures of the outside view: what a stranger, or the operator with a token, was answered."""

from __future__ import annotations

from typing import Any, cast

from cutover.errors import NotPromised, ProbeError
from cutover.facts.api import Api, Login
from cutover.facts.certificate import Certificate
from cutover.facts.cors import Cors
from cutover.facts.detours import Detours
from cutover.facts.dns import Dns
from cutover.facts.forgeries import Forgeries, WrongPassword
from cutover.facts.grade import Grade, rate
from cutover.facts.http import Http
from cutover.facts.latency import Latency
from cutover.facts.load import Load, Ramp
from cutover.facts.old_server import OldRecords, OldServer
from cutover.facts.ports import Ports
from cutover.facts.private_paths import PrivatePaths
from cutover.facts.tls import Tls
from cutover.fixtures import fact
from cutover.inventory import Peer, Target
from cutover.probes.survey import Survey


@fact
def cors_of_declared(cors: Cors) -> Cors:
    """What the API lets the pages of declared origins read."""
    if not cors.declared:
        raise NotPromised("server.cors_origins is not declared")
    return cors


@fact
def http_of_other_family(survey: Survey, peer: Peer) -> Http:
    """What the target's first address of the other family answered to the same requests."""
    return cast(Http, survey.facts("http", survey.of_other_family(peer, "http")))


def of_target(probe: str, kind: type[object]) -> Any:  # noqa: ANN401
    """A fixture that hands out what a probe saw that looks at a target once, at whichever address."""

    def facts(survey: Survey, target: Target) -> object:
        return survey.facts(probe, target)

    facts.__doc__ = kind.__doc__
    return fact(facts)


def of_peer(probe: str, kind: type[object]) -> Any:  # noqa: ANN401
    """A fixture that hands out what a probe of the outside view saw."""

    def facts(survey: Survey, peer: Peer) -> object:
        return survey.facts(probe, peer)

    facts.__doc__ = kind.__doc__
    return fact(facts)


dns = of_target("dns", Dns)
login = of_target("login", Login)
forgeries = of_target("forgeries", Forgeries)
wrong_password = of_target("wrong_password", WrongPassword)
old_server = of_target("old_server", OldServer)
old_records = of_target("old_records", OldRecords)
ports = of_peer("ports", Ports)
http = of_peer("http", Http)
redirect = of_peer("redirect", Http)
certificate = of_peer("certificate", Certificate)
tls = of_peer("tls", Tls)
detours = of_peer("detours", Detours)
private_paths = of_peer("private_paths", PrivatePaths)
cors = of_peer("cors", Cors)
api = of_peer("api", Api)
latency = of_peer("latency", Latency)
load = of_peer("load", Load)
load_kept = of_peer("load_kept", Load)
load_open = of_peer("load_open", Load)
load_own = of_peer("load_own", Load)
load_ramp = of_peer("load_ramp", Ramp)


@fact
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


@fact
def certificates(survey: Survey, peer: Peer) -> list[Certificate]:
    """The certificate as every address shows it that shows one: the others are told by their own checks."""
    return [cast(Certificate, facts) for facts in survey.facts_of_all_peers("certificate", peer.target.label)]
