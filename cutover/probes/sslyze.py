"""sslyze, run as a program (its licence is the AGPL: it is never imported), and its JSON read strictly.

It opens some 600 connections, five at a time. The address is pinned, and the program gets an environment of
its own, so that nothing the operator has set changes what it sees. It takes as long to start as to scan: it reads
its target from a pipe, and may be started before that target is to be touched.
"""

from __future__ import annotations

import os
import site
import sys
import threading
from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cutover.errors import ProbeError
from cutover.facts.certificate import Key
from cutover.facts.tls import VERSIONS, Scan, Suite
from cutover.inventory import Peer
from cutover.probes.process import Cut, run_bounded
from cutover.redact import redact

SUITES = ("--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3")
FLAWS = ("--heartbleed", "--openssl_ccs", "--robot", "--compression", "--reneg")
FACTS = ("--certinfo", "--elliptic_curves", "--early_data", "--fallback", "--ems", "--resum")
SCAN_SECONDS = 120.0  # a hang guard; a scan takes 1 s next door and 40 s at 100 ms round trip
SCAN_BYTES = 8 * 2**20  # printed; a scan prints 200 kB, and the certificates of a stranger several times

T = TypeVar("T")
Word = Annotated[str, Field(pattern=r"^[\w.-]{1,80}$")]
Count = Annotated[int, Field(ge=0, le=1_000_000)]

# Each scan keeps one processor busy.
_AT_ONCE = threading.BoundedSemaphore(os.cpu_count() or 1)


class _Told(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", defer_build=True)


class _CipherSuite(_Told):
    name: Word
    key_size: Count


class _EphemeralKey(_Told):
    type_name: Word
    size: Count


class _Accepted(_Told):
    cipher_suite: _CipherSuite
    ephemeral_key: _EphemeralKey | None


class _Rejected(_Told):
    error_message: str


class _Suites(_Told):
    accepted_cipher_suites: list[_Accepted]
    rejected_cipher_suites: list[_Rejected]


class _PublicKey(_Told):
    algorithm: Word
    key_size: Count | None


class _Certificate(_Told):
    public_key: _PublicKey


class _Ocsp(_Told):
    certificate_status: Word | None


class _Deployment(_Told):
    received_certificate_chain: Annotated[list[_Certificate], Field(min_length=1)]
    ocsp_response: _Ocsp | None


class _Certificates(_Told):
    certificate_deployments: list[_Deployment]


class _Curve(_Told):
    name: Word


class _Curves(_Told):
    supported_curves: list[_Curve] | None


class _Answers(_Told):
    """What the commands of few words tell: each some of these."""

    is_vulnerable_to_heartbleed: bool | None = None
    is_vulnerable_to_ccs_injection: bool | None = None
    robot_result: Word | None = None
    supports_compression: bool | None = None
    supports_secure_renegotiation: bool | None = None
    is_vulnerable_to_client_renegotiation_dos: bool | None = None
    supports_early_data: bool | None = None
    supports_fallback_scsv: bool | None = None
    supports_ems_extension: bool | None = None
    session_id_resumption_result: Word | None = None
    tls_ticket_resumption_result: Word | None = None


class _Attempt(_Told, Generic[T]):
    error_trace: str | None
    result: T | None


class _Result(_Told):
    ssl_2_0_cipher_suites: _Attempt[_Suites]
    ssl_3_0_cipher_suites: _Attempt[_Suites]
    tls_1_0_cipher_suites: _Attempt[_Suites]
    tls_1_1_cipher_suites: _Attempt[_Suites]
    tls_1_2_cipher_suites: _Attempt[_Suites]
    tls_1_3_cipher_suites: _Attempt[_Suites]
    certificate_info: _Attempt[_Certificates]
    elliptic_curves: _Attempt[_Curves]
    heartbleed: _Attempt[_Answers]
    openssl_ccs_injection: _Attempt[_Answers]
    robot: _Attempt[_Answers]
    tls_compression: _Attempt[_Answers]
    session_renegotiation: _Attempt[_Answers]
    tls_1_3_early_data: _Attempt[_Answers]
    tls_fallback_scsv: _Attempt[_Answers]
    tls_extended_master_secret: _Attempt[_Answers]
    session_resumption: _Attempt[_Answers]


class _Server(_Told):
    connectivity_error_trace: str | None
    scan_result: _Result | None


class _Document(_Told):
    sslyze_version: Word
    server_scan_results: Annotated[list[_Server], Field(min_length=1, max_length=1)]


def scan(peer: Peer, begin: Callable[[], T]) -> tuple[T, Scan]:
    """Run one scan of the peer, which ``begin`` comes before: what both returned.

    The program starts while ``begin`` goes on; where all of its kind are busy, it starts afterwards, so that a peer
    that has us wait is not waited for by others. Raises what ``begin`` raises; ProbeError when the program cannot be
    run to its end or tells no whole story.
    """
    if _AT_ONCE.acquire(blocking=False):
        try:
            return _scan(peer, begin)
        finally:
            _AT_ONCE.release()
    begun = begin()
    with _AT_ONCE:
        return _scan(peer, lambda: begun)


def _scan(peer: Peer, begin: Callable[[], T]) -> tuple[T, Scan]:
    address = f"[{peer.address}]" if peer.family == "ipv6" else peer.address
    server = f"{peer.target.host}:{peer.target.ports.https}{{{address}}}"
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONUSERBASE": site.getuserbase(),
        "OPENSSL_CONF": os.devnull,
    }
    begun: list[T] = []
    its, ours = os.pipe()
    with open(its, "rb"), open(ours, "wb") as line:

        def aim() -> None:
            begun.append(begin())
            line.write(server.encode())
            line.close()
            _Document.model_rebuild()  # while the program has all the work

        # Without the current folder, in which a file might be called sslyze.
        argv = [sys.executable, "-P", "-W", "ignore", "-m", "sslyze", "--json_out=-", *SUITES, *FLAWS, *FACTS]
        argv.append(f"--targets_in=/dev/fd/{its}")
        try:
            done = run_bounded(
                argv, seconds=SCAN_SECONDS, bytes_=SCAN_BYTES, environment=environment, pass_fds=(its,), begun=aim
            )
        except Cut as error:
            reason = error.cause.partition(": ")[2]
            raise ProbeError(f"{peer.label}: sslyze {reason}", "verify again; look at nginx's error log") from None
    if done.rc != 0:
        words = redact(done.stderr.decode("utf-8", "replace")).strip().rpartition("\n")[2]
        raise ProbeError(f"{peer.label}: sslyze ended with status {done.rc}: {words[:200]}", "pip install sslyze")
    return begun[0], read(done.stdout, peer.label)


def read(document: bytes, label: str) -> Scan:
    """A scan from sslyze's JSON; ProbeError for whatever is not one, or leaves a version half looked at."""
    try:
        told = _Document.model_validate_json(document)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise ProbeError(f"{label}: sslyze answered in an unknown form at {redact(place)[:100] or 'its top'}") from None
    (server,) = told.server_scan_results
    if server.scan_result is None:
        raise ProbeError(f"{label}: sslyze could not connect: {_last(server.connectivity_error_trace)}")
    found = server.scan_result
    attempts = (
        found.ssl_2_0_cipher_suites,
        found.ssl_3_0_cipher_suites,
        found.tls_1_0_cipher_suites,
        found.tls_1_1_cipher_suites,
        found.tls_1_2_cipher_suites,
        found.tls_1_3_cipher_suites,
    )
    certificates, curves = found.certificate_info.result, found.elliptic_curves.result
    deployments = certificates.certificate_deployments if certificates else []
    renegotiation, resumption = _answers(found.session_renegotiation), _answers(found.session_resumption)
    return Scan(
        program=f"sslyze {told.sslyze_version}",
        suites={version: _suites(version, attempt, label) for version, attempt in zip(VERSIONS, attempts, strict=True)},
        keys=tuple(_key(deployment.received_certificate_chain[0].public_key) for deployment in deployments),
        curves=tuple(curve.name for curve in (curves.supported_curves if curves else None) or ()),
        heartbleed=_answers(found.heartbleed).is_vulnerable_to_heartbleed,
        ccs_injection=_answers(found.openssl_ccs_injection).is_vulnerable_to_ccs_injection,
        robot=_robot(_answers(found.robot).robot_result),
        compression=_answers(found.tls_compression).supports_compression,
        client_renegotiation=renegotiation.is_vulnerable_to_client_renegotiation_dos,
        early_data=_answers(found.tls_1_3_early_data).supports_early_data,
        secure_renegotiation=renegotiation.supports_secure_renegotiation,
        fallback_scsv=_answers(found.tls_fallback_scsv).supports_fallback_scsv,
        extended_master_secret=_answers(found.tls_extended_master_secret).supports_ems_extension,
        tickets=_resumed(resumption.tls_ticket_resumption_result),
        session_ids=_resumed(resumption.session_id_resumption_result),
        stapled=tuple(
            deployment.ocsp_response.certificate_status or "no status"
            for deployment in deployments
            if deployment.ocsp_response
        ),
    )


def _answers(attempt: _Attempt[_Answers]) -> _Answers:
    return attempt.result or _Answers()


def _suites(version: str, attempt: _Attempt[_Suites], label: str) -> tuple[Suite, ...]:
    if attempt.result is None:
        raise ProbeError(f"{label}: sslyze could not find out about {version}: {_last(attempt.error_trace)}")
    accepted, rejected = attempt.result.accepted_cipher_suites, attempt.result.rejected_cipher_suites
    unanswered = sum("timed out" in rejection.error_message for rejection in rejected)
    # Some servers answer nothing at all in a version they do not speak; silence now and then is a lost handshake.
    if unanswered and (accepted or unanswered < len(rejected)):
        count = f"{unanswered} of {len(accepted) + len(rejected)}"
        raise ProbeError(f"{label}: {count} handshakes of {version} were not answered", "verify again")
    return tuple(
        Suite(
            name=one.cipher_suite.name,
            bits=one.cipher_suite.key_size,
            exchange=_ephemeral(one.ephemeral_key),
        )
        for one in accepted
    )


def _ephemeral(key: _EphemeralKey | None) -> Key | None:
    return Key("EC" if key.type_name == "ECDH" else key.type_name, key.size) if key else None


def _key(key: _PublicKey) -> Key:
    kind = key.algorithm.removesuffix("PublicKey").replace("EllipticCurve", "EC")
    return Key(kind, key.key_size or {"Ed25519": 256, "Ed448": 448}.get(kind, 0))


def _robot(result: str | None) -> bool | None:
    known = {"NOT_VULNERABLE_NO_ORACLE": False, "NOT_VULNERABLE_RSA_NOT_SUPPORTED": False}
    known |= {"VULNERABLE_WEAK_ORACLE": True, "VULNERABLE_STRONG_ORACLE": True}
    return known.get(result or "")


def _resumed(result: str | None) -> bool | None:
    known = {"FULLY_SUPPORTED": True, "PARTIALLY_SUPPORTED": False, "NOT_SUPPORTED": False}
    return known.get(result or "")


def _last(trace: str | None) -> str:
    """The last line of a traceback."""
    return " ".join(redact((trace or "").strip().rpartition("\n")[2]).split())[:200] or "it gave no reason"
